//! What the logs say, and what the requests say.

use std::collections::BTreeMap;

use crate::{
    evidence::{Fold, gateway_line, topology::Peer},
    observation::{Origin, SourceId, UnitName, Wall},
};

use super::{
    Measured,
    sight::{Sight, Tally},
};

/// Lines of one log.
const LINES: usize = 6;
/// Seconds without a failure after which requests are taken to succeed.
const QUIET: i64 = 30;

fn recent<'a>(sight: &'a Sight<'_>) -> Vec<&'a Fold> {
    let window = sight.diagnosis.incident.window;
    let all = sight.case.logs.folds.values().filter(|fold| fold.last >= window);
    let mut all: Vec<&Fold> = all.collect();
    all.sort_by_key(|fold| std::cmp::Reverse((fold.count, fold.last)));
    all
}

fn said(fold: &Fold) -> String {
    let line = gateway_line::parse(fold.program, fold.sample.raw());
    let message = line.map(|line| line.message.to_string());
    message.unwrap_or_else(|| fold.sample.to_string())
}

pub(super) fn gateway(sight: &Sight<'_>) -> Measured {
    let mut tally = Tally::default();
    for fold in recent(sight).into_iter().filter(|fold| fold.program.is_gateway()) {
        let text = format!("{} times, the last at {}: {}", fold.count, fold.last, said(fold));
        if fold.signature.is_failure() { tally.bad(text) } else { tally.note(text) }
    }
    if let Some(blind) = sight.blind(SourceId::Logs) {
        tally.unknown(blind);
    } else if tally.is_empty() && sight.case.heard.contains_key(&SourceId::Logs) {
        tally.good("no failure is logged in this incident's time");
    }
    let logs = sight.case.configs.values().flat_map(|config| &config.logs);
    let path = logs.map(|log| log.path.to_string()).find(|path| path.contains("error"));
    let path = path.unwrap_or_else(|| "/var/log/nginx/error.log".to_owned());
    tally.command(&["tail", "-n", "100", &path]);
    tally.measured("no log of a gateway has been read yet")
}

/// The last words of what stands behind. They are shown, not judged, but for those that are known
/// to mean trouble.
pub(super) fn backend(sight: &Sight<'_>) -> Measured {
    let mut tally = Tally::default();
    let units: Vec<&UnitName> = sight.units().iter().map(|unit| &unit.name).collect();
    let peers = sight.chains.iter().flat_map(|chain| &chain.peers);
    let containers: Vec<_> = peers.filter_map(Peer::responsible_container).collect();
    let programs = sight.programs();
    let ours = |origin: &Origin| match origin {
        Origin::File(path) => programs.iter().any(|program| program.logs.contains(path)),
        Origin::Journal(unit) => units.contains(&unit),
        Origin::ContainerLog(id) | Origin::Docker(id) => containers.iter().any(|c| c.id == *id),
        _ => false,
    };
    let known = recent(sight);
    for fold in known.iter().filter(|f| !f.program.is_gateway() && ours(&f.origin)) {
        tally.bad(format!("{} times, the last at {}: {}", fold.count, fold.last, said(fold)));
    }
    for (_, lines) in sight.case.logs.tails.iter().filter(|(origin, _)| ours(origin)) {
        for line in lines.iter().rev().take(LINES) {
            tally.note(format!("{} {}", line.at, line.text));
        }
    }
    if let Some(blind) = sight.blind(SourceId::Journal) {
        tally.unknown(blind);
    } else if !tally.has_bad() && (!units.is_empty() || !containers.is_empty()) {
        tally.good("nothing in it is known to mean trouble");
    }
    let log = programs.iter().find_map(|program| program.logs.first());
    match (units.first(), containers.first()) {
        _ if log.is_some() => {
            let path = log.map(ToString::to_string).unwrap_or_default();
            tally.command(&["tail", "-n", "100", &path]);
        }
        (Some(unit), _) => {
            tally.command(&["journalctl", "-u", unit.as_str(), "-n", "100", "--no-pager"]);
        }
        (None, Some(container)) => {
            tally.command(&["docker", "logs", "--tail", "100", &container.name.to_string()]);
        }
        (None, None) => tally.command(&["journalctl", "-p", "warning", "-n", "100", "--no-pager"]),
    }
    tally.measured("no unit or container stands behind the upstreams here")
}

pub(super) fn requests(sight: &Sight<'_>) -> Measured {
    let mut tally = Tally::default();
    let now = sight.case.now.wall;
    let since = now.minus_secs(QUIET);
    let (all, failed) = sight.case.access.totals(None, since);
    if failed > 0 {
        tally.bad(format!("{failed} of {all} requests failed in the last {QUIET} s"));
    } else if all > 0 {
        tally.good(format!("{all} requests in the last {QUIET} s, none failed"));
    } else {
        let last = sight.diagnosis.incident.last;
        match last.filter(|at| *at >= since) {
            Some(at) => tally.bad(format!("the last failure was logged at {at}")),
            None => down(sight, &mut tally, last),
        }
    }
    tally.command(&["tail", "-n", "50", "/var/log/nginx/access.log"]);
    tally.measured("no request was seen")
}

/// Without traffic the state of the chain decides, and that is said.
fn down(sight: &Sight<'_>, tally: &mut Tally, last: Option<Wall>) {
    let rows = &sight.diagnosis.upstreams;
    let down: Vec<_> = rows.iter().filter(|row| row.state == "down").collect();
    for row in &down {
        tally.bad(format!("{}: {}", row.address, row.reason));
    }
    let told = last.map(|at| format!(", the last failure was at {at}")).unwrap_or_default();
    let text = format!("no request in the last {QUIET} s{told}");
    if down.is_empty() && rows.iter().any(|row| row.state == "up") {
        tally.good(format!("{text}; every upstream takes connections"));
    } else {
        tally.unknown(text);
    }
}

pub(super) fn whose(sight: &Sight<'_>) -> Measured {
    let mut tally = Tally::default();
    let since = sight.diagnosis.incident.window;
    let mut own = 0_u32;
    let mut passed: BTreeMap<u16, u32> = BTreeMap::new();
    let failed = sight.case.access.entries.iter().filter(|e| e.status >= 500 && e.at >= since);
    for entry in failed {
        let theirs = entry.upstream_status.as_ref().map(|s| s.raw().trim().to_owned());
        let logged = sight
            .case
            .logs
            .folds
            .values()
            .any(|f| f.program.is_gateway() && f.signature.is_failure() && f.last >= since);
        if theirs.as_deref() == Some(entry.status.to_string().as_str()) && !logged {
            *passed.entry(entry.status).or_default() += 1;
        } else {
            own += 1;
        }
    }
    if own > 0 {
        tally.note(format!("{own} errors were made by the gateway itself"));
    }
    for (status, n) in &passed {
        tally.bad(format!("{n} times the service behind answered {status}, and it was passed on"));
    }
    if own > 0 && passed.is_empty() {
        tally.good("no error came from behind: the gateway made them, because it got no answer");
    }
    tally.command(&["tail", "-n", "50", "/var/log/nginx/access.log"]);
    tally.measured("no failed request was seen in an access log")
}

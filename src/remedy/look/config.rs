//! What the gateway's configuration says, and whether it is in force.

use crate::observation::{ProblemKind, Protocol, SourceId};

use super::{
    Measured,
    sight::{Sight, Tally},
};

/// Seconds by which the clocks of files and processes may differ.
const SLACK: i64 = 2;

pub(super) fn timeouts(sight: &Sight<'_>) -> Measured {
    let mut tally = Tally::default();
    let about = sight.about.map(|about| about.cause).unwrap_or_default();
    for chain in &sight.chains {
        let set = |s: &crate::observation::Setting<u64>| {
            let place = s.place.as_ref().map_or_else(|| "default".to_owned(), ToString::to_string);
            format!("{} s ({place})", s.value / 1_000)
        };
        let own = &chain.upstream.timeouts;
        let (connect, read) = (set(&own.connect), set(&own.read));
        let text = format!("{}: connect {connect}, read {read}", chain.upstream.written);
        let short = own.connect.value < 1_000 || own.read.value < 1_000;
        if about == "proxy-read-timeout" || short { tally.bad(text) } else { tally.good(text) }
    }
    tally.note("nginx's own limits give 504; longer ones cure no 502");
    tally.command_of(sight.shows_config());
    tally.measured("the configuration passes nothing on")
}

/// Directives of a protocol's module.
const fn family(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Fastcgi => "fastcgi",
        Protocol::Uwsgi => "uwsgi",
        Protocol::Scgi => "scgi",
        Protocol::Grpc | Protocol::Grpcs => "grpc",
        _ => "proxy",
    }
}

pub(super) fn buffers(sight: &Sight<'_>) -> Measured {
    let mut tally = Tally::default();
    let folds = sight.case.logs.folds.values();
    let window = sight.diagnosis.incident.window;
    let big =
        folds.filter(|f| f.last >= window && f.signature.as_str() == "response-header-too-big");
    let big: Vec<_> = big.filter_map(|f| f.address.clone()).collect();
    for chain in &sight.chains {
        let room = &chain.upstream.header_buffer;
        let place = room.place.as_ref().map_or_else(|| "default".to_owned(), ToString::to_string);
        let family = family(chain.upstream.protocol);
        let text = format!(
            "{}: {family}_buffer_size {} KiB ({place})",
            chain.upstream.written,
            room.value / 1_024
        );
        let over = big.iter().any(|address| chain.has_address(address));
        if over { tally.bad(format!("{text}: too small")) } else { tally.good(text) }
    }
    tally.command_of(sight.shows_config());
    tally.measured("the configuration passes nothing on")
}

pub(super) fn valid(sight: &Sight<'_>) -> Measured {
    let mut tally = Tally::default();
    for config in sight.case.configs.values() {
        let mut broken = false;
        for problem in &config.problems {
            let text = format!("{}: {}", problem.place, problem.what);
            if matches!(problem.kind, ProblemKind::Syntax | ProblemKind::Missing) {
                broken = true;
                tally.bad(text);
            } else {
                tally.note(text);
            }
        }
        if !broken {
            tally.good(format!("{} files were read without a mistake", config.files.len()));
        }
    }
    if let Some(finding) =
        sight.diagnosis.findings.iter().find(|f| f.cause == "proxy-config-invalid")
    {
        tally.bad(finding.summary.clone());
    }
    if let Some(blind) = sight.blind(SourceId::Gateways) {
        tally.unknown(blind);
    }
    tally.command_of(sight.tests_config());
    tally.measured("no configuration was found")
}

pub(super) fn loaded(sight: &Sight<'_>) -> Measured {
    let mut tally = Tally::default();
    for gateway in sight.case.gateways.values() {
        let modified = sight.case.configs.get(&gateway.id).and_then(|config| config.modified);
        match (modified, gateway.loaded) {
            (Some(file), Some(loaded)) => {
                let text = format!("{}: changed at {file}, loaded at {loaded}", gateway.config);
                // The start of a process is known to a tick of its own clock only.
                tally.judge(file.minus_secs(SLACK) <= loaded, text);
            }
            _ => tally.unknown(format!("{}: its age cannot be told", gateway.config)),
        }
    }
    tally.command_of(sight.shows_config());
    tally.measured("no gateway was found on this host")
}

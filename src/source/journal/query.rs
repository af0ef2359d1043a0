//! How journalctl is asked.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::record::{self, Entry, Record, SUPPRESSED};
use crate::{
    host::{
        clock, proc,
        run::{self, Limits, LineStream, RootOwnedExe, RunError},
    },
    observation::{Address, Origin, UnitName},
    source::claims::address_in_log,
};

/// Longest record that is read, in bytes.
pub(super) const LINE_LIMIT: usize = 1024 * 1024;

/// Bounds of one look into the past.
const LIMITS: Limits = Limits { deadline: Duration::from_millis(700), max_output: 4 * LINE_LIMIT };

const FIELDS: &str = "--output-fields=MESSAGE,MESSAGE_ID,PRIORITY,_SYSTEMD_UNIT,UNIT,_PID,\
    SYSLOG_IDENTIFIER,EXIT_CODE,EXIT_STATUS,UNIT_RESULT,N_RESTARTS,_COMM,_TRANSPORT";

/// What a look into the past gave.
#[derive(Debug, Default)]
pub(super) struct Past {
    /// In the order of the journal.
    pub entries: Vec<Entry>,
    /// Bytes or records were left out.
    pub cut: bool,
    /// Why not everything can be seen, in journalctl's words.
    pub hint: Option<String>,
}

/// From where to read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Start<'a> {
    /// So many seconds before now, and at most so many entries.
    Ago(u32, u32),
    /// This run of systemd, and at most so many entries.
    Boot(u32),
    /// After an entry.
    After(&'a str),
}

/// Matches for what systemd says about units: only process 1 is believed.
fn about(units: &BTreeSet<UnitName>) -> Vec<String> {
    let mut args = Vec::new();
    for unit in units {
        args.extend([format!("UNIT={unit}"), "_PID=1".to_owned(), "+".to_owned()]);
    }
    args.push(format!("MESSAGE_ID={SUPPRESSED}"));
    args
}

/// Matches for what the units say themselves.
fn own(units: &BTreeSet<UnitName>) -> Vec<String> {
    let mut args = Vec::new();
    for unit in units {
        args.extend([format!("_SYSTEMD_UNIT={unit}"), "+".to_owned()]);
    }
    args.pop();
    args
}

fn arguments(from: Start<'_>, matches: Vec<String>) -> Vec<String> {
    let mut args: Vec<String> =
        ["-o", "json", "--all", "--no-pager", FIELDS].map(str::to_owned).to_vec();
    match from {
        Start::Ago(seconds, entries) => {
            args.extend([format!("--since=-{seconds}s"), format!("--lines={entries}")]);
        }
        Start::Boot(entries) => {
            args.extend(["--boot".to_owned(), format!("--lines={entries}")]);
            // A container shares the boot of its host, and is started many times in it.
            args.extend(systemd_age().map(|seconds| format!("--since=-{seconds}s")));
        }
        Start::After(cursor) => args.extend([format!("--after-cursor={cursor}")]),
    }
    args.extend(matches);
    args
}

/// Seconds since process 1 started, rounded up.
fn systemd_age() -> Option<u64> {
    let started = proc::stat(1).ok()?.start_ticks / proc::TICKS_PER_SECOND;
    Some((clock::now().boot.0 / 1_000_000).checked_sub(started)? + 1)
}

async fn ask(program: &RootOwnedExe, args: &[String]) -> Result<Past, RunError> {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let output = run::run(program, &args, LIMITS).await?;
    let lines = output.stdout.split(|b| *b == b'\n').filter(|line| !line.is_empty());
    let entries = lines.filter_map(record::parse).collect();
    Ok(Past { entries, cut: output.truncated, hint: hint(&output.stderr, output.status.success()) })
}

/// What systemd and the units wrote lately, oldest first. A talkative unit does not push out
/// what systemd says about the others: the two are asked for separately.
pub(super) async fn past(
    program: &RootOwnedExe,
    units: &BTreeSet<UnitName>,
) -> Result<Past, RunError> {
    let systemd = arguments(Start::Boot(200), about(units));
    let programs = arguments(Start::Ago(900, 200), own(units));
    let (systemd, programs) = tokio::join!(ask(program, &systemd), ask(program, &programs));
    let (systemd, mut both) = (systemd?, programs?);
    both.entries.extend(systemd.entries);
    both.entries.sort_by_key(|entry| entry.at);
    both.cut |= systemd.cut;
    both.hint = both.hint.or(systemd.hint);
    Ok(both)
}

/// Everything after an entry, oldest first.
pub(super) async fn after(
    program: &RootOwnedExe,
    units: &BTreeSet<UnitName>,
    cursor: &str,
) -> Result<Past, RunError> {
    let mut matches = own(units);
    matches.push("+".to_owned());
    matches.extend(about(units));
    ask(program, &arguments(Start::After(cursor), matches)).await
}

/// The live stream.
pub(super) fn follow(
    program: &RootOwnedExe,
    units: &BTreeSet<UnitName>,
    newest: Option<&str>,
) -> Result<LineStream, RunError> {
    let mut matches = own(units);
    matches.push("+".to_owned());
    matches.extend(about(units));
    let from = newest.map_or(Start::Ago(2, 100), Start::After);
    let mut args = arguments(from, matches);
    args.insert(0, "--follow".to_owned());
    if newest.is_some() {
        args.insert(1, "--no-tail".to_owned());
    }
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    run::stream(program, &args, LINE_LIMIT)
}

/// Why journalctl says that it does not show everything.
pub(in crate::source) fn hint(stderr: &[u8], success: bool) -> Option<String> {
    let text = String::from_utf8_lossy(stderr);
    let telling = |line: &&str| {
        ["insufficient permissions", "not seeing messages", "No journal files were found"]
            .iter()
            .any(|known| line.contains(known))
    };
    let line = text.lines().find(telling).map(|line| line.trim_start_matches("Hint: ").to_owned());
    line.or_else(|| {
        let first = text.lines().next().unwrap_or("journalctl failed without a word");
        (!success).then(|| first.to_owned())
    })
}

/// Addresses that units announced in their own logs within the last day, the newest of each.
pub async fn announced(units: &BTreeSet<UnitName>) -> BTreeMap<UnitName, Address> {
    let mut found = BTreeMap::new();
    let Some(program) = run::find("journalctl").filter(|_| !units.is_empty()) else { return found };
    let args = arguments(Start::Ago(86_400, 400), own(units));
    for entry in ask(&program, &args).await.unwrap_or_default().entries {
        if let Record::Line(line) = entry.record
            && let Origin::Journal(unit) = line.origin
            && let Some(address) = address_in_log(line.text.raw())
        {
            found.insert(unit, address);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units() -> BTreeSet<UnitName> {
        ["a.service", "b.service"].map(|name| UnitName::new(name).unwrap()).into()
    }

    #[test]
    fn units_are_matched_exactly_and_systemd_only_as_process_1() {
        assert_eq!(own(&units()), ["_SYSTEMD_UNIT=a.service", "+", "_SYSTEMD_UNIT=b.service"]);
        let systemd = about(&units());
        assert_eq!(systemd[..3], ["UNIT=a.service", "_PID=1", "+"]);
        assert!(systemd.last().unwrap().starts_with("MESSAGE_ID="));
    }

    #[test]
    fn what_journalctl_hides_is_told_in_its_own_words() {
        let partly =
            b"Hint: You are currently not seeing messages from other users and the system.\n";
        assert!(hint(partly, true).unwrap().starts_with("You are currently not seeing"));
        let nothing = b"No journal files were opened due to insufficient permissions.\n";
        assert!(hint(nothing, false).is_some());
        assert_eq!(hint(b"", true), None);
        assert_eq!(
            hint(b"Failed to seek to cursor\n", false).as_deref(),
            Some("Failed to seek to cursor")
        );
    }
}

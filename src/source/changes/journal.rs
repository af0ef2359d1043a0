//! What the journal tells of changes: who ran what as another user, starts and ends of units,
//! jobs of cron, clocks that were set, starts of the host.

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Map, Value};

use crate::{
    host::run::{self, Limits, RootOwnedExe},
    observation::{Text, UnitName, Wall},
    source::sweep::Blindness,
};

/// Bounds of one question.
const LIMITS: Limits = Limits { deadline: Duration::from_millis(700), max_output: 2 * 1024 * 1024 };
/// How far back it is asked.
const DAYS: &str = "--since=-7d";
/// Units asked about at most.
const UNITS: usize = 64;

// sd-messages.h
const STARTED: &str = "39f53479d3a045ac8e11786248231fbf";
const STOPPED: &str = "9d1aaa27d60140bd96365438aad20286";
const RELOADED: &str = "7b05ebc668384222baa8881179cfda54";
const TIME_CHANGE: &str = "c7a787079b354eaaa9e77b371893cd27";
const BOOTED: &str = "b07a249cd024414a82dd00cd181378ff";

const FIELDS: &str = "--output-fields=MESSAGE,MESSAGE_ID,UNIT,_PID,_UID,_GID,_EXE,_COMM,\
                      _SYSTEMD_UNIT,SYSLOG_IDENTIFIER,_TRANSPORT";
/// A record of sudo and the one that proves it are this close together, in seconds.
const TOGETHER: u64 = 5;

/// What a record tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// Somebody ran a command as another user.
    Command { user: String, command: String },
    /// A unit was started, stopped or reloaded.
    Unit { unit: UnitName, what: &'static str },
    /// A job of cron ran.
    Cron { user: String, command: String },
    /// The clock was set, in the words of whoever set it.
    Clock(String),
    /// systemd was started.
    Booted,
}

/// What a record tells, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) at: Wall,
    pub(super) told: Told,
}

/// A record with what proves who wrote it.
#[derive(Clone, Debug)]
struct Record {
    at: Wall,
    pid: Option<u32>,
    /// Whether root wrote it, or root's group: credentials that the kernel gives, and that no
    /// namespace of a user's own can forge (`_UID`, `_GID`, systemd.journal-fields(7)).
    roots: bool,
    told: Option<Told>,
}

/// What is believed of some records. A command of sudo is, when the same process wrote as root as
/// well: the command itself sudo writes as the user who called it, and any user's program can write
/// the same under that name; but that it opened a session for root it writes as root's group.
fn believed(records: Vec<Record>) -> Vec<Entry> {
    let proofs: Vec<(u32, Wall)> = records
        .iter()
        .filter(|record| record.roots)
        .filter_map(|record| record.pid.map(|pid| (pid, record.at)))
        .collect();
    let close = |a: Wall, b: Wall| a.0.abs_diff(b.0) <= TOGETHER * 1_000_000;
    let proven = |record: &Record| {
        proofs.iter().any(|(pid, at)| Some(*pid) == record.pid && close(*at, record.at))
    };
    let counts =
        |record: &Record| !matches!(record.told, Some(Told::Command { .. })) || proven(record);
    let kept = records.into_iter().filter(counts);
    let kept: Vec<_> = kept.filter_map(|r| r.told.map(|told| Entry { at: r.at, told })).collect();
    kept
}

const HIDES: &str = "who ran what as root, what was started and stopped, cron jobs";

/// Asks for what is told of the host as a whole.
pub(super) async fn of_host(blind: &mut Blindness) -> Vec<Entry> {
    let Some(program) = run::find("journalctl") else {
        blind.add("journal", "there is no journalctl on this host", HIDES, "");
        return Vec::new();
    };
    let host = [
        "_COMM=sudo",
        "+",
        &format!("MESSAGE_ID={TIME_CHANGE}"),
        "+",
        "SYSLOG_IDENTIFIER=chronyd",
        "_COMM=chronyd",
        "+",
        &format!("MESSAGE_ID={BOOTED}"),
        "_PID=1",
    ]
    .map(str::to_owned);
    let cron = ["_COMM=cron", "+", "_COMM=crond"].map(str::to_owned);
    let (host, cron) =
        tokio::join!(one(&program, DAYS, 400, &host), one(&program, "--since=-3h", 200, &cron),);
    let mut entries = take(host, blind);
    entries.extend(take(cron, blind));
    entries
}

/// Asks for starts, stops and reloads of units.
pub(super) async fn of_units(units: &BTreeSet<UnitName>, blind: &mut Blindness) -> Vec<Entry> {
    // Without it the host as a whole is out of sight too, and says so.
    let Some(program) = run::find("journalctl") else { return Vec::new() };
    take(one(&program, DAYS, 300, &about(units)).await, blind)
}

fn take(answer: Result<(Vec<Entry>, Option<String>), String>, blind: &mut Blindness) -> Vec<Entry> {
    match answer {
        Ok((found, hint)) => {
            if let Some(why) = hint {
                blind.add("journal", &why, HIDES, "membership in the group systemd-journal");
            }
            found
        }
        Err(why) => {
            blind.add("journal", &why, HIDES, "");
            Vec::new()
        }
    }
}

/// Matches for what systemd says of units; only process 1 is believed.
fn about(units: &BTreeSet<UnitName>) -> Vec<String> {
    let mut args = Vec::new();
    for unit in units.iter().take(UNITS) {
        for id in [STARTED, STOPPED, RELOADED] {
            args.push(format!("MESSAGE_ID={id}"));
        }
        args.extend([format!("UNIT={unit}"), "_PID=1".to_owned(), "+".to_owned()]);
    }
    args.pop();
    args
}

async fn one(
    program: &RootOwnedExe,
    since: &str,
    lines: u32,
    matches: &[String],
) -> Result<(Vec<Entry>, Option<String>), String> {
    if matches.is_empty() {
        return Ok((Vec::new(), None));
    }
    let lines = format!("--lines={lines}");
    let mut args = vec!["-o", "json", "--all", "--no-pager", FIELDS, since, &lines];
    args.extend(matches.iter().map(String::as_str));
    let output = run::run(program, &args, LIMITS).await.map_err(|error| error.to_string())?;
    let found = output.stdout.split(|b| *b == b'\n').filter_map(parse).collect();
    Ok((believed(found), crate::source::journal::hint(&output.stderr, output.status.success())))
}

/// Reads one record of `journalctl -o json`.
fn parse(line: &[u8]) -> Option<Record> {
    let Value::Object(fields) = serde_json::from_slice(line).ok()? else { return None };
    let at = Wall(text(&fields, "__REALTIME_TIMESTAMP")?.parse().ok()?);
    let pid = text(&fields, "_PID").and_then(|pid| pid.parse().ok());
    let roots = ["_UID", "_GID"].iter().any(|key| text(&fields, key) == Some("0"));
    let told = text(&fields, "MESSAGE").and_then(|message| told(&fields, message));
    Some(Record { at, pid, roots, told })
}

/// What a record tells; `None` for what tells of no change. Of what is written under a name that
/// anybody may take, only what the system itself wrote counts.
fn told(fields: &Map<String, Value>, message: &str) -> Option<Told> {
    let systemd = text(fields, "_PID") == Some("1");
    let root = systemd || text(fields, "_UID") == Some("0");
    match text(fields, "MESSAGE_ID") {
        Some(TIME_CHANGE) => return root.then(|| Told::Clock("the clock was set".to_owned())),
        Some(BOOTED) => return systemd.then_some(Told::Booted),
        Some(id) if systemd => {
            let what = match id {
                STARTED => "started",
                STOPPED => "stopped",
                RELOADED => "reloaded",
                _ => return None,
            };
            return Some(Told::Unit { unit: UnitName::new(text(fields, "UNIT")?).ok()?, what });
        }
        _ => {}
    }
    match text(fields, "_COMM")? {
        "sudo" if text(fields, "_EXE").is_some_and(|exe| exe.ends_with("/sudo")) => {
            let (user, command) = sudo(message)?;
            Some(Told::Command { user, command })
        }
        "cron" | "crond" | "CRON" if root => {
            let (user, command) = cron(message)?;
            Some(Told::Cron { user, command })
        }
        // It gives root up; its unit only systemd gives it.
        "chronyd" if message.contains("stepped") => {
            const UNITS: [&str; 2] = ["chronyd.service", "chrony.service"];
            let own = text(fields, "_SYSTEMD_UNIT").is_some_and(|unit| UNITS.contains(&unit));
            (root || own).then(|| Told::Clock(message.to_owned()))
        }
        _ => None,
    }
}

/// `alice : TTY=pts/0 ; PWD=/srv ; USER=root ; COMMAND=/usr/bin/systemctl restart shop` (sudo(8)).
fn sudo(message: &str) -> Option<(String, String)> {
    let (user, rest) = message.trim_start().split_once(" : ")?;
    // The folder stands before it, under a name that its owner chose.
    let command = rest.split_once(" ; COMMAND=")?.1.trim();
    // A refusal stands before the fields.
    let refused =
        !rest.starts_with("TTY=") && !rest.starts_with("PWD=") && !rest.starts_with("HOST=");
    (!refused && !command.is_empty() && !only_looks(command))
        .then(|| (user.to_owned(), Text::new(command).to_string()))
}

/// `(root) CMD (run-parts /etc/cron.hourly)`.
fn cron(message: &str) -> Option<(String, String)> {
    let (user, rest) = message.strip_prefix('(')?.split_once(") CMD (")?;
    let command = rest.strip_suffix(')').unwrap_or(rest).trim();
    Some((user.to_owned(), Text::new(command).to_string()))
}

/// Whether a command changes nothing, as far as its name tells.
fn only_looks(command: &str) -> bool {
    const LOOKS: [&str; 26] = [
        "cat",
        "less",
        "more",
        "tail",
        "head",
        "ls",
        "grep",
        "rg",
        "journalctl",
        "ss",
        "netstat",
        "lsof",
        "ps",
        "top",
        "htop",
        "dmesg",
        "df",
        "du",
        "free",
        "id",
        "whoami",
        "stat",
        "find",
        "gatemedic",
        "lnav",
        "zgrep",
    ];
    let mut words = command.split_ascii_whitespace();
    let program = words.next().unwrap_or_default();
    let program = program.rsplit('/').next().unwrap_or_default();
    let verb = words.find(|word| !word.starts_with('-')).unwrap_or_default();
    match program {
        "systemctl" => {
            ["", "status", "show", "cat", "is-active", "is-failed", "is-enabled"].contains(&verb)
                || verb.starts_with("list-")
        }
        "docker" | "podman" => ["ps", "logs", "inspect", "images", "stats", "top"].contains(&verb),
        "nginx" | "apachectl" | "apache2ctl" | "haproxy" => command
            .split_ascii_whitespace()
            .skip(1)
            .all(|w| ["-t", "-T", "-v", "-V", "-c"].contains(&w)),
        program => LOOKS.contains(&program),
    }
}

/// A field as text; the first value of one that was given twice.
fn text<'a>(fields: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    match fields.get(key)? {
        Value::String(text) => Some(text),
        Value::Array(values) => values.first()?.as_str(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(json: &str) -> Option<Told> {
        let line = format!(r#"{{"__REALTIME_TIMESTAMP":"1795228465146718",{json}}}"#);
        parse(line.as_bytes())?.told
    }

    /// What is believed of records: message, pid, uid and gid of each, a second apart.
    fn believe(records: &[(&str, u32, u32, u32)]) -> usize {
        let records = records.iter().zip(1_u64..).filter_map(|((message, pid, uid, gid), at)| {
            let json = format!(
                r#"{{"__REALTIME_TIMESTAMP":"{at}000000","_COMM":"sudo","_EXE":"/usr/bin/sudo","_PID":"{pid}","_UID":"{uid}","_GID":"{gid}","MESSAGE":"{message}"}}"#
            );
            parse(json.as_bytes())
        });
        believed(records.collect()).len()
    }

    #[test]
    fn a_command_of_sudo_counts_only_where_the_same_process_wrote_as_root() {
        let command = "ann : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/systemctl stop shop";
        let opened = "pam_unix(sudo:session): session opened for user root(uid=0) by (uid=1000)";
        // As sudo 1.9.13 writes them.
        assert_eq!(believe(&[(command, 7, 1000, 1000), (opened, 7, 1000, 0)]), 1);
        assert_eq!(believe(&[(command, 7, 0, 0)]), 1);
        // Another program of that name, in a namespace where it is at that path.
        assert_eq!(believe(&[(command, 7, 1000, 1000), (opened, 7, 1000, 1000)]), 0);
        assert_eq!(believe(&[(command, 7, 1000, 1000), (opened, 8, 1000, 0)]), 0);
        let late = [("x", 1, 0, 0); 9];
        let all = [&[(command, 7, 1000, 1000)], &late[..], &[(opened, 7, 1000, 0)]].concat();
        assert_eq!(believe(&all), 0);
    }

    fn by_sudo(message: &str) -> Option<Told> {
        read(&format!(r#""_COMM":"sudo","_EXE":"/usr/bin/sudo","MESSAGE":"{message}""#))
    }

    #[test]
    fn sudo_tells_who_ran_what_and_a_password_is_not_kept() {
        let told = by_sudo(
            "   alice : TTY=pts/0 ; PWD=/srv ; USER=root ; COMMAND=/usr/bin/mysql --password=s3cret x",
        );
        let Some(Told::Command { user, command }) = told else { panic!("{told:?}") };
        assert_eq!(user, "alice");
        assert!(command.starts_with("/usr/bin/mysql") && !command.contains("s3cret"), "{command}");
    }

    #[test]
    fn the_name_of_a_folder_is_not_taken_for_the_command() {
        let told = by_sudo(
            "alice : TTY=pts/0 ; PWD=/tmp/COMMAND=/bin/ls ; USER=root ; COMMAND=/bin/systemctl stop shop",
        );
        let Some(Told::Command { command, .. }) = told else { panic!("{told:?}") };
        assert_eq!(command, "/bin/systemctl stop shop");
    }

    #[test]
    fn a_refusal_and_a_command_that_only_looks_are_no_changes() {
        let fields = "TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=";
        for message in [
            format!("alice : command not allowed ; {fields}/usr/bin/reboot"),
            format!("alice : 3 incorrect password attempts ; {fields}/usr/bin/reboot"),
            format!("alice : {fields}/usr/bin/systemctl status shop"),
            format!("alice : {fields}/usr/bin/tail -f /var/log/syslog"),
            format!("alice : {fields}/usr/sbin/nginx -t"),
            "pam_unix(sudo:session): session opened for user root".to_owned(),
        ] {
            assert_eq!(by_sudo(&message), None, "{message}");
        }
        assert!(by_sudo(&format!("alice : {fields}/usr/bin/systemctl restart shop")).is_some());
        assert!(by_sudo(&format!("alice : {fields}/usr/sbin/nginx -s reload")).is_some());
    }

    #[test]
    fn only_systemd_and_sudo_are_believed() {
        let started = |pid: u32| {
            read(&format!(
                r#""MESSAGE_ID":"{STARTED}","UNIT":"shop.service","_PID":"{pid}","MESSAGE":"Started""#
            ))
        };
        let unit = UnitName::new("shop.service").unwrap();
        assert_eq!(started(1), Some(Told::Unit { unit, what: "started" }));
        assert_eq!(started(99), None);
        let forged = r#""_COMM":"sudo","_EXE":"/tmp/sudo2","MESSAGE":"root : TTY=x ; COMMAND=/x""#;
        assert_eq!(read(forged), None);
    }

    #[test]
    fn jobs_of_cron_and_set_clocks_are_read() {
        let cron = read(
            r#""_COMM":"cron","_UID":"0","MESSAGE":"(root) CMD (   run-parts /etc/cron.hourly)""#,
        );
        let (user, command) = ("root".to_owned(), "run-parts /etc/cron.hourly".to_owned());
        assert_eq!(cron, Some(Told::Cron { user, command }));
        let step = r#""_COMM":"chronyd","_SYSTEMD_UNIT":"chrony.service","MESSAGE":"System clock was stepped by 3600.1 seconds""#;
        assert!(matches!(read(step), Some(Told::Clock(_))));
        assert_eq!(read(&step.replace("chrony.service", "user@1000.service")), None);
        let forged = r#""_COMM":"cron","_UID":"1000","MESSAGE":"(root) CMD (/x)""#;
        assert_eq!(read(forged), None);
        let clock = |uid: u32| {
            read(&format!(r#""MESSAGE_ID":"{TIME_CHANGE}","_UID":"{uid}","MESSAGE":"x""#))
        };
        assert!(clock(0).is_some() && clock(1000).is_none());
        assert_eq!(read(r#""_COMM":"chronyd","MESSAGE":"Selected source 192.0.2.1""#), None);
    }

    #[test]
    fn units_are_matched_exactly_and_systemd_only_as_process_1() {
        let units = BTreeSet::from([UnitName::new("a.service").unwrap()]);
        let args = about(&units);
        assert_eq!(args.last().map(String::as_str), Some("_PID=1"));
        assert!(args.contains(&"UNIT=a.service".to_owned()));
    }

    proptest! {
        #[test]
        fn any_record_is_read_without_harm(message in ".{0,80}", comm in "(sudo|cron|chronyd|.{0,5})") {
            let json = serde_json::json!({
                "__REALTIME_TIMESTAMP": "5", "MESSAGE": message, "_COMM": comm, "_PID": "1",
            });
            let _ = parse(json.to_string().as_bytes());
            let _ = parse(message.as_bytes());
        }
    }
}

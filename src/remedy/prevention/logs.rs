//! Whether logs are put aside before they fill the disk.

use crate::{
    diagnosis::Scene,
    observation::{Gateway, Origin, Triage},
};

use super::item::{Precaution, Row, Standing};

pub(super) const ROW: Row = Row {
    id: "logs",
    title: "Logs that are put aside",
    why: "A log that only grows fills the disk, and a full disk stops more than the log.",
    against: &["disk-full-app", "disk-full-proxy-temp", "inodes-exhausted", "disk-readonly"],
};

/// A log that reaches back so far in one file is not put aside.
const LONG_DAYS: i64 = 30;
/// Gateways that are judged.
const MOST: usize = 12;

pub(super) fn judge(scene: &Scene<'_>) -> Vec<Precaution> {
    let read = scene.case.triage.as_deref();
    scene.case.gateways.values().take(MOST).map(|gateway| one(scene, gateway, read)).collect()
}

fn one(scene: &Scene<'_>, gateway: &Gateway, read: Option<&Triage>) -> Precaution {
    let whom = gateway.id.to_string();
    let config = scene.case.configs.get(&gateway.id);
    let logs: Vec<&str> = config
        .map(|config| config.logs.iter().map(|log| log.path.raw()).collect())
        .unwrap_or_default();
    if logs.is_empty() {
        return ROW.unseen(whom, "no log file of it is known");
    }
    let Some(triage) = read else {
        return ROW.unseen(whom, "its older logs were not looked at");
    };
    let older = triage.logs.iter().find(|log| logs.iter().any(|own| is_older(log.path.raw(), own)));
    if let Some(older) = older {
        return ROW
            .of(whom, Standing::Present)
            .says(format!("{} was put aside", older.path), Some(Origin::File(older.path.clone())));
    }
    let long = triage.logs.iter().find(|log| {
        let days = log.from.zip(log.to).map(|(from, to)| to.since(from).as_hours() / 24);
        logs.iter().any(|own| log.path.raw().ends_with(own)) && days.is_some_and(|d| d >= LONG_DAYS)
    });
    let Some(long) = long else {
        return ROW.unseen(
            whom,
            "no older generation of its logs was seen, and none had to be there yet",
        );
    };
    let folder = long.path.raw().rsplit_once('/').map_or("/var/log", |(folder, _)| folder);
    let kind = gateway.kind.as_str();
    let reopen = gateway
        .unit
        .as_ref()
        .map_or_else(|| "true".to_owned(), |unit| format!("systemctl kill -s USR1 {unit}"));
    ROW.of(whom, Standing::Lacking)
        .says(
            format!("{} holds more than {LONG_DAYS} days in one file", long.path),
            Some(Origin::File(long.path.clone())),
        )
        .add(
            format!("/etc/logrotate.d/{kind}"),
            vec![
                format!("{folder}/*.log {{"),
                "    daily".to_owned(),
                "    rotate 14".to_owned(),
                "    compress".to_owned(),
                "    delaycompress".to_owned(),
                "    missingok".to_owned(),
                format!("    postrotate\n        {reopen}\n    endscript").replace('\n', "; "),
                "}".to_owned(),
            ],
        )
        .then(format!("logrotate --debug /etc/logrotate.d/{kind}"))
}

/// Whether a path is an older generation of a log: `access.log.1`, `access.log-20261120.gz`.
fn is_older(path: &str, log: &str) -> bool {
    let mut at = path.match_indices(log).map(|(at, _)| at + log.len());
    at.any(|end| path.get(end..).is_some_and(|rest| rest.starts_with(['.', '-'])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnosis::testing::{ERROR_LOG, Host, ago},
        observation::{Seen, SourceId, TriagedLog},
    };

    fn row(logs: Vec<TriagedLog>) -> Precaution {
        let triage = Box::new(Triage { logs, ..Triage::default() });
        let host = Host::passing_to("127.0.0.1:1").sees(SourceId::Triage, Seen::Triage(triage));
        host.look(judge).remove(0)
    }

    fn log(path: &str, days: i64) -> TriagedLog {
        let (from, to) = (Some(ago(days * 86_400)), Some(ago(0)));
        TriagedLog { path: path.into(), from, to, ..TriagedLog::default() }
    }

    #[test]
    fn an_older_generation_shows_that_logs_are_put_aside() {
        let row = row(vec![log(ERROR_LOG, 1), log(&format!("{ERROR_LOG}.1"), 1)]);
        assert_eq!(row.standing, Standing::Present);
    }

    #[test]
    fn a_log_of_two_months_in_one_file_is_told_the_rule() {
        let row = row(vec![log(ERROR_LOG, 60)]);
        assert_eq!(row.standing, Standing::Lacking);
        assert_eq!(row.add.unwrap().place, "/etc/logrotate.d/nginx");
    }

    #[test]
    fn a_young_log_says_nothing() {
        assert_eq!(row(vec![log(ERROR_LOG, 2)]).standing, Standing::Unknown);
        let unread = Host::passing_to("127.0.0.1:1").look(judge).remove(0);
        assert_eq!(unread.standing, Standing::Unknown);
    }

    #[test]
    fn another_log_with_a_longer_name_is_no_older_generation() {
        assert!(is_older("/var/log/a.log-20261120.gz", "/var/log/a.log"));
        assert!(!is_older("/var/log/a.logger", "/var/log/a.log"));
    }
}

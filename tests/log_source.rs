//! The log source as the engine runs it: attention in, observations out.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::panic,
    clippy::allow_attributes,
    reason = "a test may fail loudly and may touch its own files"
)]

use std::{fs, path::Path, sync::Arc, time::Duration};

use gatemedic::{
    observation::{
        AccessFormat, GatewayId, LogKind, LogTarget, Place, Program, Seen, SourceId, Text,
    },
    session::{Attention, Event},
    source::{Outlet, log},
};
use jiff::tz::TimeZone;
use tokio::sync::{mpsc, watch};

const COMBINED: &str = r#"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent""#;

struct Source {
    events: mpsc::Receiver<Event>,
    attention: watch::Sender<Arc<Attention>>,
}

impl Source {
    fn start(logs: Vec<LogTarget>) -> Self {
        let (queue, events) = mpsc::channel(64);
        let first = Attention { generation: 1, logs, ..Attention::default() };
        let (attention, watching) = watch::channel(Arc::new(first));
        let outlet = Outlet::new(SourceId::Logs, queue);
        tokio::spawn(log::run(outlet, watching, TimeZone::UTC));
        Self { events, attention }
    }

    fn attend(&self, generation: u64, logs: Vec<LogTarget>) {
        let next = Attention { generation, logs, ..Attention::default() };
        self.attention.send_replace(Arc::new(next));
    }

    /// Everything up to the first that `last` accepts.
    async fn until(&mut self, last: impl Fn(&Seen) -> bool) -> Vec<Seen> {
        let mut all = Vec::new();
        loop {
            let next = tokio::time::timeout(Duration::from_secs(20), self.events.recv());
            let Ok(Some(Event::Seen(event))) = next.await else { panic!("only {all:?}") };
            all.push(event.seen.clone());
            if last(&event.seen) {
                return all;
            }
        }
    }

    async fn swept(&mut self, wanted: u64) -> Vec<Seen> {
        self.until(|seen| *seen == Seen::Swept { generation: wanted }).await
    }
}

fn target(path: &Path, kind: LogKind) -> LogTarget {
    LogTarget {
        gateway: Some(GatewayId("nginx:/etc/nginx/nginx.conf".into())),
        path: Text::new(path.to_string_lossy()),
        root: Text::default(),
        kind,
        place: Place::default(),
    }
}

fn access(pattern: &str) -> LogKind {
    LogKind::Access(AccessFormat {
        name: "main".into(),
        pattern: pattern.into(),
        ..Default::default()
    })
}

fn stamp() -> (String, String) {
    let now = jiff::Timestamp::now().to_zoned(TimeZone::UTC);
    (
        now.strftime("%Y/%m/%d %H:%M:%S").to_string(),
        now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
    )
}

#[tokio::test]
async fn the_recent_past_is_published_before_the_sweep_and_new_lines_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let (error, requests) = (dir.path().join("error.log"), dir.path().join("access.log"));
    let (at, common) = stamp();
    fs::write(&error, format!("2020/01/01 00:00:00 [error] old\n{at} [error] 1#1: fresh\n"))
        .unwrap();
    let line = |status: u16, agent: &str| {
        format!("1.2.3.4 - - [{common}] \"GET /a?token=x HTTP/1.1\" {status} 5 \"-\" \"{agent}\"\n")
    };
    let lines =
        [line(200, "curl"), line(502, "curl"), line(502, "gatemedic/0.1"), line(499, "curl")];
    fs::write(&requests, lines.concat()).unwrap();
    let logs = vec![target(&error, LogKind::Error), target(&requests, access(COMBINED))];
    let mut source = Source::start(logs);
    let seen = source.swept(1).await;
    let texts: Vec<&str> = seen
        .iter()
        .filter_map(|seen| match seen {
            Seen::Log(line) if line.program == Program::Nginx && line.at.is_some() => {
                Some(line.text.raw())
            }
            _ => None,
        })
        .collect();
    assert_eq!(texts, [format!("{at} [error] 1#1: fresh")]);
    let failed: Vec<(u16, &str)> = seen
        .iter()
        .filter_map(|seen| match seen {
            Seen::Access(entry) => Some((entry.status, entry.request.raw())),
            _ => None,
        })
        .collect();
    assert_eq!(failed, [(502, "GET /a"), (499, "GET /a")]);
    let counted: u32 = seen
        .iter()
        .filter_map(|seen| match seen {
            Seen::Traffic(traffic) => Some(traffic.by_status.values().sum::<u32>()),
            _ => None,
        })
        .sum();
    assert_eq!(counted, 3, "our own probes do not count");
    fs::OpenOptions::new()
        .append(true)
        .open(&error)
        .map(|mut file| {
            use std::io::Write;
            file.write_all(format!("{at} [crit] later\n").as_bytes()).unwrap();
        })
        .unwrap();
    source
        .until(|seen| matches!(seen, Seen::Log(line) if line.text.raw().ends_with("later")))
        .await;
}

#[tokio::test]
async fn what_cannot_be_read_is_said_and_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("later.log");
    let stream = dir.path().join("out.log");
    std::os::unix::fs::symlink("/dev/stdout", &stream).unwrap();
    let nowhere = Path::new("/dev/null").to_owned();
    let shapeless = dir.path().join("shapeless.log");
    fs::write(&shapeless, "").unwrap();
    let logs = vec![
        target(&missing, LogKind::Error),
        target(&stream, LogKind::Error),
        target(&nowhere, LogKind::Error),
        target(&shapeless, access("$remote_addr $request")),
    ];
    let mut source = Source::start(logs.clone());
    let seen = source.swept(1).await;
    let why = |path: &Path| {
        seen.iter().find_map(|seen| match seen {
            Seen::Blind(spot) if spot.what.raw() == path.to_string_lossy() => {
                Some(spot.why.raw().to_owned())
            }
            _ => None,
        })
    };
    assert_eq!(why(&missing).unwrap(), "no such file");
    assert!(why(&stream).unwrap().contains("standard output"));
    assert!(why(&nowhere).unwrap().contains("discards"));
    assert!(why(&shapeless).unwrap().contains("no status"));
    fs::write(&missing, "now\n").unwrap();
    source.until(|seen| *seen == Seen::Sighted).await;
    source.attend(2, vec![]);
    source.swept(2).await;
}

#[tokio::test]
async fn a_log_in_another_format_is_a_blind_spot_and_not_a_guess() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("access.log");
    fs::write(&log, "something else altogether\n".repeat(30)).unwrap();
    let mut source = Source::start(vec![target(&log, access(COMBINED))]);
    let seen = source.swept(1).await;
    assert!(
        seen.iter()
            .any(|seen| matches!(seen, Seen::Blind(spot) if spot.why.raw().contains("fifth")))
    );
    assert!(!seen.iter().any(|seen| matches!(seen, Seen::Traffic(_) | Seen::Access(_))));
}

/// A record of a failed request without its reason looks like an answer of the backend's own.
#[tokio::test]
async fn the_reason_of_a_failure_is_told_before_the_record_of_the_request() {
    use std::io::Write;
    let dir = tempfile::tempdir().unwrap();
    let (error, requests) = (dir.path().join("error.log"), dir.path().join("access.log"));
    let (at, common) = stamp();
    let reason = |n: u32| format!("{at} [error] 1#1: *{n} connect() failed (111: refused)\n");
    let record = format!("1.2.3.4 - - [{common}] \"GET /a HTTP/1.1\" 502 5 \"-\" \"curl\"\n");
    fs::write(&error, reason(0)).unwrap();
    fs::write(&requests, &record).unwrap();
    let logs = vec![target(&error, LogKind::Error), target(&requests, access(COMBINED))];
    let mut source = Source::start(logs);
    let in_order = |seen: &[Seen]| {
        let place = |wanted: fn(&Seen) -> bool| seen.iter().position(wanted);
        let reason = place(|seen| matches!(seen, Seen::Log(line) if line.at.is_some()));
        let record = place(|seen| matches!(seen, Seen::Access(_)));
        assert!(reason.is_some() && reason < record, "{seen:#?}");
    };
    in_order(&source.swept(1).await);
    let append = |path: &Path, text: &str| {
        fs::OpenOptions::new().append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
    };
    for n in 1..20 {
        append(&error, &reason(n));
        append(&requests, &record);
        in_order(&source.until(|seen| matches!(seen, Seen::Access(_))).await);
    }
}

//! A whole incident, composed: a change, a memory kill, failures of some minutes, two repairs.

use std::collections::BTreeMap;

use gatemedic::{
    diagnosis::Diagnosis,
    evidence::CaseFile,
    observation::*,
    remedy::Ending,
    report::postmortem::{PostMortem, Subject, assemble},
    session::{AuditDetail, AuditLine, Event, Knowledge, Model, impact::Reach, update},
    verification::Verdict,
};
use jiff::tz::TimeZone;

/// 2026-11-21 03:30:17 UTC, the end of the recorded incident that this one is built around.
fn base() -> Vec<Observation> {
    let text = std::fs::read_to_string(super::incident("oom-cgroup-unit")).unwrap();
    text.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn at(now: Moment, secs: i64) -> Wall {
    now.wall.plus_secs(secs)
}

/// Failures by minute before the end, as the logs of a busy site would have them.
fn triage(now: Moment, hostile: &str) -> Triage {
    let curve = [3_u32, 41, 96, 118, 131, 127, 140, 122, 133, 98, 57, 12];
    let last = now.wall.0.div_euclid(60_000_000);
    let minute = |(n, failed): (usize, &u32)| TriageMinute {
        minute: last - 11 + n as i64,
        requests: 240 + n as u64,
        by_status: BTreeMap::from([(502, failed - failed / 9), (504, failed / 9)]),
    };
    let minutes: Vec<TriageMinute> = curve.iter().enumerate().map(minute).collect();
    let failures = curve.iter().map(|n| u64::from(*n)).sum();
    let ranked = |name: &str, n: u64| Ranked {
        name: Text::new(name),
        failures: n,
        in_episode: n,
        ..Ranked::default()
    };
    let ranking = |top: Vec<Ranked>| Ranking { top, counted: failures, ..Ranking::default() };
    Triage {
        tells: true,
        from: Some(at(now, -7_200)),
        to: Some(now.wall),
        requests: 31_000,
        failures,
        minutes,
        usual: Some(0),
        usual_from: 100,
        episode: Some(Episode {
            first: at(now, -670),
            last: now.wall,
            failures,
            goes_on: true,
            ..Episode::default()
        }),
        upstreams: ranking(vec![ranked("127.0.0.1:8000", failures)]),
        urls: ranking(vec![
            ranked("POST /checkout", 520),
            ranked("GET /cart", 310),
            ranked("GET /api/orders/#", 200),
            ranked(&format!("GET /search{hostile}"), 48),
        ]),
        hosts: ranking(vec![ranked("api.lan", failures)]),
        ..Triage::default()
    }
}

fn changes(now: Moment, hostile: &str) -> Vec<Change> {
    vec![Change {
        at: at(now, -710),
        kind: ChangeKind::Deploy,
        what: Text::new(format!("/srv/app changed: app.py{hostile}")),
        by: Text::new("deploy"),
        origin: Origin::Path("/srv/app".into()),
        touches: vec![Touched::Unit(UnitName::new("app.service").unwrap())],
    }]
}

fn deeds(now: Moment, hostile: &str) -> Vec<AuditLine> {
    let deed =
        |sequence, from: i64, took: i64, what: &str, result: &str, (ending, verdict)| AuditLine {
            sequence,
            at: at(now, from),
            who: Text::new("anna from 10.0.0.7"),
            what: Text::new(what),
            result: Text::new(format!("{result}{hostile}")),
            intact: true,
            detail: AuditDetail {
                by: Text::new(format!(
                    "anna by sudo, logged in as uid 1000, from 10.0.0.7{hostile}"
                )),
                commands: vec![Text::new("systemctl restart app.service")],
                cause: Text::new("oom-cgroup-unit"),
                whom: Text::new("app.service"),
                finding: Text::new("the kernel killed gunicorn of app.service at its memory limit"),
                evidence: vec![Text::new(
                    "Memory cgroup out of memory: Killed process 29830 (gunicorn)",
                )],
                ended: Some(at(now, from + took)),
                ending: Some(ending),
                verdict: Some(verdict),
            },
        };
    vec![
        deed(
            11,
            -300,
            35,
            "restart app.service",
            "2 of 3 answers were errors",
            (Ending::NotFixed, Verdict::NotFixed),
        ),
        deed(
            12,
            -90,
            52,
            "set MemoryMax=320M for app.service, then restart it",
            "3 of 3 answers",
            (Ending::Verified, Verdict::Fixed),
        ),
    ]
}

fn model(hostile: &str) -> Model {
    let mut seen = base();
    let now = seen.iter().map(|one| one.at).max().unwrap();
    let told = |source, seen| Observation { at: now, source, seen };
    seen.push(told(SourceId::Triage, Seen::Triage(Box::new(triage(now, hostile)))));
    seen.push(told(SourceId::Changes, Seen::Changes(changes(now, hostile))));
    let blind = BlindSpot {
        source: SourceId::Docker,
        what: "/var/run/docker.sock".into(),
        why: Text::new(format!("permission denied{hostile}")),
        hides: "containers and their limits".into(),
        grant: "run it as root, or join the group docker".into(),
    };
    seen.push(told(SourceId::Docker, Seen::Blind(blind)));
    let mut model = Model::new();
    for one in seen {
        update(&mut model, &Event::Seen(Box::new(one)), Knowledge::embedded());
    }
    update(&mut model, &Event::Settle, Knowledge::embedded());
    model
}

fn written(case: &CaseFile, diagnosis: &Diagnosis, hostile: &str) -> PostMortem {
    let deeds = deeds(case.now, hostile);
    assemble(&Subject {
        case,
        diagnosis,
        height: None,
        deeds: &deeds,
        deeds_unread: None,
        host: "web1",
        zone: &TimeZone::fixed(jiff::tz::offset(1)),
        source: "a composed incident",
        reach: Reach::default(),
        looked: Some(at(case.now, -420)),
        lost: &[format!("the recording: 3 records lost at byte 812{hostile}")],
        remembered: None,
    })
}

/// It was repaired, and requests succeed.
pub(crate) fn repaired() -> PostMortem {
    with("")
}

/// The same with a text put into whatever comes from outside.
pub(crate) fn with(hostile: &str) -> PostMortem {
    let model = model(hostile);
    let mut diagnosis = model.diagnosis.clone();
    diagnosis.incident.present = false;
    written(&model.case, &diagnosis, hostile)
}

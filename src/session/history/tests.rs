use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;
use crate::{
    diagnosis::{Confidence, Diagnosis, Finding, FindingSubject, Status},
    observation::{Boot, GatewayId, Moment, Text, UnitName, UpstreamId, Wall},
    remedy::{Blast, Ending, Plan},
    verification::{Expectation, Verdict},
};

const START: i64 = 1_795_183_470;

fn moment(secs: i64) -> Moment {
    let boot = Boot(u64::try_from(secs + 1_000).unwrap() * 1_000_000);
    Moment { wall: Wall::from_secs(START + secs), boot }
}

fn upstream(n: u8) -> UpstreamId {
    serde_json::from_value(serde_json::json!(format!("nginx:/etc/nginx/nginx.conf:{n}"))).unwrap()
}

/// A cause of a unit behind upstreams.
fn finding(cause: &'static str, unit: &str, upstreams: &[u8]) -> Finding {
    Finding::new(cause, Confidence::Confirmed, format!("{unit} does not answer")).about(
        FindingSubject {
            gateway: Some(GatewayId(Text::new("nginx:/etc/nginx/nginx.conf"))),
            upstreams: upstreams.iter().map(|n| upstream(*n)).collect(),
            unit: Some(UnitName::new(format!("{unit}.service")).unwrap()),
            ..FindingSubject::default()
        },
    )
}

fn failing(findings: Vec<Finding>) -> Diagnosis {
    Diagnosis { status: Status::Failing, findings, ..Diagnosis::default() }
}

fn healthy() -> Diagnosis {
    Diagnosis { status: Status::Healthy, ..Diagnosis::default() }
}

fn plan(finding: &Finding) -> Plan {
    Plan {
        cause: finding.cause.to_owned(),
        whom: finding.subject.whom(),
        remedy: "start-unit".to_owned(),
        why: finding.summary.clone(),
        steps: Vec::new(),
        expect: Expectation::default(),
        blast: Blast::default(),
    }
}

/// A session with its book, which keeps what the session says.
#[derive(Default)]
struct Session {
    watch: Watch,
    numbers: std::collections::BTreeMap<u64, u64>,
}

impl Session {
    fn keep(&mut self, book: &mut Book, entries: Vec<Entry>) {
        for entry in entries {
            let known = self.numbers.get(&entry.serial).copied();
            self.numbers.insert(entry.serial, book.admit(known, &entry.incident));
        }
    }

    fn look(&mut self, book: &mut Book, secs: i64, diagnosis: &Diagnosis) {
        let entries = self.watch.look(moment(secs), diagnosis);
        self.keep(book, entries);
    }

    fn leave(&mut self, book: &mut Book, secs: i64) {
        let entries = self.watch.leave(moment(secs));
        self.keep(book, entries);
    }
}

fn stopped() -> Diagnosis {
    failing(vec![finding("app-unit-stopped", "shop", &[1])])
}

#[test]
fn what_fails_for_a_moment_is_no_incident() {
    let (mut session, mut book) = (Session::default(), Book::default());
    for secs in [0, 2, 4] {
        session.look(&mut book, secs, &stopped());
    }
    session.look(&mut book, 6, &healthy());
    session.look(&mut book, 8, &stopped());
    session.leave(&mut book, 9);
    assert!(book.incidents().is_empty(), "{book:?}");
}

#[test]
fn an_incident_opens_once_goes_on_and_is_closed_after_half_a_minute_of_calm() {
    let (mut session, mut book) = (Session::default(), Book::default());
    for secs in 0..20 {
        session.look(&mut book, secs, &stopped());
    }
    assert_eq!(book.incidents().len(), 1);
    assert_eq!(book.incidents()[0].state, State::Open);
    session.look(&mut book, 20, &healthy());
    session.look(&mut book, 49, &healthy());
    assert_eq!(book.incidents()[0].state, State::Open, "it may come back");
    session.look(&mut book, 50, &healthy());
    let [one] = book.incidents() else { panic!("{book:?}") };
    assert_eq!((one.state, one.ended), (State::Closed, Some(moment(20).wall)));
    assert_eq!((one.secs(), one.fix()), (20, None));
}

#[test]
fn an_incident_names_the_recording_of_its_session() {
    let mut model = crate::session::Model::new();
    model.recording =
        Some(Ok("/var/lib/gatemedic/recordings/20261121T033016Z-9-002.gmr".to_owned()));
    model.watch.begin_repair(moment(2), &plan(&stopped().findings[0]), &stopped());
    let left = model.leave();
    let named = left.iter().map(|entry| entry.incident.recording.as_ref().map(Text::raw));
    assert_eq!(named.collect::<Vec<_>>(), [Some("20261121T033016Z-9")]);
}

#[test]
fn a_repair_is_told_with_the_seconds_from_the_yes_to_the_verdict() {
    let (mut session, mut book) = (Session::default(), Book::default());
    session.look(&mut book, 0, &stopped());
    let plan = plan(&stopped().findings[0]);
    // Whoever acts does not wait for the incident to stand.
    session.watch.begin_repair(moment(2), &plan, &stopped());
    session.watch.judged(moment(42));
    let done = Done {
        action: "start shop.service".to_owned(),
        verdict: Some(Verdict::Fixed),
        ending: Ending::Verified,
        record: Some(7),
    };
    let entries = session.watch.end_repair(moment(43), done);
    session.keep(&mut book, entries);
    session.leave(&mut book, 44);
    let [one] = book.incidents() else { panic!("{book:?}") };
    assert_eq!(one.state, State::Closed, "it was proven");
    assert_eq!(one.fix().and_then(|fix| fix.secs), Some(40));
    assert_eq!(outcome(one, moment(50).wall), "fixed by start shop.service in 40 s");
}

#[test]
fn a_repair_that_did_not_help_fixed_nothing() {
    let (mut session, mut book) = (Session::default(), Book::default());
    for secs in 0..10 {
        session.look(&mut book, secs, &stopped());
    }
    session.watch.begin_repair(moment(10), &plan(&stopped().findings[0]), &stopped());
    session.watch.judged(moment(30));
    let done = Done {
        action: "restart shop.service".to_owned(),
        verdict: Some(Verdict::NotFixed),
        ending: Ending::NotFixed,
        record: None,
    };
    let entries = session.watch.end_repair(moment(30), done);
    session.keep(&mut book, entries);
    session.look(&mut book, 31, &stopped());
    session.leave(&mut book, 32);
    let [one] = book.incidents() else { panic!("{book:?}") };
    assert_eq!((one.state, one.fix()), (State::LeftOpen, None));
    let words = outcome(one, moment(33).wall);
    assert_eq!(words, "nobody watched its end; restart shop.service did not fix it");
}

#[test]
fn while_a_service_restarts_the_cause_that_was_acted_on_stays() {
    let (mut session, mut book) = (Session::default(), Book::default());
    for secs in 0..10 {
        session.look(&mut book, secs, &stopped());
    }
    session.watch.begin_repair(moment(10), &plan(&stopped().findings[0]), &stopped());
    let done = Done {
        action: "start shop.service".to_owned(),
        verdict: Some(Verdict::Improved),
        ending: Ending::NotFixed,
        record: None,
    };
    let entries = session.watch.end_repair(moment(12), done);
    session.keep(&mut book, entries);
    session.look(&mut book, 13, &failing(vec![finding("app-starting", "shop", &[1])]));
    session.leave(&mut book, 14);
    assert_eq!(book.incidents()[0].trouble.cause.raw(), "app-unit-stopped");
}

#[test]
fn a_sharper_cause_of_the_same_trouble_takes_the_place_of_a_vague_one() {
    let (mut session, mut book) = (Session::default(), Book::default());
    let mut vague = finding("app-not-listening", "shop", &[1]);
    vague.confidence = Confidence::Likely;
    for secs in 0..8 {
        session.look(&mut book, secs, &failing(vec![vague.clone()]));
    }
    session.look(&mut book, 8, &failing(vec![finding("oom-cgroup-unit", "shop", &[1])]));
    session.look(&mut book, 9, &failing(vec![vague]));
    let [one] = book.incidents() else { panic!("{book:?}") };
    assert_eq!(one.trouble.cause.raw(), "oom-cgroup-unit");
}

#[test]
fn two_troubles_at_once_are_two_incidents_until_they_turn_out_to_be_one() {
    let (mut session, mut book) = (Session::default(), Book::default());
    let (a, b) = (finding("app-unit-stopped", "shop", &[1]), finding("oom", "blog", &[2]));
    let rows = |n| Diagnosis { upstreams: vec![down(n)], ..failing(vec![a.clone(), b.clone()]) };
    for secs in 0..8 {
        session.look(&mut book, secs, &rows(2));
    }
    assert_eq!(book.incidents().len(), 2, "{book:?}");
    // One cause behind both upstreams.
    session.look(&mut book, 9, &failing(vec![finding("disk-full", "db", &[1, 2])]));
    session.leave(&mut book, 10);
    let [one] = book.incidents() else { panic!("{book:?}") };
    assert_eq!(one.trouble.cause.raw(), "disk-full");
}

fn down(n: u8) -> crate::diagnosis::UpstreamRow {
    use crate::observation::{Place, Protocol};
    crate::diagnosis::UpstreamRow {
        id: upstream(n),
        gateway: GatewayId(Text::new("nginx:/etc/nginx/nginx.conf")),
        address: String::new(),
        group: None,
        protocol: Protocol::Http,
        place: Place { file: Text::default(), line: 1 },
        state: "down",
        reason: String::new(),
        resolved: Vec::new(),
        unit: None,
        unit_serves: false,
        program: None,
        pid: None,
        process: None,
        container: None,
        queue: None,
        errors: 3,
        routes: 1,
    }
}

#[test]
fn what_comes_back_within_minutes_is_the_same_incident_and_later_it_is_another() {
    let (mut session, mut book) = (Session::default(), Book::default());
    let mut look = |from: i64, to: i64, diagnosis: &Diagnosis| {
        for secs in from..to {
            session.look(&mut book, secs, diagnosis);
        }
        book.clone()
    };
    look(0, 10, &stopped());
    look(10, 60, &healthy());
    let book = look(60, 70, &stopped());
    assert_eq!((book.incidents().len(), book.incidents()[0].returns), (1, 1));
    assert_eq!(book.incidents()[0].state, State::Open);
    look(70, 800, &healthy());
    let book = look(800, 810, &stopped());
    assert_eq!(book.incidents().len(), 2, "{book:?}");
}

#[test]
fn the_next_session_goes_on_with_an_incident_that_was_left_open() {
    let mut book = Book::default();
    let mut first = Session::default();
    for secs in 0..10 {
        first.look(&mut book, secs, &stopped());
    }
    first.leave(&mut book, 10);
    assert_eq!(book.incidents()[0].state, State::LeftOpen);
    let mut second = Session::default();
    for secs in 100..110 {
        second.look(&mut book, secs, &stopped());
    }
    let [one] = book.incidents() else { panic!("{book:?}") };
    assert_eq!((one.state, one.first, one.returns), (State::Open, moment(0).wall, 0));
}

#[test]
fn an_incident_whose_session_was_killed_counts_as_left_open() {
    let (mut session, mut book) = (Session::default(), Book::default());
    for secs in 0..10 {
        session.look(&mut book, secs, &stopped());
    }
    let one = &book.incidents()[0];
    assert_eq!(one.state_at(moment(20).wall), State::Open);
    assert_eq!(one.state_at(moment(1_000).wall), State::LeftOpen);
}

#[test]
fn blindness_closes_nothing() {
    let (mut session, mut book) = (Session::default(), Book::default());
    for secs in 0..10 {
        session.look(&mut book, secs, &stopped());
    }
    let blind = Diagnosis { status: Status::Unknown, ..Diagnosis::default() };
    for secs in 10..200 {
        session.look(&mut book, secs, &blind);
    }
    assert_eq!(book.incidents()[0].state, State::Open);
}

/// A past incident of the stopped shop.
fn past(id: u64, days_ago: i64, fixed: bool) -> Incident {
    let first = Wall::from_secs(START - days_ago * 86_400);
    let repair = Repair {
        action: Text::new("start shop.service"),
        by: Text::new("anna"),
        at: first.plus_secs(60),
        secs: Some(40),
        verdict: Some(Verdict::Fixed),
        ending: Ending::Verified,
        record: None,
    };
    Incident {
        id,
        trouble: Trouble::of(&stopped().findings[0]),
        first,
        last: first.plus_secs(90),
        ended: Some(first.plus_secs(100)),
        state: State::Closed,
        failures: 12,
        returns: 0,
        repairs: if fixed { vec![repair] } else { Vec::new() },
        changed: None,
        recording: None,
        updated: first.plus_secs(130),
    }
}

#[test]
fn a_cause_that_was_seen_before_is_told_with_what_fixed_it() {
    let now = moment(0).wall;
    let diagnosis = Diagnosis { as_of: now, ..stopped() };
    let told = |incidents: Vec<Incident>| {
        let history = History { incidents, notice: None };
        let before = history.before(&diagnosis.findings[0], &diagnosis);
        before.map(|before| before.words(&TimeZone::UTC, now))
    };
    assert_eq!(told(Vec::new()), None);
    assert_eq!(
        told(vec![past(3, 8, true), past(2, 20, false), past(1, 400, true)]).unwrap(),
        "seen 3 times, last on 12 Nov, fixed by start shop.service in 40 s"
    );
    assert_eq!(
        told(vec![past(2, 8, false), past(1, 17, true)]).unwrap(),
        "seen 2 times, last on 12 Nov, on 3 Nov fixed by start shop.service in 40 s"
    );
    assert_eq!(told(vec![past(1, 8, false)]).unwrap(), "seen once, on 12 Nov, over after 100 s");
    // The present incident is none of the past.
    let present = Incident { state: State::Open, ended: None, updated: now, ..past(4, 0, false) };
    assert_eq!(told(vec![present]), None);
    // Neither is what befell somebody else.
    let mut other = past(1, 8, true);
    other.trouble.subject = Text::new("blog.service");
    assert_eq!(told(vec![other]), None);
}

#[test]
fn an_end_before_the_last_failure_closes_nothing() {
    let open = Incident { state: State::Open, ended: None, ..past(0, 1, false) };
    let later = Incident { last: open.last.plus_secs(400), ..open.clone() };
    let closed = Incident { state: State::Closed, ended: Some(open.last), ..later.clone() };
    let mut book = Book::default();
    let id = book.admit(None, &Incident { updated: later.last, ..later.clone() });
    book.admit(Some(id), &Incident { last: open.last, updated: later.last, ..closed });
    assert_eq!((book.incidents()[0].state, book.incidents()[0].ended), (State::Open, None));
}

/// What a session may see, and how much time goes by before it.
fn sights() -> impl Strategy<Value = Vec<(usize, i64, u8)>> {
    prop::collection::vec(
        (0..3_usize, prop_oneof![0..8_i64, 20..90_i64, 500..900_i64], 0..12_u8),
        0..120,
    )
}

fn sight(kind: u8) -> Option<Diagnosis> {
    let shop = || finding("app-unit-stopped", "shop", &[1]);
    let blog = || finding("oom-cgroup-unit", "blog", &[2]);
    Some(match kind {
        0 | 1 => healthy(),
        2..=4 => failing(vec![shop()]),
        5 => failing(vec![blog()]),
        6 => Diagnosis { upstreams: vec![down(1), down(2)], ..failing(vec![shop(), blog()]) },
        7 => failing(vec![finding("disk-full", "db", &[1, 2])]),
        8 => failing(vec![finding("app-starting", "shop", &[1])]),
        9 => Diagnosis { status: Status::Unknown, ..Diagnosis::default() },
        10 => failing(Vec::new()),
        _ => return None,
    })
}

fn no_two_are_one<'a>(all: impl Iterator<Item = &'a Incident>) -> Result<(), TestCaseError> {
    let open: Vec<_> = all.filter(|incident| incident.state == State::Open).collect();
    for (at, one) in open.iter().enumerate() {
        for other in open.iter().skip(at + 1) {
            prop_assert!(!one.trouble.is_that_of(&other.trouble), "{one:?}\n{other:?}");
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn no_interleaving_of_sessions_ever_makes_two_open_rows_of_one_incident(sights in sights()) {
        let mut sessions = [Session::default(), Session::default(), Session::default()];
        let (mut book, mut secs) = (Book::default(), 0);
        for (who, pause, kind) in sights {
            secs += pause;
            let session = &mut sessions[who];
            match sight(kind) {
                Some(diagnosis) => session.look(&mut book, secs, &diagnosis),
                None => {
                    session.leave(&mut book, secs);
                    *session = Session::default();
                }
            }
            no_two_are_one(session.watch.open())?;
            no_two_are_one(book.incidents().iter())?;
            let ids: Vec<u64> = book.incidents().iter().map(|incident| incident.id).collect();
            prop_assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
            for one in book.incidents() {
                prop_assert!(one.first <= one.last && one.last <= one.end(), "{one:?}");
                prop_assert_eq!(one.state == State::Closed, one.ended.is_some(), "{:?}", one);
            }
        }
    }

    #[test]
    fn the_same_account_told_twice_changes_nothing(sights in sights()) {
        let (mut session, mut book, mut secs) = (Session::default(), Book::default(), 0);
        for (_, pause, kind) in sights {
            secs += pause;
            let Some(diagnosis) = sight(kind) else { continue };
            let entries = session.watch.look(moment(secs), &diagnosis);
            session.keep(&mut book, entries.clone());
            let once = book.clone();
            session.keep(&mut book, entries);
            prop_assert_eq!(&book, &once);
        }
    }
}

use proptest::prelude::*;

use super::*;
use crate::{
    diagnosis::Status,
    evidence::CaseFile,
    observation::{AccessEntry, Boot, GatewayId, Moment, Observation, Seen, SourceId, Text, Wall},
    remedy::{Ending, Progress},
    session::{
        Event, Knowledge, Model,
        recording::{Deed, Entry, Header, Reader, Writer},
        update,
    },
    verification::{Judgement, Verdict},
};

/// 2026-11-20 14:04:30 UTC.
const NOW: i64 = 1_795_183_470;

fn moment(millis: u64) -> Moment {
    let micros = millis * 1_000;
    Moment {
        wall: Wall(NOW * 1_000_000 + i64::try_from(micros).unwrap()),
        boot: Boot(50_000_000 + micros),
    }
}

fn incident(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/incidents");
    std::fs::read(format!("{folder}/{name}/events.jsonl")).unwrap()
}

fn entries(bytes: &[u8]) -> Vec<Entry> {
    let mut reader = Reader::new();
    reader.feed(bytes);
    reader.finish();
    std::iter::from_fn(|| reader.next()).collect()
}

/// The incident told over a longer time: each observation comes so many milliseconds after the one
/// before it.
fn stretched(name: &str, millis: u64) -> Vec<Entry> {
    let mut all = entries(&incident(name));
    let mut at = 0;
    for entry in &mut all {
        if let Entry::Seen(seen) = entry {
            seen.at = moment(at);
            at += millis;
        }
    }
    all
}

fn framed(all: &[Entry]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer =
        Writer::begin(&Header { host: Text::new("web7"), ..Header::default() }, &mut bytes);
    for entry in all.iter().filter(|entry| !matches!(entry, Entry::Begin(_))) {
        writer.add(entry, &mut bytes);
        writer.flush(&mut bytes);
    }
    bytes
}

fn seen(millis: u64, seen: Seen) -> Entry {
    Entry::Seen(Box::new(Observation { at: moment(millis), source: SourceId::Logs, seen }))
}

fn failing(millis: u64) -> Entry {
    let entry = AccessEntry {
        gateway: GatewayId(Text::new("nginx")),
        at: moment(millis).wall,
        status: 502,
        log: Text::new("/var/log/nginx/access.log"),
        upstream_status: Some(Text::new("502")),
        upstream_addr: None,
        request: Text::new("GET /"),
        host: None,
        request_ms: None,
        upstream_ms: None,
        flags: None,
        backend: None,
        retries: None,
    };
    seen(millis, Seen::Access(entry))
}

fn opened(bytes: Vec<u8>) -> (Reel, Model) {
    let knowledge = Knowledge::embedded();
    let (mut reel, mut model) = (Reel::new(Tape::whole(bytes)), Model::of_recording());
    reel.read_all(knowledge);
    reel.show(&mut model);
    (reel, model)
}

/// What a plain fold of everything up to there amounts to.
fn plainly(all: &[Entry], at: Wall) -> (CaseFile, Model) {
    let knowledge = Knowledge::embedded();
    let mut model = Model::new();
    for entry in all {
        if let Entry::Seen(seen) = entry
            && seen.at.wall <= at
        {
            update(&mut model, &Event::Seen(seen.clone()), knowledge);
        }
    }
    let newest = model.case.now;
    if newest != Moment::default() {
        let more = at.0 - newest.wall.0;
        let boot = Boot(newest.boot.0 + u64::try_from(more).unwrap());
        update(&mut model, &Event::Tick(Moment { wall: at, boot }), knowledge);
    }
    update(&mut model, &Event::Settle, knowledge);
    (model.case.clone(), model)
}

fn stands(model: &Model) -> u64 {
    model.replay.as_ref().unwrap().at
}

#[test]
fn a_recording_of_either_kind_leads_to_the_same_diagnosis() {
    let knowledge = Knowledge::embedded();
    let lines = incident("oom-cgroup-unit");
    let all = entries(&lines);
    let mut told = Vec::new();
    for bytes in [lines, framed(&all)] {
        let (mut reel, mut model) = opened(bytes);
        reel.ask(&mut model, Ask::End, knowledge);
        assert_eq!(model.diagnosis.findings[0].cause, "oom-cgroup-unit");
        told.push(model.diagnosis);
    }
    assert!(told[0] == told[1]);
}

#[test]
fn it_begins_with_nothing_known_and_a_failure_is_known_from_where_it_is_seen() {
    let knowledge = Knowledge::embedded();
    let all = stretched("app-stopped-by-operator", 1_000);
    let (mut reel, mut model) = opened(framed(&all));
    reel.ask(&mut model, Ask::Start, knowledge);
    assert_eq!(model.diagnosis.status, Status::Unknown);
    reel.ask(&mut model, Ask::FirstFailure, knowledge);
    let first = stands(&model);
    assert_eq!(model.diagnosis.status, Status::Failing);
    reel.ask(&mut model, Ask::Previous, knowledge);
    assert!(stands(&model) < first);
    assert_ne!(model.diagnosis.status, Status::Failing, "it is the first one");
    let axis = model.replay.as_ref().unwrap();
    assert_eq!(axis.host, "web7");
    assert!(axis.changes.iter().any(|change| change.at == first));
}

#[test]
fn changes_are_gone_through_one_by_one_in_both_directions() {
    let knowledge = Knowledge::embedded();
    let (mut reel, mut model) = opened(framed(&stretched("oom-cgroup-unit", 700)));
    reel.ask(&mut model, Ask::Start, knowledge);
    let mut there = Vec::new();
    loop {
        reel.ask(&mut model, Ask::NextChange, knowledge);
        if !model.said.is_empty() {
            break;
        }
        there.push(stands(&model));
    }
    assert!(there.len() >= 2 && there.is_sorted(), "{there:?}");
    assert_eq!(model.said, "the diagnosis does not change after this");
    for at in there.iter().rev().skip(1) {
        reel.ask(&mut model, Ask::PreviousChange, knowledge);
        assert_eq!(stands(&model), *at);
    }
}

#[test]
fn it_plays_as_fast_as_asked_and_stops_at_the_end() {
    let knowledge = Knowledge::embedded();
    let all = [seen(0, Seen::Sighted), failing(60_000)];
    let (mut reel, mut model) = opened(framed(&all));
    reel.ask(&mut model, Ask::Play, knowledge);
    reel.pass(&mut model, 0, knowledge);
    assert_eq!(stands(&model), 0);
    reel.pass(&mut model, 500_000, knowledge);
    assert_eq!(stands(&model), 500_000);
    for _ in 0..8 {
        reel.ask(&mut model, Ask::Faster, knowledge);
    }
    reel.pass(&mut model, 100_000, knowledge);
    assert_eq!(stands(&model), 10_500_000);
    assert_eq!(model.case.now, moment(10_500), "the clock of the session is that of the recording");
    reel.pass(&mut model, 100_000_000, knowledge);
    assert_eq!(stands(&model), 60_000_000);
    assert!(!reel.is_playing());
    assert!(model.said.contains("ends here"), "{}", model.said);
    // It was over: it begins anew.
    reel.ask(&mut model, Ask::Play, knowledge);
    assert_eq!((stands(&model), reel.is_playing()), (0, true));
}

#[test]
fn what_lies_in_what_has_not_been_read_is_gone_to_once_it_has_been() {
    let knowledge = Knowledge::embedded();
    let mut all: Vec<Entry> = (0..500).map(|n| seen(n * 100, Seen::Sighted)).collect();
    all.extend([failing(60_000), failing(61_000)]);
    let (mut reel, mut model) = (Reel::new(Tape::whole(framed(&all))), Model::of_recording());
    reel.read_on(knowledge);
    reel.ask(&mut model, Ask::FirstFailure, knowledge);
    assert!(reel.is_waiting() && stands(&model) == 0);
    let axis = model.replay.as_ref().unwrap();
    assert!(axis.read < 100 && axis.seeks.contains("first failure"));
    while reel.read_on(knowledge) {}
    assert!(reel.look_again(&mut model, knowledge));
    assert_eq!(stands(&model), 60_000_000);
}

#[test]
fn what_is_torn_at_the_end_of_a_growing_recording_is_waited_for() {
    let knowledge = Knowledge::embedded();
    let bytes = framed(&[seen(0, Seen::Sighted), failing(1_000), failing(2_000)]);
    let (head, tail) = bytes.split_at(bytes.len() - 20);
    let (mut reel, mut model) = (Reel::new(Tape::growing(head.to_vec())), Model::of_recording());
    reel.read_all(knowledge);
    reel.ask(&mut model, Ask::End, knowledge);
    assert_eq!(stands(&model), 1_000_000);
    assert!(reel.damage().is_none(), "{:?}", reel.damage());
    reel.feed(tail);
    reel.read_all(knowledge);
    reel.play();
    assert!(reel.pass(&mut model, 5_000_000, knowledge));
    assert_eq!(stands(&model), 2_000_000);
    assert!(reel.is_playing(), "more may come");
    // The same bytes, of which nothing more comes, say that something is missing.
    let (reel, model) = opened(head.to_vec());
    assert!(reel.damage().torn);
    assert!(!model.replay.as_ref().unwrap().lost.words.is_empty());
}

#[test]
fn a_damaged_record_is_counted_and_the_rest_is_gone_through() {
    let knowledge = Knowledge::embedded();
    let all: Vec<Entry> = (0..20).map(|n| failing(n * 1_000)).collect();
    let mut bytes = framed(&all);
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x40;
    let (mut reel, mut model) = opened(bytes);
    reel.ask(&mut model, Ask::End, knowledge);
    let lost = &model.replay.as_ref().unwrap().lost;
    assert_eq!(lost.records, 1);
    assert!(lost.words.contains("1 record lost"), "{}", lost.words);
    assert_eq!(lost.places.len(), 1);
    assert_eq!(stands(&model), 19_000_000);
}

#[test]
fn what_was_done_is_told_as_far_as_it_had_come_by_then() {
    let knowledge = Knowledge::embedded();
    let deed = |millis, deed| Entry::Deed { at: moment(millis), who: Text::new("root"), deed };
    let prepare = Deed::Prepare {
        cause: Text::default(),
        whom: Text::new("shop.service"),
        what: Text::new("start shop.service"),
        rehearsal: false,
        proven: Vec::new(),
    };
    let end = Box::new(Progress::End { ending: Ending::Verified });
    let all = [
        seen(0, Seen::Sighted),
        deed(2_000, prepare),
        deed(3_000, Deed::Confirm),
        deed(9_000, Deed::Progress { said: end }),
    ];
    let (mut reel, mut model) = opened(framed(&all));
    let told = |model: &Model| {
        let all = model.audit.clone().unwrap().unwrap();
        all.iter().map(|line| line.result.to_string()).collect::<Vec<_>>()
    };
    reel.ask(&mut model, Ask::To(moment(1_000).wall), knowledge);
    assert!(told(&model).is_empty());
    reel.ask(&mut model, Ask::To(moment(4_000).wall), knowledge);
    assert_eq!(told(&model), ["recorded: a person said yes"]);
    reel.ask(&mut model, Ask::End, knowledge);
    assert!(told(&model)[0].contains("fixed, by what was seen then"));
    assert_eq!(model.recovery.past.len(), 0, "nothing was done here");
}

#[test]
fn what_a_repair_proved_is_known_from_its_verdict_on_and_not_before() {
    let knowledge = Knowledge::embedded();
    let deed = |millis, deed| Entry::Deed { at: moment(millis), who: Text::default(), deed };
    let whose = (GatewayId(Text::new("nginx")), None);
    let plan = |proven| Deed::Prepare {
        cause: Text::default(),
        whom: Text::default(),
        what: Text::new("start shop.service"),
        rehearsal: false,
        proven,
    };
    let judgement = Judgement { promises: Vec::new(), verdict: None, holding_secs: None };
    let judged = |verdict| {
        let judgement = judgement.clone();
        Deed::Progress { said: Box::new(Progress::Judged { judgement, verdict }) }
    };
    let all = [
        seen(0, Seen::Sighted),
        deed(1_000, plan(vec![whose.clone()])),
        deed(2_000, judged(Verdict::NotFixed)),
        deed(3_000, judged(Verdict::Fixed)),
        deed(4_000, plan(Vec::new())),
        deed(5_000, judged(Verdict::Fixed)),
    ];
    let (mut reel, mut model) = opened(framed(&all));
    reel.ask(&mut model, Ask::End, knowledge);
    assert_eq!(model.case.proven.get(&whose), Some(&moment(3_000).wall));
    assert_eq!(model.case.proven.len(), 1);
    reel.ask(&mut model, Ask::To(moment(2_500).wall), knowledge);
    assert!(model.case.proven.is_empty());
}

#[test]
fn a_recording_of_nothing_but_its_header_can_be_looked_at() {
    let knowledge = Knowledge::embedded();
    let (mut reel, mut model) = opened(framed(&[]));
    for ask in [Ask::End, Ask::Start, Ask::Next, Ask::Previous, Ask::FirstFailure, Ask::Play] {
        reel.ask(&mut model, ask, knowledge);
        reel.pass(&mut model, 1_000, knowledge);
    }
    assert_eq!(stands(&model), 0);
}

fn any_ask() -> impl Strategy<Value = Ask> {
    prop_oneof![
        Just(Ask::Play),
        Just(Ask::Faster),
        Just(Ask::Slower),
        Just(Ask::Next),
        Just(Ask::Previous),
        Just(Ask::NextChange),
        Just(Ask::PreviousChange),
        Just(Ask::FirstFailure),
        Just(Ask::Start),
        Just(Ask::End),
        Just(Ask::Forward),
        Just(Ask::Back),
        (0_u64..400_000).prop_map(|millis| Ask::To(moment(millis).wall)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(12) })]

    /// Whatever was pressed, what is shown is what a plain fold up to there comes to.
    #[test]
    fn the_way_to_a_moment_does_not_matter(
        steps in prop::collection::vec((any_ask(), 0_u64..3_000_000), 1..24),
    ) {
        let knowledge = Knowledge::embedded();
        let mut all = stretched("oom-cgroup-unit", 900);
        // So long that states are kept on the way.
        let last = all.len() as u64 * 900;
        all.extend((0..1_500_u64).map(|n| if n % 7 == 0 {
            failing(last + n * 100)
        } else {
            seen(last + n * 100, Seen::Sighted)
        }));
        let bytes = framed(&all);
        // What only trembles is not recorded.
        let all = entries(&bytes);
        let (mut reel, mut model) = opened(bytes);
        for (ask, micros) in steps {
            reel.ask(&mut model, ask, knowledge);
            reel.pass(&mut model, micros, knowledge);
        }
        update(&mut model, &Event::Settle, knowledge);
        let (case, plain) = plainly(&all, model.case.now.wall);
        prop_assert_eq!(model.case.now, case.now);
        prop_assert!(model.case == case);
        prop_assert!(model.diagnosis == plain.diagnosis);
        prop_assert_eq!(model.offers, plain.offers);
    }

    #[test]
    fn no_bytes_make_it_fail(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        asks in prop::collection::vec(any_ask(), 0..8),
        lines in any::<bool>(),
    ) {
        let knowledge = Knowledge::embedded();
        let head: &[u8] = if lines { b"{\"schema\":\"gatemedic.events/1\"}\n" } else { &[] };
        let (mut reel, mut model) = opened([head, &bytes].concat());
        for ask in asks {
            reel.ask(&mut model, ask, knowledge);
            reel.pass(&mut model, 100_000, knowledge);
        }
    }
}

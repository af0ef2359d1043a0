use proptest::prelude::*;

use super::{super::packing::Packer, *};
use crate::{
    observation::{
        Address, Gap, GatewayId, LogLine, MemorySample, Origin, Probe, ProbeOutcome, Program, Seen,
        SourceId, Text,
    },
    session::recording::{Deed, Header, Mark, Writer},
};

fn at(millis: i64) -> Moment {
    Moment {
        wall: Wall(1_795_000_000_000_000 + millis * 1_000),
        boot: Boot(millis.unsigned_abs() * 1_000),
    }
}

fn seen(millis: i64, seen: Seen) -> Entry {
    Entry::Seen(Box::new(Observation { at: at(millis), source: SourceId::Probes, seen }))
}

fn probe(millis: i64, port: u16, outcome: ProbeOutcome) -> Entry {
    let address = Address::Tcp(([127, 0, 0, 1], port).into());
    seen(
        millis,
        Seen::Probe(Probe {
            gateway: GatewayId(Text::new("nginx:/etc/nginx/nginx.conf")),
            target: address.clone(),
            tried: address,
            same_namespace: true,
            outcome,
            micros: 80,
            tls: None,
            tls_facts: None,
        }),
    )
}

fn line(millis: i64, text: &str) -> Entry {
    seen(
        millis,
        Seen::Log(LogLine {
            program: Program::Nginx,
            origin: Origin::File(Text::from("/var/log/nginx/error.log")),
            gateway: None,
            at: None,
            text: Text::new(text),
        }),
    )
}

fn header() -> Header {
    Header {
        gatemedic: Text::from("0.1.0"),
        host: Text::from("web1"),
        began: at(0),
        ..Header::default()
    }
}

/// A small session: states that are confirmed, lines, deeds, marks.
fn entries() -> Vec<Entry> {
    let mut all = vec![Entry::Begin(Box::new(header()))];
    for second in 0..4 {
        let ms = second * 1_000;
        all.extend([
            probe(ms, 8_000, ProbeOutcome::Connected),
            probe(ms + 7, 8_001, ProbeOutcome::Refused),
        ]);
        all.push(line(ms + 9, &format!("connect() failed (111: Connection refused), {second}")));
        let sample = MemorySample { total: 1 << 33, available: 1 << 32, ..Default::default() };
        all.push(seen(ms + 20, Seen::Memory(sample)));
    }
    let mark = Mark { status: Text::from("failing"), findings: 1, ..Mark::default() };
    all.push(Entry::Mark { at: at(4_000), mark });
    all.push(Entry::Deed { at: at(4_100), who: Text::from("ada"), deed: Deed::Confirm });
    let said = crate::remedy::Progress::Begins { step: 0 };
    let deed = Deed::Progress { said: Box::new(said) };
    all.push(Entry::Deed { at: at(4_200), who: Text::default(), deed });
    all.push(probe(4_300, 8_001, ProbeOutcome::Connected));
    all.push(Entry::End { at: at(5_000), why: Text::from("left") });
    all
}

/// The file, and where each of its records begins.
fn file(entries: &[Entry]) -> (Vec<u8>, Vec<usize>) {
    let mut out = Vec::new();
    let mut writer = Writer::begin(&header(), &mut out);
    let mut starts = vec![0];
    for (n, entry) in entries.iter().enumerate() {
        if matches!(entry, Entry::Begin(_)) {
            continue;
        }
        let before = out.len();
        writer.add(entry, &mut out);
        if n % 4 == 0 {
            writer.flush(&mut out);
        }
        let mut rest = before;
        while rest < out.len() {
            starts.push(rest);
            let Look::Frame(_, payload) = frame::look(&out[rest..]) else { panic!("no frame") };
            rest += frame::HEAD + payload.len();
        }
    }
    writer.flush(&mut out);
    (out, starts)
}

fn read(bytes: &[u8], portion: usize) -> (Vec<Entry>, Reader) {
    let mut reader = Reader::new();
    let mut all = Vec::new();
    for bytes in bytes.chunks(portion.max(1)) {
        reader.feed(bytes);
        all.extend(std::iter::from_fn(|| reader.next()));
    }
    reader.finish();
    all.extend(std::iter::from_fn(|| reader.next()));
    (all, reader)
}

#[test]
fn what_was_recorded_is_read_in_its_order_in_portions_of_any_size() {
    let (bytes, starts) = file(&entries());
    assert!(starts.len() > 6, "several records");
    for portion in [1, 7, 100, bytes.len()] {
        let (all, reader) = read(&bytes, portion);
        assert_eq!(all, entries(), "{portion}");
        assert!(reader.damage().is_none());
        assert_eq!(reader.position(), bytes.len() as u64);
    }
}

#[test]
fn any_flipped_byte_loses_one_record_and_says_so() {
    let (bytes, starts) = file(&entries());
    let whole = entries();
    for place in 0..bytes.len() {
        for bit in [0x01, 0x80, 0x8c, 0xff] {
            let mut flipped = bytes.clone();
            flipped[place] ^= bit;
            let (all, reader) = read(&flipped, 4_096);
            assert_eq!(reader.refusal(), None, "byte {place}");
            assert_eq!(reader.damage().records, 1, "byte {place}: {:?}", reader.damage());
            let start = starts.iter().rev().find(|start| **start <= place).unwrap();
            assert_eq!(reader.damage().places, [*start as u64], "byte {place}");
            assert!(all.iter().all(|e| whole.contains(e) || matches!(e, Entry::Lost { .. })));
        }
    }
}

#[test]
fn a_file_that_breaks_off_anywhere_loses_at_most_its_last_record() {
    let (bytes, starts) = file(&entries());
    for end in 1..bytes.len() {
        let (all, reader) = read(&bytes[..end], 4_096);
        if end < frame::HEAD || end < starts[1] {
            assert!(all.is_empty() || end >= starts[1]);
            continue;
        }
        assert_eq!(reader.refusal(), None);
        let torn = !starts.contains(&end);
        assert_eq!(
            (reader.damage().records, reader.damage().torn),
            (u64::from(torn), torn),
            "{end}"
        );
    }
}

#[test]
fn a_frame_cut_out_or_bytes_put_in_are_counted_and_the_rest_is_read() {
    let (bytes, starts) = file(&entries());
    let without = [&bytes[..starts[3]], &bytes[starts[5]..]].concat();
    let (_, reader) = read(&without, 4_096);
    assert_eq!((reader.damage().records, reader.damage().bytes), (2, 0));
    let junk = [&bytes[..starts[3]], &MAGIC, &[0; 40], &bytes[starts[3]..]].concat();
    let (all, reader) = read(&junk, 4_096);
    assert_eq!((reader.damage().records, reader.damage().bytes), (1, 44));
    assert_eq!(all.iter().filter(|e| !matches!(e, Entry::Lost { .. })).count(), entries().len());
}

#[test]
fn a_segment_put_behind_another_is_read_as_one_that_goes_on() {
    let (bytes, _) = file(&entries());
    let (all, reader) = read(&[bytes.clone(), bytes].concat(), 4_096);
    assert!(reader.damage().is_none(), "{:?}", reader.damage());
    assert_eq!(all.len(), 2 * entries().len());
}

#[test]
fn a_newer_version_is_refused_politely_and_what_is_none_is_none() {
    let mut newer = Vec::new();
    let head = Head { version: 9, packing: 0, count: 1, record: 0, first: 0, unpacked: 1 };
    frame::write(&mut newer, head, b"x");
    let (all, reader) = read(&newer, 10);
    assert!(all.is_empty());
    assert_eq!(reader.refusal(), Some(Refusal::Newer(9)));
    assert!(reader.refusal().unwrap().to_string().contains("newer gatemedic"));
    let zeros = vec![0; 64 << 10];
    for none in [&b""[..], b"root:x:0:0", b"{\"schema\":\"x\"}\n", b"{", &zeros] {
        let (all, reader) = read(none, 4_096);
        assert!(all.is_empty());
        assert_eq!(reader.refusal(), Some(Refusal::NotARecording));
    }
}

#[test]
fn a_recording_as_lines_is_read_and_a_bad_line_is_counted() {
    let mut text = b"{\"schema\":\"gatemedic.events/1\",\"composed\":true}\n".to_vec();
    let observation = Observation { at: at(1), source: SourceId::Names, seen: Seen::Sighted };
    serde_json::to_writer(&mut text, &observation).unwrap();
    text.extend(b"\nnonsense\n{\"at\":{\"wall\":1,\"boot\":1},\"source\":\"names\",\"seen\":\"later\"}\n{\"at\"");
    for portion in [1, 1_000] {
        let (all, reader) = read(&text, portion);
        assert!(matches!(&all[0], Entry::Begin(header) if header.composed));
        assert_eq!(all[1], Entry::Seen(Box::new(observation.clone())));
        let damage = reader.damage();
        assert_eq!((damage.records, damage.unknown, damage.torn), (2, 1, true));
    }
}

#[test]
fn a_bomb_is_not_unpacked() {
    let zeros = vec![b' '; 15 << 20];
    let packed = zstd::bulk::compress(&zeros, 19).unwrap();
    let claims = |unpacked| {
        let mut file = Vec::new();
        let head = Head { version: 1, packing: 1, count: 1, record: 0, first: 0, unpacked };
        frame::write(&mut file, head, &packed);
        file
    };
    for unpacked in [zeros.len(), 1, 255 << 10, 1 << 31] {
        let (all, reader) = read(&claims(unpacked), 4_096);
        assert!(all.iter().all(|entry| matches!(entry, Entry::Lost { .. })));
        assert_eq!(reader.damage().records, 1);
    }
}

#[test]
fn what_confirms_a_long_state_thousands_of_times_takes_no_room_for_it() {
    let mut bytes = Vec::new();
    let mut writer = Writer::begin(&header(), &mut bytes);
    writer.add(&probe(1, 8_000, ProbeOutcome::Connected), &mut bytes);
    writer.flush(&mut bytes);
    // Line 1 of this file is the state. No writer says so often that it is still so.
    let (mut lines, count) = (String::new(), 20_u16);
    for number in 0..u32::from(count) {
        let all: Vec<[u32; 2]> =
            (0..CONFIRMED as u32).map(|ms| [1, (ms * 7_919 + number) % 9_973]).collect();
        lines += &serde_json::json!({ "still": { "at": at(10), "of": all } }).to_string();
        lines.push('\n');
    }
    let (packing, packed) = Packer::new().pack(lines.as_bytes(), frame::FRAME_LIMIT).unwrap();
    let unpacked = lines.len();
    let head = Head { version: 1, packing, count, record: 2, first: 2, unpacked };
    frame::write(&mut bytes, head, &packed);
    let mut reader = Reader::new();
    reader.feed(&bytes);
    reader.finish();
    let mut again = 0;
    let mut most = 0;
    while let Some(entry) = reader.next() {
        again += usize::from(matches!(entry, Entry::Seen(_)));
        most = most.max(reader.ready.len());
        let whole = reader.ready.iter().filter(|ready| matches!(ready, Ready::Entry(_)));
        assert!(whole.count() == 0 || again < 2, "a copy waits");
        if again == 3 {
            // The others differ in nothing but their time.
            again += reader.ready.len();
            reader.ready.clear();
        }
    }
    assert!(most <= CONFIRMED_AT_ONCE, "{most}");
    assert_eq!(again, 1 + CONFIRMED_AT_ONCE);
    assert_eq!(reader.damage().unresolved, (20 * CONFIRMED - CONFIRMED_AT_ONCE) as u64);
}

#[test]
fn a_line_of_millions_of_values_is_not_unfolded() {
    let mut random = fastrand::Rng::with_seed(1);
    let mut dense = |values: usize| {
        // So that it packs, and not too well.
        let all: Vec<&str> = (0..values).map(|_| if random.bool() { "0" } else { "1" }).collect();
        let line = serde_json::to_string(&line(1, "x")).unwrap();
        line.replacen("\"text\":", &format!("\"more\":[{}],\"text\":", all.join(",")), 1) + "\n"
    };
    for (values, unknown) in [(1_000, 0), ((2 << 20) + 2, 1)] {
        let lines = dense(values);
        let (packing, packed) = Packer::new().pack(lines.as_bytes(), frame::FRAME_LIMIT).unwrap();
        let (count, unpacked) = (1, lines.len());
        let head = Head { version: 1, packing, count, record: 0, first: 0, unpacked };
        let mut bytes = Vec::new();
        frame::write(&mut bytes, head, &packed);
        let mut reader = Reader::new();
        reader.feed(&bytes);
        reader.finish();
        let read = std::iter::from_fn(|| reader.next()).count() as u64;
        assert_eq!((read, reader.damage().unknown), (1 - unknown, unknown));
    }
}

#[test]
fn what_was_lost_before_a_copy_was_made_stays_lost_in_it() {
    let mut out = Vec::new();
    let mut writer = Writer::begin(&header(), &mut out);
    writer.add(&Entry::Lost { at: at(1), records: 7, place: 0 }, &mut out);
    let (all, reader) = read(&out, 4_096);
    assert_eq!((all.len(), reader.damage().records), (2, 7));
}

#[test]
fn a_fast_look_gives_all_but_observations_and_when_the_last_was() {
    let (bytes, _) = file(&entries());
    let mut reader = Reader::heads();
    reader.feed(&bytes);
    reader.finish();
    let all: Vec<Entry> = std::iter::from_fn(|| reader.next()).collect();
    let heads = entries().into_iter().filter(|entry| !matches!(entry, Entry::Seen(_)));
    assert_eq!(all, heads.collect::<Vec<_>>());
    let (bytes, _) = file(&entries()[..9]);
    let mut reader = Reader::heads();
    reader.feed(&bytes);
    assert!(reader.next().is_some() && reader.next().is_none());
    assert_eq!(reader.last(), at(1_020));
}

#[test]
fn the_next_file_of_a_session_holds_every_state_that_holds_and_none_that_is_gone() {
    let unit = |name: &str| crate::observation::UnitName::new(name).unwrap();
    let (mut first, mut second) = (Vec::new(), Vec::new());
    let mut writer = Writer::begin(&header(), &mut first);
    for entry in entries().iter().skip(1) {
        writer.add(entry, &mut first);
    }
    let spot = crate::observation::BlindSpot {
        source: SourceId::Probes,
        what: Text::from("all"),
        why: Text::default(),
        hides: Text::default(),
        grant: Text::default(),
    };
    writer.add(&seen(6_000, Seen::Blind(spot)), &mut first);
    writer.add(&seen(6_001, Seen::Sighted), &mut first);
    writer.add(&seen(6_002, Seen::UnitGone(unit("x.service"))), &mut first);
    writer.flush(&mut first);
    assert_eq!(writer.bytes(), first.len() as u64);
    let from = |offset: u64| first[usize::try_from(offset).unwrap()..].to_vec();
    let mut next = writer.go_on(&Header { part: 1, ..header() }, from, &mut second);
    // What has not changed since is only confirmed.
    next.add(&probe(7_000, 8_000, ProbeOutcome::Connected), &mut second);
    next.flush(&mut second);
    let (all, reader) = read(&second, 4_096);
    assert!(reader.damage().is_none());
    let states: Vec<&Seen> = all[1..]
        .iter()
        .map(|e| match e {
            Entry::Seen(s) => &s.seen,
            e => panic!("{e:?}"),
        })
        .collect();
    assert_eq!(states.len(), 4, "{states:?}");
    let ports = |port, outcome| matches!(&probe(0, port, outcome), Entry::Seen(s) if states.contains(&&s.seen));
    assert!(ports(8_000, ProbeOutcome::Connected) && ports(8_001, ProbeOutcome::Connected));
    assert!(!ports(8_001, ProbeOutcome::Refused));
    assert!(states.iter().any(|seen| matches!(seen, Seen::Memory(_))));
}

#[test]
fn a_file_of_nothing_but_heads_takes_no_longer_than_its_length() {
    let mut evil = Vec::new();
    let head = Head { version: 1, packing: 0, count: 1, record: 0, first: 0, unpacked: 1 << 20 };
    frame::write(&mut evil, head, &vec![0; FRAME]);
    let mut head = evil[..frame::HEAD].to_vec();
    // A payload whose checksum is wrong, behind a head that is right.
    head[24] ^= 1;
    let sum = crc32c::crc32c(&head[4..28]).to_le_bytes();
    head[28..32].copy_from_slice(&sum);
    let file: Vec<u8> = head.iter().copied().cycle().take(4 << 20).collect();
    let (_, reader) = read(&file, 1 << 20);
    assert!(reader.searches <= SEARCHES + 16, "{}", reader.searches);
}

const FRAME: usize = crate::session::recording::FRAME_LIMIT;

fn arbitrary() -> impl Strategy<Value = Vec<Entry>> {
    let text = "[ -~\u{1b}\u{e9}\u{202e}\n]{0,40}";
    let outcome = prop_oneof![Just(ProbeOutcome::Connected), Just(ProbeOutcome::Refused)];
    let one = prop_oneof![
        (0..60_000_i64, 1..5_u16, outcome).prop_map(|(ms, port, o)| probe(ms, port, o)),
        (0..60_000_i64, text).prop_map(|(ms, text)| line(ms, &text)),
        (0..60_000_i64, any::<u64>(), any::<u64>()).prop_map(|(ms, lines, bytes)| {
            let gap = Gap {
                source: SourceId::Logs,
                what: Text::from("x"),
                lines,
                bytes,
                why: Text::default(),
            };
            seen(ms, Seen::Gap(gap))
        }),
        (0..60_000_i64, text).prop_map(|(ms, text)| Entry::Deed {
            at: at(ms),
            who: Text::new(text),
            deed: Deed::Lost { why: Text::default() },
        }),
    ];
    proptest::collection::vec(one, 0..60)
}

proptest! {
    #[test]
    fn entries_come_back_as_they_went_in(entries in arbitrary()) {
        let (bytes, _) = file(&entries);
        let (all, reader) = read(&bytes, 999);
        prop_assert!(reader.damage().is_none());
        prop_assert_eq!(&all[1..], &entries[..]);
    }

    #[test]
    fn no_bytes_make_it_fail_or_give_what_was_not_fed(
        bytes: Vec<u8>, cut in 0_usize..2_000, put in 0_usize..2_000,
    ) {
        let (good, _) = file(&entries());
        let cut = cut.min(good.len());
        let put = put.min(good.len());
        for bad in [bytes.clone(), [&good[..cut], &bytes[..], &good[put..]].concat()] {
            let (all, _) = read(&bad, 333);
            prop_assert!(all.len() <= bad.len());
        }
    }
}

//! The fast way against the slow one, and what an answer says.

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;
use crate::{
    evidence::access::{AccessParser, Reading, Shape},
    observation::{AccessFormat, AccessSyntax, Triage, Wall},
};

fn terms() -> Terms {
    Terms {
        zone: TimeZone::UTC,
        now: Wall::from_secs(1_795_300_000),
        since: None,
        until: None,
        own_agent: b"gatemedic/",
    }
}

/// Reads a log as a file is read: recognised by its beginning, then in blocks.
fn read(text: &[u8], portion: usize) -> (Read, Tally, ErrorTally) {
    let holds = Holds::recognise(&text[..text.len().min(65_536)], &TimeZone::UTC);
    let (mut tally, mut errors) = (Tally::default(), ErrorTally::default());
    let mut scanned = Scanned::default();
    let mut cut = 0;
    if let Some(holds) = &holds {
        let mut scan = LogScan::new(holds, terms());
        let mut blocks = Blocks::new(false);
        for part in text.chunks(portion.max(1)) {
            let mut part = part;
            while !part.is_empty() {
                let space = blocks.space();
                let n = space.len().min(part.len());
                space[..n].copy_from_slice(&part[..n]);
                part = &part[n..];
                blocks.filled(n, &mut |block| scan.block(block, &mut tally, &mut errors));
            }
        }
        blocks.finish(&mut |block| scan.block(block, &mut tally, &mut errors));
        cut = blocks.cut;
        scanned = scan.scanned.clone();
    }
    let notes = if cut > 0 { vec![format!("{cut} lines were cut")] } else { Vec::new() };
    (Read { path: "access.log".into(), holds, scanned, notes }, tally, errors)
}

fn told(text: &str) -> Triage {
    let (read, tally, errors) = read(text.as_bytes(), 1 << 20);
    answer(tally, &errors, &[read], None)
}

fn line(secs: i64, status: u16, uri: &str, tail: &str) -> String {
    let at = jiff::Timestamp::from_second(1_795_180_000 + secs).unwrap();
    let at = at.strftime("%d/%b/%Y:%H:%M:%S +0000");
    format!(
        "10.0.0.9 - - [{at}] \"GET {uri} HTTP/1.1\" {status} 512 \"-\" \"Mozilla/5.0 503 \"{tail}\n"
    )
}

/// An hour of calm with a failure now and then, then ten bad minutes.
fn incident() -> String {
    let mut text = String::new();
    for second in 0..4200 {
        let bad = second >= 3600 && second % 2 == 0;
        let status = if bad { 502 } else { 200 };
        let tail = if bad { " unix:/run/php/a.sock" } else { "" };
        text += &line(second, status, &format!("/order/{second}?q=5"), tail);
    }
    text
}

#[test]
fn since_when_how_many_where_and_what_is_usual() {
    let triage = told(&incident());
    let episode = triage.episode.clone().unwrap();
    assert_eq!((triage.failures, episode.failures), (300, 300));
    assert_eq!(episode.first, Wall::from_secs(1_795_183_600));
    assert!(episode.goes_on);
    assert_eq!(triage.usual, Some(0));
    assert!(triage.usual_from >= 59, "{}", triage.usual_from);
    assert_eq!(triage.upstreams.top[0].name.raw(), "unix:/run/php/a.sock");
    assert_eq!(triage.urls.top[0].name.raw(), "GET /order/:n");
    assert_eq!(triage.urls.top[0].in_episode, 300);
    assert_eq!(triage.requests, 4200);
    assert!(triage.notes.is_empty(), "{:?}", triage.notes);
}

#[test]
fn failures_that_are_usual_are_no_episode() {
    let mut text = String::new();
    for second in 0..7200 {
        let status = if second % 20 == 0 { 503 } else { 200 };
        text += &line(second, status, "/", "");
    }
    let triage = told(&text);
    assert_eq!((triage.usual, triage.episode), (Some(3), None));
    assert_eq!(triage.failures, 360);
}

#[test]
fn an_episode_that_is_over_is_told_as_over() {
    let mut text = incident();
    for second in 4200..6000 {
        text += &line(second, 200, "/", "");
    }
    let triage = told(&text);
    let episode = triage.episode.unwrap();
    assert!(!episode.goes_on);
    assert_eq!(episode.last, Wall::from_secs(1_795_184_198));
}

#[test]
fn a_log_that_holds_only_the_trouble_does_not_call_it_usual() {
    let text: String = (0..300).map(|second| line(second, 502, "/", "")).collect();
    let triage = told(&text);
    assert_eq!(triage.usual, None);
    assert_eq!(triage.episode.map(|episode| episode.failures), Some(300));
}

#[test]
fn a_format_that_changes_in_the_middle_is_named_and_read_on() {
    let mut text = incident();
    for second in 0..600 {
        text += &format!(
            "{{\"time\":\"2026-11-20T19:{:02}:{:02}Z\",\"status\":504,\"uri\":\"/json\",\"size\":515}}\n",
            second / 60,
            second % 60
        );
    }
    let triage = told(&text);
    assert_eq!(triage.by_status.get(&504), Some(&600));
    assert_eq!(triage.by_status.get(&502), Some(&300));
    assert!(triage.notes.iter().any(|note| note.raw().contains("JSON")), "{:?}", triage.notes);
}

#[test]
fn a_rare_line_of_another_format_is_counted_once_its_format_was_met_elsewhere() {
    let rare = "{\"time\":\"2026-11-20T13:00:00Z\",\"status\":504,\"uri\":\"/json\"}\n";
    let calm: String = (0..3000).map(|second| line(second, 200, "/", "")).collect();
    let text = format!(
        "{}{rare}{calm}",
        &calm[..calm.len() / 2 - calm.len() / 2 % line(0, 200, "/", "").len()]
    );
    let mut scan = LogScan::new(&Holds::Requests(vec![Shape::Combined]), terms());
    let (mut tally, mut errors) = (Tally::default(), ErrorTally::default());
    scan.prime(format!("{}{rare}", line(1, 200, "/", "")).as_bytes());
    scan.block(text.as_bytes(), &mut tally, &mut errors);
    assert_eq!(scan.scanned.failures, 1);
    assert_eq!(scan.scanned.lines, text.lines().count() as u64);
}

#[test]
fn a_clock_that_goes_back_is_named() {
    let mut text = String::new();
    for second in (0..2000).chain(0..2000) {
        text += &line(second, 200, "/", "");
    }
    let triage = told(&text);
    assert!(triage.notes.iter().any(|note| note.raw().contains("goes back")), "{:?}", triage.notes);
}

#[test]
fn an_endless_line_costs_no_memory_and_hides_nothing_after_it() {
    let mut text = line(1, 502, "/before", "").into_bytes();
    text.extend(std::iter::repeat_n(b'x', 3_000_000));
    text.push(b'\n');
    text.extend_from_slice(line(2, 502, "/after", "").trim_end().as_bytes());
    let (read, tally, errors) = read(&text, 100_000);
    assert_eq!(read.scanned.failures, 2);
    let triage = answer(tally, &errors, &[read], None);
    assert!(triage.notes.iter().any(|note| note.raw().contains("cut")), "{:?}", triage.notes);
}

#[test]
fn binary_is_not_read_and_invalid_text_is() {
    let zeros: Vec<u8> = (0..4096_u32).map(|n| (n * 7 % 32) as u8).collect();
    assert_eq!(Holds::recognise(&zeros, &TimeZone::UTC), None);
    let mut text = incident().into_bytes();
    text.extend_from_slice(b"10.0.0.9 - \xff\xfe [20/Nov/2026:19:46:42 +0000] \"GET /\xc3\x28 HTTP/1.1\" 500 1 \"-\" \"-\"\n");
    let (read, _, _) = read(&text, 4096);
    assert_eq!(read.scanned.failures, 301);
}

#[test]
fn our_own_requests_are_not_counted() {
    let text = incident().replace("Mozilla/5.0 503 ", "gatemedic/0.1");
    assert_eq!(told(&text).failures, 0);
}

#[test]
fn error_lines_are_folded_and_their_upstreams_counted() {
    let mut text = String::new();
    for n in 0..500 {
        text += &format!(
            "2026/11/20 18:17:{:02} [error] 55#55: *{n} connect() failed (111: Connection refused) while connecting to upstream, client: 10.0.0.{}, server: shop.lan, request: \"GET /{n} HTTP/1.1\", upstream: \"http://127.0.0.1:9001/{n}\", host: \"shop.lan\"\n",
            n % 60,
            n % 250
        );
        text += &format!(
            "2026/11/20 18:17:{:02} [error] 55#55: *{n} open() \"/srv/www/{n}.png\" failed (2: No such file or directory), client: 10.0.0.1, server: shop.lan, request: \"GET /{n}.png HTTP/1.1\", host: \"shop.lan\"\n",
            n % 60
        );
        text += "2026/11/20 18:17:00 [notice] 1#1: signal process started\n";
    }
    let triage = told(&text);
    assert_eq!(triage.error_lines, 1500);
    assert_eq!(triage.error_failures, 500);
    let first = &triage.errors[0];
    assert_eq!((first.count, first.signature.as_ref().unwrap().raw()), (500, "sym-tcp-refused"));
    assert!(!first.meaning.is_empty());
    assert_eq!(triage.upstreams.top[0].name.raw(), "127.0.0.1:9001");
    assert!(triage.upstreams_from_errors);
    assert!(triage.errors.len() <= 3, "{:?}", triage.errors);
}

#[test]
fn haproxy_flags_are_explained_and_its_events_are_seen() {
    let mut text = String::new();
    for n in 0..100 {
        text += &format!(
            "Nov 20 18:28:{:02} web1 haproxy[13444]: 127.0.0.1:50908 [20/Nov/2026:18:28:{:02}.218] f dead/s1 0/0/-1/-1/3003 503 217 - - SC-- 1/1/0/0/3 0/0 \"GET /dead HTTP/1.1\"\n",
            n % 60,
            n % 60
        );
    }
    text += "Nov 20 18:28:59 web1 haproxy[13444]: Server dead/s1 is DOWN, reason: Layer4 connection problem, info: \"Connection refused\", check duration: 0ms. 0 active and 0 backup servers left. 0 sessions active, 0 requeued, 0 remaining in queue.\n";
    let triage = told(&text);
    assert_eq!(triage.failures, 100);
    let flags = &triage.flags.top[0];
    assert_eq!(flags.name.raw(), "SC--");
    assert!(flags.meaning.raw().contains("could not connect"), "{flags:?}");
    assert!(
        triage.errors.iter().any(|e| e.sample.raw().contains("is DOWN")),
        "{:?}",
        triage.errors
    );
}

/// Failed requests by minute and status, counted line by line.
fn slowly(text: &[u8], shapes: &[Shape]) -> Vec<(i64, u16, u32)> {
    let mut parsers: Vec<AccessParser> =
        shapes.iter().map(|shape| AccessParser::of(shape, TimeZone::UTC).unwrap()).collect();
    let mut counts = std::collections::BTreeMap::new();
    for line in text.split(|byte| *byte == b'\n') {
        for parser in &mut parsers {
            if let Reading::Request(fields) = parser.read(line, terms().now) {
                if let Some(at) = fields.at.filter(|_| (500..600).contains(&fields.status)) {
                    *counts.entry((at.0.div_euclid(60_000_000), fields.status)).or_insert(0) += 1;
                }
                break;
            }
        }
    }
    counts.into_iter().map(|((minute, status), n)| (minute, status, n)).collect()
}

fn counted(triage: &Triage) -> Vec<(i64, u16, u32)> {
    let all = triage.minutes.iter();
    all.flat_map(|one| one.by_status.iter().map(|(status, n)| (one.minute, *status, *n))).collect()
}

fn json() -> Shape {
    Shape::Told(AccessFormat { syntax: AccessSyntax::Json, ..AccessFormat::default() })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_fast_way_counts_what_the_slow_way_counts(
        lines in proptest::collection::vec((0_i64..3600, 0_u16..8, "[a-z0-9/5 ]{0,30}"), 1..400),
        portion in 1_usize..70_000,
        newline in any::<bool>(),
    ) {
        let statuses = [200, 200, 304, 404, 499, 500, 502, 504];
        let mut text: String = lines
            .iter()
            .map(|(secs, status, uri)| line(*secs, statuses[usize::from(*status)], &format!("/{uri}"), ""))
            .collect();
        if !newline {
            text.pop();
        }
        let (read, tally, errors) = read(text.as_bytes(), portion);
        let triage = answer(tally, &errors, &[read], None);
        prop_assert_eq!(counted(&triage), slowly(text.as_bytes(), &[Shape::Combined]));
        prop_assert_eq!(triage.requests, lines.len() as u64);
    }

    #[test]
    fn json_is_counted_the_same_whatever_its_keys_and_blanks(
        lines in proptest::collection::vec((0_i64..3600, 0_u16..6, 0_u32..600), 1..300),
        blank in any::<bool>(),
        quoted in any::<bool>(),
    ) {
        let statuses = [200, 301, 404, 500, 502, 504];
        let mut text = String::new();
        for (secs, status, size) in &lines {
            let at = jiff::Timestamp::from_second(1_795_180_000 + secs).unwrap();
            let status = statuses[usize::from(*status)];
            let status = if quoted { format!("\"{status}\"") } else { status.to_string() };
            let (colon, comma) = if blank { (": ", ", ") } else { (":", ",") };
            text += &format!("{{\"ts\"{colon}\"{at}\"{comma}\"size\"{colon}{size}{comma}\"status\"{colon}{status}{comma}\"uri\"{colon}\"/{size}\"}}\n");
        }
        let (read, tally, errors) = read(text.as_bytes(), 10_000);
        let triage = answer(tally, &errors, &[read], None);
        prop_assert_eq!(counted(&triage), slowly(text.as_bytes(), &[json()]));
    }

    #[test]
    fn no_bytes_break_the_reading(text in proptest::collection::vec(any::<u8>(), 0..4000), portion in 1_usize..500) {
        let (read, tally, errors) = read(&text, portion);
        answer(tally, &errors, &[read], None);
    }
}

#[test]
fn a_log_whose_statuses_stand_behind_ever_other_bytes_is_counted_whole() {
    let mut text = String::new();
    for n in 0..2_000 {
        let at = format!("2026-11-20T19:{:02}:{:02}Z", n / 60 % 60, n % 60);
        text += &format!("{{\"time\":\"{at}\",\"uri\":\"/a\",\"status\":[\"x{n:04}\",504]}}\n");
    }
    let triage = told(&text);
    assert_eq!(counted(&triage), slowly(text.as_bytes(), &[json()]));
    assert_eq!(triage.failures, 2_000);
}

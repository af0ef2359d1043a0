//! The signature files: every block recognises its own sample, first, and nothing else claims it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::allow_attributes,
    reason = "a test may fail loudly"
)]

use std::collections::BTreeSet;

use gatemedic::{
    evidence::{SignatureId, Signatures, nginx_line},
    observation::Program,
};
use proptest::prelude::*;

const PROGRAMS: [Program; 6] = [
    Program::Nginx,
    Program::PhpFpm,
    Program::Systemd,
    Program::Kernel,
    Program::Docker,
    Program::Application,
];

#[test]
fn every_file_is_read_and_every_pattern_compiles() {
    let signatures = Signatures::embedded();
    assert_eq!(signatures.files().count(), 23);
    assert!(signatures.all().count() >= 258);
    assert_eq!(signatures.broken(), Vec::<String>::new());
}

#[test]
fn every_signature_is_the_first_match_of_its_own_sample() {
    let signatures = Signatures::embedded();
    let mut wrong = Vec::new();
    for info in signatures.all() {
        let found = signatures.all_of(&info.program, &info.sample);
        let first = found.first().and_then(|id| signatures.info(*id));
        if !first.is_some_and(|first| std::ptr::eq(first, info)) {
            wrong.push(format!("{} {}: {found:?} for {}", info.program, info.id, info.sample));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_also_matches_is_declared_as_more_general() {
    let signatures = Signatures::embedded();
    let mut wrong = Vec::new();
    for info in signatures.all() {
        let found = signatures.all_of(&info.program, &info.sample);
        let others: BTreeSet<&str> =
            found.iter().skip(1).map(|id| id.as_str()).filter(|id| *id != info.id).collect();
        let declared: BTreeSet<&str> = info.more_general.iter().map(String::as_str).collect();
        if others != declared {
            wrong.push(format!("({:?}, {:?}): {others:?},", info.program, info.sample));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_two_blocks_of_a_file_have_one_pattern() {
    let mut seen = BTreeSet::new();
    for info in Signatures::embedded().all() {
        assert!(seen.insert((&info.program, &info.pattern)), "{} {}", info.program, info.id);
    }
}

#[test]
fn every_text_is_a_short_whole_sentence() {
    for info in Signatures::embedded().all() {
        for text in [&info.meaning, &info.usually, &info.look] {
            assert!((8..=190).contains(&text.chars().count()), "{}: {text}", info.id);
            assert!(text.ends_with('.') || text.ends_with('?'), "{}: {text}", info.id);
            assert!(!text.contains('{'), "{}: {text}", info.id);
        }
        assert_eq!(info.symptom, info.id.starts_with("sym-"), "{}", info.id);
        assert!(info.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
    }
}

#[test]
fn ids_are_compared_by_their_text() {
    let one = SignatureId::find("proxy-fd-limit").unwrap();
    let line = "2026/11/20 18:24:06 [crit] 6592#6592: accept4() failed (24: Too many open files)";
    let other = Signatures::embedded().classify(Program::Nginx, line).unwrap().id;
    assert_eq!(one, other);
    assert!(one == "proxy-fd-limit" && one.is_failure() && !other.is_failure());
    assert_eq!(SignatureId::find("nonsense"), None);
}

#[test]
fn named_parts_are_given() {
    let line = "php8.2-fpm.service: Main process exited, code=killed, status=9/KILL";
    let found = Signatures::embedded().classify(Program::Systemd, line).unwrap();
    assert_eq!(found.id, SignatureId::find("app-crash-signal").unwrap());
    assert_eq!(found.part("unit"), Some("php8.2-fpm.service"));
    assert_eq!((found.part("sig"), found.part("name")), (Some("9"), Some("KILL")));
}

#[test]
fn what_a_program_repeats_is_not_what_it_says() {
    let signatures = Signatures::embedded();
    let repeated = [
        (
            Program::Nginx,
            r#"2026/11/20 18:17:42 [error] 7#7: *3 FastCGI sent in stderr: "PHP message: connect() failed (111: Connection refused) while connecting to upstream" while reading response header from upstream, client: 1.1.1.1, server: s, request: "GET / HTTP/1.1""#,
        ),
        (
            Program::Nginx,
            r#"2026/11/20 18:17:42 [error] 7#7: *3 open() "/srv/no live upstreams while connecting to upstream" failed (2: No such file or directory), client: 1.1.1.1, server: s, request: "GET / HTTP/1.1", referrer: "upstream sent too big header while reading response header from upstream""#,
        ),
        (
            Program::PhpFpm,
            r#"[20-Nov-2026 18:30:20] WARNING: [pool www] child 15874 said into stderr: "NOTICE: PHP message: [pool www] server reached pm.max_children setting (2), consider raising it""#,
        ),
        (
            Program::PhpFpm,
            r#"[20-Nov-2026 18:31:00] WARNING: [pool www] child 16070, script '/srv/a.php' (request: "GET /a.php?execution timed out (8.2 sec), terminating") executing too slow (2.221933 sec), logging"#,
        ),
        (
            Program::Application,
            r#"10.0.0.1 - - "GET /?q=Error: listen EADDRINUSE: address already in use :::1 HTTP/1.1" 200"#,
        ),
        (
            Program::Kernel,
            "usb 1-1: Product: Out of memory: Killed process 1 (a) total-vm:1kB, anon-rss:1kB",
        ),
        (Program::Systemd, "app.service: said: b.service: Start request repeated too quickly."),
    ];
    for (program, line) in repeated {
        let found = signatures.classify(program, line).map(|found| found.id.as_str());
        assert!(matches!(found, None | Some("app-slow")), "{found:?} for {line}");
    }
}

#[test]
fn a_line_of_many_bytes_is_recognised_by_its_beginning() {
    let head = "app.service: Start request repeated too quickly.";
    let line = format!("{head}{}", "é".repeat(100_000));
    let found = Signatures::embedded().classify(Program::Systemd, &line).unwrap();
    assert_eq!(found.id.as_str(), "app-start-limit-hit");
}

fn near_lines() -> impl Strategy<Value = String> {
    let samples: Vec<&str> =
        Signatures::embedded().all().map(|info| info.sample.as_str()).collect();
    (proptest::sample::select(samples), any::<prop::sample::Index>(), "\\PC{0,9}").prop_map(
        |(sample, at, text)| {
            let mut at = at.index(sample.len());
            while !sample.is_char_boundary(at) {
                at -= 1;
            }
            format!("{}{text}{}", &sample[..at], &sample[at..])
        },
    )
}

proptest! {
    #[test]
    fn any_line_is_survived(text in any::<String>(), near in near_lines()) {
        let signatures = Signatures::embedded();
        for line in [&text, &near] {
            for program in PROGRAMS {
                let _ = signatures.classify(program, line);
            }
            let _ = nginx_line::parse(line);
        }
    }

    #[test]
    fn what_a_client_sends_raises_no_signature(sample in 0_usize..400, field in 0_usize..3) {
        let signatures = Signatures::embedded();
        let samples: Vec<_> = signatures.all().collect();
        let hostile = &samples[sample % samples.len()].sample;
        let mut fields = ["GET /".to_owned(), "h".to_owned(), "r".to_owned()];
        fields[field].push_str(hostile);
        let line = format!(
            r#"2026/11/20 18:17:42 [error] 7#7: *3 something new, client: 10.0.0.1, server: s, request: "{} HTTP/1.1", host: "{}", referrer: "{}""#,
            fields[0], fields[1], fields[2],
        );
        prop_assert!(signatures.classify(Program::Nginx, &line).is_none());
    }
}

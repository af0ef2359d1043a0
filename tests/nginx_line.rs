//! nginx's error log, line by line: what it says, and what a client cannot make it say.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::allow_attributes,
    reason = "a test may fail loudly"
)]

use gatemedic::{
    evidence::nginx_line::{OwnLines, Phase, parse},
    observation::Text,
};
use proptest::prelude::*;

const REFUSED: &str = r#"2026/11/20 18:17:42 [error] 26779#26780: *3 connect() failed (111: Connection refused) while connecting to upstream, client: 127.0.0.1, server: taxo.test, request: "GET /dead?a=b HTTP/1.1", upstream: "http://127.0.0.1:9001/dead?a=b", host: "127.0.0.1:8080", referrer: "http://x/""#;

fn address(line: &str) -> Option<String> {
    parse(line).and_then(|line| line.upstream_address).map(|address| address.to_string())
}

#[test]
fn a_full_line_is_taken_apart() {
    let line = parse(REFUSED).unwrap();
    assert_eq!((line.pid, line.tid, line.connection), (Some(26779), Some(26780), Some(3)));
    assert_eq!(line.level.raw(), "error");
    assert_eq!(
        line.message.raw(),
        "connect() failed (111: Connection refused) while connecting to upstream"
    );
    assert_eq!((line.errno, line.phase), (Some(111), Some(Phase::Connecting)));
    assert_eq!(line.request.unwrap().raw(), "GET /dead");
    assert_eq!(line.upstream.unwrap().raw(), "http://127.0.0.1:9001");
    assert_eq!(line.upstream_address.unwrap().to_string(), "127.0.0.1:9001");
    assert_eq!(line.host.unwrap().raw(), "127.0.0.1:8080");
    assert_eq!(line.referrer.unwrap().raw(), "http://x/");
    assert!(!line.doubtful && !line.unfinished);
}

#[test]
fn every_kind_of_upstream_is_read() {
    let with = |upstream: &str| {
        parse(&REFUSED.replace("http://127.0.0.1:9001/dead?a=b", upstream)).unwrap()
    };
    let shown = |upstream: &str| with(upstream).upstream_address.map(|a| a.to_string());
    assert_eq!(
        shown("fastcgi://unix:/run/php/php8.2-fpm.sock:").as_deref(),
        Some("unix:/run/php/php8.2-fpm.sock")
    );
    assert_eq!(shown("http://unix:/run/a b.sock:/x").as_deref(), Some("unix:/run/a b.sock"));
    assert_eq!(shown("https://[::1]:9/x").as_deref(), Some("[::1]:9"));
    assert_eq!(shown("127.0.0.1:3306").as_deref(), Some("127.0.0.1:3306"));
    assert_eq!(shown("http://app:3000/").as_deref(), Some("app:3000"));
    assert_eq!(with("http://pair/pair").upstream_group.unwrap().raw(), "pair");
    assert_eq!(with("http://pair/pair").upstream_address, None);
}

#[test]
fn a_stream_line_and_lines_without_a_client_are_read() {
    let stream = r#"2026/11/20 18:17:42 [error] 7#7: *3 connect() failed (111: Connection refused) while connecting to upstream, client: 10.0.0.1, server: 0.0.0.0:33, upstream: "127.0.0.1:3306", bytes from/to client:0/0, bytes from/to upstream:0/0"#;
    assert_eq!(address(stream).as_deref(), Some("127.0.0.1:3306"));
    let resolver = "2026/11/20 18:19:39 [error] 26779#26779: recv() failed (111: Connection refused) while resolving, resolver: 127.0.0.1:9999";
    assert_eq!(parse(resolver).unwrap().phase, Some(Phase::Resolving));
    let start = parse("nginx: [emerg] host not found in upstream \"x\" in /etc/a.conf:2").unwrap();
    assert_eq!(start.level.raw(), "emerg");
    assert!(parse("nginx: the configuration file").is_none());
    assert!(parse("2026/11/20 18:19:39 hello").is_none());
}

#[test]
fn a_cut_address_is_no_address() {
    let end = REFUSED.find("9001/").unwrap();
    assert_eq!(address(&REFUSED[..end + 4]), None);
    assert_eq!(address(&REFUSED[..end + 2]), None);
    assert_eq!(address(&REFUSED[..=end + 4]).as_deref(), Some("127.0.0.1:9001"));
}

#[test]
fn a_path_cannot_pose_as_a_message() {
    let forged = r#"2026/11/20 18:17:42 [error] 7#7: *3 open() "/srv/x" failed (28: No space left on device), client: 6.6.6.6, server: a, request: "GET / HTTP/1.1", host: "b" failed (2: No such file or directory), client: 10.0.0.1, server: s, request: "GET /x HTTP/1.1", host: "h""#;
    let line = parse(forged).unwrap();
    assert!(line.doubtful);
    assert_eq!((line.message.raw(), line.errno), ("open()", None));
    let plain = r#"2026/11/20 18:17:42 [error] 7#7: *3 open() "/srv/x (13: a" failed (2: No such file or directory), client: 10.0.0.1, server: s, request: "GET /x HTTP/1.1", host: "h""#;
    assert_eq!(parse(plain).unwrap().errno, Some(2));
}

#[test]
fn a_message_of_several_lines_says_so() {
    let line = r#"2026/11/20 18:17:42 [error] 7#7: *3 FastCGI sent in stderr: "PHP message: PHP Fatal error:  Uncaught E in /a.php:1"#;
    assert!(parse(line).unwrap().unfinished);
    assert!(!parse(REFUSED).unwrap().unfinished);
}

/// Text that tries to look like fields.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\"".to_owned()),
        Just(", client: 6.6.6.6".to_owned()),
        Just(", server: evil".to_owned()),
        Just(", request: \"GET /".to_owned()),
        Just(" HTTP/1.1\"".to_owned()),
        Just(", upstream: \"http://6.6.6.6:66/".to_owned()),
        Just(", upstream: \"fastcgi://unix:/evil.sock:".to_owned()),
        Just(", host: \"".to_owned()),
        Just(", referrer: \"".to_owned()),
        Just(" failed (28: No space left on device)".to_owned()),
        Just("no live upstreams while connecting to upstream".to_owned()),
        "[ -~]{0,12}",
    ];
    proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn a_client_cannot_choose_the_upstream(path in hostile(), host in hostile(), referrer in hostile(), spaces in any::<bool>()) {
        let path = if spaces { path } else { path.replace(' ', "") };
        let line = format!(r#"2026/11/20 18:17:42 [error] 7#7: *3 connect() failed (111: Connection refused) while connecting to upstream, client: 10.0.0.1, server: s, request: "GET /{path} HTTP/1.1", upstream: "http://127.0.0.1:9001/{path}", host: "{host}", referrer: "{referrer}""#);
        let read = parse(&line).unwrap();
        let shown = read.upstream_address.map(|a| a.to_string());
        prop_assert!(shown.is_none() || shown.as_deref() == Some("127.0.0.1:9001"), "{shown:?}");
        prop_assert_eq!(read.errno, Some(111));
        prop_assert_eq!(read.message.raw(), "connect() failed (111: Connection refused) while connecting to upstream");
        prop_assert_eq!(read.client, Some(Text::from("10.0.0.1")));
        let quiet = |text: &str| !text.contains(" HTTP/");
        if quiet(&host) && quiet(&referrer) && !path.contains(' ') {
            prop_assert_eq!(shown.as_deref(), Some("127.0.0.1:9001"));
        }
    }

    #[test]
    fn a_client_cannot_invent_an_upstream(path in hostile(), host in hostile(), referrer in hostile()) {
        let line = format!(r#"2026/11/20 18:17:42 [error] 7#7: *3 limiting connections by zone "z", client: 10.0.0.1, server: s, request: "GET /{path} HTTP/1.1", host: "{host}", referrer: "{referrer}""#);
        prop_assert_eq!(parse(&line).unwrap().upstream_address, None);
    }

    #[test]
    fn a_path_in_a_message_stays_a_path(path in hostile(), referrer in hostile()) {
        let line = format!(r#"2026/11/20 18:17:42 [error] 7#7: *3 open() "/srv/{path}" failed (2: No such file or directory), client: 10.0.0.1, server: s, request: "GET /a HTTP/1.1", host: "h", referrer: "{referrer}""#);
        let read = parse(&line).unwrap();
        prop_assert!(matches!(read.errno, None | Some(2)), "{:?}", read.errno);
        prop_assert_eq!(read.upstream_address, None);
    }

    #[test]
    fn any_text_is_survived(text in any::<String>(), tail in hostile()) {
        let _ = parse(&text);
        let _ = parse(&format!("2026/11/20 18:17:42 [error] 7#7: *3 {text}, client: {tail}"));
        let _ = parse(&format!("2026/11/20 18:17:42 {text}"));
    }
}

#[test]
fn lines_that_a_path_smuggles_in_are_not_nginxs_own() {
    let mut log = OwnLines::default();
    assert!(log.is_own(REFUSED));
    // What `GET /a%0A2026/11/20%20…%0Ab` leaves in the log of a 404.
    assert!(log.is_own(r#"2026/11/20 18:17:42 [error] 7#7: *3 open() "/srv/a"#));
    assert!(!log.is_own(REFUSED));
    assert!(!log.is_own(r#"b" failed (2: No such file or directory), client: 10.0.0.1, server: s, request: "GET /a HTTP/1.1""#));
    let later: Vec<bool> = (0..12).map(|_| log.is_own(REFUSED)).collect();
    assert!(!later[0] && later[11], "{later:?}");
}

#[test]
fn what_nginx_says_at_start_is_whole() {
    let mut log = OwnLines::default();
    let start =
        r#"2026/11/20 18:25:01 [emerg] 9#9: host not found in upstream "x" in /srv/a.conf:2"#;
    assert!(log.is_own(start) && log.is_own(REFUSED));
}

#[test]
fn bytes_that_are_shown_longer_do_not_end_the_doubt_early() {
    let mut log = OwnLines::default();
    let start =
        format!(r#"2026/11/20 18:17:42 [error] 7#7: *3 open() "/srv/{}"#, "\\xff".repeat(1000));
    assert!(log.is_own(&start));
    assert!(!log.is_own(REFUSED));
}

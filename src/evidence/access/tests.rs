//! Lines as the gateways write them.

use jiff::{Timestamp, tz::TimeZone};
use proptest::prelude::*;

use super::*;
use crate::observation::{AccessFormat, AccessSyntax, Text, Wall};

const LATE: Wall = Wall(i64::MAX);

fn format(syntax: AccessSyntax, name: &str, pattern: &str) -> AccessFormat {
    AccessFormat { name: Text::from(name), pattern: Text::from(pattern), syntax }
}

fn parser(syntax: AccessSyntax, name: &str, pattern: &str) -> AccessParser {
    AccessParser::new(&format(syntax, name, pattern), TimeZone::UTC).unwrap()
}

fn request<'a>(parser: &mut AccessParser, line: &'a str) -> AccessFields<'a> {
    match parser.read(line.as_bytes(), LATE) {
        Reading::Request(fields) => {
            let at = fields.marker.at;
            if fields.status > 0 {
                assert_eq!(line[at..at + 3], fields.status.to_string(), "the marker of {line}");
            }
            fields
        }
        other => panic!("{other:?} for {line}"),
    }
}

fn text(value: Option<&[u8]>) -> &str {
    std::str::from_utf8(value.unwrap_or(b"(none)")).unwrap()
}

fn words(fields: &AccessFields<'_>) -> String {
    String::from_utf8(fields.words()).unwrap()
}

fn wall(text: &str) -> Option<Wall> {
    Some(Wall(text.parse::<Timestamp>().unwrap().as_microsecond()))
}

fn guessed(line: &str) -> AccessFields<'_> {
    let shape = detect(std::iter::once(line.as_bytes()), &TimeZone::UTC);
    let shape = shape.unwrap_or_else(|| panic!("not recognised: {line}"));
    request(&mut AccessParser::of(&shape, TimeZone::UTC).unwrap(), line)
}

#[test]
fn haproxy_tells_who_made_the_status() {
    let mut http = parser(AccessSyntax::Haproxy, "", "");
    let line = r#"Nov 20 18:28:40 web1 haproxy[13444]: 127.0.0.1:50908 [20/Nov/2026:18:28:37.218] f dead/s1 0/0/-1/-1/3003 503 217 - - SC-- 1/1/0/0/3 0/0 "GET /dead?x=1 HTTP/1.1""#;
    let fields = request(&mut http, line);
    assert_eq!((fields.status, text(fields.flags)), (503, "SC--"));
    assert_eq!((text(fields.backend), text(fields.upstream_addr)), ("dead", "s1"));
    assert_eq!((fields.retries, fields.request_ms), (Some(3), Some(3003)));
    assert_eq!(
        (words(&fields).as_str(), fields.at),
        ("GET /dead", wall("2026-11-20T18:28:37.218Z"))
    );
    let line = r#"<134>Nov 20 18:29:23 haproxy[13444]: 10.0.0.9:36798 [20/Nov/2026:18:29:23.154] fe~ app/<NOSRV> 0/-1/-1/-1/0 503 217 - - SC-- 1/1/0/0/0 0/0 {shop.example|Mozilla} {} "GET / HTTP/2.0""#;
    let fields = request(&mut http, line);
    assert_eq!((text(fields.upstream_addr), words(&fields).as_str()), ("<NOSRV>", "GET /"));
}

#[test]
fn a_line_that_haproxy_cut_is_still_a_request_and_its_events_are_none() {
    let mut http = parser(AccessSyntax::Haproxy, "", "");
    let cut = r#"10.0.0.9:3 [20/Nov/2026:18:29:23.154] fe app/s1 0/0/0/12/+12 502 217 - - SH-- 1/1/0/0/+1 0/0 "GET /a/very/long"#;
    let fields = request(&mut http, cut);
    assert_eq!((fields.status, fields.retries, fields.request_ms), (502, Some(1), Some(12)));
    assert!(words(&fields).starts_with("GET /a/very"));
    let event = "Nov 20 18:29:23 web1 haproxy[1]: Server app/s1 is DOWN, reason: Layer4 connection problem.";
    assert_eq!(http.read(event.as_bytes(), LATE), Reading::Other);
    let aborted = r#"10.0.0.9:3 [20/Nov/2026:18:29:23.154] fe app/s1 0/0/0/-1/30 -1 0 - - CH-- 1/1/0/0/0 0/0 "GET / HTTP/1.1""#;
    assert_eq!(request(&mut http, aborted).status, 0);
}

#[test]
fn haproxy_formats_of_ones_own_are_read() {
    let own = r"%{+Q}o\ %t\ %s\ %ST\ %HM\ %HP\ %[req.hdr(host)]\ %tsc\ %Ta";
    let mut parser = parser(AccessSyntax::Haproxy, "", own);
    let line = r#"20/Nov/2026:18:29:23.154 "s2" 504 "GET" "/slow" "shop.example" "sH--" 30001"#;
    let fields = request(&mut parser, line);
    assert_eq!((text(fields.upstream_addr), text(fields.flags)), ("s2", "sH--"));
    assert_eq!((text(fields.host), fields.request_ms), ("shop.example", Some(30001)));
}

#[test]
fn haproxy_in_the_common_format_is_read() {
    let line = r#"10.0.0.9 - - [20/Nov/2026:18:29:23 +0000] "GET /x HTTP/1.1" 503 217 "" "" 36798 154 "fe" "app" "s1" 0 0 -1 -1 3 "SC--" 1 1 0 0 3 0 0 "" """#;
    let fields = request(&mut parser(AccessSyntax::Haproxy, "clf", ""), line);
    assert_eq!((text(fields.backend), text(fields.flags)), ("app", "SC--"));
}

#[test]
fn apache_formats_are_read_with_and_without_a_pattern() {
    let line = r#"shop.example:443 10.0.0.9 - - [20/Nov/2026:18:17:42 +0000] "GET /a?b HTTP/1.1" 503 575 "-" "curl/8""#;
    let fields = request(&mut parser(AccessSyntax::Apache, "vhost_combined", ""), line);
    assert_eq!((fields.status, text(fields.host)), (503, "shop.example"));
    let own =
        r#"%h %{%d/%b/%Y:%T}t.%{msec_frac}t %{%z}t \"%r\" %s->%>s %D %{BALANCER_WORKER_NAME}e"#;
    let line = r#"10.0.0.9 20/Nov/2026:18:17:42.250 +0100 "GET /x HTTP/1.1" 200->502 1500000 http://10.0.0.1:8080"#;
    let fields = request(&mut parser(AccessSyntax::Apache, "own", own), line);
    assert_eq!((fields.status, fields.request_ms), (502, Some(1500)));
    assert_eq!(fields.at, wall("2026-11-20T17:17:42.250Z"));
    assert_eq!(text(fields.upstream_addr), "http://10.0.0.1:8080");
}

#[test]
fn envoy_says_what_it_found_and_what_the_backend_said() {
    let line = r#"[2026-11-20T18:17:42.310Z] "GET /x HTTP/1.1" 503 UF,URX 0 91 3 - "-" "curl/8" "7f-1" "shop.example" "10.0.0.1:8080""#;
    let fields = request(&mut parser(AccessSyntax::Envoy, "", ""), line);
    assert_eq!((text(fields.flags), text(fields.upstream_addr)), ("UF,URX", "10.0.0.1:8080"));
    assert_eq!((text(fields.host), fields.at), ("shop.example", wall("2026-11-20T18:17:42.310Z")));
    let istio = r#"[2026-11-20T18:17:42.310Z] "GET /x HTTP/1.1" 503 - via_upstream - "-" 0 91 3 2 "-" "curl/8" "7f-1" "shop" "10.0.0.1:8080" inbound|8080|| 127.0.0.6:1 10.0.0.1:8080 10.0.0.9:4 - default"#;
    let fields = guessed(istio);
    assert_eq!((text(fields.upstream_status), fields.flags), ("503", None));
    let json = r#"{"start_time":"2026-11-20T18:17:42.310Z","response_code":503,"response_flags":"UF","upstream_host":"10.0.0.1:8080","path":"/x","method":"GET"}"#;
    let fields = request(&mut parser(AccessSyntax::Envoy, "", ""), json);
    assert_eq!((fields.status, text(fields.flags)), (503, "UF"));
}

#[test]
fn traefik_is_read_in_both_of_its_formats() {
    let line = r#"10.0.0.9 - - [20/Nov/2026:18:17:42 +0000] "GET /x HTTP/2.0" 502 11 "-" "-" 17 "shop@docker" "http://172.18.0.3:80" 2ms"#;
    let fields = request(&mut parser(AccessSyntax::Traefik, "", ""), line);
    assert_eq!(
        (text(fields.backend), text(fields.upstream_addr)),
        ("shop@docker", "http://172.18.0.3:80")
    );
    assert_eq!(fields.request_ms, Some(2));
    let json = r#"{"ClientAddr":"10.0.0.9:1","DownstreamStatus":502,"Duration":3000000,"OriginStatus":503,"RequestHost":"shop.lan","RequestMethod":"GET","RequestPath":"/x?y","RetryAttempts":1,"ServiceAddr":"172.18.0.3:80","ServiceName":"shop@docker","StartUTC":"2026-11-20T18:17:42.310123456Z","level":"info","msg":"","time":"2026-11-20T18:17:43Z"}"#;
    let fields = request(&mut parser(AccessSyntax::Traefik, "", "json"), json);
    assert_eq!((fields.status, text(fields.upstream_status)), (502, "503"));
    assert_eq!((fields.request_ms, fields.retries), (Some(3), Some(1)));
    assert_eq!((words(&fields).as_str(), text(fields.host)), ("GET /x", "shop.lan"));
    assert_eq!(text(fields.upstream_addr), "172.18.0.3:80");
}

#[test]
fn caddy_is_read_and_its_errors_are_not_counted_twice() {
    let json = r#"{"level":"error","ts":1795198662.3101,"logger":"http.log.access.log0","msg":"handled request","request":{"remote_ip":"10.0.0.9","method":"GET","host":"shop.lan","uri":"/caf\u00e9?a","headers":{"User-Agent":["curl/8"]}},"bytes_read":0,"duration":0.012,"size":0,"status":502,"resp_headers":{"Server":["Caddy"]}}"#;
    let mut caddy = parser(AccessSyntax::Caddy, "", "");
    let fields = request(&mut caddy, json);
    assert_eq!((fields.status, words(&fields).as_str()), (502, "GET /café"));
    assert_eq!((fields.request_ms, text(fields.agent)), (Some(12), "curl/8"));
    assert_eq!(fields.at, wall("2026-11-20T18:17:42.3101Z"));
    let error = json.replace("http.log.access.log0", "http.log.error.log0");
    assert_eq!(caddy.read(error.as_bytes(), LATE), Reading::Other);
    let console = format!(
        "2026/11/20 18:17:42.310\terror\thttp.log.access\thandled request\t{}",
        r#"{"request":{"method":"GET","uri":"/x"},"status":502}"#
    );
    let fields = request(&mut caddy, &console);
    assert_eq!(fields.at, wall("2026-11-20T18:17:42.310Z"));
}

#[test]
fn other_json_is_read_by_the_names_of_its_keys() {
    for line in [
        r#"{"@timestamp":"2026-11-20T18:17:42.000Z","http":{"response":{"status_code":502},"request":{"method":"GET"}},"url":{"path":"/x"}}"#,
        r#"{"time":"2026-11-20T18:17:42+00:00","status":"502","request":"GET /x HTTP/1.1","upstream_status":"502, 502","request_time":"0.250"}"#,
        r#"{"timestamp": 1795198662000, "statusCode": 502, "method": "GET", "path": "/x"}"#,
        r#"{"ts":1795198662000000,"status":502,"method":"GET","path":"/x"}"#,
        r#"{"ts":1795198662000000000,"status":502,"method":"GET","path":"/x"}"#,
        r#"{"time_local":"20/Nov/2026:18:17:42 +0000","status":502,"request_method":"GET","request_uri":"/x"}"#,
    ] {
        let fields = guessed(line);
        assert_eq!((fields.status, words(&fields).as_str()), (502, "GET /x"), "{line}");
        assert_eq!(fields.at, wall("2026-11-20T18:17:42Z"), "{line}");
    }
    let no_request = r#"{"level":"info","msg":"started","status":"ok"}"#;
    assert_eq!(
        parser(AccessSyntax::Json, "", "").read(no_request.as_bytes(), LATE),
        Reading::Other
    );
}

#[test]
fn common_formats_with_more_behind_them_are_recognised() {
    let combined =
        r#"10.0.0.9 - - [20/Nov/2026:18:17:42 +0000] "GET /x HTTP/1.1" 502 157 "-" "curl/8""#;
    assert_eq!(guessed(combined).status, 502);
    let common = r#"10.0.0.9 - bob [20/Nov/2026:18:17:42 +0000] "GET /x HTTP/1.1" 502 157"#;
    assert_eq!(guessed(common).agent, None);
    let named = format!(
        "{combined} \"-\" rt=0.003 uct=\"0.001\" uht=\"-\" urt=\"0.002\" ua=\"x\" us=\"502, 504\" upstream_addr=10.0.0.1:80, 10.0.0.2:80"
    );
    let fields = guessed(&named);
    assert_eq!((fields.request_ms, fields.upstream_ms), (Some(3), Some(2)));
    assert_eq!(text(fields.upstream_addr), "10.0.0.1:80, 10.0.0.2:80");
    assert_eq!(text(fields.upstream_status), "502, 504");
    let bare = format!("{combined} \"10.1.1.1\" 0.003 0.002 unix:/run/php/a.sock 502");
    let fields = guessed(&bare);
    assert_eq!((text(fields.upstream_addr), fields.request_ms), ("unix:/run/php/a.sock", Some(3)));
    let vhost = format!("shop.lan:80 {combined}");
    assert_eq!(text(guessed(&vhost).host), "shop.lan:80");
}

#[test]
fn named_values_are_read() {
    let line = r#"2026-11-20T18:17:42+00:00 heroku[router]: at=error code=H12 desc="Request timeout" method=GET path="/x?y" host=shop.lan status=503 time=2026-11-20T18:17:42Z"#;
    let fields = guessed(line);
    assert_eq!((fields.status, words(&fields).as_str()), (503, "GET /x"));
    let ltsv = "time:[20/Nov/2026:18:17:42 +0000]\thost:10.0.0.9\treq:GET /x HTTP/1.1\tstatus:502";
    assert_eq!((guessed(ltsv).status, guessed(ltsv).at), (502, wall("2026-11-20T18:17:42Z")));
}

#[test]
fn lines_that_are_no_requests_are_not_taken_for_any() {
    for line in [
        "2026/11/20 18:17:42 [error] 55#55: *7 connect() failed (111: Connection refused)",
        "[Fri Nov 20 18:17:42.000000 2026] [proxy:error] [pid 1] AH00957: status=503 a=1",
        "Traceback (most recent call last):",
        "",
        "{",
        "\u{0}\u{0}\u{0}",
    ] {
        assert_eq!(detect(std::iter::once(line.as_bytes()), &TimeZone::UTC), None, "{line}");
    }
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(br#"{"status":502,"#.to_vec()),
        Just(br#" "GET / HTTP/1.1" 502 "#.to_vec()),
        Just(b"[20/Nov/2026:18:17:42 +0000] ".to_vec()),
        Just(b"a=b status=502 ".to_vec()),
        Just(b"[[[[{\"a\":".to_vec()),
        Just(b"haproxy[1]: ".to_vec()),
        proptest::collection::vec(any::<u8>(), 0..12),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_line_breaks_any_parser(line in bytes()) {
        let known = [
            format(AccessSyntax::Apache, "combined", ""),
            format(AccessSyntax::Haproxy, "", ""),
            format(AccessSyntax::Haproxy, "clf", ""),
            format(AccessSyntax::Envoy, "", ""),
            format(AccessSyntax::Traefik, "", ""),
            format(AccessSyntax::Json, "", ""),
        ];
        let shapes = known.into_iter().map(Shape::Told).chain([Shape::Combined, Shape::Pairs, Shape::Loose]);
        for shape in shapes {
            let mut parser = AccessParser::of(&shape, TimeZone::UTC).unwrap();
            if let Reading::Request(fields) = parser.read(&line, LATE) {
                prop_assert!(fields.words().len() <= 3 * line.len() + 1);
                prop_assert!(fields.marker.at <= line.len() && fields.marker.lead <= fields.marker.at);
            }
        }
        detect(line.split(|byte| *byte == b'\n'), &TimeZone::UTC);
    }

    #[test]
    fn no_format_breaks_a_compiler(
        pattern in r#"[%${}()\[\]\\"+Q,:>a-zA-Z0-9_ .-]{0,60}"#,
        line in bytes(),
    ) {
        for syntax in [AccessSyntax::Nginx, AccessSyntax::Apache, AccessSyntax::Haproxy, AccessSyntax::Envoy] {
            for tail in ["", " %ST", " %>s", " %RESPONSE_CODE%", " $status"] {
                let format = format(syntax, "x", &format!("{pattern}{tail}"));
                if let Ok(mut parser) = AccessParser::new(&format, TimeZone::UTC) {
                    parser.read(&line, LATE);
                }
            }
        }
    }
}

#[test]
fn a_list_of_tries_without_a_name_is_one_value() {
    let line = r#"1.2.3.4 - - [26/Nov/2026:11:00:00 +0000] "GET /u HTTP/1.1" 502 12 "-" "curl/7" upstream: 10.0.0.1:80, 10.0.0.2:80 : unix:/run/x.sock status: 502, 504 : 502 rt=0.100"#;
    assert_eq!(text(guessed(line).upstream_addr), "10.0.0.1:80, 10.0.0.2:80 : unix:/run/x.sock");
    let ingress = r#"1.2.3.4 - - [26/Nov/2026:11:00:00 +0000] "GET /k HTTP/2.0" 502 552 "-" "Mozilla" 120 0.005 [default-app-80] [] 10.42.0.7:8080, 10.42.0.8:8080 0, 0 0.002, 0.003 502, 502 ab12"#;
    assert_eq!(text(guessed(ingress).upstream_addr), "10.42.0.7:8080, 10.42.0.8:8080");
}

#[test]
fn a_load_balancer_of_aws_tells_whose_status_it_is() {
    let line = r#"https 2026-11-26T11:00:01.186641Z app/my-lb/50dc6c495c0c9188 192.168.131.39:2817 10.0.0.1:80 0.000 0.001 0.000 502 - 34 366 "GET https://www.example.com:443/x HTTP/1.1" "curl/7.46.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:x "Root=1-58337262" "-" "-" 0 2026-11-26T11:00:00.186641Z "forward" "-" "-" "10.0.0.1:80" "-" "-" "-""#;
    let read = guessed(line);
    assert_eq!((read.status, text(read.upstream_addr)), (502, "10.0.0.1:80"));
    assert_eq!(read.at, wall("2026-11-26T11:00:01.186641Z"));
    assert_eq!(words(&read), "GET https://www.example.com:443/x");
    let shape = detect(std::iter::once(line.as_bytes()), &TimeZone::UTC).unwrap();
    assert_eq!(shape.words(), "AWS load balancer");
}

#[test]
fn a_program_that_now_and_then_tells_of_a_request_writes_no_access_log() {
    let lines = [
        "2026-11-26T11:00:01Z starting",
        "2026-11-26T11:00:02Z answered GET /x 502 0.1",
        "2026-11-26T11:00:03Z cannot reach the database",
    ];
    assert_eq!(detect(lines.iter().map(|line| line.as_bytes()), &TimeZone::UTC), None);
}

#[test]
fn lines_that_docker_has_wrapped_are_still_requests() {
    let line = r#"{"log":"1.2.3.4 - - [26/Nov/2026:11:00:01 +0000] \"GET /d HTTP/1.1\" 502 552 \"-\" \"Mozilla\"\n","stream":"stdout","time":"2026-11-26T11:00:01.1Z"}"#;
    let read = guessed(line);
    assert_eq!((read.status, words(&read).as_str()), (502, "GET /d"));
    assert_eq!(read.at, wall("2026-11-26T11:00:01Z"));
}

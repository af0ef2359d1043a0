use super::*;
use crate::{
    diagnosis::{
        testing::{Host, ago, gateway_id, unit},
        url::{letter, request_ids},
    },
    observation::Text,
};

const AT: &str = "127.0.0.1:8000";

fn answered(status: u16, headers: &[(&str, &str)], body: &str) -> Visit {
    let header = |(name, value): &(&str, &str)| ((*name).to_owned(), Text::new(value));
    let headers = headers.iter().map(header).collect();
    let reply = Reply { status, headers, body: body.to_owned(), cut: Text::default() };
    visited(Ok(reply))
}

fn visited(outcome: Result<Reply, VisitFailure>) -> Visit {
    let to = vec!["203.0.113.5:443".parse().unwrap()];
    Visit { at: ago(0), millis: 12, to, outcome, untrusted: Text::default() }
}

fn sight(public: Visit, local: Option<u16>, arrival: Arrival) -> Sight {
    let local = local.map(|status| LocalVisit {
        gateway: gateway_id(),
        listen: "127.0.0.1:443".parse().unwrap(),
        tls: true,
        named: true,
        visit: answered(status, &[], "x"),
    });
    let (url, host) = (Text::new("https://shop.example/"), Text::new("shop.example"));
    Sight { url, host, public, local: local.into_iter().collect(), without_query: false, arrival }
}

fn alb(status: u16, words: &str) -> Visit {
    let body = format!("<html>\r\n<body>\r\n<center><h1>{status} {words}</h1></center>\r\n</body>");
    answered(status, &[("server", "awselb/2.0"), ("x-amzn-trace-id", "Root=1-2-3")], &body)
}

fn nginx_page(server: &str) -> Visit {
    let body = "<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx/1.22.1</center>";
    answered(502, &[("server", server)], body)
}

fn healthy() -> Diagnosis {
    Host::passing_to(AT).serves("shop.service", AT, 100).traffic(1, 200, 9).diagnose()
}

fn stopped() -> Diagnosis {
    Host::passing_to(AT).unit(unit("shop.service").claims(AT).stopped(60)).refused(5, AT).diagnose()
}

fn never() -> Arrival {
    Arrival::Never
}

fn came() -> Arrival {
    Arrival::Came(Text::new("/var/log/nginx/access.log"))
}

#[test]
fn a_balancers_502_that_never_came_here_is_not_this_hosts() {
    let sight = sight(alb(502, "Bad Gateway"), Some(200), never());
    let whose = judge(&sight, &healthy(), &[]);
    assert_eq!((whose.blame, whose.sure), (Blame::InFront, true));
    assert!(whose.summary.contains("nothing on this host is at fault"), "{}", whose.summary);
    assert_eq!(whose.may_be, ["lb-keepalive-race", "lb-deregistration"]);
    assert!(whose.console.iter().any(|line| line.contains("security groups")));
    let text = letter(&sight, &whose, &healthy(), "web1");
    for words in [
        "https://shop.example/ gave status 502 at 2026-11-20T14:00:00Z",
        "x-amzn-trace-id: Root=1-2-3",
        "From inside (web1, nginx at 127.0.0.1:443): status 200",
        "never came to this host",
        "- the state of the targets",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
}

#[test]
fn the_statuses_of_a_balancer_tell_different_stories() {
    let may_be = |status, words, arrival| {
        judge(&sight(alb(status, words), Some(200), arrival), &healthy(), &[]).may_be
    };
    assert_eq!(may_be(503, "Service Temporarily Unavailable", never()), ["lb-no-targets"]);
    assert_eq!(may_be(504, "Gateway Time-out", never()), ["lb-target-timeout"]);
    // A request that came here did find a target.
    assert!(may_be(503, "Service Temporarily Unavailable", came()).is_empty());
}

#[test]
fn a_page_of_the_gateway_here_is_this_hosts_and_names_the_finding() {
    let diagnosis = stopped();
    let whose = judge(&sight(nginx_page("nginx"), Some(502), came()), &diagnosis, &[]);
    assert_eq!((whose.blame, whose.sure), (Blame::Here, true));
    assert!(whose.summary.contains(&diagnosis.findings[0].summary), "{}", whose.summary);
    assert!(whose.may_be.is_empty(), "{:?}", whose.may_be);
}

#[test]
fn a_content_network_that_passes_on_the_origins_page_says_so() {
    let whose = judge(&sight(nginx_page("cloudflare"), Some(502), came()), &stopped(), &[]);
    assert_eq!(whose.maker.unwrap().hop, "nginx");
    let mut through = nginx_page("cloudflare");
    if let Ok(reply) = &mut through.outcome {
        reply.headers.push(("cf-ray".to_owned(), Text::new("8a1b2c3d4e5f6a7b-FRA")));
    }
    let whose = judge(&sight(through, Some(502), came()), &stopped(), &[]);
    assert_eq!(whose.blame, Blame::Here);
    assert_eq!(whose.may_be, ["cdn-passes-502"]);
}

#[test]
fn a_page_that_another_kind_of_gateway_signed_is_a_chain() {
    let body = "<html><body><h1>502 Bad Gateway</h1>\nThe server returned an invalid or incomplete response.";
    let whose = judge(&sight(answered(502, &[], body), Some(200), never()), &healthy(), &[]);
    assert_eq!(whose.maker.unwrap().hop, "haproxy");
    assert_eq!(whose.may_be, ["chained-proxy"]);
    assert_eq!(whose.blame, Blame::InFront);
}

#[test]
fn without_any_log_it_is_likely_and_never_sure() {
    let unknown = || Arrival::Unknown(Text::new("no access log"));
    for (local, blame) in [(200, Blame::InFront), (502, Blame::Here)] {
        let whose = judge(&sight(nginx_page("nginx"), Some(local), unknown()), &healthy(), &[]);
        assert_eq!((whose.blame, whose.sure), (blame, false));
    }
}

#[test]
fn a_host_without_any_gateway_still_gets_an_answer() {
    let nothing = Diagnosis::default();
    let unknown = Arrival::Unknown(Text::new("no access log"));
    let whose = judge(&sight(alb(502, "Bad Gateway"), None, unknown.clone()), &nothing, &[]);
    assert_eq!((whose.blame, whose.sure), (Blame::InFront, false));
    let whose = judge(&sight(nginx_page("nginx"), None, unknown), &nothing, &[]);
    assert_eq!(whose.blame, Blame::Unknown);
}

#[test]
fn a_url_that_answers_or_cannot_be_reached_is_told_as_such() {
    let whose = judge(&sight(answered(200, &[], "hello"), Some(200), came()), &healthy(), &[]);
    assert_eq!((whose.blame, whose.sure), (Blame::Nobody, true));
    assert!(whose.console.is_empty() && whose.may_be.is_empty());
    let failures = [
        (VisitFailure::Name(Text::new("no such name")), "does not resolve"),
        (
            VisitFailure::Connect(Text::new("refused")),
            "no connection to shop.example at 203.0.113.5",
        ),
        (VisitFailure::Tls(Text::new("certificate expired")), "certificate expired"),
        (VisitFailure::Late(10_000), "within 10000 ms"),
    ];
    for (failure, words) in failures {
        let whose = judge(&sight(visited(Err(failure)), Some(200), never()), &healthy(), &[]);
        assert!(whose.summary.contains(words), "{}", whose.summary);
        assert_ne!(whose.blame, Blame::Here);
    }
    let mut untrusted = answered(200, &[], "hello");
    untrusted.untrusted = Text::new("invalid peer certificate: Expired");
    let whose = judge(&sight(untrusted, Some(200), came()), &healthy(), &[]);
    assert_eq!(whose.blame, Blame::Unknown);
    assert!(whose.summary.contains("browsers refuse its certificate"));
}

#[test]
fn the_backends_of_the_url_are_told_without_being_asked() {
    let diagnosis = stopped();
    let id = diagnosis.upstreams[0].id.to_string();
    let whose = judge(&sight(nginx_page("nginx"), Some(502), came()), &diagnosis, &[id]);
    assert_eq!(whose.backends.len(), 1);
    assert_eq!((whose.backends[0].address.as_str(), whose.backends[0].state), (AT, "down"));
}

#[test]
fn only_headers_that_name_the_request_are_its_ids() {
    let visit = answered(502, &[("set-cookie", "a=b"), ("cf-ray", "1-FRA"), ("date", "x")], "");
    let reply = visit.outcome.unwrap();
    let ids: Vec<&str> = request_ids(&reply).map(|(name, _)| name).collect();
    assert_eq!(ids, ["cf-ray"]);
}

#[test]
fn what_was_asked_without_the_query_is_not_called_the_same_request() {
    let mut seen = sight(nginx_page("nginx"), Some(200), Arrival::Came(Text::new("/a.log")));
    seen.without_query = true;
    let found = judge(&seen, &healthy(), &[]);
    assert!(found.summary.contains("with the query, or now and then"), "{}", found.summary);
    assert!(found.why.iter().any(|why| why.contains("without the query")), "{:?}", found.why);
    assert!(!found.sure);
}

//! What is told of whole configurations.

use proptest::prelude::*;

use crate::{
    host::files::Root,
    observation::{
        AccessFormat, Address, GatewayConfig, GatewayKind, LogKind, ProblemKind, Protocol,
    },
    source::config::setup::{Parsed, Setup},
};

use super::parse;

fn read_all(text: &[u8], more: &[(&str, &str)]) -> Parsed {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("etc")).unwrap();
    std::fs::write(dir.path().join("etc/haproxy.cfg"), text).unwrap();
    for (path, text) in more {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    parse(&Setup::of(GatewayKind::Haproxy, Root::new(dir.path()), "/etc/haproxy.cfg"))
}

fn read(text: &str) -> GatewayConfig {
    let parsed = read_all(text.as_bytes(), &[]);
    assert!(parsed.readable);
    parsed.config
}

fn shown(config: &GatewayConfig) -> Vec<String> {
    let one = |u: &crate::observation::ConfiguredUpstream| {
        let address = u.address.as_ref().map_or_else(|| "?".to_owned(), Address::to_string);
        let group = u.group.as_ref().map(ToString::to_string).unwrap_or_default();
        format!("{group}/{} {} {address}", u.params.name, u.protocol.as_str())
    };
    config.upstreams.iter().map(one).collect()
}

const SHOP: &str = "\
global
    log /dev/log local0
    chroot /var/lib/haproxy
    stats socket /run/haproxy/admin.sock mode 660 level admin
defaults
    mode http
    log global
    option httplog
    timeout connect 5s
    timeout server 30000
    default-server inter 2s maxconn 50
frontend web
    bind *:80
    bind :443 ssl crt /etc/x.pem
    acl is_api path_beg /api
    acl blog hdr(host) -i blog.lan
    http-request return status 503 content-type text/plain string x if { path_beg /off }
    use_backend api if is_api
    use_backend blog if blog
    default_backend shop
backend shop
    balance roundrobin
    option httpchk GET /health
    http-check expect status 200
    server s1 127.0.0.1:8000 check
    server s2 127.0.0.1:8001 check port 8100 backup disabled
backend api
    timeout server 5s
    server a api.internal:443 ssl verify none
backend blog
    server u /run/blog.sock
backend unused
    server x 10.0.0.9:80
";

#[test]
fn servers_are_told_with_their_backends_checks_and_timeouts() {
    let config = read(SHOP);
    assert_eq!(
        shown(&config),
        [
            "shop/s1 http 127.0.0.1:8000",
            "shop/s2 http 127.0.0.1:8001",
            "api/a https api.internal:443",
            "blog/u http unix:/var/lib/haproxy/run/blog.sock",
            "unused/x http 10.0.0.9:80",
        ]
    );
    assert!(config.problems.is_empty(), "{:?}", config.problems);
    let s1 = &config.upstreams[0];
    let check = s1.params.check.as_ref().unwrap();
    assert_eq!((check.request.raw(), check.expect.raw()), ("GET /health", "status 200"));
    assert_eq!(check.place.line, 23);
    assert_eq!((s1.params.max_conns, s1.group_size, s1.timeouts.read.value), (50, 2, 30_000));
    assert_eq!(s1.timeouts.connect.value, 5_000);
    let s2 = &config.upstreams[1].params;
    assert!(s2.down && s2.backup);
    let apart = s2.check.as_ref().and_then(|c| c.address.clone());
    assert_eq!(apart, Address::parse("127.0.0.1:8100", 80));
    let api = &config.upstreams[2];
    assert!(!api.tls_verify && api.params.check.is_none());
    assert_eq!(
        (api.timeouts.read.value, api.timeouts.read.place.as_ref().unwrap().line),
        (5_000, 28)
    );
    assert!(config.upstreams[4].routes.is_empty());
}

#[test]
fn routes_say_which_frontend_host_and_path_lead_to_a_server() {
    let config = read(SHOP);
    let routes: Vec<String> = config
        .upstreams
        .iter()
        .flat_map(|u| &u.routes)
        .map(|r| {
            let join = |all: &[crate::observation::Text]| {
                all.iter().map(crate::observation::Text::raw).collect::<Vec<_>>().join(",")
            };
            format!(
                "{} {} {} {}",
                r.place.line,
                join(&r.server_names),
                r.location,
                join(&r.listens)
            )
        })
        .collect();
    let listens = "80,443 ssl";
    assert_eq!(
        routes,
        [
            format!("20  / {listens}"),
            format!("20  / {listens}"),
            format!("18  /api {listens}"),
            format!("19 blog.lan / {listens}"),
        ]
    );
    let answer = &config.answers[0];
    assert_eq!((answer.status, answer.location.raw()), (503, "/off"));
    assert_eq!(config.controls[0].address.to_string(), "unix:/run/haproxy/admin.sock");
    assert_eq!(config.sites.len(), 1);
}

#[test]
fn the_log_is_found_where_the_syslog_server_writes_it() {
    let rule = ":programname, startswith, \"haproxy\" {\n  /var/log/lb.log\n  stop\n}\n";
    let more = [("etc/rsyslog.d/49.conf", rule), ("var/log/lb.log", "")];
    let config = read_all(SHOP.as_bytes(), &more).config;
    let paths: Vec<(&str, bool)> = config
        .logs
        .iter()
        .map(|log| (log.path.raw(), matches!(&log.kind, LogKind::Access(AccessFormat { name, .. }) if name.raw() == "httplog")))
        .collect();
    assert_eq!(paths, [("/var/log/lb.log", false), ("/var/log/lb.log", true)]);
    let journal = read(SHOP);
    assert!(journal.logs.iter().all(|log| log.path.raw() == "syslog:server=/dev/log"));
    let stream =
        read("global\nlog stdout format raw local0\ndefaults\nlog global\nfrontend f\nbind :80\n");
    assert!(stream.logs.iter().all(|log| log.path.raw() == "stderr"));
}

#[test]
fn named_defaults_and_several_of_them_are_kept_apart() {
    let config = read(
        "defaults a\n mode http\n timeout server 1s\ndefaults b\n mode tcp\n timeout server 2s\n\
         frontend f from a\n bind :1\n default_backend x\nbackend x from a\n server s 1.1.1.1:1\n\
         backend y\n server s 1.1.1.1:2 ssl\ndefaults c from a\n timeout server 3s\n\
         backend z\n server s 1.1.1.1:3\nbackend q from nobody\n",
    );
    let told: Vec<(u64, Protocol)> =
        config.upstreams.iter().map(|u| (u.timeouts.read.value, u.protocol)).collect();
    assert_eq!(told, [(1_000, Protocol::Http), (2_000, Protocol::Tls), (3_000, Protocol::Http)]);
    assert!(config.problems.iter().any(|p| p.what.raw().contains("nobody")));
}

#[test]
fn a_server_of_two_backends_is_two_rows_and_a_template_is_one() {
    let config = read(
        "listen l\n bind 127.0.0.1:81\n server s 10.0.0.1\n server t 10.0.0.2:+1000\n\
         frontend f\n bind :80\n use_backend %[req.hdr(host),lower]\n\
         backend a\n server s 127.0.0.1:8000\nbackend b\n server s 127.0.0.1:8000\n\
         server-template web 1-5 web.local:80 check resolvers dns\n\
         resolvers dns\n nameserver one 10.0.0.53:53\n timeout retry 500ms\n resolve_retries 1\n",
    );
    assert_eq!(
        shown(&config),
        [
            "a/s tcp 127.0.0.1:8000",
            "b/s tcp 127.0.0.1:8000",
            "b/web* tcp web.local:80",
            "l/s tcp 10.0.0.1:81",
            "l/t tcp 10.0.0.2:1081",
        ]
    );
    let web = &config.upstreams[2];
    let resolver = web.resolver.as_ref().unwrap();
    assert!(web.per_request && resolver.servers.len() == 1);
    assert_eq!(resolver.timeout_ms, 1_000);
    // A backend that is chosen while it runs may be used.
    assert_eq!(web.routes.len(), 1);
}

#[test]
fn half_a_configuration_names_its_faults_and_the_rest_goes_on() {
    let config = read(
        "server s 1.1.1.1:1\nfrontend\n bind :80\n default_backend gone\nbackend a\n server x\n\
         server y \"1.1.1.1:2\n server z nowhere: here\n option bogus on\n server ok 1.1.1.1:3 check\n.if feature(X)\n",
    );
    let faults: Vec<(u32, ProblemKind)> =
        config.problems.iter().map(|p| (p.place.line, p.kind)).collect();
    for expected in [
        (1, ProblemKind::Syntax),
        (2, ProblemKind::Syntax),
        (4, ProblemKind::Syntax),
        (6, ProblemKind::Syntax),
        (7, ProblemKind::Syntax),
    ] {
        assert!(faults.contains(&expected), "{faults:?}");
    }
    assert!(shown(&config).contains(&"a/ok tcp 1.1.1.1:3".to_owned()));
}

#[test]
fn a_file_that_cannot_be_read_is_said_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let parsed = parse(&Setup::of(GatewayKind::Haproxy, Root::new(dir.path()), "/etc/haproxy.cfg"));
    assert!(!parsed.readable);
    assert_eq!(parsed.config.problems[0].kind, ProblemKind::Missing);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = read_all(&bytes, &[]);
    }

    #[test]
    fn no_lines_panic(lines in proptest::collection::vec("(global|defaults|frontend|backend|listen|server|bind|acl|use_backend|option|\\.if|\\.endif|log|resolvers|http-request)( [a-z0-9:.@/\"'{}%\\[*-]{0,12}){0,5}", 0..30)) {
        let config = read_all(lines.join("\n").as_bytes(), &[]).config;
        prop_assert!(config.upstreams.len() <= lines.len());
    }
}

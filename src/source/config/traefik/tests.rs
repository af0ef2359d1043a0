//! What is told of whole configurations.

use proptest::prelude::*;

use crate::{
    host::files::Root,
    observation::{Address, GatewayConfig, GatewayKind, LogKind, ProblemKind},
    source::config::setup::Setup,
};

use super::parse;

fn read(main: &str, files: &[(&str, &str)]) -> GatewayConfig {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let parsed = parse(&Setup::of(GatewayKind::Traefik, Root::new(dir.path()), main));
    assert!(parsed.readable);
    parsed.config
}

fn shown(config: &GatewayConfig) -> Vec<String> {
    let one = |u: &crate::observation::ConfiguredUpstream| {
        let address = u.address.as_ref().map_or_else(|| "?".to_owned(), Address::to_string);
        let group = u.group.as_ref().map(|g| g.raw().to_owned()).unwrap_or_default();
        let routes: Vec<String> = u
            .routes
            .iter()
            .map(|r| {
                let join = |all: &[crate::observation::Text]| {
                    all.iter().map(|t| t.raw()).collect::<Vec<_>>().join(",")
                };
                format!("{}{} on {}", join(&r.server_names), r.location, join(&r.listens))
            })
            .collect();
        format!("{group} {} {address} {}", u.protocol.as_str(), routes.join(";"))
    };
    config.upstreams.iter().map(one).collect()
}

const DYNAMIC: &str = "\
http:
  routers:
    shop:
      rule: Host(`shop.lan`) && PathPrefix(`/api`)
      service: split@file
      entryPoints: [websecure]
      tls: {}
  services:
    split:
      weighted:
        services:
          - name: app
            weight: 3
    app:
      loadBalancer:
        serversTransport: safe
        healthCheck: {path: /health, port: 8100}
        servers:
          - url: http://10.0.0.1:8000
          - url: https://api.lan/
    lonely:
      loadBalancer:
        servers: [{url: 'http://10.0.0.9'}]
  serversTransports:
    safe:
      insecureSkipVerify: true
      forwardingTimeouts: {dialTimeout: 2s, responseHeaderTimeout: 7s}
tcp:
  routers:
    db: {rule: HostSNI(`*`), service: db}
  services:
    db: {loadBalancer: {servers: [{address: '10.0.0.3:5432'}]}}
";

const STATIC: &str = "\
entryPoints:
  web: {address: ':80'}
  websecure: {address: ':443'}
providers:
  file: {directory: /etc/traefik/dynamic}
  docker: {}
accessLog: {filePath: /var/log/traefik/access.log, format: json}
log: {filePath: /var/log/traefik/traefik.log}
";

#[test]
fn routers_services_and_transports_of_dynamic_files_are_joined() {
    let config = read(
        "/etc/traefik/traefik.yml",
        &[
            ("etc/traefik/traefik.yml", STATIC),
            ("etc/traefik/dynamic/a.yml", DYNAMIC),
            ("etc/traefik/dynamic/readme.txt", "x: ["),
        ],
    );
    assert_eq!(config.problems, []);
    assert_eq!(
        shown(&config),
        [
            "app http 10.0.0.1:8000 shop.lan/api on 443 ssl",
            "app https api.lan:443 shop.lan/api on 443 ssl",
            "lonely http 10.0.0.9:80 ",
            "db tcp 10.0.0.3:5432 / on 80,443",
        ]
    );
    let app = &config.upstreams[1];
    assert!(!app.tls_verify);
    assert_eq!((app.timeouts.connect.value, app.timeouts.read.value), (2_000, 7_000));
    let check = config.upstreams[0].params.check.as_ref().unwrap();
    assert_eq!(check.address, Address::parse("10.0.0.1:8100", 80));
    assert_eq!((app.place.file.raw(), app.place.line), ("/etc/traefik/dynamic/a.yml", 20));
    let logs: Vec<(&str, bool)> =
        config.logs.iter().map(|l| (l.path.raw(), l.kind == LogKind::Error)).collect();
    assert_eq!(
        logs,
        [("/var/log/traefik/traefik.log", true), ("/var/log/traefik/access.log", false)]
    );
}

#[test]
fn toml_arguments_and_variables_say_the_same() {
    let dynamic = "[http.routers.a]\nrule = 'Host(`a.lan`)'\nservice = 's'\n\
                   [[http.services.s.loadBalancer.servers]]\nurl = 'http://127.0.0.1:9000'\n";
    let expected = ["s http 127.0.0.1:9000 a.lan/ on 8080"];
    let statics = "[entryPoints.web]\naddress = ':8080'\n[providers.file]\nfilename = '/d.toml'\n";
    let config = read("/t.toml", &[("t.toml", statics), ("d.toml", dynamic)]);
    assert_eq!(shown(&config), expected);
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("d.toml"), dynamic).unwrap();
    let mut setup = Setup::of(GatewayKind::Traefik, Root::new(dir.path()), "command line");
    setup.start.arguments = [
        "--entryPoints.web.address=:8080",
        "--providers.file.filename=/d.toml",
        "--accesslog=true",
    ]
    .map(str::to_owned)
    .to_vec();
    let config = parse(&setup).config;
    assert_eq!(shown(&config), expected);
    assert!(config.logs.iter().any(|l| l.path.raw() == "stderr" && l.kind != LogKind::Error));
    setup.start.arguments.clear();
    let variables = [
        ("TRAEFIK_ENTRYPOINTS_WEB_ADDRESS", ":8080"),
        ("TRAEFIK_PROVIDERS_FILE_FILENAME", "/d.toml"),
    ];
    setup.start.environment =
        variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    assert_eq!(shown(&parse(&setup).config), expected);
}

#[test]
fn folders_that_lead_round_are_left() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("t.yml"), "providers: {file: {directory: /d}}\n").unwrap();
    std::fs::create_dir(dir.path().join("d")).unwrap();
    std::os::unix::fs::symlink(".", dir.path().join("d/a.yml")).unwrap();
    let setup = Setup::of(GatewayKind::Traefik, Root::new(dir.path()), "/t.yml");
    let problems = parse(&setup).config.problems;
    assert!(problems.iter().any(|p| p.kind == ProblemKind::IncludeLoop), "{problems:?}");
}

#[test]
fn what_is_missing_or_wrong_is_said_and_the_rest_goes_on() {
    let dynamic = "http:\n  routers:\n    a: {rule: Host(`a`), service: gone}\n    b: {rule: Host(`b`), service: s}\n  services:\n    s: {loadBalancer: {servers: [{url: 'http://:::'}, {url: 'http://10.0.0.1'}]}}\n";
    let config = read(
        "/t.yml",
        &[("t.yml", "providers: {file: {filename: /d.yml}, consul: {}}\n"), ("d.yml", dynamic)],
    );
    let told = |kind, line| config.problems.iter().any(|p| p.kind == kind && p.place.line == line);
    assert!(told(ProblemKind::Syntax, 3) && told(ProblemKind::Syntax, 6), "{:?}", config.problems);
    assert!(told(ProblemKind::Unknown, 1));
    assert!(config.upstreams.iter().any(|u| u.address == Address::parse("10.0.0.1:80", 80)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let _ = read("/t.yml", &[("t.yml", "providers: {file: {filename: /d.yml}}\n"), ("d.yml", &text)]);
        let _ = read("/t.yml", &[("t.yml", &text)]);
    }
}

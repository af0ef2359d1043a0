//! What is told of whole configurations.

use proptest::prelude::*;

use crate::{
    host::files::Root,
    observation::{Address, GatewayConfig, GatewayKind, LogKind, ProblemKind},
    source::config::setup::{Parsed, Setup},
};

use super::parse;

fn read_as(name: &str, text: &[u8], more: &[(&str, &str)]) -> Parsed {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in
        [(name, text)].into_iter().chain(more.iter().map(|(p, t)| (*p, t.as_bytes())))
    {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    parse(&Setup::of(GatewayKind::Caddy, Root::new(dir.path()), format!("/{name}")))
}

fn read(text: &str) -> GatewayConfig {
    read_as("etc/caddy/Caddyfile", text.as_bytes(), &[]).config
}

fn shown(config: &GatewayConfig) -> Vec<String> {
    let one = |u: &crate::observation::ConfiguredUpstream| {
        let address = u.address.as_ref().map_or_else(|| "?".to_owned(), Address::to_string);
        let routes: Vec<String> = u
            .routes
            .iter()
            .map(|r| {
                let names: Vec<&str> = r.server_names.iter().map(|n| n.raw()).collect();
                format!("{}{}", names.join(","), r.location)
            })
            .collect();
        format!("{} {address} {}", u.protocol.as_str(), routes.join(";"))
    };
    config.upstreams.iter().map(one).collect()
}

#[test]
fn sites_matchers_and_proxies_of_a_caddyfile_are_read() {
    let config = read(
        "{\n  admin unix//run/caddy/admin.sock\n  http_port 8080\n}\n\
         (common) {\n  reverse_proxy {args[0]} {\n    lb_policy first\n  }\n}\n\
         shop.lan, www.shop.lan {\n  log {\n    output file /var/log/caddy/shop.log\n  }\n\
         \x20 @api path /api/*\n  handle @api {\n    reverse_proxy 127.0.0.1:3000 127.0.0.1:3001 {\n\
         \x20     health_uri /health\n      health_port 3100\n      fail_duration 30s\n      transport http {\n\
         \x20       response_header_timeout 5s\n        tls_insecure_skip_verify\n      }\n    }\n  }\n\
         \x20 handle_path /off/* {\n    respond \"closed\" 503\n  }\n  handle {\n    import common app:8000\n  }\n}\n\
         http://blog.lan {\n  root * /srv\n  php_fastcgi unix//run/php/php8.2-fpm.sock\n  file_server\n}\n",
    );
    assert_eq!(config.problems, []);
    assert_eq!(
        shown(&config),
        [
            "https 127.0.0.1:3000 shop.lan,www.shop.lan/api/",
            "https 127.0.0.1:3001 shop.lan,www.shop.lan/api/",
            "http app:8000 shop.lan,www.shop.lan/",
            "fastcgi unix:/run/php/php8.2-fpm.sock blog.lan/",
        ]
    );
    let api = &config.upstreams[0];
    assert_eq!((api.timeouts.read.value, api.timeouts.connect.value), (5_000, 3_000));
    assert!(!api.tls_verify);
    let check = api.params.check.as_ref().unwrap();
    assert_eq!(check.request.raw(), "GET /health");
    assert_eq!(check.address, Address::parse("127.0.0.1:3100", 80));
    assert_eq!((api.params.max_fails, api.params.fail_timeout_secs, api.group_size), (1, 30, 2));
    assert_eq!(config.answers[0].status, 503);
    assert_eq!(config.answers[0].location.raw(), "/off/");
    assert_eq!(config.controls[0].address.to_string(), "unix:/run/caddy/admin.sock");
    let listens: Vec<&str> = config.sites[0].listens.iter().map(|l| l.raw()).collect();
    assert_eq!(listens, ["443 ssl", "8080"]);
    let logs: Vec<(&str, bool)> =
        config.logs.iter().map(|l| (l.path.raw(), l.kind == LogKind::Error)).collect();
    assert_eq!(logs, [("stderr", true), ("/var/log/caddy/shop.log", false)]);
}

#[test]
fn a_file_without_braces_is_one_site_and_keys_may_stand_on_several_lines() {
    let config = read(":8080\nreverse_proxy localhost:3000\n");
    assert_eq!(shown(&config), ["http localhost:3000 /"]);
    assert_eq!(config.sites[0].listens[0].raw(), "8080");
    let config = read("a.lan,\nb.lan {\n reverse_proxy /x* h2c://10.0.0.1:81\n}\n");
    assert_eq!(shown(&config), ["http 10.0.0.1:81 a.lan,b.lan/x"]);
    assert_eq!(config.controls[0].address.to_string(), "127.0.0.1:2019");
}

#[test]
fn imported_files_are_read_and_what_is_missing_is_said() {
    let more = [
        ("etc/caddy/sites/a.conf", "a.lan {\n reverse_proxy :1\n}\n"),
        ("etc/caddy/sites/b.conf", "b.lan {\n reverse_proxy :2\n import gone.conf\n}\n"),
    ];
    let config = read_as("etc/caddy/Caddyfile", b"import sites/*.conf\n", &more).config;
    assert_eq!(shown(&config), ["http localhost:1 a.lan/", "http localhost:2 b.lan/"]);
    assert_eq!(config.upstreams[1].place.file.raw(), "/etc/caddy/sites/b.conf");
    assert!(config.problems.iter().any(|p| p.kind == ProblemKind::Missing && p.place.line == 3));
    let looped = read_as("etc/caddy/Caddyfile", b"import Caddyfile\n", &[]).config;
    assert!(looped.problems.iter().any(|p| p.kind == ProblemKind::IncludeLoop));
}

#[test]
fn half_a_file_names_its_faults_and_the_rest_goes_on() {
    let config = read("a.lan {\n reverse_proxy 127.0.0.1:1 \"x\n}\n");
    assert!(config.problems.iter().any(|p| p.place.line == 2), "{:?}", config.problems);
    assert!(config.upstreams.iter().any(|u| u.written.raw() == "127.0.0.1:1"));
    let open = read("a.lan {\n reverse_proxy 127.0.0.1:1\n handle {\n");
    assert!(open.problems.iter().any(|p| p.what.raw().contains("not closed")));
    assert_eq!(open.upstreams.len(), 1);
    let late = read("a.lan {\n reverse_proxy {http.request.header.X}\n}\n");
    assert!(late.upstreams[0].address.is_none() && late.upstreams[0].per_request);
}

#[test]
fn a_configuration_in_json_means_the_same() {
    let config = read_as(
        "etc/caddy/autosave.json",
        br#"{"admin":{"listen":"localhost:2020"},"logging":{"logs":{"log0":{"writer":{"output":"file","filename":"/var/log/a.log"},"include":["http.log.access.log0"]}}},
"apps":{"http":{"servers":{"srv0":{"listen":[":443"],"routes":[
{"match":[{"host":["shop.lan"]}],"handle":[{"handler":"subroute","routes":[
{"match":[{"path":["/api/*"]}],"handle":[{"handler":"reverse_proxy","health_checks":{"active":{"uri":"/up","port":81}},"transport":{"protocol":"http","dial_timeout":2000000000,"tls":{}},"upstreams":[{"dial":"10.0.0.1:443"}]}]},
{"handle":[{"handler":"static_response","status_code":503}]}]}]},
{"handle":[{"handler":"reverse_proxy","transport":{"protocol":"fastcgi"},"upstreams":[{"dial":"unix//run/f.sock"}]}]}]}}}}}"#,
        &[],
    )
    .config;
    assert_eq!(config.problems, []);
    assert_eq!(shown(&config), ["https 10.0.0.1:443 shop.lan/api/", "fastcgi unix:/run/f.sock /"]);
    assert_eq!(config.upstreams[0].timeouts.connect.value, 2_000);
    assert_eq!(config.answers[0].status, 503);
    assert_eq!(config.controls[0].address.to_string(), "127.0.0.1:2020");
    assert_eq!(config.sites[0].listens[0].raw(), "443 ssl");
    assert!(
        config.logs.iter().any(|l| l.path.raw() == "/var/log/a.log" && l.kind != LogKind::Error)
    );
}

#[test]
fn the_command_line_alone_is_a_configuration() {
    let mut setup = Setup::of(GatewayKind::Caddy, Root::default(), "command line");
    let words = ["reverse-proxy", "--from", ":8080", "--to", "127.0.0.1:9000"];
    setup.start.arguments = words.map(str::to_owned).to_vec();
    let parsed = parse(&setup);
    assert!(parsed.readable);
    assert_eq!(shown(&parsed.config), ["http 127.0.0.1:9000 /"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), json: bool) {
        let name = if json { "c.json" } else { "Caddyfile" };
        let _ = read_as(name, &bytes, &[]);
    }

    #[test]
    fn no_directives_panic(lines in proptest::collection::vec("(import|\\(s\\)|@m|handle|route|reverse_proxy|php_fastcgi|log|respond|transport|\\}|a.lan)( [a-z0-9:@/{}*.-]{0,10}){0,4}( \\{)?", 0..30)) {
        let _ = read_as("Caddyfile", lines.join("\n").as_bytes(), &[]);
    }
}

//! What gatemedic understands of nginx configurations, by table: every directive form that an
//! incident turns on, every broken or hostile file that a host can hold.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "a test may fail loudly and writes its own files"
)]

use std::{fmt::Write as _, path::Path};

use gatemedic::{
    host::files::Root,
    observation::{ConfiguredUpstream, GatewayConfig, LogKind, ProblemKind},
    source::config::{Directive, Setup, parse, read_text},
};
use proptest::prelude::*;
use tempfile::TempDir;

/// A file tree of its own with a configuration in it.
struct Tree {
    dir: TempDir,
}

impl Tree {
    fn new(files: &[(&str, &str)]) -> Self {
        let tree = Self { dir: tempfile::tempdir().unwrap() };
        for (path, text) in files {
            tree.write(path, text.as_bytes());
        }
        tree
    }

    fn path(&self, path: &str) -> std::path::PathBuf {
        self.dir.path().join(path.trim_start_matches('/'))
    }

    fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    fn setup(&self) -> Setup {
        let mut setup = Setup::plain(Root::new(self.dir.path()), "/etc/nginx/nginx.conf");
        setup.prefix = "/usr/share/nginx".into();
        setup.error_log = "/var/log/nginx/error.log".into();
        setup.access_log = "/var/log/nginx/access.log".into();
        setup
    }

    fn parse(&self) -> GatewayConfig {
        parse(&self.setup()).config
    }
}

fn main_file(text: &str) -> GatewayConfig {
    Tree::new(&[("/etc/nginx/nginx.conf", text)]).parse()
}

fn http(text: &str) -> GatewayConfig {
    main_file(&format!("http {{\n{text}\n}}"))
}

fn location(text: &str) -> GatewayConfig {
    http(&format!("server {{ location / {{\n{text}\n}} }}"))
}

/// `protocol address @line`, `?` for an address that is not known.
fn row(upstream: &ConfiguredUpstream) -> String {
    let address = upstream.address.as_ref().map_or_else(|| "?".to_owned(), ToString::to_string);
    let run_time = if upstream.per_request { " per request" } else { "" };
    format!("{} {address} @{}{run_time}", upstream.protocol.as_str(), upstream.place.line)
}

fn rows(config: &GatewayConfig) -> Vec<String> {
    config.upstreams.iter().map(row).collect()
}

/// `kind file:line what`, the file without its directory.
fn problems(config: &GatewayConfig) -> Vec<String> {
    let one = |p: &gatemedic::observation::ConfigProblem| {
        let file = p.place.file.raw().rsplit('/').next().unwrap();
        format!("{:?} {file}:{} {}", p.kind, p.place.line, p.what.raw())
    };
    config.problems.iter().map(one).collect()
}

fn logs(config: &GatewayConfig) -> Vec<String> {
    let one = |log: &gatemedic::observation::LogTarget| match &log.kind {
        LogKind::Access(format) => format!("{} {}", log.path, format.name),
        _ => format!("{} error", log.path),
    };
    config.logs.iter().map(one).collect()
}

#[test]
fn every_pass_directive_names_its_upstream() {
    let table: &[(&str, &str)] = &[
        ("proxy_pass http://127.0.0.1:8000;", "http 127.0.0.1:8000 @3"),
        ("proxy_pass http://127.0.0.1;", "http 127.0.0.1:80 @3"),
        ("proxy_pass https://api.example.com/v1/;", "https api.example.com:443 @3"),
        ("proxy_pass http://localhost:8000/;", "http localhost:8000 @3"),
        ("proxy_pass http://[::1]:8080;", "http [::1]:8080 @3"),
        ("proxy_pass http://unix:/run/app.sock:/api/;", "http unix:/run/app.sock @3"),
        ("proxy_pass \"http://unix:/run/app.sock\";", "http unix:/run/app.sock @3"),
        ("proxy_pass http://127.0.0.1:8000$request_uri;", "http 127.0.0.1:8000 @3 per request"),
        ("proxy_pass http://127.0.0.1:8000/a$x?b=$y;", "http 127.0.0.1:8000 @3 per request"),
        ("fastcgi_pass unix:/run/php/php8.2-fpm.sock;", "fastcgi unix:/run/php/php8.2-fpm.sock @3"),
        ("fastcgi_pass 127.0.0.1:9000;", "fastcgi 127.0.0.1:9000 @3"),
        ("uwsgi_pass uwsgi://10.0.0.5:3031;", "uwsgi 10.0.0.5:3031 @3"),
        ("uwsgi_pass unix:///tmp/u.sock;", "uwsgi unix:/tmp/u.sock @3"),
        ("scgi_pass localhost:4000;", "scgi localhost:4000 @3"),
        ("grpc_pass grpc://127.0.0.1:50051;", "grpc 127.0.0.1:50051 @3"),
        ("grpc_pass grpcs://api.local;", "grpcs api.local:443 @3"),
        ("grpc_pass 127.0.0.1:50051;", "grpc 127.0.0.1:50051 @3"),
        ("memcached_pass 127.0.0.1:11211;", "tcp 127.0.0.1:11211 @3"),
        ("proxy_pass http://$backend;", "http ? @3 per request"),
        ("proxy_pass $scheme://127.0.0.1:80;", "http ? @3 per request"),
        ("proxy_pass http://app-$env.local;", "http ? @3 per request"),
        ("if ($x) { proxy_pass http://10.0.0.1; }", "http 10.0.0.1:80 @3"),
        ("limit_except GET { proxy_pass http://10.0.0.1; }", "http 10.0.0.1:80 @3"),
        ("location /x { location /x/y { proxy_pass http://10.0.0.1; } }", "http 10.0.0.1:80 @3"),
    ];
    for (text, expected) in table {
        let config = location(text);
        assert_eq!(rows(&config), [*expected], "{text}");
        assert_eq!(problems(&config), [""; 0], "{text}");
    }
}

#[test]
fn what_is_not_understood_is_said_and_never_guessed() {
    let table: &[(&str, &[&str], &str)] = &[
        ("proxy_pass 127.0.0.1:8000;", &["http ? @3"], "Syntax nginx.conf:3 invalid URL prefix"),
        ("fastcgi_pass php;", &["fastcgi ? @3"], "Syntax nginx.conf:3 no port in upstream"),
        ("proxy_pass;", &[], "Syntax nginx.conf:3 a pass directive takes one argument"),
        ("proxy_pass http://x:0;", &["http ? @3"], "Syntax nginx.conf:3 invalid port in upstream"),
        (
            "proxy_pass http://x:99999;",
            &["http ? @3"],
            "Syntax nginx.conf:3 invalid port in upstream",
        ),
        (
            "proxy_pass http://a~b;",
            &["http ? @3"],
            "Unknown nginx.conf:3 the address is not understood",
        ),
        ("ajp_pass app;", &[], "Unknown nginx.conf:3 \"ajp_pass\" is not understood"),
        (
            "proxy_read_timeout soon;",
            &[],
            "Syntax nginx.conf:3 invalid value in \"proxy_read_timeout\" directive",
        ),
    ];
    for (text, expected, problem) in table {
        let config = location(text);
        assert_eq!(rows(&config), *expected, "{text}");
        assert_eq!(problems(&config), [*problem], "{text}");
    }
}

#[test]
fn a_group_gives_each_of_its_servers_with_its_parameters() {
    let config = http(
        "upstream App {\n zone app 64k; least_conn;\n\
         server unix:/x.sock weight=5 max_fails=0 backup;\n\
         server \"10.0.0.1\" fail_timeout=1m30s max_conns=7;\n\
         server app.local:8080 down resolve slow_start=30s;\n\
         server 10.0.0.2:80 colour=red;\n keepalive 16; keepalive_timeout 60s;\n}\n\
         server { location / { proxy_pass https://app/x; } }",
    );
    assert_eq!(
        rows(&config),
        [
            "https unix:/x.sock @4",
            "https 10.0.0.1:80 @5",
            "https app.local:8080 @6",
            "https 10.0.0.2:80 @7"
        ]
    );
    let first = &config.upstreams[0];
    assert_eq!((first.params.weight, first.params.max_fails, first.params.backup), (5, 0, true));
    assert_eq!((first.group_size, first.keepalive), (4, 16));
    assert_eq!(first.group.as_ref().unwrap().raw(), "App");
    assert_eq!(first.id.0.raw(), "nginx:/etc/nginx/nginx.conf:4");
    assert_eq!(first.routes[0].place.line, 10);
    let second = &config.upstreams[1];
    assert_eq!((second.params.fail_timeout_secs, second.params.max_conns), (90, 7));
    let third = &config.upstreams[2];
    assert!(third.params.down && third.params.resolve && !third.per_request);
    assert_eq!(
        problems(&config),
        ["Unknown nginx.conf:7 parameter \"colour=red\" is not understood"]
    );
}

#[test]
fn a_group_may_stand_behind_its_use_and_is_named_without_case() {
    let config =
        http("server { location / { proxy_pass http://APP; } }\nupstream app { server a:1; }");
    assert_eq!(rows(&config), ["http a:1 @3"]);
    let bad = http(
        "upstream a { }\nupstream b { server x:1; }\nupstream b { server y:1; }\n\
                    server { location / { proxy_pass http://b:81; } }",
    );
    assert_eq!(
        problems(&bad),
        [
            "Syntax nginx.conf:2 no servers are inside upstream \"a\"",
            "Syntax nginx.conf:4 duplicate upstream \"b\"",
            "Syntax nginx.conf:5 an upstream group may not have a port here"
        ]
    );
    assert_eq!(rows(&bad), ["http ? @5"]);
}

#[test]
fn a_script_that_chooses_the_peer_leaves_the_address_open() {
    let config = http(
        "upstream a { server 0.0.0.1; balancer_by_lua_block { x() } }\n\
                       server { location / { proxy_pass http://a; } }",
    );
    assert_eq!(rows(&config), ["http ? @2"]);
    assert_eq!(problems(&config), ["Unknown nginx.conf:2 a script chooses the peer"]);
}

#[test]
fn two_hundred_lines_with_one_socket_are_one_upstream() {
    let mut text = String::new();
    for n in 0..200 {
        let _ = writeln!(
            text,
            "server {{ server_name s{n}; location ~ \\.php$ {{ fastcgi_pass unix:/run/p.sock; }} }}"
        );
    }
    let config = http(&text);
    assert_eq!(config.upstreams.len(), 1);
    let upstream = &config.upstreams[0];
    assert_eq!(upstream.routes.len(), 200);
    assert_eq!(upstream.id.0.raw(), "nginx:/etc/nginx/nginx.conf:2");
    assert_eq!(upstream.routes[199].place.line, 201);
    assert_eq!(upstream.routes[199].location.raw(), "~ \\.php$");
    assert_eq!(upstream.routes[199].server_names[0].raw(), "s199");
    assert_eq!(config.sites.len(), 200);
}

#[test]
fn one_address_over_two_protocols_is_two_upstreams_and_ids_stay_distinct() {
    let config = http(
        "server { location /a { proxy_pass http://h:1; } location /b { proxy_pass https://h:1; } }",
    );
    let ids: Vec<_> = config.upstreams.iter().map(|u| u.id.0.raw()).collect();
    assert_eq!(ids, ["nginx:/etc/nginx/nginx.conf:2", "nginx:/etc/nginx/nginx.conf:2#2"]);
}

#[test]
fn a_variable_stands_for_every_value_that_the_configuration_names() {
    let pass = "server { %S location / { %L proxy_pass http://$b; } location /o { %O } }";
    let table: &[(&str, &str, &str, &str, &str)] = &[
        ("", "set $b 10.0.0.1:81;", "", "", "http 10.0.0.1:81 @3 per request"),
        ("", "set $h 10.0.0.1; set $b $h:81;", "", "", "http 10.0.0.1:81 @3 per request"),
        ("", "set $h 10.0.0.1; set $b ${h}:81;", "", "", "http 10.0.0.1:81 @3 per request"),
        ("", "set $b a:1;", "set $b a:1;", "", "http a:1 @3 per request"),
        ("", "set $b a:1;", "set $b b:1;", "", "http a:1 @3 per request, http b:1 @3 per request"),
        (
            "",
            "set $b a:1; if ($x) { set $b b:1; }",
            "",
            "",
            "http a:1 @3 per request, http b:1 @3 per request",
        ),
        ("", "", "", "set $b a:1;", "http ? @3 per request"),
        ("", "set $b \"\";", "", "", "http ? @3 per request"),
        ("", "set $b $arg_x;", "", "", "http ? @3 per request"),
        ("", "set $b $b;", "", "", "http ? @3 per request"),
        ("", "set $b a:1; auth_request_set $b $upstream_http_x;", "", "", "http ? @3 per request"),
        ("", "set $b a:1; access_by_lua_block { ngx.var.b = x }", "", "", "http ? @3 per request"),
        ("map $x $b { default a:1; }", "", "", "", "http a:1 @3 per request"),
        ("map $x $b { hostnames; default a:1; *.x a:1; }", "", "", "", "http a:1 @3 per request"),
        (
            "map $x $b { default a:1; y b:1; }",
            "",
            "",
            "",
            "http a:1 @3 per request, http b:1 @3 per request",
        ),
        ("map $x $b { default \"\"; y a:1; }", "", "", "", "http a:1 @3 per request"),
        ("map $x $b { y a:1; }", "", "", "", "http ? @3 per request, http a:1 @3 per request"),
        (
            "map $x $b { default a:1; ~^(.+)$ $1:2; }",
            "",
            "",
            "",
            "http ? @3 per request, http a:1 @3 per request",
        ),
        (
            "map $x $b { default a:1; }",
            "set $b c:1;",
            "",
            "",
            "http a:1 @3 per request, http c:1 @3 per request",
        ),
        (
            "upstream blue { server 10.1.1.1:1; server 10.1.1.2:1; }\
             upstream green { server 10.1.1.3:1; }\
             map $cookie_pool $b { default blue; green green; }",
            "",
            "",
            "",
            "http 10.1.1.1:1 @2, http 10.1.1.2:1 @2, http 10.1.1.3:1 @2",
        ),
        ("geo $b { default a:1; 10.0.0.0/8 a:1; }", "", "", "", "http a:1 @3 per request"),
        ("split_clients $x $b { 50% a:1; * a:1; }", "", "", "", "http a:1 @3 per request"),
        (
            "split_clients $x $b { 50% a:1; }",
            "",
            "",
            "",
            "http ? @3 per request, http a:1 @3 per request",
        ),
        ("upstream g { server 10.9.9.9:1; }", "set $b g;", "", "", "http 10.9.9.9:1 @2"),
    ];
    for (tables, server, inner, other, expected) in table {
        let text = pass.replace("%S", server).replace("%L", inner).replace("%O", other);
        let config = http(&format!("{tables}\n{text}"));
        assert_eq!(rows(&config).join(", "), *expected, "{tables} {text}");
        let several = config.upstreams.len() > 1;
        assert!(config.upstreams.iter().all(|u| u.chosen == several), "{tables} {text}");
    }
}

#[test]
fn what_a_place_without_a_variable_names_is_not_a_matter_of_choice() {
    let config = http(
        "map $x $b { default a:1; y b:1; }\n\
         server { location / { proxy_pass http://$b; } location /a { proxy_pass http://a:1; } }",
    );
    let chosen: Vec<_> = config.upstreams.iter().map(|u| (row(u), u.chosen)).collect();
    assert_eq!(chosen, [("http a:1 @3".into(), false), ("http b:1 @3 per request".into(), true)]);
}

#[test]
fn a_variable_of_too_many_values_is_not_known() {
    let entries: String = (0..400).map(|n| format!("k{n} h{n}:1;\n")).collect();
    let config = http(&format!(
        "map $x $b {{ default a:1;\n{entries} }}\nserver {{ location / {{ proxy_pass http://$b; }} }}"
    ));
    assert_eq!(config.upstreams.len(), 1);
    assert_eq!(config.upstreams[0].address, None);
}

#[test]
fn places_that_wait_for_different_times_are_told_apart_from_places_that_agree() {
    let config = http(
        "server { location / { proxy_pass http://a:1; }\n\
         location /b { proxy_pass http://a:1; proxy_read_timeout 2s; }\n\
         location /c { proxy_pass http://c:1; } location /d { proxy_pass http://c:1; } }",
    );
    let differ: Vec<_> = config.upstreams.iter().map(|u| u.timeouts_differ).collect();
    assert_eq!(differ, [true, false]);
}

#[test]
fn timeouts_are_inherited_each_family_by_itself_and_in_any_order() {
    let config = http(
        "proxy_read_timeout 90;\nfastcgi_read_timeout 5m;\nproxy_buffer_size 8k;\n\
         server {\n location /a { proxy_pass http://a:1; proxy_connect_timeout 500ms; }\n\
         proxy_read_timeout 30s;\n\
         location /b { fastcgi_pass b:1; fastcgi_buffer_size 32k; proxy_read_timeout 1; }\n\
         location /c { proxy_read_timeout 1h; location /c/d { grpc_pass c:1; } }\n}",
    );
    let [a, b, c] = &config.upstreams[..] else { panic!("{:?}", rows(&config)) };
    let line = |s: &gatemedic::observation::Setting<u64>| {
        (s.value, s.place.as_ref().map_or(0, |p| p.line))
    };
    assert_eq!(line(&a.timeouts.connect), (500, 6));
    assert_eq!(line(&a.timeouts.read), (30_000, 7));
    assert_eq!(line(&a.timeouts.send), (60_000, 0));
    assert_eq!(line(&a.header_buffer), (8_192, 4));
    assert_eq!(line(&b.timeouts.read), (300_000, 3));
    assert_eq!(line(&b.header_buffer), (32_768, 8));
    assert_eq!(line(&c.timeouts.read), (60_000, 0));
    assert_eq!(line(&c.header_buffer), (4_096, 0));
}

#[test]
fn resolver_and_certificate_checks_are_those_in_force() {
    let config = http(
        "resolver 10.0.0.2 [::1]:5353 valid=30s ipv6=off;\nresolver_timeout 5s;\n\
         server { proxy_ssl_verify on; location / { set $h x.y; proxy_pass https://$h:8443; }\n\
         location /p { resolver dns.local; proxy_ssl_verify off; proxy_pass https://z; } }",
    );
    let [a, b] = &config.upstreams[..] else { panic!() };
    let resolver = a.resolver.as_ref().unwrap();
    let servers: Vec<_> = resolver.servers.iter().map(ToString::to_string).collect();
    assert_eq!(servers, ["10.0.0.2:53", "[::1]:5353"]);
    assert_eq!((resolver.timeout_ms, resolver.place.line), (5_000, 2));
    assert!(a.tls_verify && a.per_request);
    assert!(!b.tls_verify);
    assert_eq!(b.resolver.as_ref().unwrap().servers[0].to_string(), "dns.local:53");
    let own = http(
        "resolver 10.0.0.2;\nupstream g { zone g 64k; resolver 10.0.0.3; server n:1 resolve; }\n\
         server { location / { proxy_pass http://g; } }",
    );
    assert_eq!(own.upstreams[0].resolver.as_ref().unwrap().servers[0].to_string(), "10.0.0.3:53");
}

#[test]
fn a_user_s_gateway_makes_nobody_read_what_that_user_may_not() {
    use std::os::unix::fs::PermissionsExt as _;
    let tree = Tree::new(&[
        ("/etc/nginx/nginx.conf", "error_log /shut;\nerror_log /own;\ninclude /shut;"),
        ("/shut", "root:x"),
        ("/own", ""),
    ]);
    let mode = |path: &str, mode: u32| {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(tree.path(path), mode).unwrap();
    };
    mode("/", 0o755);
    mode("/shut", 0o600);
    mode("/own", 0o666);
    let mut setup = tree.setup();
    setup.reader = Some(gatemedic::host::permission::Identity::of(65_533, vec![65_533]));
    let config = parse(&setup).config;
    assert_eq!(logs(&config), ["/own error"]);
    assert_eq!(
        problems(&config),
        [
            "Unreadable nginx.conf:3 /shut: permission denied",
            "Unreadable nginx.conf:1 /shut: the user of this gateway may not write it"
        ]
    );
}

#[test]
fn streams_are_read_too() {
    let config = main_file(
        "stream {\n upstream db { server 10.0.0.1:5432; server 10.0.0.2; }\n\
         server { listen 5432; proxy_pass db; proxy_timeout 3s; }\n\
         server { listen 636; proxy_ssl on; proxy_ssl_verify on; proxy_pass ldap.local:636; }\n\
         server { listen 1; proxy_pass $x; } }",
    );
    assert_eq!(
        rows(&config),
        ["tcp 10.0.0.1:5432 @2", "tcp ? @2", "tls ldap.local:636 @4", "tcp ? @5 per request"]
    );
    assert_eq!(problems(&config), ["Syntax nginx.conf:2 no port in upstream"]);
    assert_eq!(config.upstreams[0].timeouts.read.value, 3_000);
    assert_eq!(config.upstreams[2].timeouts.read.value, 600_000);
    assert!(config.upstreams[2].tls_verify);
    assert!(config.sites.is_empty());
    assert_eq!(config.upstreams[2].routes[0].listens[0].raw(), "636");
}

#[test]
fn keepalive_is_on_by_default_since_1_29_7() {
    let text = "http { upstream a { server b:1; } server { location / { proxy_pass http://a; } } }";
    let tree = Tree::new(&[("/etc/nginx/nginx.conf", text)]);
    for (version, expected) in [("1.22.1", 0), ("1.29.6", 0), ("1.29.7", 32), ("1.31.0", 32)] {
        let mut setup = tree.setup();
        setup.version = Some(version.into());
        assert_eq!(parse(&setup).config.upstreams[0].keepalive, expected, "{version}");
    }
}

#[test]
fn virtual_hosts_keep_their_names_and_listens() {
    let config = http(
        "server { server_name a.b *.c ~^x$ \"\"; listen 443 ssl; listen [::]:80; }\nserver { }",
    );
    let names: Vec<_> =
        config.sites[0].names.iter().map(gatemedic::observation::Text::raw).collect();
    assert_eq!(names, ["a.b", "*.c", "~^x$", ""]);
    let listens: Vec<_> =
        config.sites[0].listens.iter().map(gatemedic::observation::Text::raw).collect();
    assert_eq!(listens, ["443 ssl", "[::]:80"]);
    assert_eq!(config.sites[1].listens[0].raw(), "80");
    assert_eq!(config.sites[1].place.line, 3);
}

#[test]
fn logs_are_found_wherever_they_are_set() {
    let config = main_file(
        "error_log /var/log/nginx/main.log warn;\nhttp {\n\
         log_format slim escape=json '$status '\n  \"$upstream_addr\";\n\
         access_log /var/log/nginx/a.log;\naccess_log logs/b.log slim buffer=32k flush=5s if=$x;\n\
         error_log syslog:server=10.0.0.1;\n\
         server { access_log off; error_log stderr; location / { error_log e.log debug; } }\n\
         server { access_log /var/log/$host.log; access_log syslog:server=x slim;\n\
         access_log /z.gz combined gzip=9; access_log /q.log nosuch; error_log memory:32m; }\n}",
    );
    assert_eq!(
        logs(&config),
        [
            "/var/log/nginx/main.log error",
            "syslog:server=10.0.0.1 error",
            "stderr error",
            "/usr/share/nginx/e.log error",
            "memory:32m error",
            "/var/log/nginx/a.log combined",
            "/usr/share/nginx/logs/b.log slim",
            "/var/log/$host.log combined",
            "syslog:server=x slim"
        ]
    );
    let LogKind::Access(slim) = &config.logs[6].kind else { panic!() };
    assert_eq!(slim.pattern.raw(), "$status $upstream_addr");
    assert_eq!(
        problems(&config),
        [
            "Unknown nginx.conf:9 a variable decides the path of this access log",
            "Unknown nginx.conf:10 a compressed log cannot be followed",
            "Syntax nginx.conf:10 unknown log format \"nosuch\""
        ]
    );
}

#[test]
fn without_a_log_directive_the_compiled_in_logs_are_written() {
    let config = http("server { }");
    assert_eq!(
        logs(&config),
        ["/var/log/nginx/error.log error", "/var/log/nginx/access.log combined"]
    );
    assert_eq!(
        logs(&http("server { access_log /a; }")),
        ["/var/log/nginx/error.log error", "/a combined"]
    );
    let tree = Tree::new(&[("/etc/nginx/nginx.conf", "events {}")]);
    let mut setup = tree.setup();
    setup.error_log = "stderr".into();
    assert_eq!(logs(&parse(&setup).config), ["stderr error"]);
    setup.globals = Some(b"error_log /g.log; daemon off;".to_vec());
    assert_eq!(logs(&parse(&setup).config), ["/g.log error"]);
    assert_eq!(parse(&setup).config.files.len(), 1);
}

/// The shape of Debian's own files.
const DEBIAN: [(&str, &str); 4] = [
    (
        "/etc/nginx/nginx.conf",
        "user www-data;\nworker_processes auto;\npid /run/nginx.pid;\n\
         error_log /var/log/nginx/error.log;\ninclude /etc/nginx/modules-enabled/*.conf;\n\n\
         events {\n\tworker_connections 768;\n\t# multi_accept on;\n}\n\nhttp {\n\n\t##\n\
         \t# Basic Settings\n\t##\n\n\tsendfile on;\n\ttypes_hash_max_size 2048;\n\
         \tinclude /etc/nginx/mime.types;\n\tdefault_type application/octet-stream;\n\
         \tssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; # Dropping SSLv3, ref: POODLE\n\
         \taccess_log /var/log/nginx/access.log;\n\tgzip on;\n\n\
         \tinclude /etc/nginx/conf.d/*.conf;\n\tinclude /etc/nginx/sites-enabled/*;\n}\n\n\
         #mail {\n#\tserver {\n#\t}\n#}\n",
    ),
    (
        "/etc/nginx/mime.types",
        "types {\n    text/html                             html htm shtml;\n    text/css  css;\n}\n",
    ),
    (
        "/etc/nginx/sites-available/default",
        "##\n# You should look at the following URL's\n##\nserver {\n\tlisten 80 default_server;\n\
         \tlisten [::]:80 default_server;\n\troot /var/www/html;\n\tindex index.html;\n\
         \tserver_name _;\n\tlocation / {\n\t\ttry_files $uri $uri/ =404;\n\t}\n\
         \tlocation ~ \\.php$ {\n\t\tinclude snippets/fastcgi-php.conf;\n\
         \t\tfastcgi_pass unix:/run/php/php8.2-fpm.sock;\n\t}\n}\n",
    ),
    (
        "/etc/nginx/snippets/fastcgi-php.conf",
        "fastcgi_split_path_info ^(.+?\\.php)(/.*)$;\ntry_files $fastcgi_script_name =404;\n\
         set $path_info $fastcgi_path_info;\nfastcgi_param PATH_INFO $path_info;\n\
         fastcgi_index index.php;\nfastcgi_read_timeout 17;\n",
    ),
];

#[test]
fn the_default_files_of_a_distribution_are_understood_whole() {
    let tree = Tree::new(&DEBIAN);
    let enabled = tree.path("/etc/nginx/sites-enabled");
    std::fs::create_dir_all(&enabled).unwrap();
    std::os::unix::fs::symlink("/etc/nginx/sites-available/default", enabled.join("default"))
        .unwrap();
    let config = tree.parse();
    assert_eq!(problems(&config), [""; 0]);
    assert_eq!(rows(&config), ["fastcgi unix:/run/php/php8.2-fpm.sock @15"]);
    let upstream = &config.upstreams[0];
    assert_eq!(upstream.id.0.raw(), "nginx:/etc/nginx/sites-enabled/default:15");
    assert_eq!(upstream.timeouts.read.value, 17_000);
    assert_eq!(
        upstream.timeouts.read.place.as_ref().unwrap().to_string(),
        "/etc/nginx/snippets/fastcgi-php.conf:6"
    );
    assert_eq!(config.files.len(), 4);
    assert!(config.modified.is_some());
}

#[test]
fn includes_are_sorted_relative_to_the_main_file_and_may_match_nothing() {
    let site = |n: u8| format!("server {{ location / {{ proxy_pass http://10.0.0.{n}; }} }}");
    let tree = Tree::new(&[
        ("/etc/nginx/nginx.conf", "http { include conf.d/*.conf; include none/*.conf; }"),
        ("/etc/nginx/conf.d/b.conf", &site(2)),
        ("/etc/nginx/conf.d/a.conf", "include ../sub/x.conf;"),
        ("/etc/nginx/conf.d/c.conf.bak", &site(9)),
        ("/etc/nginx/conf.d/.hidden.conf", &site(9)),
        ("/etc/sub/x.conf", &site(1)),
    ]);
    let config = tree.parse();
    assert_eq!(rows(&config), ["http 10.0.0.1:80 @1", "http 10.0.0.2:80 @1"]);
    assert_eq!(problems(&config), [""; 0]);
}

#[test]
fn every_include_that_cannot_be_read_is_named_and_the_rest_still_counts() {
    let tree = Tree::new(&[
        (
            "/etc/nginx/nginx.conf",
            "http {\ninclude loop.conf;\ninclude missing.conf;\ninclude fifo;\ninclude dir;\n\
             include out;\ninclude a b;\nserver { location / { proxy_pass http://10.0.0.1; } }\n}",
        ),
        ("/etc/nginx/loop.conf", "include loop2.conf;"),
        ("/etc/nginx/loop2.conf", "\ninclude loop.conf;\ninclude nginx.conf;"),
        ("/etc/nginx/dir/x", ""),
    ]);
    let fifo = tree.path("/etc/nginx/fifo");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &fifo,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    std::os::unix::fs::symlink("../../../../../../etc/hostname", tree.path("/etc/nginx/out"))
        .unwrap();
    let config = tree.parse();
    assert_eq!(rows(&config), ["http 10.0.0.1:80 @8"]);
    assert_eq!(
        problems(&config),
        [
            "IncludeLoop loop2.conf:2 /etc/nginx/loop.conf includes itself",
            "IncludeLoop loop2.conf:3 /etc/nginx/nginx.conf includes itself",
            "Missing nginx.conf:3 /etc/nginx/missing.conf: no such file or directory",
            "NotAFile nginx.conf:4 /etc/nginx/fifo: not a regular file",
            "NotAFile nginx.conf:5 /etc/nginx/dir: not a regular file",
            "Missing nginx.conf:6 /etc/nginx/out: no such file or directory",
            "Syntax nginx.conf:7 include takes one argument"
        ]
    );
}

#[test]
fn includes_nest_sixteen_deep_and_no_deeper() {
    let mut files = vec![("/etc/nginx/nginx.conf".to_owned(), "include 1;".to_owned())];
    for n in 1..30 {
        files.push((format!("/etc/nginx/{n}"), format!("a;\ninclude {};", n + 1)));
    }
    let files: Vec<_> = files.iter().map(|(p, t)| (p.as_str(), t.as_str())).collect();
    let config = Tree::new(&files).parse();
    assert_eq!(problems(&config), ["TooMuch 15:2 includes nest deeper than 16"]);
}

#[test]
fn a_bomb_of_includes_ends_within_bounds() {
    let mut files = Vec::new();
    for n in 0..12 {
        let line = format!("include {}; ", n + 1).repeat(3);
        files.push((
            if n == 0 { "/etc/nginx/nginx.conf".to_owned() } else { format!("/etc/nginx/{n}") },
            line,
        ));
    }
    files.push(("/etc/nginx/12".to_owned(), "x y;".to_owned()));
    let files: Vec<_> = files.iter().map(|(p, t)| (p.as_str(), t.as_str())).collect();
    let config = Tree::new(&files).parse();
    assert_eq!(config.problems.len(), 1);
    assert_eq!(config.problems[0].kind, ProblemKind::TooMuch);
}

#[test]
fn more_than_two_thousand_files_are_not_read() {
    let tree = Tree::new(&[("/etc/nginx/nginx.conf", "include d/*;")]);
    for n in 0..2_100 {
        tree.write(&format!("/etc/nginx/d/{n:04}"), b"a;");
    }
    let config = tree.parse();
    assert_eq!(config.files.len(), 2_000);
    assert_eq!(problems(&config), ["TooMuch nginx.conf:1 more than 2000 files are included"]);
}

#[test]
fn a_missing_or_unreadable_main_file_is_a_problem_and_not_an_empty_configuration() {
    let tree = Tree::new(&[("/etc/nginx/other", "")]);
    let parsed = parse(&tree.setup());
    assert!(!parsed.readable);
    assert_eq!(
        problems(&parsed.config),
        ["Missing nginx.conf:0 /etc/nginx/nginx.conf: no such file or directory"]
    );
    assert!(parsed.config.logs.is_empty());
}

#[test]
fn a_broken_file_still_gives_what_stands_before_the_break() {
    let one = "server { location / { proxy_pass http://10.0.0.1; } }";
    let table: &[(String, &[&str], &str)] = &[
        (
            format!("http {{\n{one}\nserver {{\nlocation / {{ proxy_pass http://10.0.0.2; }}\n"),
            &["http 10.0.0.1:80 @2", "http 10.0.0.2:80 @4"],
            "Syntax nginx.conf:3 unexpected end of file, expecting \"}\" for the block opened here",
        ),
        (
            format!("http {{\n{one} }}\n}}\nevents {{}}"),
            &["http 10.0.0.1:80 @2"],
            "Syntax nginx.conf:3 unexpected \"}\"",
        ),
        (
            format!("http {{\n{one}\nserver {{ server_name \"a; }}\n}}"),
            &["http 10.0.0.1:80 @2"],
            "Syntax nginx.conf:3 unexpected end of file, expecting the closing \"",
        ),
        (
            "http { server { location / {\nproxy_pass http://10.0.0.1\n} } }".to_owned(),
            &["http 10.0.0.1:80 @2"],
            "Syntax nginx.conf:3 unexpected \"}\"",
        ),
        (
            format!("http {{\n{one}\nserver {{ content_by_lua_block {{ if x {{ }}\n"),
            &["http 10.0.0.1:80 @2"],
            "Syntax nginx.conf:3 the Lua block is not closed",
        ),
    ];
    for (text, expected, problem) in table {
        let config = main_file(text);
        assert_eq!(rows(&config), *expected, "{text}");
        assert_eq!(problems(&config), [*problem], "{text}");
    }
}

#[test]
fn blocks_that_nest_without_end_are_cut() {
    let config = main_file(&"a {".repeat(100_000));
    assert!(problems(&config)[0].starts_with("TooMuch nginx.conf:1 blocks nest deeper"));
}

#[test]
fn lua_with_braces_in_strings_and_comments_hides_nothing_behind_it() {
    let config = location(
        "content_by_lua_block {\n local s = \"}\" -- }\n local l = [==[ }]] ]==]\n --[[ } ]]\n\
         if ok then ngx.say({ a = '\\'}' }) end\n}\nproxy_pass http://10.0.0.1;",
    );
    assert_eq!(rows(&config), ["http 10.0.0.1:80 @9"]);
    assert_eq!(problems(&config), [""; 0]);
}

#[test]
fn line_ends_encodings_and_a_byte_order_mark_do_not_move_positions() {
    let text = b"\xef\xbb\xbf# caf\xe9\r\nhttp {\r\n server {\r\n  server_name caf\xe9;\r\n\
                 location / { proxy_pass http://10.0.0.1:8000; }\r\n }\r\n}\r\n";
    let tree = Tree::new(&[]);
    tree.write("/etc/nginx/nginx.conf", text);
    let config = tree.parse();
    assert_eq!(rows(&config), ["http 10.0.0.1:8000 @5"]);
    assert_eq!(config.sites[0].names[0].raw(), "caf\\xe9");
    assert_eq!(
        problems(&config),
        ["Syntax nginx.conf:1 a byte order mark stands before the first directive"]
    );
}

#[test]
fn comments_hold_no_directives_and_a_sharp_inside_a_word_is_no_comment() {
    let config = http(
        "# server { location / { proxy_pass http://10.0.0.9; } }\n\
         server { location /#a { proxy_pass http://10.0.0.1/#x; } # }\n }",
    );
    assert_eq!(rows(&config), ["http 10.0.0.1:80 @3"]);
    assert_eq!(config.upstreams[0].routes[0].location.raw(), "/#a");
}

#[test]
fn a_change_of_any_file_or_directory_that_was_read_is_seen() {
    let tree = Tree::new(&[
        ("/etc/nginx/nginx.conf", "include d/*; include late.conf;"),
        ("/etc/nginx/d/a", "x;"),
    ]);
    let setup = tree.setup();
    let changed = |parsed: &gatemedic::source::config::Parsed| {
        parsed.watched.iter().any(|w| w.changed(&setup.root))
    };
    let before = parse(&setup);
    assert!(!changed(&before));
    tree.write("/etc/nginx/late.conf", b"y;");
    assert!(changed(&before));
    let before = parse(&setup);
    tree.write("/etc/nginx/d/b", b"z;");
    assert!(changed(&before));
    let before = parse(&setup);
    tree.write("/etc/nginx/d/a", b"xx;");
    assert!(changed(&before));
    let before = parse(&setup);
    std::fs::remove_file(tree.path("/etc/nginx/d/a")).unwrap();
    assert!(changed(&before));
}

/// A directive to render.
#[derive(Clone, Debug, PartialEq)]
struct Node {
    words: Vec<Vec<u8>>,
    block: Option<Vec<Node>>,
}

fn nodes() -> impl Strategy<Value = Vec<Node>> {
    let word = || proptest::collection::vec(any::<u8>(), 0..12);
    let name = "[a-z_]{1,12}".prop_map(String::into_bytes);
    let words = (name, proptest::collection::vec(word(), 0..4)).prop_map(|(name, mut args)| {
        args.insert(0, name);
        args
    });
    let leaf = words.clone().prop_map(|words| Node { words, block: None });
    let node = leaf.prop_recursive(4, 40, 6, move |inner| {
        (words.clone(), proptest::option::of(proptest::collection::vec(inner, 0..6)))
            .prop_map(|(words, block)| Node { words, block })
    });
    proptest::collection::vec(node, 0..6)
}

fn render(nodes: &[Node], out: &mut Vec<u8>) {
    for node in nodes {
        for (at, word) in node.words.iter().enumerate() {
            if at == 0 {
                out.extend_from_slice(word);
                continue;
            }
            out.extend_from_slice(b" \"");
            for byte in word {
                if matches!(byte, b'"' | b'\\') {
                    out.push(b'\\');
                }
                out.push(*byte);
            }
            out.push(b'"');
        }
        if let Some(block) = &node.block {
            out.extend_from_slice(b" { # note }\r\n");
            render(block, out);
            out.extend_from_slice(b"}\n");
        } else {
            out.extend_from_slice(b";\n");
        }
    }
}

fn tree_of<'t>(directives: impl Iterator<Item = Directive<'t>>) -> Vec<Node> {
    directives
        .map(|d| Node {
            words: std::iter::once(d.name())
                .chain(d.args())
                .map(std::borrow::Cow::into_owned)
                .collect(),
            block: d.has_block().then(|| tree_of(d.block())),
        })
        .collect()
}

proptest! {
    #[test]
    fn a_rendered_tree_is_read_back_as_it_was(nodes in nodes()) {
        let mut text = Vec::new();
        render(&nodes, &mut text);
        let (tree, problems) = read_text("x", &text);
        prop_assert_eq!(problems, vec![]);
        prop_assert_eq!(tree_of(tree.top()), nodes);
    }

    #[test]
    fn no_bytes_panic_and_every_position_lies_in_the_file(bytes: Vec<u8>) {
        check(&bytes)?;
    }

    #[test]
    fn nothing_made_of_meaningful_pieces_panics(
        pieces in proptest::collection::vec(
            prop::sample::select(vec![
                "http {", "stream {", "server {", "location / {", "upstream a {", "}", ";", "\"", "'",
                "\\", "#", "\n", "$", "{", "${", " ", "proxy_pass", "http://a", "http://$x", "unix:",
                "fastcgi_pass", "set $x ", "map $y $x {", "default", "server a:1", "include x;",
                "content_by_lua_block {", "[[", "--", "proxy_read_timeout", "1s", "listen", "access_log",
                "if ($x) {", "log_format", "keepalive", "weight=", "resolver",
            ]),
            0..60,
        )
    ) {
        let text = pieces.join(" ");
        check(text.as_bytes())?;
        let tree = Tree::new(&[("/etc/nginx/nginx.conf", &text)]);
        let config = tree.parse();
        for upstream in &config.upstreams {
            prop_assert!(!upstream.routes.is_empty());
            prop_assert!(upstream.place.line >= 1);
        }
    }
}

fn check(bytes: &[u8]) -> Result<(), TestCaseError> {
    let lines = bytes.split(|b| *b == b'\n').count();
    let (tree, problems) = read_text("x", bytes);
    let mut open = tree.top().collect::<Vec<_>>();
    while let Some(directive) = open.pop() {
        prop_assert!((1..=lines).contains(&(directive.line() as usize)));
        for n in 0..directive.len() {
            prop_assert!(directive.arg_line(n).is_some_and(|l| l as usize <= lines));
        }
        prop_assert!(directive.end() > directive.index());
        open.extend(directive.block());
    }
    for problem in problems {
        prop_assert!((1..=lines).contains(&(problem.place.line as usize)));
    }
    Ok(())
}

#[test]
fn a_path_outside_the_tree_of_a_container_is_never_read() {
    let tree =
        Tree::new(&[("/etc/nginx/nginx.conf", "include /../../../../../../../../etc/passwd;")]);
    let config = tree.parse();
    assert_eq!(config.files.len(), 1);
    assert!(!Path::new("/etc/passwd").starts_with(tree.dir.path()));
}

#[test]
fn a_server_error_that_the_configuration_answers_itself_is_known_with_its_place() {
    let config = http(
        "server { server_name a.lan; location /m { if ($x) { return 503; } return 301 /; } \
         return 502 \"later\"; }",
    );
    let found: Vec<_> =
        config.answers.iter().map(|a| (a.status, a.location.raw(), a.server_names.len())).collect();
    assert_eq!(found, [(503, "/m", 1), (502, "", 1)]);
}

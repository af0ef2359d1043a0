//! What gatemedic understands of Apache's configurations, by table, and that it finds a real
//! Apache with what that one really serves.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stderr,
    clippy::allow_attributes,
    reason = "a test may fail loudly, writes its own files and starts its own Apache"
)]

use std::fmt::Write as _;

use gatemedic::{
    host::files::Root,
    observation::{AccessSyntax, GatewayConfig, GatewayKind, LogKind, ProblemKind, Text},
    source::config::{Setup, parse},
};
use proptest::prelude::*;
use tempfile::TempDir;

const MAIN: &str = "/etc/apache2/apache2.conf";

struct Tree {
    dir: TempDir,
}

impl Tree {
    fn new(files: &[(&str, &str)]) -> Self {
        let tree = Self { dir: tempfile::tempdir().unwrap() };
        for (path, text) in files {
            let path = tree.dir.path().join(path.trim_start_matches('/'));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        tree
    }

    fn parse(&self) -> GatewayConfig {
        let mut setup = Setup::of(GatewayKind::Apache, Root::new(self.dir.path()), MAIN);
        setup.version = Some(Text::new("2.4.62"));
        parse(&setup).config
    }
}

fn main_file(text: &str) -> GatewayConfig {
    Tree::new(&[(MAIN, text)]).parse()
}

/// One line for each upstream: address, protocol, group, and the locations that lead there.
fn rows(config: &GatewayConfig) -> Vec<String> {
    let row = |u: &gatemedic::observation::ConfiguredUpstream| {
        let address =
            u.address.as_ref().map_or_else(|| format!("?{}", u.written.raw()), ToString::to_string);
        let group = u.group.as_ref().map(|g| format!(" in {}/{}", g.raw(), u.group_size));
        let routes: Vec<&str> = u.routes.iter().map(|r| r.location.raw()).collect();
        format!(
            "{address} {}{} <- {}",
            u.protocol.as_str(),
            group.unwrap_or_default(),
            routes.join(" | ")
        )
    };
    config.upstreams.iter().map(row).collect()
}

fn said(config: &GatewayConfig, kind: ProblemKind) -> Vec<String> {
    let of = |p: &&gatemedic::observation::ConfigProblem| p.kind == kind;
    config.problems.iter().filter(of).map(|p| format!("{}: {}", p.place.line, p.what)).collect()
}

#[test]
fn every_way_to_pass_a_request_on_is_read() {
    let table: &[(&str, &[&str])] = &[
        ("ProxyPass / http://127.0.0.1:3000/", &["127.0.0.1:3000 http <- /"]),
        (
            "ProxyPass \"/api\" \"http://app.local:8080/api\" timeout=5",
            &["app.local:8080 http <- /api"],
        ),
        (
            "<Location /x>\nProxyPass http://127.0.0.1:81/\n</Location>",
            &["127.0.0.1:81 http <- /x"],
        ),
        (
            "<LocationMatch \"^/a/(.*)$\">\n  ProxyPassMatch http://127.0.0.1:82/$1\n</LocationMatch>",
            &["127.0.0.1:82 http <- ~ ^/a/(.*)$"],
        ),
        (
            "ProxyPassMatch ^/(.*\\.php)$ fcgi://127.0.0.1:9000/var/www/$1",
            &["127.0.0.1:9000 fastcgi <- ~ ^/(.*\\.php)$"],
        ),
        (
            "<FilesMatch \\.php$>\nSetHandler \"proxy:unix:/run/php/p.sock|fcgi://localhost\"\n</FilesMatch>",
            &["unix:/run/php/p.sock fastcgi <- files ~ \\.php$"],
        ),
        (
            "<Directory /var/www>\n<If \"-f %{REQUEST_FILENAME}\">\nSetHandler proxy:fcgi://127.0.0.1:9001\n</If>\n</Directory>",
            &["127.0.0.1:9001 fastcgi <- directory /var/www"],
        ),
        (
            "RewriteEngine On\nRewriteRule ^/ws/(.*) ws://127.0.0.1:9100/$1 [P,L]\nRewriteRule ^/y http://127.0.0.1:1/ [R]",
            &["127.0.0.1:9100 http <- ~ ^/ws/(.*)"],
        ),
        ("RewriteRule ^/ws/(.*) http://127.0.0.1:9100/$1 [P]", &[]),
        (
            "<Proxy balancer://shop>\nBalancerMember http://10.0.0.1:80\nBalancerMember http://10.0.0.2:80 status=+H\n</Proxy>\nProxyPass /s balancer://SHOP/",
            &["10.0.0.1:80 http in shop/2 <- /s", "10.0.0.2:80 http in shop/2 <- /s"],
        ),
        (
            "BalancerMember balancer://b ajp://10.0.0.1\n<Location />\nSetHandler proxy:balancer://b\n</Location>",
            &["10.0.0.1:8009 ajp in b/1 <- /"],
        ),
        (
            "ProxyPass /static !\nProxyPass / unix:/run/a.sock|http://localhost/",
            &["unix:/run/a.sock http <- /"],
        ),
        ("ProxyPass / http://%{HTTP_HOST}:80/", &["?http://%{HTTP_HOST}:80/ http <- /"]),
        (
            "Define up 10.1.1.1:88\n<IfDefine up>\nProxyPass / http://${up}/\n</IfDefine>\n<IfDefine !up>\nProxyPass / http://no/\n</IfDefine>",
            &["10.1.1.1:88 http <- /"],
        ),
        (
            "<IfVersion < 2.4>\nProxyPass / http://old/\n</IfVersion>\n<IfVersion >= 2.4>\nProxyPass / http://new/\n</IfVersion>",
            &["new:80 http <- /"],
        ),
        (
            "<Macro site $name $port>\n<VirtualHost *:80>\nServerName $name\nProxyPass / http://127.0.0.1:$port/\n</VirtualHost>\n</Macro>\nUse site a.lan 71\nUse site b.lan 72",
            &["127.0.0.1:71 http <- /", "127.0.0.1:72 http <- /"],
        ),
        ("ProxyPass / \\\n   http://127.0.0.1:3000/ \\\n   retry=0", &["127.0.0.1:3000 http <- /"]),
    ];
    for (text, expected) in table {
        let config = main_file(text);
        assert_eq!(rows(&config), *expected, "{text}");
        assert!(said(&config, ProblemKind::Syntax).is_empty(), "{:?}", config.problems);
    }
}

#[test]
fn timeouts_and_parameters_come_from_the_nearest_that_sets_them() {
    let config = main_file(
        "Timeout 30\n<VirtualHost *:80>\nProxyTimeout 7\nProxyPass /a http://h:1/\nProxyPass /b http://h:2/ \
         timeout=5 connectiontimeout=300ms retry=0 responsefieldsize=16384 max=4\n</VirtualHost>\n\
         <VirtualHost *:81>\n<Proxy http://h:3>\nProxySet timeout=9 status=+D\n</Proxy>\n\
         ProxyPass /c http://h:3/x\nProxyPass /d fcgi://h:4\n</VirtualHost>",
    );
    let of = |port: u16| {
        let found =
            config.upstreams.iter().find(|u| u.address.as_ref().unwrap().port() == Some(port));
        found.unwrap().clone()
    };
    assert_eq!(of(1).timeouts.read.value, 7_000);
    assert_eq!(of(1).timeouts.read.place.unwrap().line, 3);
    let two = of(2);
    assert_eq!((two.timeouts.read.value, two.timeouts.connect.value), (5_000, 300));
    assert_eq!((two.header_buffer.value, two.params.fail_timeout_secs), (16_384, 0));
    assert_eq!((two.keepalive, of(4).keepalive), (4, 0));
    assert_eq!((of(3).timeouts.read.value, of(3).params.down), (9_000, true));
    assert_eq!(of(4).timeouts.read.value, 30_000);
}

#[test]
fn debians_layout_is_read_with_its_variables_and_only_what_is_enabled() {
    let tree = Tree::new(&[
        (
            MAIN,
            "ErrorLog ${APACHE_LOG_DIR}/error.log\nIncludeOptional mods-enabled/*.load\n\
             LogFormat \"%v:%p %h %t \\\"%r\\\" %>s %O\" vhost_combined\nInclude ports.conf\n\
             IncludeOptional sites-enabled/*.conf\nIncludeOptional conf-enabled/*.conf\n",
        ),
        (
            "/etc/apache2/envvars",
            "unset HOME\nSUFFIX=\nexport APACHE_LOG_DIR=/var/log/apache2$SUFFIX\n",
        ),
        ("/etc/apache2/ports.conf", "Listen 80\n<IfModule ssl_module>\nListen 443\n</IfModule>\n"),
        (
            "/etc/apache2/mods-enabled/p.load",
            "LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so\n",
        ),
        (
            "/etc/apache2/sites-enabled/shop.conf",
            "<VirtualHost *:80>\nServerName shop.lan\nServerAlias www.shop.lan\n\
             CustomLog ${APACHE_LOG_DIR}/shop.log vhost_combined\nErrorLog \"|/usr/bin/rotatelogs x\"\n\
             <IfModule mod_proxy.c>\nProxyPass / http://127.0.0.1:3000/\n</IfModule>\n</VirtualHost>\n",
        ),
    ]);
    let config = tree.parse();
    assert_eq!(rows(&config), ["127.0.0.1:3000 http <- /"]);
    let site = &config.sites[0];
    assert_eq!(site.names, [Text::new("shop.lan"), Text::new("www.shop.lan")]);
    assert_eq!(site.listens, [Text::new("*:80")]);
    let logs: Vec<_> = config.logs.iter().map(|l| (l.path.raw(), &l.kind)).collect();
    assert!(logs.contains(&("/var/log/apache2/error.log", &LogKind::Error)), "{logs:?}");
    assert!(logs.contains(&("|/usr/bin/rotatelogs x", &LogKind::Error)), "{logs:?}");
    let access = logs.iter().find(|(path, _)| *path == "/var/log/apache2/shop.log").unwrap();
    let LogKind::Access(format) = access.1 else { panic!("{access:?}") };
    assert_eq!(
        (format.syntax, format.pattern.raw()),
        (AccessSyntax::Apache, "%v:%p %h %t \"%r\" %>s %O")
    );
    // The scheme's own module is not among those that are loaded.
    let unknown = said(&config, ProblemKind::Unknown).join("\n");
    assert!(unknown.contains("http needs proxy_http_module"), "{unknown}");
}

#[test]
fn what_is_broken_is_named_and_the_rest_goes_on() {
    let half = main_file(
        "ProxyPass /a http://127.0.0.1:1/\n<VirtualHost *:80>\nProxyPass /b http://127.0.0.1:2/\n",
    );
    assert_eq!(rows(&half).len(), 2);
    assert_eq!(
        said(&half, ProblemKind::Syntax),
        ["2: <virtualhost> is not closed before the end of its file"]
    );
    let crossed =
        main_file("<Location /a>\n</Directory>\nProxyPass http://127.0.0.1:1/\n</Location>");
    assert_eq!(rows(&crossed), ["127.0.0.1:1 http <- /a"]);
    assert_eq!(said(&crossed, ProblemKind::Syntax).len(), 1);
    let missing = main_file(
        "Include nothere.conf\nInclude none/*.conf\nIncludeOptional no.conf\nProxyPass / http://a/",
    );
    assert_eq!(said(&missing, ProblemKind::Missing).len(), 2, "{:?}", missing.problems);
    assert_eq!(rows(&missing), ["a:80 http <- /"]);
    let looped = main_file("Include apache2.conf\nProxyPass / http://a/");
    assert_eq!(said(&looped, ProblemKind::IncludeLoop).len(), 1);
    assert_eq!(rows(&looped), ["a:80 http <- /"]);
    let macros = main_file("<Macro m>\nUse m\nUse m\n</Macro>\nUse m\nUse gone");
    assert!(!said(&macros, ProblemKind::TooMuch).is_empty());
    let foreign = main_file(
        "WSGIScriptAlias / /srv/x.wsgi\n<RequireAll>\nRequire all granted\n</RequireAll>\nFooBar on",
    );
    assert!(foreign.problems.is_empty(), "{:?}", foreign.problems);
    let plain = main_file(
        "ProxyPass / https://h/\n<VirtualHost *:81>\nSSLProxyEngine on\nProxyPass /s https://h2/\n</VirtualHost>",
    );
    let told = said(&plain, ProblemKind::Unknown);
    assert_eq!(told, ["1: TLS to a backend needs SSLProxyEngine on, and it is off here"]);
    let bad = main_file("ProxyPass / 127.0.0.1:3000\nProxyPass /x htp://a/");
    assert_eq!(said(&bad, ProblemKind::Unknown).len(), 2, "{:?}", bad.problems);
}

#[test]
fn an_answer_of_its_own_is_known() {
    let config = main_file(
        "Redirect 503 /down\nRewriteEngine on\nRewriteRule ^/x - [R=502,L]\nRedirect 301 /a /b",
    );
    let answers: Vec<_> = config.answers.iter().map(|a| (a.status, a.location.raw())).collect();
    assert_eq!(answers, [(503, "/down"), (502, "~ ^/x")]);
}

#[test]
fn two_thousand_hosts_keep_their_own_routes() {
    let mut text = String::from(
        "LoadModule proxy_module m/mod_proxy.so\nLoadModule proxy_http_module m/mod_proxy_http.so\n",
    );
    for n in 0..2_000 {
        let (high, low) = (n / 250, n % 250);
        writeln!(
            text,
            "<VirtualHost *:80>\nServerName s{n}.lan\nServerAlias www.s{n}.lan\nDocumentRoot /srv/{n}\n\
             ProxyTimeout 20\nCustomLog /var/log/apache2/s{n}.log combined\n\
             ProxyPass /api http://10.9.{high}.{low}:80/\nProxyPassReverse /api http://10.9.{high}.{low}:80/\n\
             <FilesMatch \\.php$>\nSetHandler \"proxy:unix:/run/php/{}.sock|fcgi://localhost\"\n</FilesMatch>\n\
             </VirtualHost>",
            n % 10
        )
        .unwrap();
    }
    let config = main_file(&text);
    assert_eq!((config.sites.len(), config.upstreams.len()), (2_000, 2_010));
    let routes: usize = config.upstreams.iter().map(|u| u.routes.len()).sum();
    assert_eq!(routes, 4_000);
    assert!(said(&config, ProblemKind::TooMuch).is_empty());
}

/// A real gateway, ended with its test.
struct Running(std::process::Child);

impl Drop for Running {
    fn drop(&mut self) {
        // A SIGTERM lets the master end its workers.
        let pid = rustix::process::Pid::from_child(&self.0);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Connects as soon as somebody listens.
fn connect(port: u16) -> std::net::TcpStream {
    let begun = std::time::Instant::now();
    loop {
        match std::net::TcpStream::connect(("127.0.0.1", port)) {
            Ok(stream) => return stream,
            Err(error) if begun.elapsed().as_secs() > 20 => panic!("port {port}: {error}"),
            Err(_) => std::thread::yield_now(),
        }
    }
}

fn ask(port: u16) -> String {
    use std::io::{Read, Write};
    let mut stream = connect(port);
    stream.write_all(b"GET /cart HTTP/1.0\r\nHost: shop.lan\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn start(program: &str, args: &[&str]) -> Option<Running> {
    if !std::path::Path::new(program).exists() {
        eprintln!("skipped: {program} is not installed");
        return None;
    }
    let child = std::process::Command::new(program)
        .args(args)
        .env_clear()
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn();
    Some(Running(child.unwrap()))
}

fn found(config: &std::path::Path) -> gatemedic::host::gateways::Found {
    let mut finder = gatemedic::host::gateways::Finder::new(Vec::new());
    let round = finder.round(gatemedic::host::clock::now());
    let all: Vec<_> = round.found.into_iter().filter(|f| f.config == config).collect();
    assert_eq!(all.len(), 1, "one gateway has this configuration: {all:#?}");
    all.into_iter().next().unwrap()
}

#[test]
fn a_real_apache_is_found_with_its_workers_and_its_words_are_understood() {
    use gatemedic::{
        evidence::{Signatures, gateway_line},
        observation::{Address, Program},
    };
    let dir = tempfile::tempdir().unwrap();
    let (port, dead) = (free_port(), free_port());
    let config = dir.path().join("front.conf");
    let (root, modules) = (dir.path().display(), "/usr/lib/apache2/modules");
    let text = format!(
        "ServerRoot {root}\nServerName localhost\nListen 127.0.0.1:{port}\nPidFile {root}/pid\n\
         LoadModule mpm_event_module {modules}/mod_mpm_event.so\n\
         LoadModule authz_core_module {modules}/mod_authz_core.so\n\
         LoadModule proxy_module {modules}/mod_proxy.so\n\
         LoadModule proxy_http_module {modules}/mod_proxy_http.so\n\
         User www-data\nGroup www-data\nStartServers 1\nErrorLog {root}/error.log\n\
         CustomLog {root}/access.log \"%h %l %u %t \\\"%r\\\" %>s %b\"\n\
         <IfDefine FRONT>\nProxyPass / http://127.0.0.1:{dead}/\n</IfDefine>\n"
    );
    std::fs::write(&config, text).unwrap();
    let file = config.to_str().unwrap();
    let Some(apache) = start("/usr/sbin/apache2", &["-DFOREGROUND", "-D", "FRONT", "-f", file])
    else {
        return;
    };
    let answer = ask(port);
    assert!(answer.contains(" 503 "), "{answer}");
    let found = found(&config);
    assert_eq!(found.gateway.kind, GatewayKind::Apache);
    assert_eq!(found.gateway.master, Some(apache.0.id()));
    assert!(!found.gateway.workers.is_empty());
    let version = found.gateway.version.clone().unwrap();
    assert!(version.raw().starts_with("2.4."), "{version}");
    assert_ne!(found.gateway.worker_uid, Some(0), "its workers are no root");
    let mut setup = Setup::of(GatewayKind::Apache, found.root, found.config);
    setup.start = found.start;
    let read = parse(&setup).config;
    assert_eq!(rows(&read), [format!("127.0.0.1:{dead} http <- /")], "-D counts");
    let log = std::fs::read_to_string(dir.path().join("error.log")).unwrap();
    let line = log.lines().find(|line| line.contains("AH00957")).unwrap();
    let kind = Signatures::embedded().classify(Program::Apache, line).unwrap();
    assert_eq!(kind.id.as_str(), "sym-tcp-refused");
    let told = gateway_line::parse(Program::Apache, line).unwrap();
    assert_eq!(told.address, Address::parse(&format!("127.0.0.1:{dead}"), 80));
}

#[test]
fn a_real_haproxy_is_found_with_its_worker_and_what_it_replaces_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let config = dir.path().join("front.cfg");
    let text = format!(
        "global\n    log /dev/null local0\ndefaults\n    mode http\n    timeout connect 1s\n    timeout client 1s\n\
         timeout server 1s\nfrontend f\n    bind 127.0.0.1:{port}\n    http-request return status 503\n"
    );
    std::fs::write(&config, text).unwrap();
    let file = config.to_str().unwrap();
    let Some(haproxy) = start("/usr/sbin/haproxy", &["-W", "-db", "-f", file]) else { return };
    assert!(ask(port).contains(" 503 "));
    let found = found(&config);
    assert_eq!(found.gateway.kind, GatewayKind::Haproxy);
    assert_eq!(found.gateway.master, Some(haproxy.0.id()));
    assert_eq!(found.gateway.workers.len(), 1);
    assert_ne!(found.gateway.workers.first(), found.gateway.master.as_ref());
    assert!(found.gateway.version.is_some());
    assert_eq!(found.start.arguments, ["-W", "-db", "-f", file]);
}

proptest! {
    #[test]
    fn no_configuration_breaks_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let tree = Tree::new(&[(MAIN, "")]);
        std::fs::write(tree.dir.path().join("etc/apache2/apache2.conf"), &bytes).unwrap();
        let config = tree.parse();
        prop_assert!(config.upstreams.len() <= bytes.len() && config.problems.len() <= 501);
    }

    #[test]
    fn no_mix_of_lines_breaks_it(lines in proptest::collection::vec(prop_oneof![
        Just("<VirtualHost *:80>"), Just("</VirtualHost>"), Just("<IfModule !x>"), Just("</IfModule>"),
        Just("<Macro m $a>"), Just("</Macro>"), Just("Use m b"), Just("Define a ${a}${a}"), Just("Use m ${a}"),
        Just("ProxyPass /$a http://${a}:80/"), Just("<Proxy balancer://$a>"), Just("</Proxy>"),
        Just("BalancerMember http://$a"), Just("Include *.conf"), Just("<If x>"), Just("\\"),
        Just("RewriteRule a http://b/ [P"), Just("SetHandler proxy:"), Just("LoadModule x x.so"),
    ], 0..40)) {
        let config = main_file(&lines.join("\n"));
        prop_assert!(config.problems.len() <= 501);
    }
}

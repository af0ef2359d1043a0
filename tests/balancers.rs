//! HAProxy and Caddy as they really are: what they say of their state, and that their own readers of
//! a configuration and this program's agree.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::allow_attributes,
    missing_docs,
    reason = "a test may fail loudly and may start programs"
)]

use std::{
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use gatemedic::{
    host::files::Root,
    observation::{
        GatewayConfig, GatewayKind, GatewayRuntime, Loaded, ProblemKind, Seen, ServerStatus,
        SourceId, Text,
    },
    session::{Attention, Event, GatewayView},
    source::{
        Outlet,
        config::{Setup, parse},
        gateways, runtime,
    },
};
use tokio::sync::{mpsc, watch};

/// A wait that only a hang reaches.
const HANG: Duration = Duration::from_secs(60);

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn installed(program: &str) -> bool {
    let there = Path::new(program).exists();
    if !there {
        eprintln!("skipped: {program} is not installed");
    }
    there
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn read(kind: GatewayKind, path: &Path) -> GatewayConfig {
    parse(&Setup::of(kind, Root::default(), path)).config
}

/// What the source says of a gateway, once it says what is wanted.
async fn state_of(
    kind: GatewayKind,
    process: &Child,
    config: &GatewayConfig,
    wanted: impl Fn(&GatewayRuntime) -> bool,
) -> GatewayRuntime {
    let view = GatewayView {
        id: config.gateway.clone(),
        kind,
        pid: Some(process.id()),
        netns: None,
        root: Text::default(),
        worker_uid: None,
        worker_gids: Vec::new(),
        container: None,
        controls: config.controls.clone(),
    };
    let attention = Attention { generation: 1, gateways: vec![view], ..Attention::default() };
    let (sender, mut queue) = mpsc::channel(64);
    let (news, watched) = watch::channel(Arc::new(attention.clone()));
    let task = tokio::spawn(runtime::run(Outlet::new(SourceId::Runtime, sender), watched));
    let search = async {
        loop {
            let Some(Event::Seen(one)) = queue.recv().await else { panic!("closed") };
            match one.seen {
                Seen::Runtime(state) if wanted(&state) => return *state,
                // Not there yet: look again.
                Seen::Swept { generation } => {
                    let generation = generation + 1;
                    news.send_replace(Arc::new(Attention { generation, ..attention.clone() }));
                }
                _ => {}
            }
        }
    };
    let found = tokio::time::timeout(HANG, search).await.expect("the state that is wanted");
    task.abort();
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_haproxy_tells_which_servers_its_checks_and_its_operators_took_out() {
    if !installed("/usr/sbin/haproxy") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let alive = TcpListener::bind("127.0.0.1:0").unwrap();
    let (up, dead, front) = (alive.local_addr().unwrap().port(), free_port(), free_port());
    let socket = dir.path().join("admin.sock");
    let text = format!(
        "global\n  stats socket {} mode 600 level admin\ndefaults\n  mode http\n  timeout connect 1s\n  \
         timeout client 1s\n  timeout server 1s\nfrontend web\n  bind 127.0.0.1:{front}\n  \
         acl shop hdr(host) -i shop.lan\n  use_backend app if shop\n  default_backend app\n\
         backend app\n  option httpchk GET /health\n  default-server inter 100ms fall 1\n  \
         server s1 127.0.0.1:{up} maxconn 7\n  server s2 127.0.0.1:{dead} check\n  \
         server s3 127.0.0.1:{up} disabled\n",
        socket.display()
    );
    let path = dir.path().join("haproxy.cfg");
    std::fs::write(&path, text).unwrap();
    let config = read(GatewayKind::Haproxy, &path);
    assert_eq!(config.problems, []);
    let mut haproxy = Command::new("/usr/sbin/haproxy");
    haproxy.arg("-db").arg("-f").arg(&path).stdout(Stdio::null()).stderr(Stdio::null());
    let running = Running(haproxy.spawn().unwrap());
    let state = state_of(GatewayKind::Haproxy, &running.0, &config, |state| {
        state.servers.iter().any(|server| server.status == ServerStatus::Down)
    })
    .await;
    let told: Vec<(&str, ServerStatus)> =
        state.servers.iter().map(|s| (s.name.raw(), s.status)).collect();
    let expected = [
        ("s1", ServerStatus::Unchecked),
        ("s2", ServerStatus::Down),
        ("s3", ServerStatus::Maintenance),
    ];
    assert_eq!(told, expected);
    let [s1, s2, _] = state.servers.as_slice() else { panic!("{state:#?}") };
    assert_eq!(s1.limit, Some(7));
    assert_eq!(s2.check.as_ref().map(Text::raw), Some("L4CON"));
    // What is configured and what runs are the same servers.
    for server in &state.servers {
        let own = config.upstreams.iter().find(|u| u.params.is_called(server.name.raw()));
        assert_eq!(own.and_then(|u| u.address.clone()), server.address, "{server:?}");
    }
    assert!(state.connections.is_some());
}

#[test]
fn what_haproxy_refuses_is_told_as_a_fault_too() {
    if !installed("/usr/sbin/haproxy") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("haproxy.cfg");
    let head = "defaults\n mode http\n timeout connect 1s\n timeout client 1s\n timeout server 1s\nlisten ok\n bind 127.0.0.1:2\n";
    let cases = [
        ("backend a\n server s 127.0.0.1:80 check\n", true),
        ("frontend f\n bind 127.0.0.1:1\n default_backend gone\n", false),
        ("backend a\n server s\n", false),
        ("backend a\n server s \"127.0.0.1:80\n", false),
        (".if streq(a,b)\nbackend a\n server s\n.endif\n", true),
        ("backend a\n server s 127.0.0.1:80\n server s 127.0.0.1:81\n", false),
        ("backend a from nobody\n", false),
        ("backend a\n server s \"${NONE-127.0.0.1}:80\" # c\n", true),
    ];
    for (text, fine) in cases {
        std::fs::write(&path, format!("{head}{text}")).unwrap();
        let mut check = Command::new("/usr/sbin/haproxy");
        check.args(["-c", "-f"]).arg(&path).stdout(Stdio::null()).stderr(Stdio::null());
        assert_eq!(check.status().unwrap().success(), fine, "haproxy on {text}");
        let problems = read(GatewayKind::Haproxy, &path).problems;
        let faults = problems.iter().any(|problem| problem.kind == ProblemKind::Syntax);
        assert_eq!(!faults, fine, "{text}: {problems:?}");
    }
}

#[test]
fn a_caddyfile_means_what_caddy_makes_of_it() {
    if !installed("/usr/bin/caddy") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("Caddyfile");
    let text = "{\n  admin off\n}\n(up) {\n  reverse_proxy {args.0}\n}\n\
        http://shop.lan:8080, http://www.shop.lan:8080 {\n  log\n  handle /api/* {\n    reverse_proxy 127.0.0.1:3000 127.0.0.1:3001 {\n\
        \x20     health_uri /up\n      transport http {\n        tls_insecure_skip_verify\n        dial_timeout 2s\n      }\n    }\n  }\n\
        \x20 handle_path /off/* {\n    respond \"closed\" 503\n  }\n  handle {\n    import up localhost:8000\n  }\n}\n\
        http://blog.lan:8080 {\n  root * /srv\n  php_fastcgi unix//run/php/php8.2-fpm.sock\n}\n";
    std::fs::write(&path, text).unwrap();
    let adapted = Command::new("/usr/bin/caddy")
        .args(["adapt", "--adapter", "caddyfile", "--config"])
        .arg(&path)
        .env("HOME", dir.path())
        .output()
        .unwrap();
    assert!(adapted.status.success(), "{}", String::from_utf8_lossy(&adapted.stderr));
    let json = dir.path().join("caddy.json");
    std::fs::write(&json, &adapted.stdout).unwrap();
    let shown = |config: &GatewayConfig| {
        let mut all: Vec<String> = config
            .upstreams
            .iter()
            .map(|u| {
                let address = u.address.as_ref().map(ToString::to_string).unwrap_or_default();
                let names: Vec<&str> =
                    u.routes.iter().flat_map(|r| &r.server_names).map(Text::raw).collect();
                format!(
                    "{} {address} {} {} {:?}",
                    u.protocol.as_str(),
                    names.join(","),
                    u.timeouts.connect.value,
                    u.params.check.as_ref().map(|check| check.request.raw().to_owned())
                )
            })
            .collect();
        all.sort();
        all
    };
    let (own, theirs) = (read(GatewayKind::Caddy, &path), read(GatewayKind::Caddy, &json));
    assert_eq!((own.problems.len(), theirs.problems.len()), (0, 0), "{own:#?}");
    assert_eq!(shown(&own), shown(&theirs));
    assert_eq!(own.upstreams.len(), 4);
    let statuses =
        |config: &GatewayConfig| config.answers.iter().map(|a| a.status).collect::<Vec<_>>();
    assert_eq!(statuses(&own), statuses(&theirs));
    assert!(own.controls.is_empty() && theirs.controls.is_empty());
}

/// The next configuration of a gateway that `wanted` takes.
async fn configured(
    queue: &mut mpsc::Receiver<Event>,
    wanted: impl Fn(&GatewayConfig) -> bool,
) -> GatewayConfig {
    let search = async {
        loop {
            let event = queue.recv().await.unwrap();
            if let Event::Seen(seen) = event
                && let Seen::Config(config) = seen.seen
                && wanted(&config)
            {
                return *config;
            }
        }
    };
    tokio::time::timeout(HANG, search).await.unwrap()
}

fn ports(config: &GatewayConfig) -> Vec<u16> {
    config.upstreams.iter().filter_map(|u| u.address.as_ref()?.port()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_caddy_says_what_it_works_with_where_its_file_was_edited_and_where_there_is_none() {
    if !installed("/usr/bin/caddy") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (admin, site) = (free_port(), free_port());
    let file = dir.path().join("Caddyfile");
    let text = |port: u16| {
        format!(
            "{{\n  admin localhost:{admin}\n}}\nhttp://:{site} {{\n  reverse_proxy 127.0.0.1:{port}\n}}\n"
        )
    };
    std::fs::write(&file, text(9_101)).unwrap();
    let caddy = |arguments: &[&str]| {
        let mut command = Command::new("/usr/bin/caddy");
        command.args(arguments).env("HOME", dir.path()).env_remove("XDG_CONFIG_HOME");
        command.current_dir(dir.path()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let path = file.to_str().unwrap();
    let running = Running(caddy(&["run", "--config", path]).spawn().unwrap());
    let (sender, mut queue) = mpsc::channel(1_024);
    let (_attend, attention) = watch::channel(Arc::new(Attention::default()));
    let outlet = Outlet::new(SourceId::Gateways, sender);
    let task = tokio::spawn(gateways::run(outlet, attention, Vec::new(), None));
    let named = format!("caddy:{path}");
    let ours = |config: &GatewayConfig| config.gateway.0.raw() == named;

    let config = configured(&mut queue, |c| ours(c) && c.loaded.is_some()).await;
    assert_eq!((ports(&config), config.loaded), (vec![9_101], Some(Loaded::AsWritten)));
    // Edited, and not loaded: what the file says, and what is asked instead.
    std::fs::write(&file, text(9_102)).unwrap();
    let differs = |c: &GatewayConfig| matches!(c.loaded, Some(Loaded::Otherwise(_)));
    let config = configured(&mut queue, |c| ours(c) && differs(c)).await;
    let old = gatemedic::observation::Address::parse("127.0.0.1:9101", 80).unwrap();
    assert_eq!((ports(&config), config.loaded), (vec![9_102], Some(Loaded::Otherwise(vec![old]))));
    let at = format!("localhost:{admin}");
    assert!(caddy(&["reload", "--config", path, "--address", &at]).status().unwrap().success());
    let config = configured(&mut queue, |c| ours(c) && !differs(c)).await;
    assert_eq!((ports(&config), config.loaded), (vec![9_102], Some(Loaded::AsWritten)));
    drop(running);

    // Taken up again: no file but its own, and that is not looked at.
    std::fs::remove_file(&file).unwrap();
    let _running = Running(caddy(&["run", "--resume"]).spawn().unwrap());
    let resumed = |c: &GatewayConfig| c.gateway.0.raw().ends_with("caddy/autosave.json");
    let config = configured(&mut queue, |c| resumed(c) && c.loaded.is_some()).await;
    assert_eq!(ports(&config), [9_102]);
    assert!(config.files.is_empty() && config.problems.is_empty(), "{config:?}");
    task.abort();
}

//! What scripts rely on: one JSON object, valid to its schema, on stdout and nothing else; exit
//! codes; and that looking changes nothing. All on the real program.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::allow_attributes,
    reason = "a test may fail loudly, and this one runs the program from outside"
)]

#[path = "contract/effects.rs"]
mod effects;
#[path = "contract/replay.rs"]
mod replay;
#[path = "contract/trace.rs"]
mod trace;
#[path = "contract/url.rs"]
mod url;
#[path = "contract/world.rs"]
mod world;

use std::{
    collections::BTreeSet,
    fs,
    io::Write,
    net::UdpSocket,
    os::unix::{fs::PermissionsExt, net::UnixListener},
    process::{Command, Stdio},
    thread,
};

use serde_json::Value;
use world::{Backend, NGINX, PROGRAM, World, document, free_port, list, program, run, skip};

const JSON: [&str; 3] = ["diagnose", "-o", "json"];

fn causes(document: &Value) -> BTreeSet<&str> {
    list(document, "findings").iter().map(|f| f["cause"].as_str().unwrap()).collect()
}

#[test]
fn a_healthy_a_degraded_and_a_failing_host_end_with_0_1_and_2() {
    let world = match World::new() {
        Ok(world) => world,
        Err(why) => skip!("{why}"),
    };
    let backend = Backend::start();
    for (ports, status, code) in [
        (vec![backend.port], "healthy", 0),
        (vec![backend.port, free_port()], "degraded", 1),
        (vec![free_port()], "failing", 2),
    ] {
        world.proxy_to(&ports);
        let output = world.run(NGINX, &JSON);
        let document = document(&output);
        assert_eq!(document["status"], status, "{document:#}");
        assert_eq!(output.status.code(), Some(code));
        assert_eq!(list(&document, "upstreams").len(), ports.len());
    }
    assert_eq!(backend.received(), 0, "looking must not send a byte to a backend");
}

#[test]
fn without_a_gateway_the_status_is_unknown_and_the_exit_code_3() {
    let world = match World::new() {
        Ok(world) => world,
        Err(why) => skip!("{why}"),
    };
    let output = world.run("", &JSON);
    let document = document(&output);
    assert_eq!((&document["status"], output.status.code()), (&"unknown".into(), Some(3)));
    assert_eq!(list(&document, "gateways").len(), 0);
}

#[test]
fn what_is_asked_for_of_nobody_who_is_known_exits_3_in_one_line() {
    let world = match World::new() {
        Ok(world) => world,
        Err(why) => skip!("{why}"),
    };
    for whom in [
        &["--unit", "gatemedic-none.service", "--do", "restart"][..],
        &["--container", "gatemedic-none", "--do", "start"],
        &["--gateway", "--do", "reload"],
    ] {
        let fix = ["--state", "/run/state", "fix", "--yes", "--deadline", "1s"];
        let output = world.run("", &[&fix[..], whom].concat());
        let notes = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{whom:?}: {notes}");
        assert_eq!((output.stdout.len(), notes.lines().count()), (0, 1), "{whom:?}: {notes}");
    }
}

#[test]
fn a_repair_that_is_written_wrong_is_no_session_and_leaves_no_recording() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let output = run(&["--state", state.to_str().unwrap(), "fix", "--yes", "--do", "stop"]);
    assert_eq!(output.status.code(), Some(64));
    assert!(!state.exists(), "{state:?}");
}

#[test]
fn text_and_json_agree_and_neither_paints_without_a_terminal() {
    let document = document(&run(&JSON));
    let text = run(&["diagnose"]);
    let shown = String::from_utf8(text.stdout).unwrap();
    assert!(!shown.contains('\u{1b}'), "{shown}");
    assert!(text.status.code().is_some_and(|code| code <= 3));
    // Without a verb and without a terminal it is the same report.
    let bare = run(&[]);
    assert!(bare.status.code().is_some_and(|code| code <= 3));
    assert!(!bare.stdout.contains(&0x1b) && !bare.stdout.is_empty());
    assert!(document["host"]["name"].is_string());
}

#[test]
fn a_wrong_command_line_is_answered_with_64_and_one_line_that_says_what_to_type() {
    for wrong in [
        &["--nonsense"][..],
        &["diagnos"],
        &["diagnose", "-o", "yaml"],
        &["diagnose", "--deadline", "soon"],
        &["diagnose", "--deadline", "0"],
        &["diagnose", "extra"],
        &["doctor", "extra"],
        &["explain"],
        &["explain", ""],
        &["explain", "--list", "app-unit-stopped"],
        &["--docker-socket"],
        &["fix", "--yes", "--unit", "*.service", "--do", "restart"],
        &["fix", "--yes", "--unit", "nginx.service"],
        &["fix", "--yes", "--gateway", "--do", "stop"],
        &["fix", "--yes", "--do", "stop"],
        &["fix", "--gateway", "--do", "reload"],
    ] {
        let output = run(wrong);
        let notes = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(64), "{wrong:?}: {notes}");
        assert!(output.stdout.is_empty(), "{wrong:?}");
        assert_eq!(notes.lines().count(), 1, "{wrong:?}: {notes}");
        assert!(notes.contains("try 'gatemedic"), "{wrong:?}: {notes}");
    }
}

#[test]
fn explain_tells_what_it_knows_with_0_and_what_it_does_not_with_3() {
    for (asked, code, words) in [
        (&["oom-cgroup-unit"][..], 0, "memory limit"),
        (&["--list"], 0, "unix-socket-permission"),
        (&["connect()", "failed", "(111: Connection refused)"], 3, "not known"),
        (&["app-unit-stoped"], 3, "app-unit-stopped"),
        (
            &[
                "2026/11/20 18:17:42 [error] 7#7: *3 connect() failed (111: Connection refused) while connecting to upstream, client: 10.0.0.1, server: shop, request: \"GET / HTTP/1.1\", upstream: \"http://127.0.0.1:9001/\", host: \"h\"",
            ],
            0,
            "127.0.0.1:9001",
        ),
    ] {
        let output = run(&[&["explain"], asked].concat());
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(code), "{asked:?}: {text}");
        assert!(text.contains(words), "{asked:?}: {text}");
    }
    let mut child =
        program(&["explain", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let line = b"app.service: Start request repeated too quickly.\x1b]0;x\x07\nsecond line\n";
    input.write_all(line).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(
        !output.stdout.contains(&0x1b) && output.status.code().is_some_and(|c| c == 0 || c == 3)
    );
}

#[test]
fn doctor_names_every_source_and_ends_with_1_when_something_is_out_of_sight() {
    let output = run(&["doctor", "-o", "json"]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let schema = include_str!("../assets/schema/doctor-1.json");
    let validator = jsonschema::draft202012::new(&serde_json::from_str(schema).unwrap()).unwrap();
    let errors: Vec<String> = validator.iter_errors(&document).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let names: Vec<&str> =
        list(&document, "sources").iter().map(|s| s["source"].as_str().unwrap()).collect();
    let all: Vec<&str> =
        gatemedic::observation::SourceId::ALL.iter().map(|id| id.as_str()).collect();
    assert_eq!(names, all);
    let expected = i32::from(!document["sees_everything"].as_bool().unwrap());
    assert_eq!(output.status.code(), Some(expected));
    let hung = run(&["doctor", "--deadline", "50ms"]);
    assert_eq!(hung.status.code(), Some(1));
}

#[test]
fn a_reader_that_goes_away_is_141_and_a_full_disk_74() {
    for arguments in [&JSON[..], &["diagnose"], &["explain", "--list"], &["doctor"], &["--help"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = program(arguments).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        let notes = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(141), "{arguments:?}: {notes}");
        assert!(!notes.contains("panicked"), "{notes}");
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = program(arguments).stdout(full).stderr(Stdio::piped()).output().unwrap();
        let notes = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(74), "{arguments:?}: {notes}");
        assert_eq!(notes.lines().count(), 1, "{notes}");
    }
}

#[test]
fn cron_sees_the_same_as_a_person() {
    let output = program(&JSON).env_clear().current_dir("/").output().unwrap();
    let bare = document(&output);
    let person = document(&run(&JSON));
    let kinds = |d: &Value| -> BTreeSet<String> {
        list(d, "blind_spots").iter().map(|s| s["source"].to_string()).collect()
    };
    assert_eq!(kinds(&bare), kinds(&person));
}

#[test]
fn a_hostile_environment_leads_nowhere() {
    let world = World::folder();
    let trap = world.write("trap", "#!/bin/sh\ntouch \"$0.sprung\"\n");
    fs::set_permissions(&trap, fs::Permissions::from_mode(0o755)).unwrap();
    for name in ["nginx", "journalctl", "nft", "iptables-save", "docker", "less"] {
        std::os::unix::fs::symlink(&trap, world.path(name)).unwrap();
    }
    let output = program(&JSON)
        .env("PATH", world.path(""))
        .env("PAGER", &trap)
        .env("DOCKER_HOST", "tcp://127.0.0.1:1")
        .env("DBUS_SYSTEM_BUS_ADDRESS", format!("unix:path={trap}"))
        .env("IFS", "/")
        .output()
        .unwrap();
    document(&output);
    let sprung = fs::read_dir(world.path(""))
        .unwrap()
        .flatten()
        .any(|entry| entry.file_name().to_string_lossy().ends_with("sprung"));
    assert!(!sprung, "a program was found through PATH");
}

#[test]
fn a_recording_is_its_owners_alone_whatever_the_umask_and_replaces_nothing() {
    let world = World::folder();
    let events = world.path("events.jsonl");
    let record = |events: &std::path::Path| {
        Command::new("sh")
            .args([
                "-c",
                "umask 0; exec \"$@\"",
                "sh",
                PROGRAM,
                "diagnose",
                "-o",
                "json",
                "--record",
            ])
            .arg(events)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    };
    document(&record(&events));
    let meta = fs::metadata(&events).unwrap();
    assert_eq!(meta.permissions().mode() & 0o777, 0o600);
    let before = fs::read(&events).unwrap();
    let again = record(&events);
    assert_eq!(again.status.code(), Some(74), "{}", String::from_utf8_lossy(&again.stderr));
    assert!(again.stdout.is_empty() && fs::read(&events).unwrap() == before);
    let link = world.path("link");
    std::os::unix::fs::symlink(world.path("elsewhere"), &link).unwrap();
    assert_eq!(record(&link).status.code(), Some(74));
    assert!(!world.path("elsewhere").exists(), "a link was followed");
}

#[test]
fn with_everything_hung_the_deadline_still_brings_a_valid_answer_that_names_who_is_late() {
    let world = World::folder();
    let docker = world.path("docker.sock");
    // They accept, and never answer.
    let _engine = UnixListener::bind(&docker).unwrap();
    let _bus = UnixListener::bind(world.path("bus/system_bus_socket")).unwrap();
    let docker = docker.display().to_string();
    let arguments =
        ["diagnose", "-o", "json", "--deadline", "200ms", "--docker-socket", docker.as_str()];
    let late = |document: &Value| -> BTreeSet<String> {
        list(document, "incomplete").iter().map(|s| s.as_str().unwrap().to_owned()).collect()
    };
    let answer = document(&run(&arguments));
    assert!(late(&answer).contains("docker"), "{answer:#}");

    if let Err(why) = World::new() {
        skip!("the bus and the resolver were not made to hang: {why}");
    }
    let Ok(resolver) = UdpSocket::bind("127.77.0.1:53") else {
        skip!("127.77.0.1:53 is taken");
    };
    world.write("resolv.conf", "nameserver 127.77.0.1\n");
    world.config("server { listen 127.0.0.1:1; location / { proxy_pass http://late.example; } }");
    let config = world.path("nginx.conf").display().to_string();
    let hang = "mkdir -p /run/dbus\nmount --bind \"$D/bus\" /run/dbus\n\
                mount --bind \"$D/resolv.conf\" \"$(readlink -f /etc/resolv.conf)\"";
    let output = world.run(hang, &[&arguments[..], &["-c", &config]].concat());
    let answer = document(&output);
    let named = late(&answer);
    for source in ["docker", "systemd", "names"] {
        assert!(named.contains(source), "{source} is not late: {answer:#}");
    }
    drop(resolver);
}

#[test]
fn twelve_at_once_all_answer() {
    let runs: Vec<_> = (0..12).map(|_| thread::spawn(|| run(&JSON))).collect();
    for run in runs {
        document(&run.join().unwrap());
    }
}

#[test]
fn a_broken_configuration_is_named_with_its_line() {
    let world = World::folder();
    let config = world.write("nginx.conf", "events {}\nhttp {\n  server { listen 1; } }\n}\n");
    let answer = document(&run(&[&JSON[..], &["-c", &config]].concat()));
    let text = answer["findings"].to_string();
    assert!(causes(&answer).contains("proxy-config-invalid"), "{answer:#}");
    assert!(text.contains(&format!("{config}:4")), "{text}");
}

#[test]
fn what_is_no_file_and_what_is_no_text_becomes_a_blind_spot() {
    let world = World::folder();
    for name in ["include.conf", "fifo.log"] {
        let made = Command::new("mkfifo").arg(world.path(name)).status().unwrap();
        assert!(made.success());
    }
    fs::copy("/bin/ls", world.path("binary.log")).unwrap();
    let d = world.path("").display().to_string();
    let config = world.write(
        "nginx.conf",
        &format!(
            "events {{}}\nhttp {{\ninclude {d}include.conf;\nerror_log {d}fifo.log;\n\
             error_log {d}binary.log;\naccess_log {d}logs;\nserver {{ listen 127.0.0.1:1; }}\n}}\n"
        ),
    );
    let answer = document(&run(&[&JSON[..], &["-c", &config]].concat()));
    let spots = answer["blind_spots"].to_string();
    for name in ["include.conf", "fifo.log", "binary.log", "logs"] {
        assert!(spots.contains(&format!("{d}{name}")), "{name} is not named: {spots}");
    }
}

#[test]
fn a_log_that_may_not_be_read_is_a_blind_spot_with_a_grant() {
    let world = World::folder();
    world.config("server { listen 127.0.0.1:1; }");
    let config = world.path("nginx.conf").display().to_string();
    world.write("logs/error.log", "");
    fs::set_permissions(world.path("logs/error.log"), fs::Permissions::from_mode(0o000)).unwrap();
    let arguments = [&JSON[..], &["-c", &config]].concat();
    let output = if rustix::process::geteuid().is_root() {
        let nobody = ["--reuid", "65534", "--regid", "65534", "--clear-groups"];
        let copy = world.path("gatemedic");
        fs::copy(PROGRAM, &copy).unwrap();
        match Command::new("setpriv").args(nobody).arg(copy).args(arguments).output() {
            Ok(output) => output,
            Err(error) => skip!("setpriv: {error}"),
        }
    } else {
        run(&arguments)
    };
    let answer = document(&output);
    let log = world.path("logs/error.log").display().to_string();
    let spot = list(&answer, "blind_spots").iter().find(|s| s["what"] == log.as_str());
    let spot = spot.unwrap_or_else(|| panic!("{answer:#}"));
    assert!(spot["why"].as_str().unwrap().contains("denied") && spot["grant"] != "", "{spot}");
}

#[test]
fn bytes_that_are_no_utf_8_and_escapes_in_a_log_leave_the_answer_valid() {
    let world = match World::new() {
        Ok(world) => world,
        Err(why) => skip!("{why}"),
    };
    let port = free_port();
    world.proxy_to(&[port]);
    let line = "'$(date '+%Y/%m/%d %H:%M:%S') [error] 7#7: *3 connect() failed (111: Connection \
                refused) while connecting to upstream, client: 10.0.0.1, server: , request: \
                \"GET / HTTP/1.1\", upstream: \"http://127.0.0.1:PORT/\", host: \"h\", referrer: \
                \"\\033]0;x\\007\\377\\376\\342\\200\\256\"\\n'"
        .replace("PORT", &port.to_string())
        .replace("'$(date '+%Y/%m/%d %H:%M:%S')", "\"$(date '+%Y/%m/%d %H:%M:%S')\"'");
    let answer =
        document(&world.run(&format!("{NGINX}\nprintf {line} >>\"$D/logs/error.log\""), &JSON));
    assert_eq!(answer["status"], "failing", "{answer:#}");
    assert_eq!(answer["upstreams"][0]["errors"], 1, "{answer:#}");
}

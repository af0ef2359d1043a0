//! What is looked at before an action, on real units, containers, processes and limits.

use std::{fs, path::Path, process::Command};

use gatemedic::{
    action::guards::{self, Ground},
    diagnosis::diagnose,
    evidence::{CaseFile, Signatures},
    host::{clock, netns},
    observation::{Address, ContainerId, Listener, ListenerTable, Text},
    remedy::{Action, Blast, Check, Guard, Plan, Regard, UnitSetting},
    verification::Expectation,
};

use super::{
    gateway::{Nginx, until},
    ground::{self, run, unit},
    units::Made,
};

fn case() -> CaseFile {
    let mut case = CaseFile::new();
    case.now = clock::now();
    case
}

/// Looks at the last step of a plan.
async fn look(guard: Guard, steps: Vec<Action>, case: &CaseFile, sites: &[&str]) -> Vec<Check> {
    let diagnosis = diagnose(case, Signatures::embedded());
    let sites = sites.iter().map(|site| (*site).to_owned()).collect();
    let plan = Plan {
        remedy: "test".to_owned(),
        cause: "test".to_owned(),
        whom: "test".to_owned(),
        why: "test".to_owned(),
        steps,
        expect: Expectation::default(),
        blast: Blast { working: Vec::new(), sites },
    };
    let tools = ground::tools(Path::new("/nowhere"));
    let ground = Ground { plan: &plan, case, diagnosis: &diagnosis, tools: &tools };
    guards::look(guard, plan.steps.last().unwrap(), ground).await
}

fn worst(checks: &[Check]) -> (Regard, String) {
    let worst = checks.iter().max_by_key(|check| check.regard).unwrap();
    (worst.regard, worst.words.clone())
}

#[tokio::test]
async fn a_unit_that_ends_each_time_is_not_restarted_unless_its_cause_is_changed_first() {
    if !ground::is_lab() {
        return;
    }
    let made = Made::new(
        "loop",
        "ExecStart=/bin/sh -c 'exit 3'\nRestart=always\nRestartSec=50ms\n[Unit]\n\
         StartLimitIntervalSec=0",
    );
    run("systemctl", &["start", &made.0]);
    until(|| made.show("NRestarts").parse::<u32>().unwrap() >= 4);
    let restart = Action::RestartUnit { unit: unit(&made.0) };
    let refused = worst(&look(Guard::CrashLoop, vec![restart.clone()], &case(), &[]).await);
    assert_eq!(refused.0, Regard::Refused, "{}", refused.1);
    assert!(refused.1.contains("exit status 3") && refused.1.contains("will not help"));
    let limit =
        Action::LimitUnit { unit: unit(&made.0), settings: vec![UnitSetting::MemoryMax(1 << 30)] };
    let noted = worst(&look(Guard::CrashLoop, vec![limit, restart], &case(), &[]).await);
    assert_eq!(noted.0, Regard::Note, "{}", noted.1);
}

#[tokio::test]
async fn starts_by_hand_are_counted_and_the_one_before_the_limit_is_refused() {
    if !ground::is_lab() {
        return;
    }
    // The journal remembers a unit of this name from an earlier run.
    let made = Made::new(
        &format!("presses-{}", std::process::id()),
        "ExecStart=/bin/sleep 1000\n[Unit]\nStartLimitIntervalSec=600\nStartLimitBurst=5",
    );
    let restart = Action::RestartUnit { unit: unit(&made.0) };
    let mut pressed = 0;
    let refused = loop {
        let checks = look(Guard::StartLimit, vec![restart.clone()], &case(), &[]).await;
        let (regard, words) = worst(&checks);
        if regard == Regard::Refused {
            break words;
        }
        ground::act(&restart).await.unwrap();
        pressed += 1;
        assert!(pressed < 5, "systemd's own limit would have been reached");
        // The journal takes an entry in a moment later.
        let log = || run("journalctl", &["-q", "-o", "cat", "-u", &made.0]);
        until(|| log().matches("Started").count() >= pressed);
    };
    assert_eq!(pressed, 4);
    assert!(refused.contains("s until it may be started again"), "{refused}");
    assert_eq!(made.show("ActiveState"), "active");
    let reset = Action::ResetFailed { unit: unit(&made.0) };
    let noted = worst(&look(Guard::StartLimit, vec![reset, restart], &case(), &[]).await);
    assert_eq!(noted.0, Regard::Note);
}

#[tokio::test]
async fn the_units_that_are_listed_are_those_that_restart_along() {
    if !ground::is_lab() {
        return;
    }
    let base = Made::new("base", "ExecStart=/bin/sleep 1000");
    let bound = format!("ExecStart=/bin/sleep 1000\n[Unit]\nPartOf={0}\nAfter={0}", base.0);
    let (part, idle) = (Made::new("part", &bound), Made::new("idle", &bound));
    let needs = format!("ExecStart=/bin/sleep 1000\n[Unit]\nBindsTo={0}\nAfter={0}", base.0);
    let bind = Made::new("bind", &needs);
    run("systemctl", &["start", &base.0, &part.0, &bind.0]);
    let before = [part.show("MainPID"), bind.show("MainPID")];
    let restart = Action::RestartUnit { unit: unit(&base.0) };
    let (regard, words) =
        worst(&look(Guard::Dependants, vec![restart.clone()], &case(), &[]).await);
    assert_eq!(regard, Regard::Typed, "{words}");
    assert!(words.contains(&part.0) && words.contains(&bind.0) && !words.contains(&idle.0));
    ground::act(&restart).await.unwrap();
    until(|| part.show("ActiveState") == "active" && bind.show("ActiveState") == "active");
    let after = [part.show("MainPID"), bind.show("MainPID")];
    assert!(before[0] != after[0] && before[1] != after[1], "{before:?} {after:?}");
}

#[tokio::test]
async fn a_unit_that_may_not_be_told_this_is_refused() {
    if !ground::is_lab() {
        return;
    }
    let made = Made::new("plain", "ExecStart=/bin/sleep 1000");
    for (action, word) in [
        (Action::ReloadUnit { unit: unit(&made.0) }, "ExecReload"),
        (Action::StartUnit { unit: unit("gatemedic-test-no.service") }, "no unit file"),
        (Action::StartUnit { unit: unit("gatemedic-test@.service") }, "template"),
    ] {
        let (regard, words) = worst(&look(Guard::Unit, vec![action], &case(), &[]).await);
        assert_eq!(regard, Regard::Refused, "{words}");
        assert!(words.contains(word), "{words}");
    }
    let start = vec![Action::StartUnit { unit: unit(&made.0) }];
    for guard in [Guard::Unit, Guard::Headroom, Guard::StartLimit] {
        let (regard, words) = worst(&look(guard, start.clone(), &case(), &[]).await);
        assert_eq!(regard, Regard::Clear, "{words}");
    }
}

#[tokio::test]
async fn a_limit_that_the_host_cannot_give_is_refused() {
    let container = ContainerId::new("c".repeat(64)).unwrap();
    let name = Text::new("web");
    let limit = |memory| {
        vec![Action::LimitContainer { container: container.clone(), name: name.clone(), memory }]
    };
    let much = worst(&look(Guard::Memory, limit(1 << 50), &case(), &[]).await);
    assert_eq!(much.0, Regard::Refused, "{}", much.1);
    let little = worst(&look(Guard::Memory, limit(1 << 20), &case(), &[]).await);
    assert_eq!(little.0, Regard::Clear, "{}", little.1);
}

#[tokio::test]
async fn connections_that_would_be_cut_off_are_counted_and_many_ask_for_the_name() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let netns = netns::own().unwrap();
    let mut case = case();
    let pid = std::process::id();
    let one = Listener {
        address: Address::Tcp(at),
        v6_only: None,
        inode: 1,
        queue: None,
        backlog: None,
        stream: true,
        pids: vec![pid],
    };
    let table = ListenerTable {
        netns,
        listeners: vec![one],
        owners_complete: true,
        unix_complete: true,
        local_addresses: Vec::new(),
        overflows: None,
    };
    let seen = gatemedic::evidence::Dated { at: case.now, value: table };
    case.listeners.insert(netns, seen);
    let end = vec![Action::EndProcess { pid, name: Text::new("actions") }];
    assert_eq!(worst(&look(Guard::InFlight, end.clone(), &case, &[]).await).0, Regard::Clear);
    let mut held = Vec::new();
    for wanted in [(1, Regard::Note), (11, Regard::Typed)] {
        while held.len() < wanted.0 {
            let client = std::net::TcpStream::connect(at).unwrap();
            held.push((client, listener.accept().unwrap()));
        }
        let (regard, words) = worst(&look(Guard::InFlight, end.clone(), &case, &[]).await);
        assert_eq!(regard, wanted.1, "{words}");
        assert!(words.starts_with(&wanted.0.to_string()), "{words}");
    }
    let (regard, words) = worst(&look(Guard::InFlight, end, &CaseFile::new(), &["a", "b"]).await);
    assert!(regard == Regard::Typed && words.contains("2 sites"), "{words}");
}

#[tokio::test]
async fn a_reload_without_room_for_its_workers_is_refused_before_the_signal() {
    let folder = Path::new("/sys/fs/cgroup/pids");
    if !ground::is_root() || !folder.join("tasks").exists() {
        println!("skipped: no cgroup v1 hierarchy of the pids controller");
        return;
    }
    let group = folder.join(format!("gatemedic-test-{}", std::process::id()));
    if fs::create_dir(&group).is_err() {
        println!("skipped: no groups may be made here");
        return;
    }
    let Some(nginx) = Nginx::start("") else { return };
    let mut all = nginx.workers();
    all.insert(nginx.master());
    for pid in &all {
        fs::write(group.join("cgroup.procs"), pid.to_string()).unwrap();
    }
    let mut case = case();
    let gateway = nginx.gateway();
    case.gateways.insert(gateway.id.clone(), gateway.clone());
    let reload = vec![Action::ReloadGateway { gateway: gateway.id, master: nginx.master() }];
    let free = worst(&look(Guard::Headroom, reload.clone(), &case, &[]).await);
    fs::write(group.join("pids.max"), "4").unwrap();
    let full = worst(&look(Guard::Headroom, reload, &case, &[]).await);
    drop(nginx);
    until(|| fs::read_to_string(group.join("cgroup.procs")).unwrap().is_empty());
    fs::remove_dir(&group).unwrap();
    assert_ne!(free.0, Regard::Refused, "{}", free.1);
    assert_eq!(full.0, Regard::Refused, "{}", full.1);
    assert!(full.1.contains("headroom 1 of 4 tasks"), "{}", full.1);
}

#[tokio::test]
async fn a_process_that_is_in_nobodys_way_is_not_ended() {
    let mut child = Command::new("/bin/sleep").arg("1000").spawn().unwrap();
    let mut case = case();
    until(|| ground::seen(child.id()).name.raw() == "sleep");
    case.processes.insert(child.id(), ground::seen(child.id()));
    let end = vec![Action::EndProcess { pid: child.id(), name: Text::new("sleep") }];
    let (regard, words) = worst(&look(Guard::SameProcess, end, &case, &[]).await);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(regard == Regard::Refused && words.contains("anybody's way"), "{words}");
}

#[tokio::test]
async fn a_container_that_is_gone_is_refused() {
    if !ground::is_lab() || run("docker", &["info", "-f", "{{.ID}}"]).is_empty() {
        println!("skipped: no engine");
        return;
    }
    let container = ContainerId::new("d".repeat(64)).unwrap();
    let start = vec![Action::StartContainer { container, name: Text::new("web") }];
    let (regard, words) = worst(&look(Guard::Container, start, &case(), &[]).await);
    assert_eq!((regard, words.as_str()), (Regard::Refused, "container web is gone"));
}

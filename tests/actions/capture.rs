//! What is saved before it is destroyed.

use std::{fs, os::unix::net::UnixListener, path::Path};

use gatemedic::{
    action::capture,
    evidence::CaseFile,
    observation::{Address, ContainerId, Listener, ListenerTable, Owner, Text},
    remedy::{Action, Blast, Plan},
    verification::Expectation,
};

use super::{
    containers,
    gateway::until,
    ground::{self, run, unit},
    units,
};

fn plan(steps: Vec<Action>) -> Plan {
    Plan {
        remedy: "test".to_owned(),
        cause: "test".to_owned(),
        whom: "test".to_owned(),
        why: "because".to_owned(),
        steps,
        expect: Expectation::default(),
        blast: Blast::default(),
    }
}

fn text(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[tokio::test]
async fn managers_that_hang_cost_their_part_only() {
    let dir = tempfile::tempdir().unwrap();
    let (bus, engine) = (dir.path().join("bus"), dir.path().join("docker.sock"));
    let _silent = (UnixListener::bind(&bus).unwrap(), UnixListener::bind(&engine).unwrap());
    let mut tools = ground::tools(&dir.path().join("state"));
    tools.bus = format!("unix:path={}", bus.display());
    tools.docker = Some(engine);
    let mut child = std::process::Command::new("/bin/sleep").arg("1000").spawn().unwrap();
    until(|| ground::seen(child.id()).name.raw() == "sleep");
    let owner = Owner::Unit(unit("app.service"));
    let mut case = CaseFile::new();
    let seen = gatemedic::observation::Process { owner: Some(owner), ..ground::seen(child.id()) };
    case.processes.insert(child.id(), seen);
    let listener = Listener {
        address: Address::parse("127.0.0.1:1", 80).unwrap(),
        v6_only: None,
        inode: 0,
        queue: Some(3),
        backlog: Some(2),
        stream: true,
        pids: vec![child.id()],
    };
    let netns = gatemedic::host::netns::own().unwrap();
    let table = ListenerTable {
        netns,
        listeners: vec![listener],
        owners_complete: true,
        unix_complete: true,
        local_addresses: Vec::new(),
        overflows: None,
    };
    case.listeners.insert(netns, gatemedic::evidence::Dated { at: case.now, value: table });
    let container = ContainerId::new("e".repeat(64)).unwrap();
    let plan = plan(vec![
        Action::RestartUnit { unit: unit("app.service") },
        Action::RestartContainer { container, name: Text::new("web") },
    ]);
    let folder = capture::save(&plan, &case, &tools).await.unwrap().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(text(&folder, "missing.txt").contains("containers"));
    let process = text(&folder, &format!("process-{}.txt", child.id()));
    assert!(process.starts_with("command: /bin/sleep 1000\n") && process.contains("== stack"));
    assert!(text(&folder, "sockets.txt").starts_with("127.0.0.1:1 queue 3 of 2 connections 0"));
    assert!(text(&folder, "plan.txt").contains("restart app.service"));
}

#[tokio::test]
async fn what_destroys_nothing_saves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let plan = plan(vec![Action::EnableUnit { unit: unit("app.service") }]);
    let tools = ground::tools(&dir.path().join("state"));
    assert_eq!(capture::save(&plan, &CaseFile::new(), &tools).await, Ok(None));
    assert!(!dir.path().join("state").exists());
}

#[tokio::test]
async fn the_properties_journal_and_log_are_saved_without_their_secrets() {
    if !ground::is_lab() {
        return;
    }
    let made = units::Made::new(
        "capture",
        "Environment=COLOUR=CANARY\nExecStart=/bin/sh -c 'echo it broke; echo password=CANARY; \
         exit 4'",
    );
    run("systemctl", &["start", &made.0]);
    until(|| made.show("ActiveState") == "failed");
    until(|| run("journalctl", &["-q", "-u", &made.0]).contains("it broke"));
    let mut steps = vec![Action::StartUnit { unit: unit(&made.0) }];
    let container = containers::Made::new("capture", &["-e", "COLOUR=CANARY"]);
    if let Some(container) = &container {
        steps.push(container.restart());
    }
    let dir = tempfile::tempdir().unwrap();
    let tools = ground::tools(dir.path());
    let folder = capture::save(&plan(steps), &CaseFile::new(), &tools).await.unwrap().unwrap();
    let properties = text(&folder, &format!("unit-{}.properties.txt", made.0));
    assert!(properties.contains("ExecMainStatus=4\n"), "{properties}");
    assert!(text(&folder, &format!("unit-{}.journal.txt", made.0)).contains("it broke"));
    if let Some(container) = &container {
        let id = container.0.short();
        let inspect = text(&folder, &format!("container-{id}.inspect.json"));
        assert!(inspect.contains("\"OOMKilled\": false") && inspect.contains("COLOUR"));
        text(&folder, &format!("container-{id}.log.txt"));
    }
    assert!(run("grep", &["-rl", "CANARY", folder.to_str().unwrap()]).is_empty());
    assert!(run("find", &[folder.to_str().unwrap(), "-perm", "/077"]).is_empty());
    assert!(!folder.join("missing.txt").exists());
}

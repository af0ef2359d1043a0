//! What the tests of the hands share.

use std::{path::Path, process::Command};

use gatemedic::{
    action::{Authority, Failure, Permit, Tools, hands},
    evidence::CaseFile,
    observation::{Process, UnitName},
    remedy::Action,
};

pub fn permit() -> Permit {
    Authority { readonly: false, setuid: false }.grant().unwrap()
}

pub fn tools(state: &Path) -> Tools {
    Tools {
        bus: "unix:path=/run/dbus/system_bus_socket".to_owned(),
        docker: Some("/var/run/docker.sock".into()),
        state: state.to_owned(),
        runtime: state.to_owned(),
    }
}

/// Carries an action out with an empty case.
pub async fn act(action: &Action) -> Result<hands::Done, Failure> {
    hands::carry_out(&permit(), action, &CaseFile::new(), &tools(Path::new("/nowhere"))).await
}

pub async fn take_back(undo: &hands::Undo) -> Result<String, Failure> {
    hands::take_back(&permit(), undo, &tools(Path::new("/nowhere"))).await
}

pub fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        println!("skipped: needs root");
    }
    root
}

/// Whether this is the lab's host, whose units may be played with.
pub fn is_lab() -> bool {
    let lab = Path::new("/lab/lib.sh").exists() && Path::new("/run/systemd/system").exists();
    if !lab {
        println!("skipped: not on the lab's host");
    }
    lab
}

pub fn run(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

pub fn unit(name: &str) -> UnitName {
    UnitName::new(name).unwrap()
}

/// The process as a source would have seen it.
pub fn seen(pid: u32) -> Process {
    use gatemedic::host::proc;
    let stat = proc::stat(pid).unwrap();
    Process {
        pid,
        parent: stat.parent,
        name: stat.name,
        exe: proc::exe(pid),
        command: proc::command(pid).unwrap(),
        uid: 0,
        state: stat.state,
        start_ticks: stat.start_ticks,
        started: None,
        cgroup: proc::cgroup(pid).unwrap(),
        owner: None,
        netns: None,
        rss: 0,
    }
}

//! Nothing is left behind: no process, no file, no port.

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::PoisonError,
};

use gatemedic::practice::{self, World};

use crate::bench::{SWEEPING, shop, start, wait};

/// Pids whose program lies in a folder.
fn inhabitants(folder: &Path) -> Vec<u32> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse() else { continue };
        let exe = std::fs::read_link(entry.path().join("exe")).unwrap_or_default();
        if exe.starts_with(folder) {
            all.push(pid);
        }
    }
    all
}

fn nothing_is_left(folder: &Path, ports: &[u16]) {
    wait("a process is left", || inhabitants(folder).is_empty().then_some(()));
    assert!(!folder.exists(), "{}", folder.display());
    for port in ports {
        TcpListener::bind(("127.0.0.1", *port)).unwrap();
    }
}

fn ports(world: &World) -> Vec<u16> {
    world.places().ports.values().copied().collect()
}

#[test]
fn when_it_is_dropped() {
    let world = start(&shop(""));
    let (folder, ports) = (world.folder().to_owned(), ports(&world));
    assert!(inhabitants(&folder).len() >= 6, "custodian, master, two workers, shop, clients");
    drop(world);
    nothing_is_left(&folder, &ports);
}

#[test]
fn when_the_custodian_is_killed_and_practice_begins_again() {
    let world = start(&shop(""));
    let (folder, ports) = (world.folder().to_owned(), ports(&world));
    kill(world.scope().custodian, "KILL");
    wait("its children die with it", || inhabitants(&folder).is_empty().then_some(()));
    drop(world);
    nothing_is_left(&folder, &ports);
}

fn kill(pid: u32, signal: &str) {
    let done = Command::new("kill").args([format!("-{signal}"), pid.to_string()]).status().unwrap();
    assert!(done.success());
}

/// Runs the test program again as the owner of a world, and gives its folder.
fn owner() -> (Child, PathBuf) {
    let _held = SWEEPING.read().unwrap_or_else(PoisonError::into_inner);
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "leaving::an_owner_of_a_world", "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let folder =
        lines.by_ref().flatten().find_map(|l| l.split_once("FOLDER ").map(|(_, f)| f.to_owned()));
    (child, PathBuf::from(folder.unwrap()))
}

#[test]
#[ignore = "the process that the next tests kill"]
fn an_owner_of_a_world() {
    let world = start(&shop(""));
    println!("FOLDER {}", world.folder().display());
    // Until it is killed, or whoever started it is gone.
    let _ = std::io::stdin().lines().next();
}

#[test]
fn when_its_owner_is_killed() {
    for signal in ["KILL", "TERM", "HUP"] {
        let (mut child, folder) = owner();
        assert!(!inhabitants(&folder).is_empty());
        kill(child.id(), signal);
        child.wait().unwrap();
        wait("the folder is left", || (!folder.exists()).then_some(()));
        nothing_is_left(&folder, &[]);
    }
}

#[test]
fn when_owner_and_custodian_are_killed_at_once_the_next_start_sweeps() {
    let (mut child, folder) = owner();
    let custodian = practice::scope(&folder).unwrap().custodian;
    let held = SWEEPING.write().unwrap_or_else(PoisonError::into_inner);
    kill(custodian, "STOP");
    kill(child.id(), "KILL");
    child.wait().unwrap();
    kill(custodian, "KILL");
    wait("its children die with it", || inhabitants(&folder).is_empty().then_some(()));
    assert!(folder.exists());
    practice::sweep();
    drop(held);
    nothing_is_left(&folder, &[]);
}

#[test]
fn two_worlds_do_not_disturb_each_other() {
    let (one, two) = (start(&shop("")), start(&shop("")));
    drop(one);
    wait("the other one answers on", || (two.pulse().is_well(3)).then_some(()));
}

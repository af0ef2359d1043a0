//! What the processes of a world may do: they listen where everybody on the machine can reach them.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use gatemedic::practice::{How, World};

use crate::bench::{how, program, setup, shop, start};

/// Pids of a world by the names of their program files.
fn who(folder: &Path) -> Vec<(String, PathBuf)> {
    let mut all = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let exe = fs::read_link(entry.path().join("exe")).unwrap_or_default();
        if exe.starts_with(folder) {
            let name = exe.file_name().unwrap().to_str().unwrap().to_owned();
            all.push((name, entry.path()));
        }
    }
    all
}

fn status(process: &Path, field: &str) -> String {
    let text = fs::read_to_string(process.join("status")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.split_ascii_whitespace().next().unwrap().to_owned()
}

#[test]
fn who_listens_has_no_right_to_anything_and_cannot_come_to_one() {
    let world = start(&shop(""));
    let all = who(world.folder());
    assert!(all.iter().any(|(name, _)| name == "shop"));
    for (name, process) in &all {
        assert_eq!(status(process, "NoNewPrivs:"), "1", "{name}");
        if matches!(name.as_str(), "shop" | "clients") {
            for set in ["CapEff:", "CapPrm:", "CapInh:", "CapAmb:"] {
                assert_eq!(status(process, set), "0000000000000000", "{name} {set}");
            }
        }
    }
}

#[test]
fn a_program_file_that_only_root_may_run_is_practised_with_too() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root's gateway has workers of another user");
        return;
    }
    // Where worlds stand, so that it could be linked.
    let dir = tempfile::tempdir_in("/run").unwrap();
    let own = dir.path().join("gatemedic");
    fs::copy(program(), &own).unwrap();
    fs::set_permissions(&own, fs::Permissions::from_mode(0o700)).unwrap();
    let how = How { program: Some(own), ..how() };
    drop(World::start(&setup(&shop("")), &how).unwrap());
}

#[test]
fn what_is_done_in_practice_reaches_no_service_of_the_machine() {
    const STRACE: &str = "/usr/bin/strace";
    if !Path::new(STRACE).exists() {
        eprintln!("skipped: there is no {STRACE}");
        return;
    }
    let world = start(&shop(""));
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("trace");
    let done = Command::new(STRACE)
        .args(["-f", "-qq", "-s", "200", "-e", "trace=connect,sendto,sendmsg", "-o"])
        .arg(&file)
        .arg(program())
        .arg("--practice")
        .arg(world.folder())
        .args(["--watch-secs", "1", "fix", "--yes", "--gateway", "--do", "reload"])
        .output()
        .unwrap();
    let text = fs::read_to_string(&file).unwrap_or_default();
    if !text.contains("connect(") {
        eprintln!("skipped: strace cannot trace here");
        return;
    }
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let own = world.folder().to_str().unwrap();
    let far = |line: &&str| {
        line.contains("sun_path=") && !line.contains(own) && !line.contains("/proc/self/fd/")
    };
    let far: Vec<&str> = text.lines().filter(far).collect();
    assert!(far.is_empty(), "{far:#?}");
}

//! Every system call of an edit may fail: then the file is what it was.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use gatemedic::{
    action::{
        edit::{rehearse_all, write},
        journal::interrupted,
    },
    remedy::{Change, Digest, FileEdit},
};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

use super::bench::{Bench, NEW, OLD, is_root, permit, plan, rehearse, skip, tools};

const FOLDER: &str = "GATEMEDIC_TEST_FOLDER";
const STRACE: &str = "/usr/bin/strace";

/// What the traced process does: one edit, and it says how that ended.
#[test]
#[ignore = "started by the tests below"]
fn an_edit_that_may_fail() {
    let Some(folder) = env::var_os(FOLDER).map(PathBuf::from) else { return };
    let rehearsal = rehearse(&folder.join("conf.d/shop.conf"));
    match rehearsal.and_then(|rehearsal| write(&permit(), rehearsal, &tools(&folder), plan())) {
        Ok(written) => match written.settle() {
            Ok(()) => eprintln!("\nENDED well"),
            Err(_) => eprintln!("\nENDED unsettled"),
        },
        Err(failure) => eprintln!("\nENDED failed: {failure}"),
    }
}

#[test]
#[ignore = "started by the tests below"]
fn a_rehearsal() {
    let Some(folder) = env::var_os(FOLDER).map(PathBuf::from) else { return };
    drop(rehearse(&folder.join("conf.d/shop.conf")).unwrap());
    assert!(interrupted(&tools(&folder)).is_empty());
    assert!(gatemedic::action::audit::read(&tools(&folder)).is_err());
    assert!(gatemedic::action::lock::actor(&tools(&folder)).is_none());
}

fn traced(bench: &Bench, test: &str, options: &[&str]) -> Output {
    Command::new(STRACE)
        .args(["-f", "-qq", "-e", "signal=none"])
        .args(options)
        .arg(env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", "--test-threads=1", test])
        .env(FOLDER, bench.folder.path())
        .output()
        .unwrap()
}

#[test]
fn whatever_call_fails_the_file_is_exactly_what_it_was() {
    if !Path::new(STRACE).exists() {
        skip!("there is no {STRACE}");
    }
    let probe = traced(&Bench::new(), "failing::an_edit_that_may_fail", &["-e", "trace=none"]);
    if !String::from_utf8_lossy(&probe.stderr).contains("ENDED well") {
        skip!("strace cannot trace here: {}", String::from_utf8_lossy(&probe.stderr));
    }
    let mut failed = 0;
    for (call, error, most) in [
        ("fsync", "EIO", 12),
        ("renameat", "EROFS", 5),
        ("renameat2", "EROFS", 5),
        ("fchown", "EPERM", 2),
        ("fchmod", "EDQUOT", 7),
        ("mkdirat", "ENOSPC", 3),
        ("write", "ENOSPC", 12),
        ("ftruncate", "EIO", 2),
        ("fallocate", "ENOSPC", 2),
        ("unlinkat", "EIO", 5),
    ] {
        for number in 1..=most {
            for linked in [false, true] {
                let bench = Bench::new();
                if linked {
                    fs::hard_link(bench.file(), bench.path("other")).unwrap();
                }
                let inject = format!("inject={call}:error={error}:when={number}");
                let what = format!("{call} {number} {linked}");
                let options = ["-e", &format!("trace={call}"), "-e", &inject];
                let output = traced(&bench, "failing::an_edit_that_may_fail", &options);
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                let text = bench.text();
                assert!(text == OLD || text == NEW, "{what}: {text:?}");
                if said.contains("ENDED failed") {
                    failed += 1;
                    assert_eq!(text, OLD, "{what}: {said}");
                    // A file that cannot be removed stays, under a name that nobody includes.
                    let strays = bench.strays();
                    assert!(strays.is_empty() || call == "unlinkat", "{what}: {strays:?}");
                }
                if said.contains("ENDED well") {
                    assert_eq!(text, NEW, "{what}");
                }
            }
        }
    }
    assert!(failed > 15, "only {failed} of them failed");
}

#[test]
fn looking_at_a_file_writes_nothing() {
    if !Path::new(STRACE).exists() {
        skip!("there is no {STRACE}");
    }
    let bench = Bench::new();
    let calls = "trace=openat,openat2,open,creat,unlinkat,unlink,renameat,renameat2,rename,mkdir,\
                 mkdirat,fchmod,fchown,fchmodat,fchownat,fsetxattr,setxattr,ftruncate,truncate,\
                 linkat,symlinkat,utimensat,mount,execve";
    let output = traced(&bench, "failing::a_rehearsal", &["-y", "-e", calls]);
    let trace = String::from_utf8_lossy(&output.stderr);
    let own = bench.folder.path().to_str().unwrap();
    if !trace.contains(own) {
        skip!("strace cannot trace here");
    }
    assert!(output.status.success(), "{trace}");
    let reads = |line: &str| {
        let open = line.contains("openat(") || line.contains("openat2(");
        let writes = ["O_CREAT", "O_WRONLY", "O_RDWR", "O_TRUNC"];
        open && !writes.iter().any(|flag| line.contains(flag))
    };
    let wrong: Vec<&str> =
        trace.lines().filter(|line| line.contains(own) && !reads(line)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(bench.text(), OLD);
    assert!(!bench.path("state").exists() && !bench.path("run").exists());
}

struct Full(PathBuf);

impl Full {
    /// A small file system of its own, filled up.
    fn mount(at: &Path) -> Option<Self> {
        mount("tmpfs", at, "tmpfs", MountFlags::empty(), c"size=64k,mode=0755").ok()?;
        Some(Self(at.to_owned()))
    }

    fn fill(&self) {
        let _ = fs::write(self.0.join("filler"), vec![b'x'; 1 << 20]);
    }
}

impl Drop for Full {
    fn drop(&mut self) {
        let _ = unmount(&self.0, UnmountFlags::DETACH);
    }
}

fn larger(bench: &Bench) -> FileEdit {
    let mut edit = bench.edit();
    let content = OLD.repeat(2_000);
    edit.change = Change::Whole { base: Digest::of(OLD.as_bytes()), content };
    edit
}

#[test]
fn a_full_disk_leaves_the_file_as_it_was() {
    if !is_root() {
        skip!("only root can mount");
    }
    for linked in [false, true] {
        let bench = Bench::new();
        let Some(full) = Full::mount(&bench.path("conf.d")) else {
            skip!("nothing can be mounted")
        };
        fs::write(bench.file(), OLD).unwrap();
        if linked {
            fs::hard_link(bench.file(), bench.path("conf.d/other")).unwrap();
        }
        full.fill();
        let rehearsal = rehearse_all(&[&larger(&bench)]).unwrap().remove(0);
        let failed = write(&permit(), rehearsal, &bench.tools(), plan()).unwrap_err();
        assert!(failed.to_string().contains("no room left"), "{failed}");
        assert_eq!(bench.text(), OLD);
        assert!(!bench.strays().iter().any(|name| name.starts_with('.')));
        assert!(interrupted(&bench.tools()).is_empty());
    }
}

#[test]
fn without_room_for_a_copy_nothing_is_written() {
    if !is_root() {
        skip!("only root can mount");
    }
    let bench = Bench::new();
    fs::create_dir(bench.path("state")).unwrap();
    let Some(full) = Full::mount(&bench.path("state")) else { skip!("nothing can be mounted") };
    full.fill();
    let rehearsal = bench.rehearse().unwrap();
    assert!(write(&permit(), rehearsal, &bench.tools(), plan()).is_err());
    assert_eq!(bench.text(), OLD);
    assert!(interrupted(&bench.tools()).is_empty());
}

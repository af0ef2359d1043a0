//! Looking changes nothing, as the kernel saw it.
//!
//! Allowed: reading; `/dev/null`; the ledger of the probe budget (a 0700 folder of the user's own
//! below `/run`); netlink; unbound or kernel-chosen local addresses; connections to Docker's and
//! D-Bus' sockets, to upstreams and to name servers; asking whether a process lives (signal 0);
//! and the programs listed in `PROGRAMS`, none of which changes anything with these arguments.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use super::world::{Backend, NGINX, PROGRAM, World, document, skip};

const CALLS: &str = "trace=openat,openat2,open,creat,unlink,unlinkat,rename,renameat,renameat2,\
                     mkdir,mkdirat,rmdir,chmod,fchmod,fchmodat,chown,fchown,fchownat,lchown,link,\
                     linkat,symlink,symlinkat,truncate,mknodat,mount,umount2,kill,tkill,tgkill,\
                     pidfd_send_signal,ptrace,bind,listen,execve,sethostname,setxattr,utimensat,\
                     init_module,finit_module,reboot";

/// Programs that may be run, and words that must not be among their arguments.
const PROGRAMS: [(&str, &[&str]); 6] = [
    ("journalctl", &["--rotate", "--vacuum", "--flush", "--sync"]),
    ("nginx", &["\"-t\"", "\"-s\"", "\"-T\""]),
    ("nft", &["add", "delete", "flush", "insert", "-f"]),
    ("xtables-nft-multi", &["restore"]),
    ("iptables-save", &[]),
    ("ip6tables-save", &[]),
];

/// Where the ledger of the probe budget lies.
const LEDGER: [&str; 3] = ["/run/gatemedic", "/run/user/", "\"probes.json\""];

#[test]
fn looking_changes_nothing() {
    if !Path::new("/usr/bin/strace").exists() {
        skip!("there is no /usr/bin/strace");
    }
    let world = match World::new() {
        Ok(world) => world,
        Err(why) => skip!("{why}"),
    };
    let backend = Backend::start();
    world.proxy_to(&[backend.port, super::free_port()]);
    let trace = world.path("trace");
    let trace_name = trace.display().to_string();
    let arguments = [
        "-f",
        "-qq",
        "-s",
        "256",
        "-e",
        CALLS,
        "-e",
        "signal=none",
        "-o",
        &trace_name,
        PROGRAM,
        "diagnose",
        "-o",
        "json",
        "--deadline",
        "20s",
    ];
    let output = world.command(NGINX, "/usr/bin/strace", &arguments).output().unwrap();
    if output.stdout.is_empty() {
        skip!("strace cannot trace here: {}", String::from_utf8_lossy(&output.stderr));
    }
    document(&output);
    let text = fs::read_to_string(&trace).unwrap();
    assert!(text.contains("openat"), "nothing was traced: {text}");
    let wrong: BTreeSet<&str> = text.lines().filter_map(|line| effect(line)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(backend.received(), 0);
    let config = Command::new("find").arg(world.path("tmp")).args(["-type", "f"]).output().unwrap();
    assert!(config.stdout.is_empty());
}

/// The call, when it is one that is not allowed.
fn effect(line: &str) -> Option<&str> {
    let call = line.split_once(' ')?.1.trim_start();
    let name = call.split('(').next()?;
    let ledger = LEDGER.iter().any(|path| call.contains(path));
    let writes = ["O_CREAT", "O_WRONLY", "O_RDWR", "O_TRUNC"];
    let allowed = match name {
        "open" | "openat" | "openat2" => {
            !writes.iter().any(|flag| call.contains(flag))
                || call.contains("\"/dev/null\"")
                || ledger
        }
        "mkdir" | "mkdirat" | "renameat" | "renameat2" | "rename" | "fchmod" => ledger,
        "kill" | "tgkill" => call.contains(", 0)"),
        "bind" => {
            call.contains("AF_NETLINK")
                || call.contains("sin_port=htons(0)")
                || call.contains("sin6_port=htons(0)")
        }
        "execve" => may_run(call),
        _ => !call.contains('('),
    };
    (!allowed && !call.starts_with("<...") && !call.starts_with("+++")).then_some(call)
}

fn may_run(call: &str) -> bool {
    let exe = call.split('"').nth(1).unwrap_or_default();
    let name = exe.rsplit('/').next().unwrap_or_default();
    exe == PROGRAM
        || PROGRAMS.iter().any(|(allowed, never)| {
            *allowed == name && exe.starts_with('/') && !never.iter().any(|w| call.contains(w))
        })
}

//! The lock, tried: what a hostile screen would do is done here, and has to be refused. Every try
//! is harmless where it is not: it sets what is set, opens what swallows all, signals nothing.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    io::{self, ErrorKind},
    net::TcpStream,
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixStream},
    },
    path::Path,
    process::{Command, Stdio},
};

use rustix::{
    fs::{AtFlags, CWD, Mode, OFlags, chmodat, chownat, linkat, mkdirat, open, renameat, unlinkat},
    io::Errno,
    mount::{MountFlags, mount},
    net::{AddressFamily, SocketType, socket},
    process::{Pid, PidfdFlags, Signal, getppid, kill_process, pidfd_open, test_kill_process},
    system::{sethostname, uname},
    thread::set_thread_uid,
};

use crate::{
    host::{docker, sys, systemd::SYSTEM_BUS},
    session::kiosk::LockFact,
};

/// Takes all and keeps nothing; everybody may write it.
const SINK: &str = "/dev/null";
/// A file that everybody may read, in a folder that only root may write.
const FILE: &str = "/etc/passwd";
/// The beginning of a name in a folder that everybody may write.
const SCRATCH: &str = "/tmp/.gatemedic-self-test";
/// A program that does nothing.
const PROGRAM: &str = "/bin/true";

/// Tries all of it. `broker` is the process that reads, for which a signal would be the way to
/// blind the screen.
pub fn try_everything(broker: Option<Pid>) -> Vec<LockFact> {
    let mut facts = files();
    facts.extend(processes(broker));
    facts.extend(sockets());
    facts.extend(machine());
    facts
}

/// What Landlock denies by itself, tried before seccomp would answer for it.
pub(super) fn landlock_alone() -> LockFact {
    let what = "Landlock alone";
    let tries = [
        ("write", opened(SINK, OFlags::WRONLY | OFlags::NOCTTY)),
        ("read", opened(FILE, OFlags::RDONLY)),
        ("make", made()),
        ("rename", renameat(CWD, FILE, CWD, FILE)),
        ("run", program().map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))),
    ];
    let open: Vec<&str> = tries
        .iter()
        .filter(|(_, outcome)| !matches!(outcome, Err(Errno::ACCESS | Errno::PERM)))
        .map(|(what, _)| *what)
        .collect();
    if open.is_empty() {
        LockFact::held(what, "write, read, make, rename and run are refused")
    } else {
        LockFact::missing(what, format!("not refused: {}", open.join(", ")))
    }
}

fn files() -> Vec<LockFact> {
    // The mode and the owner that it has.
    let stat = rustix::fs::stat(SINK).ok();
    let mode = stat.map_or(0o666, |stat| stat.st_mode & 0o7777);
    vec![
        refused("write a file", opened(SINK, OFlags::WRONLY | OFlags::NOCTTY)),
        refused("read a file", opened(FILE, OFlags::RDONLY)),
        refused("make a folder", made()),
        // Onto itself, which does nothing (rename(2)).
        refused("rename a file", renameat(CWD, FILE, CWD, FILE)),
        refused("link a file", linkat(CWD, FILE, CWD, FILE, AtFlags::empty())),
        refused("remove a file", unlinkat(CWD, format!("{}/none", scratch()), AtFlags::empty())),
        // What proc(5) calls a name cannot be cut.
        refused("truncate a file", opened("/proc/self/comm", OFlags::WRONLY | OFlags::TRUNC)),
        refused("change a mode", chmodat(CWD, SINK, Mode::from_raw_mode(mode), AtFlags::empty())),
        refused("change an owner", chownat(CWD, SINK, None, None, AtFlags::empty())),
    ]
}

/// A name that nothing has and that nobody can foretell: whoever laid something there would have a
/// try end otherwise than by the lock.
fn scratch() -> String {
    format!("{SCRATCH}-{:016x}", RandomState::new().build_hasher().finish())
}

fn made() -> rustix::io::Result<()> {
    let name = scratch();
    mkdirat(CWD, &name, Mode::RWXU)?;
    // It could be made, so it can be removed.
    let _ = unlinkat(CWD, &name, AtFlags::REMOVEDIR);
    Ok(())
}

fn opened(path: &str, flags: OFlags) -> rustix::io::Result<()> {
    open(path, flags | OFlags::CLOEXEC, Mode::empty()).map(drop)
}

fn program() -> io::Result<()> {
    let mut command = Command::new(PROGRAM);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().map(drop)
}

fn processes(broker: Option<Pid>) -> Vec<LockFact> {
    let first = test_kill_process(Pid::INIT);
    let mut facts = vec![
        refused("start a program", program()),
        refused("signal process 1", first),
        refused("hold process 1", pidfd_open(Pid::INIT, PidfdFlags::empty()).map(drop)),
        refused("become root", set_thread_uid(rustix::process::Uid::ROOT)),
    ];
    if let Some(parent) = getppid() {
        facts.push(refused("signal its parent", test_kill_process(parent)));
    }
    if let Some(broker) = broker {
        // It has no screen to suspend: a signal that reached it would change nothing.
        facts.push(refused("signal the broker", kill_process(broker, Signal::CONT)));
    }
    facts
}

fn sockets() -> Vec<LockFact> {
    let unix = |path: &Path| UnixStream::connect(path).map(drop);
    let docker = docker::SOCKETS.first().map_or_else(|| Ok(()), |path| unix(Path::new(path)));
    let bus = SYSTEM_BUS.trim_start_matches("unix:path=");
    let abstract_name = SocketAddr::from_abstract_name("gatemedic-self-test");
    let named = abstract_name.and_then(|name| UnixStream::connect_addr(&name).map(drop));
    let netlink = socket(AddressFamily::NETLINK, SocketType::RAW, None).map(drop);
    vec![
        refused("connect to Docker", docker),
        refused("connect to D-Bus", unix(Path::new(bus))),
        refused("connect to an abstract socket", named),
        // Port 9 discards.
        refused("connect to a port", TcpStream::connect("127.0.0.1:9").map(drop)),
        refused("open a netlink socket", netlink),
    ]
}

fn machine() -> Vec<LockFact> {
    // A kind of file system that no kernel has.
    let mounted = mount("none", "/proc/self", "gatemedic-none", MountFlags::empty(), None);
    vec![
        // To what it is.
        refused("set the host's name", sethostname(uname().nodename().to_bytes())),
        refused("mount", mounted),
        refused("leave its namespace", sys::leave_mounts()),
    ]
}

/// A try that must have been refused for want of rights; any other outcome means that nothing
/// stood in its way.
fn refused<E: Into<io::Error>>(what: &'static str, outcome: Result<(), E>) -> LockFact {
    match outcome.map_err(Into::into) {
        Ok(()) => LockFact::missing(what, "it was possible"),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            let errno = Errno::from_io_error(&error);
            let name = if errno == Some(Errno::ACCESS) { "EACCES" } else { "EPERM" };
            LockFact::held(what, format!("refused ({name})"))
        }
        Err(error) => LockFact::missing(what, format!("not refused: {error}")),
    }
}

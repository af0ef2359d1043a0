//! Starting the broker, and being it.

use std::{
    ffi::{CStr, OsString},
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::process::CommandExt,
    },
    process::{Child, Command, Stdio},
};

use rustix::{
    fs::{Mode, OFlags, open},
    net::{AddressFamily, SocketFlags, SocketType, socketpair, sockopt},
    process::{Pid, Signal, getppid, set_parent_process_death_signal, setsid},
    thread::{set_name, set_no_new_privs},
};

use super::wire::{Receiver, Sender};

/// What of the environment a broker gets: the zone of its stamps, and where its state is kept.
const KEPT: [&str; 4] = ["TZ", "HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"];

/// Its name in lists of processes.
const NAME: &CStr = c"gatemedic-reads";

/// The broker, as the screen's process holds it.
#[derive(Debug)]
pub struct Broker {
    /// What it says.
    pub words: Receiver,
    /// What it is asked.
    pub asks: Sender,
    child: Child,
}

impl Broker {
    /// Its process.
    pub fn pid(&self) -> Option<Pid> {
        i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
    }
}

/// Starts a broker with these words of a command line. Of all that is open here it gets one end of
/// the pair, as its stdin. To be called before anything is locked, by the thread that lives
/// longest: the broker ends with it.
///
/// # Errors
/// When there is no pair, or it cannot be started.
pub fn start(words: &[OsString]) -> io::Result<Broker> {
    let flags = SocketFlags::CLOEXEC;
    let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    // Through /proc, so that a program that was replaced on disk meanwhile is still this one.
    let mut command = Command::new("/proc/self/exe");
    command.arg0("gatemedic").args(words).current_dir("/").env_clear();
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C");
    for name in KEPT {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.stdin(Stdio::from(theirs)).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn()?;
    let (words, asks) = ends(ours)?;
    Ok(Broker { words, asks, child })
}

/// The end of a broker: what was inherited as stdin, which is `/dev/null` afterwards. The process
/// leaves the terminal's session and ends with whoever started it. Its first deed.
///
/// # Errors
/// When stdin is no such socket, or the other process is gone already.
pub fn inherited() -> io::Result<(Sender, Receiver)> {
    let stdin = io::stdin();
    let unix = sockopt::socket_domain(&stdin).is_ok_and(|domain| domain == AddressFamily::UNIX);
    if !unix {
        return Err(io::Error::other("only a kiosk starts it"));
    }
    let parent = getppid();
    // For a screen that kept its user; one that became another may not send even this. The end of
    // the socket tells in both cases.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    if getppid() != parent {
        return Err(io::ErrorKind::BrokenPipe.into());
    }
    // It fails only for a process that leads a group already, which a started child does not.
    let _ = setsid();
    set_no_new_privs(true)?;
    // Not the `exe` of the path that it was started by.
    let _ = set_name(NAME);
    let own = stdin.as_fd().try_clone_to_owned()?;
    let sink = open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    rustix::stdio::dup2_stdin(sink)?;
    let (receiver, sender) = ends(own)?;
    Ok((sender, receiver))
}

fn ends(socket: OwnedFd) -> io::Result<(Receiver, Sender)> {
    let other = socket.try_clone()?;
    Ok((Receiver::new(socket), Sender::new(other)))
}

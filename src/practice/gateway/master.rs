//! The master: it holds the listeners, keeps the workers, and reads the configuration again on
//! SIGHUP. What it cannot do then leaves everything as it was.

use std::{
    collections::BTreeMap,
    io::{self, IoSlice, Write},
    mem::MaybeUninit,
    net::SocketAddr,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
    process::Stdio,
};

use rustix::{
    fs::{Mode, OFlags},
    net::{
        AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags,
        SocketType,
    },
};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
};

use crate::{host::sys, practice::title};

use super::{
    log::{Level, Logs, errno},
    main::Called,
    plan::{self, Plan, Refusal},
    worker::{Handed, MOST_HANDED},
};

/// The user and group of workers under root: `nobody`'s and `nogroup`'s numbers.
const NOBODY: u32 = 65_534;
/// Workers that end by themselves in one second before none is started any more.
const RESTLESS: u32 = 20;
/// How long a listener queue is.
const BACKLOG: i32 = 511;

/// Runs the master until it is told to end.
pub(super) fn run(called: &Called) -> io::Result<Result<(), Refusal>> {
    let plan = match plan::read(&called.config, &called.prefix) {
        Ok(plan) => plan,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(async {
        let mut master = Master::new(called.clone());
        if let Err(refusal) = master.open(&plan) {
            return Ok(Err(refusal));
        }
        if let Some(pid) = &plan.pid {
            let mut file = create(pid)?;
            writeln!(file, "{}", std::process::id())?;
        }
        title::set(&called.title)?;
        master.keep(plan).await.map(Ok)
    });
    runtime.shutdown_background();
    done
}

/// Pid of a worker that ended, and how.
type Ended = (u32, String);

/// A worker, as its master knows it.
#[derive(Debug)]
struct Worker {
    /// Closing it tells the worker to leave.
    line: Option<OwnedFd>,
}

#[derive(Debug)]
struct Master {
    called: Called,
    listeners: BTreeMap<SocketAddr, OwnedFd>,
    error: Option<std::fs::File>,
    access: Option<std::fs::File>,
    logs: Logs,
    workers: BTreeMap<u32, Worker>,
    ended: (mpsc::Sender<Ended>, mpsc::Receiver<Ended>),
}

impl Master {
    fn new(called: Called) -> Self {
        Self {
            called,
            listeners: BTreeMap::new(),
            error: None,
            access: None,
            logs: Logs::new(None, None, false),
            workers: BTreeMap::new(),
            ended: mpsc::channel(64),
        }
    }

    /// Opens logs and listeners of a plan; on failure everything stays as it was.
    fn open(&mut self, plan: &Plan) -> Result<(), Refusal> {
        let log = |path: &Option<PathBuf>| match path {
            None => Ok(None),
            Some(path) => append(path).map(Some).map_err(|error| {
                Refusal(format!("open() \"{}\" failed ({})", path.display(), errno(&error)))
            }),
        };
        let (error, access) = (log(&plan.error_log)?, log(&plan.access_log)?);
        let mut new = Vec::new();
        for address in plan.listens.iter().take(MOST_HANDED - 2) {
            if !self.listeners.contains_key(address) {
                let listener = listen(*address).map_err(|error| {
                    Refusal(format!("bind() to {address} failed ({})", errno(&error)))
                })?;
                new.push((*address, listener));
            }
        }
        self.listeners.extend(new);
        self.listeners.retain(|address, _| plan.listens.contains(address));
        let again = error.as_ref().and_then(|file| file.try_clone().ok());
        self.logs = Logs::new(again, None, plan.notices);
        (self.error, self.access) = (error, access);
        Ok(())
    }

    async fn keep(&mut self, mut plan: Plan) -> io::Result<()> {
        let mut signals = Signals::catch()?;
        for _ in 0..plan.workers {
            self.start(&plan)?;
        }
        let mut restless = 0;
        loop {
            tokio::select! {
                which = signals.next() => match which {
                    Told::Reload => {
                        self.logs.error(Level::Notice, None, "signal 1 (SIGHUP) received, reconfiguring");
                        plan = self.reload(plan)?;
                        restless = 0;
                    }
                    Told::Leave => {
                        self.workers.values_mut().for_each(|worker| worker.line = None);
                        self.listeners.clear();
                        while !self.workers.is_empty() {
                            match self.ended.1.recv().await {
                                Some((pid, _)) => drop(self.workers.remove(&pid)),
                                None => break,
                            }
                        }
                        break;
                    }
                    // Workers end with their master.
                    Told::End => break,
                },
                ended = self.ended.1.recv() => {
                    let Some((pid, how)) = ended else { break };
                    let Some(worker) = self.workers.remove(&pid) else { continue };
                    if worker.line.is_some() {
                        self.logs.error(Level::Alert, None, &format!("worker process {pid} {how}"));
                        restless += 1;
                        if restless <= RESTLESS {
                            self.start(&plan)?;
                        }
                    }
                }
            }
        }
        if let Some(pid) = &plan.pid {
            let _ = rustix::fs::unlink(pid);
        }
        Ok(())
    }

    /// Reads the configuration again: new workers, and the old ones leave.
    fn reload(&mut self, old: Plan) -> io::Result<Plan> {
        let read = plan::read(&self.called.config, &self.called.prefix);
        let new = match read.and_then(|plan| self.open(&plan).map(|()| plan)) {
            Ok(new) => new,
            Err(Refusal(words)) => {
                self.logs.error(Level::Emerg, None, &words);
                return Ok(old);
            }
        };
        let before: Vec<u32> = self.workers.keys().copied().collect();
        for _ in 0..new.workers {
            self.start(&new)?;
        }
        for pid in before {
            if let Some(worker) = self.workers.get_mut(&pid) {
                worker.line = None;
            }
        }
        Ok(new)
    }

    /// Starts one worker: this program again, with its line as standard input.
    #[expect(clippy::disallowed_types, reason = "its own program, as its own child")]
    fn start(&mut self, plan: &Plan) -> io::Result<()> {
        let (ours, theirs) = rustix::net::socketpair(
            AddressFamily::UNIX,
            SocketType::STREAM,
            SocketFlags::CLOEXEC,
            None,
        )?;
        let mut command = tokio::process::Command::new("/proc/self/exe");
        command.arg0("nginx: worker process").env_clear().env(title::ROOM.0, title::ROOM.1);
        if let Some(zone) = zone() {
            command.env("TZ", zone);
        }
        command.stdin(Stdio::from(theirs)).stdout(Stdio::null()).stderr(Stdio::null());
        if plan.user && rustix::process::geteuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        sys::end_with_parent(&mut command);
        let mut child = command.spawn()?;
        let pid = child.id().unwrap_or_default();
        self.hand_over(&ours, plan)?;
        self.workers.insert(pid, Worker { line: Some(ours) });
        let told = self.ended.0.clone();
        tokio::spawn(async move {
            let how = match child.wait().await {
                Ok(status) => words(status),
                Err(error) => error.to_string(),
            };
            let _ = told.send((pid, how)).await;
        });
        Ok(())
    }

    fn hand_over(&self, line: &OwnedFd, plan: &Plan) -> io::Result<()> {
        let mut all: Vec<BorrowedFd<'_>> = Vec::new();
        all.extend(self.error.as_ref().map(AsFd::as_fd));
        all.extend(self.access.as_ref().map(AsFd::as_fd));
        all.extend(self.listeners.values().map(AsFd::as_fd));
        all.truncate(MOST_HANDED);
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_HANDED))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        control.push(SendAncillaryMessage::ScmRights(&all));
        rustix::net::sendmsg(line, &[IoSlice::new(b"h")], &mut control, SendFlags::NOSIGNAL)?;
        let handed = Handed {
            plan: plan.clone(),
            error: self.error.is_some(),
            access: self.access.is_some(),
        };
        let bytes = serde_json::to_vec(&handed)?;
        let length = u64::try_from(bytes.len()).unwrap_or(0).to_be_bytes();
        let whole = [&length[..], &bytes].concat();
        let mut rest = whole.as_slice();
        while !rest.is_empty() {
            let sent = rustix::net::send(line, rest, SendFlags::NOSIGNAL)?;
            rest = rest.get(sent..).unwrap_or_default();
        }
        Ok(())
    }
}

/// The zone of the logs, as nginx keeps it for its workers.
#[expect(clippy::disallowed_methods, reason = "what its custodian gave it, for its own children")]
fn zone() -> Option<std::ffi::OsString> {
    std::env::var_os("TZ")
}

fn words(status: std::process::ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exited with code {code}"),
        (None, Some(number)) => format!("exited on signal {number}"),
        (None, None) => "exited".to_owned(),
    }
}

/// What the master is told by signals.
enum Told {
    Reload,
    Leave,
    End,
}

struct Signals {
    hangup: Signal,
    quit: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn catch() -> io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            quit: signal(SignalKind::quit())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.hangup.recv() => Told::Reload,
            _ = self.quit.recv() => Told::Leave,
            _ = self.terminate.recv() => Told::End,
            _ = self.interrupt.recv() => Told::End,
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = rustix::net::socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    rustix::net::sockopt::set_socket_reuseaddr(&socket, true)?;
    rustix::net::bind(&socket, &address)?;
    rustix::net::listen(&socket, BACKLOG)?;
    Ok(socket)
}

/// Opens a log for adding, made for all to read.
pub(super) fn append(path: &Path) -> io::Result<std::fs::File> {
    let flags =
        OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    Ok(rustix::fs::open(path, flags, Mode::from_raw_mode(0o644))?.into())
}

fn create(path: &Path) -> io::Result<std::fs::File> {
    let flags =
        OFlags::WRONLY | OFlags::TRUNC | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    Ok(rustix::fs::open(path, flags, Mode::from_raw_mode(0o644))?.into())
}

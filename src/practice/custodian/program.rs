//! The keeper of one program: start it, restart it, give it up, stop it, in Supervisor's ways and
//! words.

use std::{io, path::Path, process::Stdio, rc::Rc, time::Duration};

use rustix::{
    fs::{Mode, OFlags},
    process::{Pid, Signal},
};
use tokio::{
    process::Child,
    sync::mpsc,
    time::{Instant, sleep, sleep_until},
};

use crate::{
    host::{files::Root, sys},
    practice::{
        setup::{Autorestart, MEMORY_MIB},
        title,
    },
};

use super::{
    books::{Books, State},
    order::{Fault, Order, Reply},
    stamps::now_secs,
};

/// How long a program must run to count as started (`startsecs`).
const START: Duration = Duration::from_secs(1);
/// Further attempts before it is given up (`startretries`).
pub(in crate::practice) const RETRIES: u32 = 2;
/// How long it may take to end before it is killed (`stopwaitsecs`).
const STOP: Duration = Duration::from_secs(3);
/// How often its memory is looked at.
const MEMORY: Duration = Duration::from_millis(200);

/// How a program is started.
#[derive(Clone, Debug)]
pub(super) struct Recipe {
    pub(super) name: String,
    /// Program file and arguments.
    pub(super) argv: Vec<String>,
    /// Under which name it is called; its file's when there is none.
    pub(super) autostart: bool,
    pub(super) autorestart: Autorestart,
    pub(super) memory_mib: u32,
    /// `TZ`, when the console has one: its logs are read in it.
    pub(super) zone: Option<String>,
}

/// Opens a file for adding.
pub(super) fn append(path: &Path) -> io::Result<std::fs::File> {
    let flags =
        OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    Ok(rustix::fs::open(path, flags, Mode::from_raw_mode(0o644))?.into())
}

/// Starts a program of the world, whose end is this process's end.
#[expect(clippy::disallowed_types, reason = "programs of practice, as its own children")]
pub(super) fn spawn(
    argv: &[String],
    folder: &Path,
    out: Stdio,
    err: Stdio,
    zone: Option<&str>,
) -> io::Result<Child> {
    let (program, words) = argv.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut command = tokio::process::Command::new(program);
    command.args(words).current_dir(folder).env_clear().env(title::ROOM.0, title::ROOM.1);
    if let Some(zone) = zone {
        command.env("TZ", zone);
    }
    command.stdin(Stdio::null()).stdout(out).stderr(err).process_group(0);
    sys::end_with_parent(&mut command);
    command.spawn()
}

/// How the running of a program ended.
enum End {
    /// By itself; whether its supervisor expected that.
    Itself(bool),
    Stopped,
}

/// Keeps one program for ever.
pub(super) async fn keep(books: Rc<Books>, recipe: Recipe, mut orders: mpsc::Receiver<Order>) {
    let mut waiting: Option<Reply> = None;
    let mut wanted = recipe.autostart;
    loop {
        while !wanted {
            match orders.recv().await {
                None => return,
                Some(Order::Start(reply)) => {
                    waiting = Some(reply);
                    wanted = true;
                }
                Some(Order::Stop(reply)) => {
                    let _ = reply.send(Err(Fault::not_running(&recipe.name)));
                }
                Some(Order::Signal(_)) => {}
            }
        }
        Keeper { books: &books, recipe: &recipe, orders: &mut orders }.run(&mut waiting).await;
        wanted = false;
    }
}

struct Keeper<'k> {
    books: &'k Books,
    recipe: &'k Recipe,
    orders: &'k mut mpsc::Receiver<Order>,
}

impl Keeper<'_> {
    /// Runs the program until it is stopped, ended for good or given up.
    async fn run(&mut self, waiting: &mut Option<Reply>) {
        let name = self.recipe.name.clone();
        let mut attempts = 0;
        loop {
            self.set(State::Starting);
            let mut child = match self.spawn() {
                Ok(child) => child,
                Err(error) => {
                    let words = format!("can't start: {error}");
                    self.books.log("INFO", &format!("spawnerr: {words}"));
                    self.books.edit(&name, |entry| {
                        entry.spawn_error = words;
                        entry.state = State::Fatal;
                    });
                    answer(waiting, Err(Fault::spawn(&name)));
                    return;
                }
            };
            match self.early(&mut child, waiting).await {
                Some(End::Stopped) => return,
                Some(End::Itself(_)) => {
                    answer(waiting, Err(Fault::abnormal(&name)));
                    attempts += 1;
                    if attempts > RETRIES {
                        self.set(State::Fatal);
                        self.books.log("INFO", &format!(
                            "gave up: {name} entered FATAL state, too many start retries too quickly"
                        ));
                        return;
                    }
                    self.set(State::Backoff);
                    if self.rest(Duration::from_secs(u64::from(attempts)), waiting).await {
                        return;
                    }
                }
                None => {
                    self.set(State::Running);
                    self.books.log("INFO", &format!(
                        "success: {name} entered RUNNING state, process has stayed up for > than 1 \
                         seconds (startsecs)"
                    ));
                    answer(waiting, Ok(()));
                    let End::Itself(expected) = self.serve(&mut child).await else { return };
                    self.set(State::Exited);
                    let again = match self.recipe.autorestart {
                        Autorestart::Never => false,
                        Autorestart::Unexpected => !expected,
                        Autorestart::Always => true,
                    };
                    if !again {
                        return;
                    }
                    attempts = 0;
                }
            }
        }
    }

    fn set(&self, state: State) {
        self.books.edit(&self.recipe.name, |entry| entry.state = state);
    }

    fn spawn(&self) -> io::Result<Child> {
        let name = &self.recipe.name;
        let log = self.books.places.logs().join(format!("{name}.log"));
        let (out, err) = (append(&log)?, append(&log)?);
        let folder = &self.books.places.folder;
        let zone = self.recipe.zone.as_deref();
        let child = spawn(&self.recipe.argv, folder, out.into(), err.into(), zone)?;
        let pid = child.id().unwrap_or_default();
        self.books.log("INFO", &format!("spawned: '{name}' with pid {pid}"));
        self.books.edit(name, |entry| {
            entry.pid = pid;
            entry.started = now_secs();
            entry.spawn_error.clear();
            entry.starts += 1;
        });
        Ok(child)
    }

    /// The time in which a program may not end.
    async fn early(&mut self, child: &mut Child, waiting: &mut Option<Reply>) -> Option<End> {
        let started = Instant::now() + START;
        loop {
            tokio::select! {
                status = child.wait() => {
                    return Some(End::Itself(self.ended(status)));
                }
                () = sleep_until(started) => return None,
                order = self.orders.recv() => match order {
                    Some(Order::Start(reply)) => {
                        let _ = reply.send(Err(Fault::already(&self.recipe.name)));
                    }
                    Some(Order::Stop(reply)) => {
                        answer(waiting, Err(Fault::abnormal(&self.recipe.name)));
                        self.stop(child, reply).await;
                        return Some(End::Stopped);
                    }
                    Some(Order::Signal(number)) => signal(child, number),
                    None => return Some(End::Stopped),
                },
            }
        }
    }

    /// The time in which it runs.
    async fn serve(&mut self, child: &mut Child) -> End {
        loop {
            tokio::select! {
                status = child.wait() => return End::Itself(self.ended(status)),
                () = sleep(MEMORY) => {
                    let limit = u64::from(self.recipe.memory_mib.min(MEMORY_MIB)) << 10;
                    if child.id().and_then(resident_kib).is_some_and(|used| used > limit) {
                        signal(child, 9);
                    }
                }
                order = self.orders.recv() => match order {
                    Some(Order::Start(reply)) => {
                        let _ = reply.send(Err(Fault::already(&self.recipe.name)));
                    }
                    Some(Order::Stop(reply)) => {
                        self.stop(child, reply).await;
                        return End::Stopped;
                    }
                    Some(Order::Signal(number)) => signal(child, number),
                    None => return End::Stopped,
                },
            }
        }
    }

    /// The pause before the next attempt; whether it was stopped meanwhile.
    async fn rest(&mut self, pause: Duration, waiting: &mut Option<Reply>) -> bool {
        let end = Instant::now() + pause;
        loop {
            tokio::select! {
                () = sleep_until(end) => return false,
                order = self.orders.recv() => match order {
                    Some(Order::Start(reply)) => {
                        *waiting = Some(reply);
                        return false;
                    }
                    Some(Order::Stop(reply)) => {
                        self.set(State::Stopped);
                        self.books.edit(&self.recipe.name, |entry| entry.stopped = now_secs());
                        let _ = reply.send(Ok(()));
                        return true;
                    }
                    Some(Order::Signal(_)) => {}
                    None => return true,
                },
            }
        }
    }

    async fn stop(&mut self, child: &mut Child, reply: Reply) {
        let name = self.recipe.name.clone();
        self.set(State::Stopping);
        self.books.log("INFO", &format!("waiting for {name} to stop"));
        signal(child, 15);
        let status = if let Ok(status) = tokio::time::timeout(STOP, child.wait()).await {
            status
        } else {
            let pid = child.id().unwrap_or_default();
            self.books.log("WARN", &format!("killing '{name}' ({pid}) with SIGKILL"));
            signal(child, 9);
            child.wait().await
        };
        let how = status.map_or_else(|error| error.to_string(), |status| words(status).0);
        self.books.log("INFO", &format!("stopped: {name} ({how})"));
        self.books.edit(&name, |entry| {
            entry.state = State::Stopped;
            entry.pid = 0;
            entry.stopped = now_secs();
        });
        let _ = reply.send(Ok(()));
    }

    /// Writes down that a program ended by itself; whether that was expected.
    fn ended(&self, status: io::Result<std::process::ExitStatus>) -> bool {
        let name = &self.recipe.name;
        let (how, code) = status.map_or_else(|error| (error.to_string(), -1), words);
        let expected = code == 0;
        let (level, more) = if expected { ("INFO", "expected") } else { ("WARN", "not expected") };
        self.books.log(level, &format!("exited: {name} ({how}; {more})"));
        self.books.edit(name, |entry| {
            entry.pid = 0;
            entry.stopped = now_secs();
            entry.exit = code;
        });
        expected
    }
}

fn answer(waiting: &mut Option<Reply>, how: Result<(), Fault>) {
    if let Some(reply) = waiting.take() {
        let _ = reply.send(how);
    }
}

/// Sends a signal to a child that was not reaped: its number cannot be another's.
fn signal(child: &Child, number: u8) {
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    if let Some((pid, signal)) = pid.zip(Signal::from_named_raw(i32::from(number))) {
        let _ = rustix::process::kill_process(pid, signal);
    }
}

/// How something ended in Supervisor's words, and its status.
fn words(status: std::process::ExitStatus) -> (String, i64) {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => (format!("exit status {code}"), i64::from(code)),
        (None, number) => {
            let name = match number.unwrap_or_default() {
                6 => "SIGABRT",
                9 => "SIGKILL",
                11 => "SIGSEGV",
                15 => "SIGTERM",
                _ => "SIGNAL",
            };
            (format!("terminated by {name}"), -1)
        }
    }
}

fn resident_kib(pid: u32) -> Option<u64> {
    let status = Root::default().read_text(format!("/proc/{pid}/status"), 64 << 10).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

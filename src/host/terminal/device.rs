//! The device itself: raw mode, the alternate screen, one frame on its way, and the way back.

use std::{
    fs::OpenOptions,
    io::{self, IsTerminal},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::fs::OpenOptionsExt,
    },
    sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError},
    thread,
    time::Duration,
};

use rustix::{
    event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll},
    fs::{OFlags, fstat},
    io::Errno,
    termios::{
        OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcgetwinsize, tcsetattr,
        ttyname,
    },
};
use tokio::sync::Notify;

use super::rescue;
use crate::host::proc;

/// Alternate screen, bracketed paste, no cursor, everything clean.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?2004h\x1b[?25l\x1b[0m\x1b[2J";
/// CAN ends a sequence that was cut in its middle; then all that was ever set is taken back.
const RESTORE: &[u8] =
    b"\x18\x1b[?2026l\x1b[0m\x1b[?1006l\x1b[?1000l\x1b[?2004l\x1b[?25h\x1b[?1049l";
/// How long the way back waits for room in a terminal before it drops what is queued there.
const PATIENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
/// Columns and rows of a terminal that does not tell (a serial line, `docker exec` at first).
const DEFAULT_SIZE: (u16, u16) = (80, 24);
/// No terminal is larger; a size beyond it is a joke at the expense of our memory.
const LARGEST: u16 = 1_000;

/// The person's terminal. Clones are the same terminal.
#[derive(Clone, Debug)]
pub struct Terminal {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// A description of our own, with `O_NONBLOCK`.
    device: OwnedFd,
    /// Counts up when the pump has something new to wait for.
    wake: OwnedFd,
    original: Termios,
    state: Mutex<State>,
    freed: Notify,
}

#[derive(Debug, Default)]
pub(super) struct State {
    /// Whether the terminal is ours.
    entered: bool,
    /// What the terminal has not taken yet: never more than one frame.
    out: Vec<u8>,
    /// How much of `out` it has taken.
    taken: usize,
    /// Whether it has been given back for good.
    ended: bool,
}

impl Terminal {
    /// Opens the terminal behind the standard streams. Nothing is changed yet.
    ///
    /// # Errors
    /// When stdin or stdout is no terminal, or it cannot be opened a second time.
    pub fn open() -> io::Result<Self> {
        let out = io::stdout();
        if !io::stdin().is_terminal() || !out.is_terminal() {
            return Err(io::Error::other("stdin and stdout are not both a terminal"));
        }
        // `/dev/tty` may always be opened, but is the controlling terminal only; the other path
        // needs the rights of the device and also works where its name does not exist.
        let path = if is_controlling(&out) { "/dev/tty" } else { "/proc/self/fd/1" };
        let flags = OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let flags = i32::try_from(flags.bits()).unwrap_or_default();
        let device = OpenOptions::new().read(true).write(true).custom_flags(flags).open(path)?;
        let original = tcgetattr(&device)?;
        rescue::prepare(device.try_clone()?.into(), original.clone(), RESTORE);
        let wake = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?;
        let (state, freed) = (Mutex::default(), Notify::new());
        let shared = Shared { device: device.into(), wake, original, state, freed };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Takes the terminal: raw mode and the alternate screen. Also after a stop, when nothing is
    /// known of its state.
    ///
    /// # Errors
    /// When the mode cannot be set.
    pub fn enter(&self) -> io::Result<()> {
        let mut raw = self.shared.original.clone();
        raw.make_raw();
        // In the background this stops the process, before a byte is written.
        tcsetattr(&self.shared.device, OptionalActions::Now, &raw)?;
        let mut state = self.lock();
        if state.ended {
            let _ = tcsetattr(&self.shared.device, OptionalActions::Now, &self.shared.original);
            return Err(io::Error::other("the terminal was given back"));
        }
        let cut = !state.out.is_empty();
        state.entered = true;
        rescue::entered(true);
        state.out.clear();
        state.taken = 0;
        if cut {
            state.out.push(0x18);
        }
        state.out.extend_from_slice(ENTER);
        self.push(&mut state);
        // The pump listens for keys again.
        self.wake();
        Ok(())
    }

    /// Gives the terminal back as it was found, at most 250 ms later, however stalled it is.
    pub fn leave(&self) {
        // Whoever keeps the lock for so long hangs, and the terminal matters more.
        let mut state = self.lock_soon();
        if state.as_ref().is_some_and(|state| !state.entered) {
            return;
        }
        let device = self.shared.device.as_fd();
        let _ = tcsetattr(device, OptionalActions::Now, &self.shared.original);
        // Keys that were meant for the console do not fall through to the shell.
        let _ = tcflush(device, QueueSelector::IFlush);
        if state.as_ref().is_none_or(|state| !state.out.is_empty()) {
            let _ = tcflush(device, QueueSelector::OFlush);
        }
        if let Some(state) = &mut state {
            state.entered = false;
            state.out.clear();
            state.taken = 0;
        }
        if !send(device, RESTORE) {
            let _ = tcflush(device, QueueSelector::OFlush);
            send(device, RESTORE);
        }
        rescue::entered(false);
    }

    /// As [`Terminal::leave`], for good: nobody enters it again.
    pub fn end(&self) {
        self.leave();
        if let Some(mut state) = self.lock_soon() {
            state.ended = true;
        }
        self.wake();
    }

    /// Whether the last frame has been taken whole.
    pub fn is_free(&self) -> bool {
        self.lock().out.is_empty()
    }

    /// Returns when a frame that had to wait has been taken.
    pub async fn freed(&self) {
        self.shared.freed.notified().await;
    }

    /// Hands over a frame: what the terminal has room for now, the rest when it has. Without the
    /// terminal the frame is dropped. To be called when [`Terminal::is_free`].
    pub fn submit(&self, frame: &[u8]) {
        let mut state = self.lock();
        if state.entered {
            state.out.extend_from_slice(frame);
            self.push(&mut state);
        }
    }

    /// Columns and rows, each from 1 to 1,000.
    pub fn size(&self) -> (u16, u16) {
        size_or_default(tcgetwinsize(&self.shared.device).ok().map(|s| (s.ws_col, s.ws_row)))
    }

    /// Writes what there is room for, and has the pump write the rest.
    fn push(&self, state: &mut State) {
        if self.write_some(state).is_ok() && !state.out.is_empty() {
            self.wake();
        }
    }

    /// Writes on; `Err` when the terminal is gone.
    fn write_some(&self, state: &mut State) -> io::Result<()> {
        while let Some(rest) = state.out.get(state.taken..).filter(|rest| !rest.is_empty()) {
            match rustix::io::write(&self.shared.device, rest) {
                Ok(count) => state.taken = state.taken.saturating_add(count),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(()),
                Err(error) => {
                    state.out.clear();
                    state.taken = 0;
                    return Err(error.into());
                }
            }
        }
        state.out.clear();
        state.taken = 0;
        Ok(())
    }

    /// For the pump: writes on and tells who waits for it.
    pub(super) fn drain(&self) -> io::Result<()> {
        let mut state = self.lock();
        self.write_some(&mut state)?;
        if state.out.is_empty() {
            self.shared.freed.notify_one();
        }
        Ok(())
    }

    /// For the pump: what to wait for, `None` after the end.
    pub(super) fn interest(&self, hungry: bool) -> Option<PollFlags> {
        let state = self.lock();
        let mut flags = PollFlags::empty();
        flags.set(PollFlags::IN, hungry && state.entered);
        flags.set(PollFlags::OUT, !state.out.is_empty());
        (!state.ended).then_some(flags)
    }

    pub(super) fn device(&self) -> BorrowedFd<'_> {
        self.shared.device.as_fd()
    }

    pub(super) fn waker(&self) -> BorrowedFd<'_> {
        self.shared.wake.as_fd()
    }

    fn wake(&self) {
        let _ = rustix::io::write(&self.shared.wake, &1_u64.to_ne_bytes());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lock, unless its holder keeps it: then the way back goes on without.
    fn lock_soon(&self) -> Option<MutexGuard<'_, State>> {
        for _ in 0..50 {
            match self.shared.state.try_lock() {
                Ok(state) => return Some(state),
                Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(1)),
            }
        }
        None
    }
}

/// Whether this is the controlling terminal. tcgetsid(3) would tell, but says 0 where the leader of
/// the session is of another pid namespace, and a process number of 0 does not exist.
fn is_controlling(out: &io::Stdout) -> bool {
    let Ok(stat) = rustix::fs::fstat(out) else { return false };
    let (major, minor) = (rustix::fs::major(stat.st_rdev), rustix::fs::minor(stat.st_rdev));
    // `proc_pid_stat(5)`, `tty_nr`: the minor number stands in two parts around the major.
    let number = (minor & 0xff) | (major << 8) | ((minor & !0xff) << 12);
    let ours = proc::stat(std::process::id()).map(|stat| stat.terminal.cast_unsigned());
    ours.is_ok_and(|ours| ours == number)
}

/// Sends all of it, waiting once for room; `false` when there is none.
fn send(device: BorrowedFd<'_>, mut bytes: &[u8]) -> bool {
    let mut waited = false;
    while !bytes.is_empty() {
        match rustix::io::write(device, bytes) {
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) if !waited => {
                waited = true;
                let mut room = [PollFd::from_borrowed_fd(device, PollFlags::OUT)];
                let _ = poll(&mut room, Some(&PATIENCE));
            }
            Err(Errno::AGAIN) => return false,
            // A terminal that is gone needs nothing.
            Err(_) => return true,
        }
    }
    true
}

/// The name of the terminal that stdout is: "/dev/pts/3"; a word where it has none.
pub fn name() -> String {
    ttyname(io::stdout(), Vec::new())
        .map_or_else(|_| "a terminal".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// A size that can be drawn on: a missing one is 80 by 24, an absurd one is cut.
pub fn size_or_default(size: Option<(u16, u16)>) -> (u16, u16) {
    match size {
        Some((columns, rows)) if columns > 0 && rows > 0 => {
            (columns.min(LARGEST), rows.min(LARGEST))
        }
        _ => DEFAULT_SIZE,
    }
}

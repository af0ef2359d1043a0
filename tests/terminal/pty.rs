//! A terminal held by a test: it waits on conditions, never on time.

use std::{
    fs::OpenOptions,
    num::NonZero,
    os::{
        fd::{BorrowedFd, OwnedFd},
        unix::fs::OpenOptionsExt,
    },
    time::{Duration, Instant},
};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{OFlags, fcntl_getfl},
    process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open},
    termios::{LocalModes, OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr},
};

/// A wait that only a hang reaches.
const HANG: Timespec = Timespec { tv_sec: 60, tv_nsec: 0 };

/// A pseudo terminal and the process in it.
#[allow(dead_code, reason = "benches and tests share it, and none uses all of it")]
pub struct Pty {
    /// Closed when the terminal hangs up.
    pub master: Option<Box<dyn MasterPty + Send>>,
    /// The other side, as the shell that started the process would hold it.
    pub slave: OwnedFd,
    /// Where the other side can be opened again.
    pub name: String,
    /// The process: leader of a session whose terminal this is.
    pub child: Box<dyn Child + Send + Sync>,
    /// What a person sees.
    pub screen: vt100::Parser,
    /// Every byte that came.
    pub bytes: Vec<u8>,
    /// The modes before the process began.
    pub modes: String,
    /// What a console keeps in this terminal.
    _state: tempfile::TempDir,
}

/// Words that begin something which keeps nothing, or says itself where.
const KEEPS_NOTHING: [&str; 6] =
    ["--state", "--readonly", "kiosk", "practice", "replay", "--no-redact"];

/// The words of a command with a state folder for the gatemedic among them, so that no test leaves
/// anything in the machine's own, nor finds something there.
fn apart(words: &[&str], state: &str) -> Vec<String> {
    let program = env!("CARGO_BIN_EXE_gatemedic");
    let option = format!("--state {state}");
    let mut apart = Vec::new();
    // A release has no such option.
    let plain = !cfg!(debug_assertions) || words.iter().any(|word| KEEPS_NOTHING.contains(word));
    for word in words {
        match word.strip_suffix(program) {
            _ if plain => apart.push((*word).to_owned()),
            Some("") => apart.extend([program, "--state", state].map(str::to_owned)),
            // A line for a shell.
            _ => apart.push(word.replace(&format!("{program} "), &format!("{program} {option} "))),
        }
    }
    apart
}

#[allow(dead_code, reason = "benches and tests share it, and none uses all of it")]
impl Pty {
    /// Starts a program with these arguments in a terminal of 100 by 30. A gatemedic that may act
    /// keeps what it keeps in a folder of this terminal's own.
    pub fn start(program: &str, arguments: &[&str]) -> Self {
        Self::start_sized(program, arguments, (100, 30), &[])
    }

    /// As [`Pty::start`], with a size and variables.
    pub fn start_sized(
        program: &str,
        arguments: &[&str],
        (columns, rows): (u16, u16),
        variables: &[(&str, &str)],
    ) -> Self {
        let pair = native_pty_system().openpty(size(columns, rows)).unwrap();
        let name = pair.master.tty_name().unwrap().to_str().unwrap().to_owned();
        let slave: OwnedFd = open(&name, OFlags::empty());
        // Modes that nobody would choose, so that "sane" is not mistaken for "as before".
        let mut modes = tcgetattr(&slave).unwrap();
        modes.local_modes.remove(LocalModes::ECHOCTL | LocalModes::ECHOKE);
        modes.special_codes[SpecialCodeIndex::VERASE] = 0x08;
        tcsetattr(&slave, OptionalActions::Now, &modes).unwrap();
        let modes = format!("{:?}", tcgetattr(&slave).unwrap());
        let state = tempfile::tempdir().unwrap();
        let words = apart(&[&[program], arguments].concat(), state.path().to_str().unwrap());
        let mut command = CommandBuilder::new(&words[0]);
        command.args(&words[1..]);
        command.cwd("/");
        command.env_remove("NO_COLOR");
        for (name, value) in
            [("TERM", "xterm-256color"), ("LC_ALL", "C.UTF-8")].iter().chain(variables)
        {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        let (columns, rows) = if columns == 0 { (80, 24) } else { (columns, rows) };
        let screen = vt100::Parser::new(count(rows), count(columns), 0);
        let (master, bytes) = (Some(pair.master), Vec::new());
        Self { master, slave, name, child, screen, bytes, modes, _state: state }
    }

    /// Reads until the condition holds.
    pub fn until(&mut self, what: &str, condition: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !condition(self) {
            let waits = began.elapsed() < Duration::from_mins(1);
            assert!(waits, "never came: {what}\n{}", self.screen.screen().contents());
            let end = self.ended();
            let mut fds = [
                PollFd::from_borrowed_fd(self.fd().unwrap(), PollFlags::IN),
                PollFd::new(&end, PollFlags::IN),
            ];
            let ready = poll(&mut fds, Some(&HANG)).unwrap();
            let over = ready > 0 && fds[0].revents().is_empty();
            assert!(!over, "ended before: {what}\n{}", self.screen.screen().contents());
            assert!(ready > 0, "never came: {what}\n{}", self.screen.screen().contents());
            let came = self.read();
            assert!(came > 0, "ended before: {what}\n{}", self.screen.screen().contents());
        }
    }

    /// Waits for the first frame.
    pub fn until_frame(&mut self) {
        self.until("a frame", |pty| {
            pty.screen.screen().alternate_screen()
                && !pty.screen.screen().contents().trim().is_empty()
        });
    }

    /// Reads until there is a frame (`true`) or the process has ended.
    pub fn frame_or_end(&mut self) -> bool {
        let end = self.ended();
        loop {
            let screen = self.screen.screen();
            if screen.alternate_screen() && !screen.contents().trim().is_empty() {
                return true;
            }
            let mut fds = [
                PollFd::from_borrowed_fd(self.fd().unwrap(), PollFlags::IN),
                PollFd::new(&end, PollFlags::IN),
            ];
            assert!(poll(&mut fds, Some(&HANG)).unwrap() > 0, "neither a frame nor an end");
            if fds[0].revents().is_empty() {
                return false;
            }
            self.read();
        }
    }

    /// Numbers of the consoles among the process and those below it.
    pub fn consoles(&self) -> Vec<i32> {
        let mut found = Vec::new();
        let mut open = vec![self.pid().as_raw_nonzero().get()];
        while let Some(pid) = open.pop() {
            let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
            let children = children.unwrap_or_default();
            open.extend(children.split_whitespace().map(|c| c.parse::<i32>().unwrap()));
            let exe = std::fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
            if exe.ends_with("gatemedic") {
                found.push(pid);
            }
        }
        found
    }

    /// Reads until the process has ended, and then what is left.
    pub fn until_exit(&mut self) -> u32 {
        self.until_over();
        self.code()
    }

    fn until_over(&mut self) {
        let end = self.ended();
        loop {
            let mut fds = vec![PollFd::new(&end, PollFlags::IN)];
            fds.extend(self.fd().map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
            let ready = poll(&mut fds, Some(&HANG)).unwrap();
            assert!(ready > 0, "never ended:\n{}", self.screen.screen().contents());
            let over = !fds[0].revents().is_empty();
            drop(fds);
            if over {
                break;
            }
            self.read();
        }
        self.read_what_is_there();
    }

    /// Waits for the end without reading a byte.
    pub fn until_exit_unread(&mut self) -> u32 {
        self.until_over_unread();
        self.code()
    }

    /// Reads what the terminal has taken so far.
    pub fn read_what_is_there(&mut self) {
        while let Some(fd) = self.fd() {
            let mut fds = [PollFd::from_borrowed_fd(fd, PollFlags::IN)];
            if poll(&mut fds, Some(&Timespec::default())).unwrap() == 0 || self.read() == 0 {
                break;
            }
        }
    }

    /// Reads at most so many bytes of what is there.
    pub fn read_at_most(&mut self, most: usize) -> usize {
        let Some(fd) = self.fd() else { return 0 };
        let mut fds = [PollFd::from_borrowed_fd(fd, PollFlags::IN)];
        if most == 0 || poll(&mut fds, Some(&Timespec::default())).unwrap() == 0 {
            return 0;
        }
        self.read_once(most)
    }

    /// Reads whatever comes for so long: for benches, no test waits for time.
    pub fn read_for(&mut self, span: Duration) {
        let end = Instant::now() + span;
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            let left = Timespec::try_from(left).unwrap();
            let mut fds = [PollFd::from_borrowed_fd(self.fd().unwrap(), PollFlags::IN)];
            if poll(&mut fds, Some(&left)).unwrap() > 0 && self.read() == 0 {
                break;
            }
        }
    }

    /// Reads until the screen before the program is there again.
    pub fn until_given_back(&mut self) {
        self.until("the screen given back", |pty| !pty.screen.screen().alternate_screen());
    }

    fn read(&mut self) -> usize {
        self.read_once(4_096)
    }

    fn read_once(&mut self, most: usize) -> usize {
        let mut chunk = [0; 4_096];
        let chunk = &mut chunk[..most.min(4_096)];
        let Some(fd) = self.fd() else { return 0 };
        let count = rustix::io::read(fd, &mut *chunk).unwrap_or(0);
        self.screen.process(&chunk[..count]);
        self.bytes.extend_from_slice(&chunk[..count]);
        count
    }

    fn code(&mut self) -> u32 {
        let status = self.child.wait().unwrap();
        assert_eq!(status.signal(), None, "killed by a signal");
        status.exit_code()
    }

    /// As [`Pty::until_exit`], however it ends: the name of the signal that ended it.
    pub fn until_end(&mut self) -> Option<String> {
        self.until_over();
        self.child.wait().unwrap().signal().map(str::to_owned)
    }

    /// As [`Pty::until_end`] without reading a byte.
    pub fn until_end_unread(&mut self) -> Option<String> {
        self.until_over_unread();
        self.child.wait().unwrap().signal().map(str::to_owned)
    }

    /// Waits until the process is over; what it was can still be read.
    pub fn until_over_unread(&self) {
        let ready = poll(&mut [PollFd::new(&self.ended(), PollFlags::IN)], Some(&HANG)).unwrap();
        assert!(ready > 0, "never ended");
    }

    #[allow(unsafe_code, reason = "the descriptor lives as long as its owner, which is borrowed")]
    fn fd(&self) -> Option<BorrowedFd<'_>> {
        let raw = self.master.as_ref()?.as_raw_fd()?;
        // SAFETY: `self.master` owns the descriptor and is borrowed for as long as the result.
        Some(unsafe { BorrowedFd::borrow_raw(raw) })
    }

    fn ended(&self) -> OwnedFd {
        pidfd_open(self.pid(), PidfdFlags::empty()).unwrap()
    }

    /// The process.
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.process_id().unwrap().try_into().unwrap()).unwrap()
    }

    /// Types.
    pub fn send(&self, bytes: &[u8]) {
        rustix::io::write(self.fd().unwrap(), bytes).unwrap();
    }

    /// Types much, and reads meanwhile: neither side waits for the other.
    pub fn send_all(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(256) {
            let mut fds = [PollFd::from_borrowed_fd(self.fd().unwrap(), PollFlags::OUT)];
            assert!(poll(&mut fds, Some(&HANG)).unwrap() > 0, "nobody reads what is typed");
            self.send(chunk);
            self.read_what_is_there();
        }
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Gives the window another size.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.screen.screen_mut().set_size(count(rows), count(columns));
        self.master.as_ref().unwrap().resize(size(columns, rows)).unwrap();
    }

    /// Hangs up.
    pub fn hang_up(&mut self) {
        self.master = None;
    }

    /// Fills the terminal until it takes nothing more, as one does that nobody reads.
    pub fn fill(&self) {
        let slave = open(&self.name, OFlags::NONBLOCK);
        while rustix::io::write(&slave, &[b'x'; 64]).is_ok() {}
    }

    /// Panics unless the terminal is as it was found.
    pub fn assert_restored(&self) {
        assert_eq!(format!("{:?}", tcgetattr(&self.slave).unwrap()), self.modes);
        let flags = fcntl_getfl(&self.slave).unwrap();
        assert!(!flags.contains(OFlags::NONBLOCK), "the shell's terminal no longer blocks");
    }

    /// Panics unless the bytes that came last take the screen back.
    pub fn assert_screen_restored(&self) {
        let last = self.bytes.windows(7).rposition(|w| w == b"?1049h\x1b").unwrap_or(0);
        let after = String::from_utf8_lossy(&self.bytes[last + 6..]).into_owned();
        let back = after.rfind("\x1b[?1049l").expect("the alternate screen is left");
        for part in ["\x1b[?2004l", "\x1b[?25h", "\x1b[?1000l", "\x1b[?1006l", "\x1b[0m"] {
            let at = after.rfind(part).unwrap_or_else(|| panic!("no {part:?} in {after:?}"));
            assert!(at < back, "{part:?} comes after the screen is left");
        }
        assert!(!self.screen.screen().alternate_screen());
        assert!(!self.screen.screen().hide_cursor());
        assert!(!self.screen.screen().bracketed_paste());
        assert_eq!(self.screen.screen().mouse_protocol_mode(), vt100::MouseProtocolMode::None);
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        // Only our own child; it may have ended.
        if matches!(self.child.try_wait(), Ok(None)) {
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

fn open(name: &str, more: OFlags) -> OwnedFd {
    let flags = i32::try_from((OFlags::NOCTTY | more).bits()).unwrap();
    OpenOptions::new().read(true).write(true).custom_flags(flags).open(name).unwrap().into()
}

const fn size(cols: u16, rows: u16) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}

fn count(number: u16) -> NonZero<u16> {
    NonZero::new(number).unwrap()
}

//! The process that carries plans out: this same program, started again in a session of its own, so
//! that it outlives the screen. Orders go in and progress comes out, one JSON object a line.

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use super::{
    run::{self, Limits, RootOwnedExe},
    starting,
};
use crate::remedy::{Order, Progress};

/// Longest line of progress, in bytes; a diff of a large file is the longest.
const LINE: u64 = 4 << 20;
/// How long `sudo -l` may take.
const ASKING: Duration = Duration::from_secs(2);
/// What of the environment the executor gets: the zone of its stamps, and who sits at the keyboard.
const KEPT: [&str; 9] = [
    "TZ",
    "SUDO_USER",
    "SUDO_UID",
    "SSH_CONNECTION",
    "USER",
    "LOGNAME",
    "HOME",
    "XDG_STATE_HOME",
    "XDG_RUNTIME_DIR",
];

/// How the executor gets its rights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rights {
    /// Those that this process has.
    Own,
    /// root's, through `sudo -n`.
    Sudo,
}

/// A running executor. Dropping it closes the line to it; it goes on by its own rule: nothing when
/// no yes was given, and to the end of what was begun otherwise.
#[derive(Debug)]
pub struct Executor {
    orders: Option<ChildStdin>,
    progress: BufReader<ChildStdout>,
    line: Vec<u8>,
    _child: Child,
}

/// This program's own file.
///
/// # Errors
/// When `/proc/self/exe` cannot be read or was replaced.
pub fn own_program() -> io::Result<PathBuf> {
    std::env::current_exe()
}

/// Finds out how an executor can get root's rights without a question on the terminal: not at all
/// as root, and through sudo only when its rules allow exactly this program with these words.
pub async fn rights(words: &[OsString]) -> Rights {
    // A practice world is this user's own: root has nothing to do there.
    if rustix::process::geteuid().is_root() || words.iter().any(|word| word == "--practice") {
        return Rights::Own;
    }
    let Some((sudo, own)) = run::find("sudo").zip(own_program().ok()) else { return Rights::Own };
    // A program that others can replace must not become root's.
    if RootOwnedExe::at(&own).is_err() {
        return Rights::Own;
    }
    let own = own.to_string_lossy().into_owned();
    let words: Vec<String> = words.iter().map(|w| w.to_string_lossy().into_owned()).collect();
    let mut all = vec!["-n", "-l", "--", own.as_str()];
    all.extend(words.iter().map(String::as_str));
    let limits = Limits { deadline: ASKING, max_output: 4_096 };
    match run::run(&sudo, &all, limits).await {
        Ok(output) if output.status.success() => Rights::Sudo,
        _ => Rights::Own,
    }
}

impl Executor {
    /// Starts one with the words of its command line.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(rights: &Rights, words: &[OsString]) -> io::Result<Self> {
        // Through /proc, so that a program that was replaced on disk meanwhile is still this one.
        let own = match rights {
            Rights::Own => PathBuf::from("/proc/self/exe"),
            Rights::Sudo => own_program()?,
        };
        let mut command = match rights {
            Rights::Own => Command::new(&own),
            Rights::Sudo => sudo(&own)?,
        };
        command.args(words).current_dir("/").env_clear();
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C");
        for name in KEPT {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = starting::start(|| command.spawn())?;
        let broken = || io::Error::other("no pipe to the executor");
        let orders = child.stdin.take().ok_or_else(broken)?;
        let progress = BufReader::new(child.stdout.take().ok_or_else(broken)?);
        Ok(Self { orders: Some(orders), progress, line: Vec::new(), _child: child })
    }

    /// Gives an order.
    ///
    /// # Errors
    /// When the executor is gone.
    pub async fn send(&mut self, order: &Order) -> io::Result<()> {
        let orders = self.orders.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut line = serde_json::to_vec(order)?;
        line.push(b'\n');
        orders.write_all(&line).await?;
        orders.flush().await
    }

    /// Says that nothing more will be ordered.
    pub fn close(&mut self) {
        self.orders = None;
    }

    /// The next progress; `None` when the executor is gone. May be cancelled and called again.
    ///
    /// # Errors
    /// When a line is too long or not one of its words.
    pub async fn next(&mut self) -> io::Result<Option<Progress>> {
        let room = LINE.saturating_sub(u64::try_from(self.line.len()).unwrap_or(LINE));
        (&mut self.progress).take(room).read_until(b'\n', &mut self.line).await?;
        if self.line.is_empty() {
            return Ok(None);
        }
        let line = std::mem::take(&mut self.line);
        if line.last() != Some(&b'\n') {
            return Err(io::Error::other("the executor ended in the middle of a word"));
        }
        Ok(Some(serde_json::from_slice(&line)?))
    }
}

fn sudo(own: &Path) -> io::Result<Command> {
    let sudo = run::find("sudo").ok_or(io::ErrorKind::NotFound)?;
    let mut command = Command::new(sudo.path());
    command.args(["-n", "--"]).arg(own);
    Ok(command)
}

/// Leaves the terminal's session, so that a hangup or a Ctrl-C there does not reach this process.
/// Called by the executor itself as its first deed.
pub fn leave_terminal() {
    // It fails only for a process that leads a group already, which a started child does not.
    let _ = rustix::process::setsid();
}

/// A word that nobody can guess, for one question.
///
/// # Errors
/// When the kernel gives no random bytes.
pub fn nonce() -> io::Result<String> {
    let mut bytes = [0_u8; 16];
    let file = std::fs::File::open("/dev/urandom")?;
    io::Read::read_exact(&mut &file, &mut bytes)?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

//! Programs, run without a shell: an absolute root-owned executable, arguments as a list, an
//! empty environment, no input, a deadline, and a bound on what is kept of the output.

use std::{
    ffi::OsStr,
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader},
    process::{Child, ChildStdout, Command},
    task::JoinHandle,
    time::timeout,
};

use super::{starting, sys};

/// The only folders in which programs are looked for; `PATH` is not asked.
const FOLDERS: [&str; 6] =
    ["/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin", "/usr/local/bin"];

/// Bytes kept of the error output of a stream.
const STREAM_STDERR: usize = 8 * 1024;

/// Why a program could not be run to its end.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// It, or a folder above it, could be replaced by somebody other than root.
    #[error("{0} is not an executable that only root can change")]
    Untrusted(PathBuf),
    /// The system refused to start it or to read from it.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It did not end in time and was killed with its whole process group.
    #[error("no answer within {} ms", .0.as_millis())]
    Deadline(Duration),
}

/// Bounds of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// After this, the program and its children are killed.
    pub deadline: Duration,
    /// Bytes kept of each of the two outputs; the rest is read and thrown away.
    pub max_output: usize,
}

/// What a program left behind.
#[derive(Clone, Debug)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// The head of its standard output.
    pub stdout: Vec<u8>,
    /// The head of its error output.
    pub stderr: Vec<u8>,
    /// Whether either output was longer than what is kept.
    pub truncated: bool,
}

/// An executable that only root can change: a regular file, root-owned and not writable by
/// group or others, and so is every folder above it. Links are resolved when it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootOwnedExe {
    file: PathBuf,
    name: PathBuf,
}

impl RootOwnedExe {
    /// Checks the program at an absolute path.
    ///
    /// # Errors
    /// [`RunError::Untrusted`] when somebody other than root could replace it, [`RunError::Io`]
    /// when it cannot be looked at.
    pub fn at(path: impl AsRef<Path>) -> Result<Self, RunError> {
        let name = path.as_ref();
        let file = name.canonicalize()?;
        let untrusted = || RunError::Untrusted(name.to_owned());
        let meta = file.metadata()?;
        if !name.is_absolute() || !meta.is_file() || meta.mode() & 0o111 == 0 {
            return Err(untrusted());
        }
        for part in file.ancestors() {
            let meta = part.metadata()?;
            if meta.uid() != 0 || meta.mode() & 0o022 != 0 {
                return Err(untrusted());
            }
        }
        Ok(Self { file, name: name.to_owned() })
    }

    /// The path under which it was asked for; the program sees it as its own name.
    pub fn path(&self) -> &Path {
        &self.name
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.file);
        // Programs such as iptables-save are one file that acts by the name it is called.
        command.arg0(self.name.as_os_str());
        command.args(args.iter().map(OsStr::new));
        command.env_clear().env("LC_ALL", "C").env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.current_dir("/").process_group(0).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

/// Finds a program by its bare name in the system's own folders.
pub fn find(name: &str) -> Option<RootOwnedExe> {
    if name.is_empty() || name.contains('/') {
        return None;
    }
    FOLDERS.iter().find_map(|folder| RootOwnedExe::at(Path::new(folder).join(name)).ok())
}

/// A child that takes its whole process group with it when it is dropped before it was reaped.
#[derive(Debug)]
struct Group(Child);

impl Group {
    fn spawn(program: &RootOwnedExe, args: &[&str]) -> io::Result<Self> {
        let mut command = program.command(args);
        starting::start(|| command.spawn()).map(Self)
    }

    /// As `spawn`; the program also ends when the thread that calls this does.
    fn spawn_tied(program: &RootOwnedExe, args: &[&str]) -> io::Result<Self> {
        let mut command = program.command(args);
        sys::end_with_parent(&mut command);
        starting::start(|| command.spawn()).map(Self)
    }

    fn kill(&self) {
        // `id` is `None` once the child was reaped; until then its pid cannot belong to another.
        let pid = self.0.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid {
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Runs a program to its end.
///
/// # Errors
/// [`RunError::Io`] when it cannot be started, [`RunError::Deadline`] when it had to be killed.
/// A non-zero exit is not an error here.
pub async fn run(
    program: &RootOwnedExe,
    args: &[&str],
    limits: Limits,
) -> Result<Output, RunError> {
    to_its_end(Group::spawn(program, args)?, limits).await
}

/// As [`run`], for a thread of its own: the program is killed when that thread ends, whatever
/// becomes of the process.
///
/// # Errors
/// As [`run`].
pub(super) async fn run_tied(
    program: &RootOwnedExe,
    args: &[&str],
    limits: Limits,
) -> Result<Output, RunError> {
    to_its_end(Group::spawn_tied(program, args)?, limits).await
}

async fn to_its_end(mut group: Group, limits: Limits) -> Result<Output, RunError> {
    let (out, err) = (group.0.stdout.take(), group.0.stderr.take());
    let whole = async {
        // The child is reaped only after both pipes are closed: until then its pid, and with it
        // the group that a deadline kills, stays its own.
        let (out, err) =
            tokio::join!(read_head(out, limits.max_output), read_head(err, limits.max_output));
        let status = group.0.wait().await?;
        Ok((out?, err?, status))
    };
    match timeout(limits.deadline, whole).await {
        Ok(Ok(((stdout, cut_out), (stderr, cut_err), status))) => {
            Ok(Output { status, stdout, stderr, truncated: cut_out || cut_err })
        }
        Ok(Err(error)) => Err(RunError::Io(error)),
        Err(_) => Err(RunError::Deadline(limits.deadline)),
    }
}

/// Keeps the first `limit` bytes and reads the rest away, so that the writer never blocks.
async fn read_head(
    pipe: Option<impl AsyncRead + Unpin>,
    limit: usize,
) -> io::Result<(Vec<u8>, bool)> {
    let mut kept = Vec::new();
    let mut cut = false;
    let Some(mut pipe) = pipe else { return Ok((kept, cut)) };
    let mut chunk = vec![0_u8; 16 * 1024];
    loop {
        let read = pipe.read(&mut chunk).await?;
        if read == 0 {
            return Ok((kept, cut));
        }
        let room = limit.saturating_sub(kept.len()).min(read);
        kept.extend_from_slice(chunk.get(..room).unwrap_or_default());
        cut |= room < read;
    }
}

/// One line of a stream, without its newline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Its bytes, at most the stream's line limit.
    pub bytes: Vec<u8>,
    /// Whether it was longer; the rest is gone.
    pub cut: bool,
}

/// A running program whose standard output is read line by line. Dropping it kills the program
/// and its children.
#[derive(Debug)]
pub struct LineStream {
    group: Group,
    out: BufReader<ChildStdout>,
    err: JoinHandle<io::Result<(Vec<u8>, bool)>>,
    line: Line,
    limit: usize,
    ended: bool,
}

/// Starts a program and reads its lines, of which at most `line_limit` bytes are kept each.
///
/// # Errors
/// [`RunError::Io`] when it cannot be started.
pub fn stream(
    program: &RootOwnedExe,
    args: &[&str],
    line_limit: usize,
) -> Result<LineStream, RunError> {
    let mut group = Group::spawn(program, args)?;
    let (out, err) = (group.0.stdout.take(), group.0.stderr.take());
    let out = out.ok_or_else(|| io::Error::other("no pipe to the program"))?;
    Ok(LineStream {
        group,
        out: BufReader::with_capacity(32 * 1024, out),
        err: tokio::spawn(read_head(err, STREAM_STDERR)),
        line: Line::default(),
        limit: line_limit,
        ended: false,
    })
}

impl LineStream {
    /// The next line; `None` when the program closed its output. May be cancelled and called
    /// again without losing bytes. An unfinished last line is returned as a line.
    ///
    /// # Errors
    /// [`RunError::Io`] when the pipe cannot be read.
    pub async fn next_line(&mut self) -> Result<Option<Line>, RunError> {
        if self.ended {
            return Ok(None);
        }
        loop {
            let chunk = self.out.fill_buf().await?;
            if chunk.is_empty() {
                self.ended = true;
                let last = std::mem::take(&mut self.line);
                return Ok((!last.bytes.is_empty()).then_some(last));
            }
            let newline = chunk.iter().position(|b| *b == b'\n');
            let end = newline.unwrap_or(chunk.len());
            let room = self.limit.saturating_sub(self.line.bytes.len()).min(end);
            self.line.bytes.extend_from_slice(chunk.get(..room).unwrap_or_default());
            self.line.cut |= room < end;
            self.out.consume(newline.map_or(end, |at| at + 1));
            if newline.is_some() {
                return Ok(Some(std::mem::take(&mut self.line)));
            }
        }
    }

    /// Ends the program, if it still runs, and returns the head of its error output.
    pub async fn end(mut self) -> Vec<u8> {
        self.group.kill();
        let patience = Duration::from_millis(200);
        let err = timeout(patience, &mut self.err).await;
        let _ = timeout(patience, self.group.0.wait()).await;
        err.ok().and_then(Result::ok).and_then(Result::ok).map(|(head, _)| head).unwrap_or_default()
    }
}

impl Drop for LineStream {
    fn drop(&mut self) {
        self.err.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { deadline: Duration::from_secs(20), max_output: 1000 };

    #[tokio::test]
    async fn a_program_gets_its_arguments_unchanged_and_no_environment() {
        let env = find("env").unwrap();
        let out = run(&env, &[], LIMITS).await.unwrap();
        let text = String::from_utf8(out.stdout).unwrap();
        assert!(text.lines().all(|l| l.starts_with("LC_ALL=") || l.starts_with("PATH=")), "{text}");
        let echo = find("echo").unwrap();
        let out = run(&echo, &["a b", "$HOME", "; id"], LIMITS).await.unwrap();
        assert_eq!(out.stdout, b"a b $HOME ; id\n");
        assert!(out.status.success() && !out.truncated);
    }

    #[tokio::test]
    async fn endless_output_is_cut_and_the_program_still_ends() {
        let head = find("head").unwrap();
        let out = run(&head, &["-c", "300000", "/dev/zero"], LIMITS).await.unwrap();
        assert_eq!((out.stdout.len(), out.truncated), (1000, true));
        assert!(out.status.success());
    }

    #[tokio::test]
    async fn the_deadline_kills_the_children_too() {
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("held");
        let mode = rustix::fs::Mode::RWXU;
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        // The grandchild holds the fifo open for writing; its death is our end of file.
        let script = format!("sleep 1000 > {} & sleep 1000", fifo.display());
        let held = tokio::task::spawn_blocking(move || std::fs::read(fifo).unwrap());
        let limits = Limits { deadline: Duration::from_millis(300), ..LIMITS };
        let shell = find("sh").unwrap();
        let error = run(&shell, &["-c", &script], limits).await.unwrap_err();
        assert!(matches!(error, RunError::Deadline(_)), "{error}");
        assert!(held.await.unwrap().is_empty());
    }

    #[test]
    fn a_program_that_others_could_replace_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let copy = dir.path().join("env");
        std::fs::copy("/usr/bin/env", &copy).unwrap();
        assert!(matches!(RootOwnedExe::at(&copy), Err(RunError::Untrusted(_))));
        assert!(matches!(RootOwnedExe::at("/usr/bin"), Err(RunError::Untrusted(_))));
        assert!(find("../bin/env").is_none() && find("no-such-program-here").is_none());
    }

    #[tokio::test]
    async fn lines_are_cut_at_the_limit_and_the_next_line_is_whole() {
        let printf = find("printf").unwrap();
        let mut lines = stream(&printf, &["abcdef\\nxy\\nend"], 4).unwrap();
        let mut seen = Vec::new();
        while let Some(line) = lines.next_line().await.unwrap() {
            seen.push((String::from_utf8(line.bytes).unwrap(), line.cut));
        }
        let expected = [("abcd", true), ("xy", false), ("end", false)];
        assert_eq!(seen, expected.map(|(s, cut)| (s.to_owned(), cut)));
    }
}

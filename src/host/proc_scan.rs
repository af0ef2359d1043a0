//! Finds nginx processes: what a command line says about a master or a worker.

use std::{
    ffi::OsStr,
    io::Read,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use super::{
    files::{FileError, Root},
    proc,
};
use crate::observation::RunState;

/// Bytes read of a command line.
const COMMAND_LIMIT: u64 = 64 * 1024;

/// Names of binaries that keep nginx's configuration language.
const BINARIES: [&[u8]; 7] =
    [b"nginx", b"openresty", b"angie", b"tengine", b"freenginx", b"nginx-debug", b"nginx.old"];

/// What nginx was started with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The program as called.
    pub program: PathBuf,
    /// `-c`.
    pub config: Option<PathBuf>,
    /// `-p`.
    pub prefix: Option<PathBuf>,
    /// `-e`.
    pub error_log: Option<PathBuf>,
    /// `-g`.
    pub globals: Option<Vec<u8>>,
    /// Whether it only tests, prints or signals, and ends by itself.
    pub transient: bool,
}

impl Options {
    /// Whether one process is both master and worker (`master_process off`), as far as the
    /// command line says so.
    pub fn single(&self) -> bool {
        let globals = self.globals.as_deref().unwrap_or_default();
        let words: Vec<_> =
            globals.split(|b| b" ;".contains(b)).filter(|w| !w.is_empty()).collect();
        words.windows(2).any(|pair| pair == [&b"master_process"[..], b"off"])
    }
}

/// What an nginx process does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// Reads the configuration and keeps the workers.
    Master(Options),
    /// Serves requests.
    Worker {
        /// Whether it only finishes what it has begun.
        leaving: bool,
    },
    /// A cache manager or loader.
    Helper,
}

/// A process of nginx.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NginxProcess {
    /// Pid in our namespace.
    pub pid: u32,
    /// Parent.
    pub parent: u32,
    /// Start in ticks since boot.
    pub start_ticks: u64,
    /// What it does.
    pub role: Role,
    /// Whether only its title says that it is nginx, because its program is called otherwise.
    pub by_title: bool,
}

/// Looks at one process; `Ok(None)` when it is not nginx.
///
/// # Errors
/// [`FileError`] when it is gone or may not be looked at.
pub fn look(pid: u32) -> Result<Option<NginxProcess>, FileError> {
    let mut command = Vec::new();
    let file = Root::default().open(format!("/proc/{pid}/cmdline"))?;
    file.take(COMMAND_LIMIT).read_to_end(&mut command)?;
    if command.is_empty() {
        return Ok(None);
    }
    let exe = rustix::fs::readlink(format!("/proc/{pid}/exe"), Vec::new()).ok();
    let known = exe.as_ref().map(|link| is_binary(link.as_bytes()));
    let Some(role) = role(&command, known == Some(true)) else { return Ok(None) };
    let stat = proc::stat(pid)?;
    if stat.state == RunState::Dead {
        return Err(FileError::Missing);
    }
    Ok(Some(NginxProcess {
        pid,
        parent: stat.parent,
        start_ticks: stat.start_ticks,
        role,
        by_title: known == Some(false),
    }))
}

fn is_binary(link: &[u8]) -> bool {
    // The kernel marks a program that was replaced while it runs.
    let link = link.strip_suffix(b" (deleted)").unwrap_or(link);
    let name = link.rsplit(|b| *b == b'/').next().unwrap_or(link);
    BINARIES.contains(&name)
}

/// Tells the role from the command line; `binary` says that the program file is nginx's.
fn role(command: &[u8], binary: bool) -> Option<Role> {
    let mut argv: Vec<&[u8]> = command.split(|b| *b == 0).collect();
    while argv.last().is_some_and(|arg| arg.is_empty()) {
        argv.pop();
    }
    let title = *argv.first()?;
    if let Some(rest) = title_state(title) {
        if let Some(line) = rest.strip_prefix(b"master process") {
            return Some(Role::Master(from_title(line)));
        }
        if let Some(state) = rest.strip_prefix(b"worker process") {
            return Some(Role::Worker { leaving: state.starts_with(b" is shutting down") });
        }
        return rest.starts_with(b"cache ").then_some(Role::Helper);
    }
    let called = title.rsplit(|b| *b == b'/').next().unwrap_or(title);
    if !binary && !BINARIES.contains(&called) {
        return None;
    }
    let options = from_argv(&argv);
    (!options.transient && binary).then_some(Role::Master(options))
}

/// What stands behind `nginx: ` in a title that nginx sets.
fn title_state(title: &[u8]) -> Option<&[u8]> {
    let colon = title.iter().take(24).position(|b| *b == b':')?;
    let (name, rest) = title.split_at_checked(colon)?;
    BINARIES.contains(&name).then(|| rest.strip_prefix(b": ")).flatten()
}

fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}

/// Options as nginx reads them: `-c file`, `-cfile` and grouped flags such as `-tq`.
fn from_argv(argv: &[&[u8]]) -> Options {
    let mut words = argv.iter().copied();
    let mut options =
        Options { program: path(words.next().unwrap_or_default()), ..Options::default() };
    while let Some(arg) = words.next() {
        let Some(flags) = arg.strip_prefix(b"-") else { continue };
        for (at, flag) in flags.iter().enumerate() {
            if !b"pecgs".contains(flag) {
                options.transient |= b"tTvVh?".contains(flag);
                continue;
            }
            let joined = flags.get(at + 1..).filter(|rest| !rest.is_empty());
            let value = joined.or_else(|| words.next()).unwrap_or_default();
            match flag {
                b'p' => options.prefix = Some(path(value)),
                b'e' => options.error_log = Some(path(value)),
                b'c' => options.config = Some(path(value)),
                b'g' => options.globals = Some(value.to_vec()),
                _ => options.transient = true,
            }
            break;
        }
    }
    options
}

/// The title joins the arguments by spaces, so the value of `-g` ends where the next option
/// begins.
fn from_title(line: &[u8]) -> Options {
    let words: Vec<&[u8]> = line.split(|b| *b == b' ').filter(|w| !w.is_empty()).collect();
    let is_option = |word: &[u8]| matches!(word, [b'-', flag, ..] if b"pecgtTvVsqh".contains(flag));
    let mut argv: Vec<Vec<u8>> = Vec::new();
    let mut in_globals = false;
    for word in words {
        if in_globals && !is_option(word) {
            if let Some(value) = argv.last_mut() {
                if !value.is_empty() {
                    value.push(b' ');
                }
                value.extend_from_slice(word);
            }
            continue;
        }
        in_globals = word == b"-g";
        argv.push(word.to_vec());
        if in_globals {
            argv.push(Vec::new());
        }
    }
    from_argv(&argv.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// Where the process runs: its working directory, when it may be seen.
pub fn working_directory(pid: u32) -> Option<PathBuf> {
    let link = rustix::fs::readlink(format!("/proc/{pid}/cwd"), Vec::new()).ok()?;
    Some(path(link.as_bytes()))
}

/// How the files of a process are seen from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum View {
    /// They are the host's own.
    Same,
    /// Below `/proc/PID/root`.
    Own,
    /// That may not be looked at.
    Hidden,
}

/// Compares the mount namespace and root directory of a process with our own.
pub fn view(pid: u32) -> View {
    let link = |path: String| rustix::fs::readlink(path, Vec::new());
    let (Ok(theirs), Ok(root)) =
        (link(format!("/proc/{pid}/ns/mnt")), link(format!("/proc/{pid}/root")))
    else {
        return View::Hidden;
    };
    let ours = link("/proc/self/ns/mnt".to_owned()).ok();
    let same = ours.as_ref() == Some(&theirs) && root.as_bytes() == b"/";
    if same { View::Same } else { View::Own }
}

/// Whether processes of other users stay hidden from us (`hidepid`, proc(5)).
pub fn others_hidden() -> bool {
    !rustix::process::geteuid().is_root()
        && Root::default().stat(Path::new("/proc/1/cmdline"), true).is_err()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(command: &str, binary: bool) -> String {
        match role(command.replace('|', "\0").as_bytes(), binary) {
            None => "none".to_owned(),
            Some(Role::Helper) => "helper".to_owned(),
            Some(Role::Worker { leaving }) => format!("worker {leaving}"),
            Some(Role::Master(o)) => format!(
                "{} c={:?} p={:?} g={:?}",
                o.program.display(),
                o.config.unwrap_or_default(),
                o.prefix.unwrap_or_default(),
                o.globals.map(|g| String::from_utf8(g).unwrap()).unwrap_or_default()
            ),
        }
    }

    #[test]
    fn titles_and_command_lines_are_told_apart() {
        let table = [
            (
                "nginx: master process /usr/sbin/nginx -g daemon on; master_process on;||",
                true,
                r#"/usr/sbin/nginx c="" p="" g="daemon on; master_process on;""#,
            ),
            (
                "nginx: master process nginx -g daemon off; -c /tmp/a.conf -p /tmp/|",
                false,
                r#"nginx c="/tmp/a.conf" p="/tmp/" g="daemon off;""#,
            ),
            ("angie: master process /usr/sbin/angie", true, r#"/usr/sbin/angie c="" p="" g="""#),
            ("nginx: worker process", true, "worker false"),
            ("nginx: worker process is shutting down", true, "worker true"),
            ("nginx: cache manager process", true, "helper"),
            ("/usr/sbin/nginx|-t|-q", true, "none"),
            ("/usr/sbin/nginx|-tqc/x", true, "none"),
            ("nginx|-s|reload", true, "none"),
            ("nginx|-c/x.conf|-g|daemon off;", true, r#"nginx c="/x.conf" p="" g="daemon off;""#),
            ("vim|/etc/nginx/nginx.conf", false, "none"),
            ("nginx", false, "none"),
            ("php-fpm: master process (/etc/php/8.2/fpm/php-fpm.conf)", false, "none"),
            ("", true, "none"),
        ];
        for (command, binary, expected) in table {
            assert_eq!(shown(command, binary), expected, "{command}");
        }
    }

    #[test]
    fn a_replaced_binary_is_still_nginx() {
        assert!(is_binary(b"/usr/sbin/nginx (deleted)"));
        assert!(!is_binary(b"/usr/bin/nginxfmt"));
    }

    proptest! {
        #[test]
        fn no_command_line_panics(command: Vec<u8>, binary: bool) {
            let _ = role(&command, binary);
            let _ = role(&[b"nginx: master process ", command.as_slice()].concat(), binary);
        }
    }
}

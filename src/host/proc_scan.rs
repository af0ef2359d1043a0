//! Finds gateway processes: what a command line says about a master or a worker. What each kind's
//! options mean stands in [`gateway_options`](super::gateway_options).

use std::{
    ffi::OsStr,
    io::Read,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use super::{
    files::{FileError, Root},
    gateway_options, proc,
};
use crate::observation::{GatewayKind, RunState};

pub use super::gateway_options::Options;

/// Bytes read of a command line.
const COMMAND_LIMIT: u64 = 64 * 1024;

/// Names of binaries that keep nginx's configuration language.
const NGINX: [&[u8]; 7] =
    [b"nginx", b"openresty", b"angie", b"tengine", b"freenginx", b"nginx-debug", b"nginx.old"];
/// Apache's, with the names of its old multi-processing modules.
const APACHE: [&[u8]; 8] = [
    b"apache2",
    b"httpd",
    b"httpd2",
    b"httpd-prefork",
    b"httpd-worker",
    b"httpd-event",
    b"httpd.worker",
    b"httpd.event",
];
/// Kinds whose processes carry no title of their own, with the names of their binaries.
const UNTITLED: [(GatewayKind, &[&[u8]]); 5] = [
    (GatewayKind::Apache, &APACHE),
    (GatewayKind::Haproxy, &[b"haproxy"]),
    (GatewayKind::Caddy, &[b"caddy"]),
    (GatewayKind::Traefik, &[b"traefik"]),
    (GatewayKind::Envoy, &[b"envoy"]),
];

/// What a process of a gateway does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// Reads the configuration and keeps the workers, if there are any.
    Master(Options),
    /// Serves requests.
    Worker {
        /// Whether it only finishes what it has begun.
        leaving: bool,
    },
    /// A cache manager or loader.
    Helper,
}

/// A process of a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayProcess {
    /// Which program.
    pub kind: GatewayKind,
    /// Pid in our namespace.
    pub pid: u32,
    /// Parent.
    pub parent: u32,
    /// Start in ticks since boot.
    pub start_ticks: u64,
    /// What it does.
    pub role: Role,
    /// Whether only its title says what it is, because its program is called otherwise.
    pub by_title: bool,
}

/// Looks at one process; `Ok(None)` when it is no gateway's.
///
/// # Errors
/// [`FileError`] when it is gone or may not be looked at.
pub fn look(pid: u32) -> Result<Option<GatewayProcess>, FileError> {
    let Some(process) = alone(pid)? else { return Ok(None) };
    if process.kind == GatewayKind::Nginx {
        return Ok(Some(process));
    }
    // Workers of the other kinds keep the command line of their master, and differ by their
    // parent alone.
    let master = alone(process.parent).ok().flatten().filter(|parent| parent.kind == process.kind);
    let Some(master) = master else { return Ok(Some(process)) };
    let Role::Master(options) = &master.role else { return Ok(Some(process)) };
    let inner = proc::inner_pid(pid).unwrap_or(pid);
    let leaving = options.replaces.contains(&pid) || options.replaces.contains(&inner);
    Ok(Some(GatewayProcess { role: Role::Worker { leaving }, ..process }))
}

/// What one process says of itself.
fn alone(pid: u32) -> Result<Option<GatewayProcess>, FileError> {
    let mut command = Vec::new();
    let file = Root::default().open(format!("/proc/{pid}/cmdline"))?;
    file.take(COMMAND_LIMIT).read_to_end(&mut command)?;
    if command.is_empty() {
        return Ok(None);
    }
    let exe = rustix::fs::readlink(format!("/proc/{pid}/exe"), Vec::new()).ok();
    let program = exe.as_ref().map_or(Exe::Hidden, |link| Exe::of(kind_of(link.as_bytes())));
    let Some((kind, role)) = role(&command, program) else { return Ok(None) };
    let stat = proc::stat(pid)?;
    if stat.state == RunState::Dead {
        return Err(FileError::Missing);
    }
    Ok(Some(GatewayProcess {
        kind,
        pid,
        parent: stat.parent,
        start_ticks: stat.start_ticks,
        role,
        by_title: !matches!(program, Exe::Hidden) && program != Exe::Of(kind),
    }))
}

/// What a program file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exe {
    /// It may not be looked at.
    Hidden,
    /// No gateway, by its name.
    Other,
    /// A gateway.
    Of(GatewayKind),
}

impl Exe {
    fn of(kind: Option<GatewayKind>) -> Self {
        kind.map_or(Self::Other, Self::Of)
    }
}

/// Which gateway a program file is, by its name.
fn kind_of(link: &[u8]) -> Option<GatewayKind> {
    // The kernel marks a program that was replaced while it runs.
    let link = link.strip_suffix(b" (deleted)").unwrap_or(link);
    let name = link.rsplit(|b| *b == b'/').next().unwrap_or(link);
    if NGINX.contains(&name) {
        return Some(GatewayKind::Nginx);
    }
    UNTITLED.iter().find(|(_, names)| names.contains(&name)).map(|(kind, _)| *kind)
}

/// Tells kind and role from the command line and the program file.
fn role(command: &[u8], program: Exe) -> Option<(GatewayKind, Role)> {
    let mut argv: Vec<&[u8]> = command.split(|b| *b == 0).collect();
    while argv.last().is_some_and(|arg| arg.is_empty()) {
        argv.pop();
    }
    let title = *argv.first()?;
    if let Some(rest) = title_state(title) {
        return titled(rest).map(|role| (GatewayKind::Nginx, role));
    }
    // A program that may not be looked at is believed what it is called: there is nothing better,
    // and the gateway is marked as hidden.
    let kind = match program {
        Exe::Of(kind) => kind,
        Exe::Other => return None,
        Exe::Hidden => kind_of(title).filter(|kind| *kind != GatewayKind::Nginx)?,
    };
    let options = gateway_options::read(kind, &argv);
    (!options.transient).then_some((kind, Role::Master(options)))
}

/// The role that the state in a title of nginx tells.
fn titled(rest: &[u8]) -> Option<Role> {
    if let Some(line) = rest.strip_prefix(b"master process") {
        return Some(Role::Master(gateway_options::of_title(line)));
    }
    if let Some(state) = rest.strip_prefix(b"worker process") {
        return Some(Role::Worker { leaving: state.starts_with(b" is shutting down") });
    }
    rest.starts_with(b"cache ").then_some(Role::Helper)
}

/// What stands behind `nginx: ` in a title that nginx sets.
fn title_state(title: &[u8]) -> Option<&[u8]> {
    let colon = title.iter().take(24).position(|b| *b == b':')?;
    let (name, rest) = title.split_at_checked(colon)?;
    NGINX.contains(&name).then(|| rest.strip_prefix(b": ")).flatten()
}

/// Where the process runs: its working directory, when it may be seen.
pub fn working_directory(pid: u32) -> Option<PathBuf> {
    let link = rustix::fs::readlink(format!("/proc/{pid}/cwd"), Vec::new()).ok()?;
    Some(PathBuf::from(OsStr::from_bytes(link.as_bytes())))
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

/// Whether a process sees our mounts, whatever it took for its root directory.
pub fn shares_mounts(pid: u32) -> bool {
    let link = |path: String| rustix::fs::readlink(path, Vec::new()).ok();
    let theirs = link(format!("/proc/{pid}/ns/mnt"));
    theirs.is_some() && theirs == link("/proc/self/ns/mnt".to_owned())
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
        let program = Exe::of(binary.then_some(GatewayKind::Nginx));
        match role(command.replace('|', "\0").as_bytes(), program).map(|(_, role)| role) {
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
        assert_eq!(kind_of(b"/usr/sbin/nginx (deleted)"), Some(GatewayKind::Nginx));
        assert_eq!(kind_of(b"/usr/bin/nginxfmt"), None);
    }

    #[test]
    fn a_program_that_may_not_be_looked_at_is_taken_for_what_it_is_called() {
        let of =
            |line: &str, exe: Exe| role(line.replace('|', "\0").as_bytes(), exe).map(|(k, _)| k);
        assert_eq!(of("/usr/sbin/apache2|-k|start", Exe::Hidden), Some(GatewayKind::Apache));
        assert_eq!(of("haproxy|-W|-f|/x.cfg", Exe::Hidden), Some(GatewayKind::Haproxy));
        // Its program can be seen, and it is another one.
        assert_eq!(of("haproxy|-W|-f|/x.cfg", Exe::Other), None);
        assert_eq!(of("httpd|-k|stop", Exe::Hidden), None, "it only sends a signal");
        assert_eq!(of("/bin/sh|/usr/sbin/apachectl|start", Exe::Other), None);
    }

    proptest! {
        #[test]
        fn no_command_line_panics(command: Vec<u8>, kind in 0_usize..7) {
            let program = Exe::of(GatewayKind::ALL.get(kind).copied());
            let _ = role(&command, program);
            let _ = role(&command, Exe::Hidden);
            let _ = role(&[b"nginx: master process ", command.as_slice()].concat(), program);
        }
    }
}

//! Which program tests a configuration, with which arguments and in whose world.

use std::path::{Path, PathBuf};

use crate::{
    evidence::CaseFile,
    host::{
        files::Root,
        gateway_options::value_of,
        proc,
        proc_scan::{self, Options, Role},
        run::find,
    },
    observation::{Gateway, GatewayId, GatewayKind, Unit, UnitName},
    remedy::{ConfigTest, Daemon},
};

/// A test that is ready to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TestCommand {
    pub(super) daemon: &'static Daemon,
    /// What is said of it: `nginx -t`.
    pub(super) words: String,
    pub(super) world: Option<(u32, u64)>,
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
}

/// Finds it, or says why there is none.
pub(super) fn find_test(test: &ConfigTest, case: &CaseFile) -> Result<TestCommand, String> {
    match test {
        ConfigTest::Nginx { gateway } => nginx(gateway, case),
        ConfigTest::Gateway { gateway } => other(gateway, case),
        ConfigTest::PhpFpm { unit } => of_unit(case.units.get(unit), unit.as_str()),
        ConfigTest::Apache => packaged("Apache", case),
        ConfigTest::Haproxy => packaged("HAProxy", case),
    }
}

/// The test of the daemon that a unit starts, when it is one that is known: told by the command
/// lines of the unit, or by the gateway that it runs.
pub fn test_of_unit(unit: &UnitName, case: &CaseFile) -> Option<ConfigTest> {
    let gateway = case.gateways.values().find(|gateway| gateway.unit.as_ref() == Some(unit));
    if let Some(gateway) = gateway {
        return Some(ConfigTest::of_gateway(&gateway.id));
    }
    let seen = case.units.get(unit);
    let started = seen.and_then(started).map(|(daemon, ..)| daemon);
    // A unit that was not looked at closely still has a name.
    let stem = unit.as_str().trim_end_matches(".service").replace("php", "");
    let named = || {
        let fpm = stem.ends_with("-fpm") && unit.as_str().starts_with("php");
        Daemon::of_program(if fpm { "php-fpm" } else { &stem })
    };
    match started.or_else(named)?.name {
        "nginx" => {
            let resting = case.gateways.values().find(|gateway| {
                gateway.container.is_none() && gateway.kind == GatewayKind::Nginx
            })?;
            Some(ConfigTest::Nginx { gateway: resting.id.clone() })
        }
        "php-fpm" => Some(ConfigTest::PhpFpm { unit: unit.clone() }),
        "Apache" => Some(ConfigTest::Apache),
        "HAProxy" => Some(ConfigTest::Haproxy),
        _ => None,
    }
}

fn nginx(id: &GatewayId, case: &CaseFile) -> Result<TestCommand, String> {
    let gateway = case.gateways.get(id).ok_or("this gateway is not seen any more")?;
    match gateway.master.filter(|_| gateway.running) {
        Some(master) => running(gateway, master),
        None => resting(gateway, case),
    }
}

/// As the running master was started.
fn running(gateway: &Gateway, master: u32) -> Result<TestCommand, String> {
    let process = proc_scan::look(master).ok().flatten().ok_or("its master is gone")?;
    let Role::Master(options) = process.role else {
        return Err("its master is another process by now".to_owned());
    };
    let exe = proc::exe(master).ok_or("its program may not be looked at")?;
    // The kernel marks a program that was replaced while it runs; the new one is tested then.
    let program = exe.raw().strip_suffix(" (deleted)").unwrap_or(exe.raw());
    let cwd = proc_scan::working_directory(master).unwrap_or_else(|| PathBuf::from("/"));
    Ok(TestCommand {
        world: Some((master, process.start_ticks)),
        ..nginx_command(PathBuf::from(program), gateway, &options, &cwd)?
    })
}

/// The test of a gateway that is not nginx.
fn other(id: &GatewayId, case: &CaseFile) -> Result<TestCommand, String> {
    let gateway = case.gateways.get(id).ok_or("this gateway is not seen any more")?;
    let name = match gateway.kind {
        GatewayKind::Nginx => return nginx(id, case),
        GatewayKind::Apache => "Apache",
        GatewayKind::Haproxy => "HAProxy",
        GatewayKind::Caddy => "Caddy",
        GatewayKind::Traefik => {
            return Err("Traefik has no test: its log names what it refuses".into());
        }
        GatewayKind::Envoy => return Err("Envoy is not reloaded, so nothing is tested".into()),
    };
    let Some(master) = gateway.master.filter(|_| gateway.running) else {
        return packaged(name, case);
    };
    let process = proc_scan::look(master).ok().flatten().ok_or("its master is gone")?;
    let Role::Master(options) = process.role else {
        return Err("its master is another process by now".to_owned());
    };
    let exe = proc::exe(master).ok_or("its program may not be looked at")?;
    let program = PathBuf::from(exe.raw().strip_suffix(" (deleted)").unwrap_or(exe.raw()));
    let cwd = proc_scan::working_directory(master).unwrap_or_else(|| PathBuf::from("/"));
    let daemon = Daemon::of_program(gateway.kind.as_str()).ok_or("it is not known")?;
    let start = start_of(gateway, &options, &cwd)?;
    // Debian's Apache needs variables that only its own script sets.
    let own_script = daemon.tester.and_then(find).filter(|_| {
        gateway.kind == GatewayKind::Apache
            && gateway.container.is_none()
            && program.ends_with("apache2")
            && options.config.is_none()
            && options.prefix.is_none()
    });
    let program = own_script.map_or(program, |script| script.path().to_owned());
    let called = program.file_name().map(|name| name.to_string_lossy().into_owned());
    let first = daemon.test.first().copied().unwrap_or_default();
    Ok(TestCommand {
        daemon,
        words: format!("{} {first}", called.unwrap_or_default()),
        world: Some((master, process.start_ticks)),
        program,
        arguments: daemon.test_arguments(&start),
    })
}

/// What a test needs of how a gateway was started, with absolute paths.
fn start_of(gateway: &Gateway, options: &Options, cwd: &Path) -> Result<Vec<String>, String> {
    let text = |path: PathBuf| path.into_os_string().into_string().map_err(|_| NO_TEXT);
    let mut start = Vec::new();
    match gateway.kind {
        GatewayKind::Haproxy => {
            start.extend(["-f".to_owned(), gateway.config.raw().to_owned()]);
            for file in &options.more {
                start.extend(["-f".to_owned(), text(cwd.join(file))?]);
            }
        }
        GatewayKind::Caddy => {
            start.extend(["--config".to_owned(), gateway.config.raw().to_owned()]);
            if let Some(adapter) = value_of(&options.arguments, &["--adapter"]) {
                start.extend(["--adapter".to_owned(), adapter.to_owned()]);
            }
        }
        _ => {
            if let Some(prefix) = &options.prefix {
                start.extend(["-d".to_owned(), text(cwd.join(prefix))?]);
            }
            if options.config.is_some() {
                start.extend(["-f".to_owned(), gateway.config.raw().to_owned()]);
            }
            let mut words = options.arguments.iter();
            while let Some(word) = words.next() {
                let Some(joined) = word.strip_prefix("-D") else { continue };
                let name =
                    if joined.is_empty() { words.next().cloned() } else { Some(joined.to_owned()) };
                start.extend(name.into_iter().flat_map(|name| ["-D".to_owned(), name]));
            }
        }
    }
    Ok(start)
}

fn resting(gateway: &Gateway, case: &CaseFile) -> Result<TestCommand, String> {
    let unit = gateway.unit.as_ref().and_then(|unit| case.units.get(unit));
    let unit = unit.or_else(|| {
        case.units.values().find(|unit| started(unit).is_some_and(|(d, ..)| d.name == "nginx"))
    });
    let Some((_, program, start)) = unit.and_then(started) else {
        let program = find("nginx").ok_or("no nginx is installed in the system's folders")?;
        let options = Options::default();
        return nginx_command(program.path().to_owned(), gateway, &options, Path::new("/"));
    };
    let value = |flag: &str| {
        let at = start.iter().position(|word| word == flag)?;
        start.get(at + 1).cloned()
    };
    let options = Options {
        prefix: value("-p").map(PathBuf::from),
        error_log: value("-e").map(PathBuf::from),
        globals: value("-g").map(String::into_bytes),
        ..Options::default()
    };
    nginx_command(PathBuf::from(program), gateway, &options, Path::new("/"))
}

fn nginx_command(
    program: PathBuf,
    gateway: &Gateway,
    options: &Options,
    cwd: &Path,
) -> Result<TestCommand, String> {
    let daemon = Daemon::of_program("nginx").ok_or("nginx is not known")?;
    let text = |path: PathBuf| path.into_os_string().into_string().map_err(|_| NO_TEXT);
    let mut start = vec!["-c".to_owned(), gateway.config.raw().to_owned()];
    if let Some(prefix) = &options.prefix {
        start.extend(["-p".to_owned(), text(cwd.join(prefix))?]);
    }
    if let Some(log) = &options.error_log {
        start.extend(["-e".to_owned(), text(log.clone())?]);
    }
    if let Some(globals) = &options.globals {
        let globals = String::from_utf8(globals.clone()).map_err(|_| NO_TEXT)?;
        start.extend(["-g".to_owned(), globals]);
    }
    Ok(TestCommand {
        daemon,
        words: "nginx -t".to_owned(),
        world: None,
        program,
        arguments: daemon.test_arguments(&start),
    })
}

const NO_TEXT: &str = "its command line is no text";

/// The daemon that a unit's command lines start: its row, program and arguments.
fn started(unit: &Unit) -> Option<(&'static Daemon, String, Vec<String>)> {
    unit.commands.iter().find_map(|command| {
        let mut words = split(command.raw()).into_iter();
        let program = words.next().filter(|program| program.starts_with('/'))?;
        Some((Daemon::of_program(&program)?, program, words.collect()))
    })
}

fn of_unit(unit: Option<&Unit>, name: &str) -> Result<TestCommand, String> {
    let unit = unit.ok_or_else(|| format!("{name} is not known"))?;
    let (daemon, program, start) =
        started(unit).ok_or_else(|| format!("what {name} starts has no test that is known"))?;
    let world = unit.main_pid.and_then(|pid| Some((pid, proc::stat(pid).ok()?.start_ticks)));
    let (program, arguments) = match daemon.tester.and_then(find) {
        Some(tester) => (tester.path().to_owned(), daemon.test_arguments(&[])),
        None => (PathBuf::from(program), daemon.test_arguments(&start)),
    };
    let called = program.file_name().map(|name| name.to_string_lossy().into_owned());
    let first = daemon.test.first().copied().unwrap_or_default();
    let words = format!("{} {first}", called.unwrap_or_default());
    Ok(TestCommand { daemon, words, world, program, arguments })
}

/// A daemon's own unit, or what its package installs.
fn packaged(name: &str, case: &CaseFile) -> Result<TestCommand, String> {
    // systemd shows a command line before it puts the variables in.
    let plain = |unit: &Unit| !unit.commands.iter().any(|command| command.raw().contains('$'));
    let own =
        |unit: &&Unit| plain(unit) && started(unit).is_some_and(|(daemon, ..)| daemon.name == name);
    if let Some(unit) = case.units.values().find(own) {
        return of_unit(Some(unit), unit.name.as_str());
    }
    let (program, start): (&str, &[&str]) = match name {
        "Apache" => ("apache2ctl", &[]),
        _ => ("haproxy", &["-f", "/etc/haproxy/haproxy.cfg"]),
    };
    let daemon = Daemon::of_program(program).ok_or("it is not known")?;
    let found = find(program).ok_or_else(|| format!("no {program} is installed"))?;
    let start: Vec<String> = start.iter().map(|word| (*word).to_owned()).collect();
    let first = daemon.test.first().copied().unwrap_or_default();
    Ok(TestCommand {
        daemon,
        words: format!("{program} {first}"),
        world: None,
        program: found.path().to_owned(),
        arguments: daemon.test_arguments(&start),
    })
}

/// Splits a command line as it is shown, with words in quotes and backslashes in them.
fn split(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let (mut quoted, mut escaped) = (false, false);
    for c in line.chars() {
        match c {
            _ if escaped => {
                word.get_or_insert_default().push(c);
                escaped = false;
            }
            '\\' if quoted => escaped = true,
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            ' ' if !quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// Whether the files of a process are the host's own, so that a path means the same here.
pub(super) fn sees_host(world: Option<(u32, u64)>) -> bool {
    let same = |(pid, _): (u32, u64)| {
        let inode =
            |path: String| Root::default().stat(path, true).ok().map(|s| (s.st_dev, s.st_ino));
        inode(format!("/proc/{pid}/root")) == inode("/".to_owned())
    };
    world.is_none_or(same)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_command_line_is_split_as_it_was_joined() {
        let line = r#"/usr/sbin/nginx -g "daemon on; x \"y\";" -p """#;
        assert_eq!(split(line), ["/usr/sbin/nginx", "-g", "daemon on; x \"y\";", "-p", ""]);
    }

    proptest! {
        #[test]
        fn words_survive_being_shown(words in proptest::collection::vec("[a-z \"\\\\;]{0,8}", 1..6)) {
            let shown: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
            prop_assert_eq!(split(&shown.join(" ")), words);
        }

        #[test]
        fn no_line_makes_the_splitter_fail(line in ".{0,80}") {
            let _ = split(&line);
        }
    }
}

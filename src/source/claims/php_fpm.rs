//! php-fpm's configuration (<https://www.php.net/manual/install.fpm.configuration.php>): the
//! address of each pool, and the logs that php-fpm writes itself.

use std::{collections::BTreeMap, path::Path};

use super::{address, reader::Reader};
use crate::observation::{
    Address, Claim, ClaimKind, FpmPool, LogKind, LogTarget, Origin, Place, Program, Text,
};

/// Files read of one instance.
const FILES: usize = 64;

/// What php-fpm's configuration tells.
#[derive(Debug, Default)]
pub(super) struct Pools {
    /// Where the pools listen.
    pub claims: Vec<Claim>,
    /// Logs of php-fpm itself and of its pools.
    pub logs: Vec<LogTarget>,
    /// The pools.
    pub found: Vec<FpmPool>,
    /// `listen.allowed_clients` by the file and section where it stands, for a pool whose `listen`
    /// comes later.
    allowed: BTreeMap<String, (Vec<Text>, Place)>,
    /// `process_control_timeout`, milliseconds.
    control_timeout_ms: u64,
}

impl Pools {
    /// Joins what stands in different lines of one pool.
    fn join(&mut self) {
        for pool in &mut self.found {
            pool.control_timeout_ms = self.control_timeout_ms;
            if let Some((clients, place)) = self.allowed.get(pool.name.raw()) {
                pool.allowed_clients.clone_from(clients);
                pool.place = place.clone();
            }
        }
    }
}

/// Pools and clients kept of one instance.
const POOLS: usize = 64;

/// A time as php-fpm reads it: seconds, or with a unit behind it (`fpm_conf.c`).
fn time_ms(value: &str) -> Option<u64> {
    let digits = value.trim_end_matches(|c: char| !c.is_ascii_digit());
    let number: u64 = digits.parse().ok()?;
    let unit = match value.get(digits.len()..)? {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(unit)
}

/// The configuration file of a php-fpm command; `None` when the command is not php-fpm.
pub(super) fn main_file(argv: &[String]) -> Option<String> {
    let name = super::command::program(argv);
    let version = name.strip_prefix("php-fpm").or_else(|| {
        let middle = name.strip_prefix("php")?;
        middle.strip_suffix("-fpm").or_else(|| middle.strip_prefix("-fpm"))
    })?;
    for (at, arg) in argv.iter().enumerate() {
        if let Some(path) = arg.strip_prefix("--fpm-config=").or_else(|| arg.strip_prefix("-y/")) {
            let slash = if arg.starts_with("-y/") { "/" } else { "" };
            return Some(format!("{slash}{path}"));
        }
        if arg == "--fpm-config" || arg == "-y" {
            return argv.get(at + 1).cloned();
        }
    }
    let numbers = version.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if version.is_empty() || !numbers {
        Some("/etc/php-fpm.conf".to_owned())
    } else {
        Some(format!("/etc/php/{version}/fpm/php-fpm.conf"))
    }
}

/// Reads a configuration with its includes.
pub(super) fn read(main: &str, reader: &mut Reader) -> Pools {
    let mut pools = Pools::default();
    let mut files = vec![main.to_owned()];
    let mut next = 0;
    while let Some(file) = files.get(next).cloned() {
        next += 1;
        if files.len() > FILES {
            files.truncate(FILES);
        }
        let Some(text) = reader.text(Path::new(&file)) else { continue };
        for pattern in parse(&file, &text, &mut pools) {
            for found in included(&pattern, reader) {
                if !files.contains(&found) {
                    files.push(found);
                }
            }
        }
    }
    pools.join();
    pools
}

/// Takes one file in and returns its include patterns.
fn parse(file: &str, text: &str, pools: &mut Pools) -> Vec<String> {
    let mut includes = Vec::new();
    let mut section = String::new();
    for (number, line) in (1_u32..).zip(text.lines()) {
        let line = line.trim();
        if line.starts_with([';', '#']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[') {
            name.split(']').next().unwrap_or_default().clone_into(&mut section);
            continue;
        }
        let Some((key, value)) = line.split_once('=') else { continue };
        let value = value.split(" ;").next().unwrap_or(value).trim().trim_matches(['"', '\'']);
        let value = value.replace("$pool", &section);
        let place = Place { file: Text::new(file), line: number };
        match key.trim() {
            "include" => includes.push(value),
            "listen" => {
                if let Some(address) = pool_address(&value) {
                    if pools.found.len() < POOLS {
                        pools.found.push(FpmPool {
                            name: Text::new(&section),
                            listen: address.clone(),
                            allowed_clients: Vec::new(),
                            place: place.clone(),
                            control_timeout_ms: 0,
                        });
                    }
                    let claim =
                        Claim { address, kind: ClaimKind::Config, origin: Origin::Config(place) };
                    pools.claims.push(claim);
                }
            }
            "listen.allowed_clients" if pools.allowed.len() < POOLS => {
                let clients = value.split(',').map(str::trim).filter(|c| !c.is_empty());
                let clients = clients.take(POOLS).map(Text::new).collect();
                pools.allowed.insert(section.clone(), (clients, place));
            }
            "process_control_timeout" => {
                pools.control_timeout_ms = time_ms(&value).unwrap_or_default();
            }
            "error_log" | "slowlog" => pools.logs.extend(log(&value, Program::PhpFpm, place)),
            "php_admin_value[error_log]" | "php_value[error_log]" => {
                pools.logs.extend(log(&value, Program::Application, place));
            }
            _ => {}
        }
    }
    includes
}

/// `listen` of a pool: a path, a port, or an address with a port.
fn pool_address(value: &str) -> Option<Address> {
    address::listen(value)
}

/// Only absolute paths are logs: `syslog` and `stderr` are not files.
fn log(path: &str, program: Program, place: Place) -> Option<LogTarget> {
    let device = path.starts_with("/dev/") || path.starts_with("/proc/");
    (path.starts_with('/') && !device).then(|| LogTarget {
        gateway: None,
        path: Text::new(path),
        root: Text::default(),
        kind: LogKind::Application(program),
        place,
    })
}

/// Files that an include pattern names; only the last part may hold wildcards.
fn included(pattern: &str, reader: &mut Reader) -> Vec<String> {
    let Some((folder, last)) = pattern.rsplit_once('/').filter(|(f, _)| f.starts_with('/')) else {
        return Vec::new();
    };
    if !last.contains(['*', '?', '[']) {
        return vec![pattern.to_owned()];
    }
    let Ok(glob) = glob::Pattern::new(last) else { return Vec::new() };
    let names = reader.list(Path::new(folder));
    names.iter().filter(|n| glob.matches(n)).map(|n| format!("{folder}/{n}")).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::host::files::Root;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn the_configuration_of_each_packaging_is_found() {
        let table = [
            (
                "/usr/sbin/php-fpm8.2 --nodaemonize --fpm-config /etc/php/8.2/fpm/php-fpm.conf",
                "/etc/php/8.2/fpm/php-fpm.conf",
            ),
            ("/usr/sbin/php-fpm8.1", "/etc/php/8.1/fpm/php-fpm.conf"),
            ("/usr/sbin/php-fpm --nodaemonize", "/etc/php-fpm.conf"),
            ("/opt/php-fpm -y /opt/fpm.conf", "/opt/fpm.conf"),
            ("/opt/php-fpm -y/opt/fpm.conf", "/opt/fpm.conf"),
        ];
        for (command, expected) in table {
            assert_eq!(main_file(&words(command)).as_deref(), Some(expected), "{command}");
        }
        assert_eq!(main_file(&words("/usr/bin/php a.php")), None);
    }

    #[test]
    fn pools_and_logs_are_read_with_their_lines() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("etc/pool.d")).unwrap();
        let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        write(
            "etc/fpm.conf",
            "[global]\nerror_log = /var/log/fpm.log\ninclude=/etc/pool.d/*.conf\n",
        );
        write("etc/pool.d/b.conf", "[api]\nlisten = 9001 ; port\nslowlog = syslog\n");
        write(
            "etc/pool.d/a.conf",
            "; comment\n[www]\n;listen = 1\nlisten = /run/php/$pool.sock\nslowlog = /var/log/$pool.slow\n",
        );
        write("etc/pool.d/c.off", "[no]\nlisten = 9999\n");
        let mut reader = Reader::new(Root::new(dir.path()));
        reader.begin(10_000);
        let pools = read("/etc/fpm.conf", &mut reader);
        let claims: Vec<_> =
            pools.claims.iter().map(|c| format!("{} {}", c.address, c.origin)).collect();
        assert_eq!(
            claims,
            ["unix:/run/php/www.sock /etc/pool.d/a.conf:4", "0.0.0.0:9001 /etc/pool.d/b.conf:2"]
        );
        let logs: Vec<_> = pools.logs.iter().map(|l| l.path.raw()).collect();
        assert_eq!(logs, ["/var/log/fpm.log", "/var/log/www.slow"]);
    }

    #[test]
    fn a_file_that_includes_itself_is_read_once() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.conf"), "include=/*.conf\n[a]\nlisten=9000\n").unwrap();
        let mut reader = Reader::new(Root::new(dir.path()));
        reader.begin(10_000);
        assert_eq!(read("/a.conf", &mut reader).claims.len(), 1);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(text in "(\\[a\\]\n)?(listen ?= ?)?.{0,80}") {
            let _ = parse("/a", &text, &mut Pools::default());
        }
    }
}

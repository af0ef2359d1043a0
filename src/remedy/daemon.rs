//! What is known of each daemon's test, reload and restart: rows, not code paths. A daemon without
//! a row is not reloaded on one key.

/// How a daemon behaves when it is asked to read its configuration again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a row of a table: each is a column of its own")]
pub struct Daemon {
    /// Its name on screen.
    pub name: &'static str,
    /// How the names of its programs begin.
    pub programs: &'static [&'static str],
    /// Arguments that make it test its configuration and end.
    pub test: &'static [&'static str],
    /// Arguments of its start, each with a value, that the test needs too.
    pub keeps: &'static [&'static str],
    /// A program that runs the test instead, when the daemon needs an environment.
    pub tester: Option<&'static str>,
    /// Whether the test writes: pid file, logs, folders.
    pub test_writes: bool,
    /// Whether a reload with a bad configuration leaves the old one running.
    pub reload_is_atomic: bool,
    /// Whether a reload cuts off requests that are under way, as it is set up by default.
    pub reload_drops: bool,
    /// Whether a restart cuts them off.
    pub restart_drops: bool,
    /// What a person should know before a reload; empty when there is nothing.
    pub caution: &'static str,
}

/// Every daemon that is known. The answers were measured (nginx 1.22, php-fpm 8.2, haproxy 2.6,
/// Apache 2.4), and are what their manuals say.
pub const DAEMONS: [Daemon; 5] = [
    Daemon {
        name: "nginx",
        programs: &["nginx", "openresty", "angie", "tengine", "freenginx"],
        test: &["-t", "-q"],
        keeps: &["-c", "-p", "-g", "-e"],
        tester: None,
        test_writes: true,
        reload_is_atomic: true,
        reload_drops: false,
        restart_drops: true,
        caution: "",
    },
    Daemon {
        name: "php-fpm",
        programs: &["php-fpm"],
        test: &["-t"],
        keeps: &["--fpm-config", "-y", "--php-ini", "-c", "--prefix", "-p", "--define", "-d"],
        tester: None,
        test_writes: true,
        reload_is_atomic: false,
        reload_drops: true,
        restart_drops: true,
        caution: "php-fpm cuts off requests on reload unless process_control_timeout is set",
    },
    Daemon {
        name: "Apache",
        programs: &["apache", "apache2", "httpd", "apachectl", "apache2ctl"],
        test: &["-t"],
        keeps: &["-f", "-d", "-D", "-C", "-c"],
        tester: Some("apache2ctl"),
        test_writes: true,
        reload_is_atomic: true,
        reload_drops: false,
        restart_drops: true,
        caution: "",
    },
    Daemon {
        name: "HAProxy",
        programs: &["haproxy"],
        test: &["-c"],
        keeps: &["-f", "-C", "-L"],
        tester: None,
        test_writes: false,
        reload_is_atomic: true,
        reload_drops: false,
        restart_drops: true,
        caution: "",
    },
    Daemon {
        name: "Caddy",
        programs: &["caddy"],
        test: &["validate"],
        keeps: &["--config", "--adapter"],
        tester: None,
        test_writes: true,
        reload_is_atomic: true,
        reload_drops: false,
        restart_drops: true,
        caution: "",
    },
];

impl Daemon {
    /// The row of a program, by the last part of its path; versions may follow the name
    /// (`php-fpm8.2`).
    pub fn of_program(program: &str) -> Option<&'static Self> {
        let name = program.rsplit('/').next().unwrap_or(program);
        let version = |rest: &str| rest.bytes().all(|b| b.is_ascii_digit() || b".-".contains(&b));
        let known = |own: &str| name.strip_prefix(own).is_some_and(version);
        DAEMONS.iter().find(|daemon| daemon.programs.iter().any(|own| known(own)))
    }

    /// The arguments of its test, from those of its start.
    pub fn test_arguments(&self, start: &[String]) -> Vec<String> {
        let mut arguments: Vec<String> = self.test.iter().map(|word| (*word).to_owned()).collect();
        let mut words = start.iter();
        while let Some(word) = words.next() {
            let joined = |option: &&&str| {
                option.starts_with("--")
                    && word.strip_prefix(**option).is_some_and(|rest| rest.starts_with('='))
            };
            if self.keeps.contains(&word.as_str()) {
                if let Some(value) = words.next() {
                    arguments.extend([word.clone(), value.clone()]);
                }
            } else if self.keeps.iter().any(|option| joined(&option)) {
                arguments.push(word.clone());
            }
        }
        arguments
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_daemon_is_known_by_its_program_with_any_version() {
        let name = |program| Daemon::of_program(program).map(|daemon| daemon.name);
        assert_eq!(name("/usr/sbin/php-fpm8.2"), Some("php-fpm"));
        assert_eq!(name("/usr/sbin/nginx"), Some("nginx"));
        assert_eq!(name("/usr/sbin/apache2ctl"), Some("Apache"));
        assert_eq!(name("/usr/bin/nginx-exporter"), None);
        assert_eq!(name("/usr/bin/gunicorn"), None);
    }

    #[test]
    fn a_test_reads_the_configuration_that_the_start_names() {
        let fpm = Daemon::of_program("php-fpm8.2").unwrap();
        let start = words("--nodaemonize --fpm-config /etc/php/8.2/fpm/php-fpm.conf -R");
        let test = fpm.test_arguments(&start).join(" ");
        assert_eq!(test, "-t --fpm-config /etc/php/8.2/fpm/php-fpm.conf");
        let test = fpm.test_arguments(&words("--fpm-config=/x --nodaemonize")).join(" ");
        assert_eq!(test, "-t --fpm-config=/x");
        let haproxy = Daemon::of_program("haproxy").unwrap();
        let start = words("-Ws -f /etc/haproxy/haproxy.cfg -p /run/haproxy.pid");
        assert_eq!(haproxy.test_arguments(&start).join(" "), "-c -f /etc/haproxy/haproxy.cfg");
    }

    proptest! {
        #[test]
        fn no_start_makes_a_test_that_starts_a_daemon(
            start in proptest::collection::vec("[-a-z=/ ]{0,12}", 0..8),
        ) {
            for daemon in DAEMONS {
                let test = daemon.test_arguments(&start);
                let first: Vec<&str> =
                    test.iter().take(daemon.test.len()).map(String::as_str).collect();
                prop_assert_eq!(first.as_slice(), daemon.test);
            }
        }
    }
}

//! What the command line of each gateway says about the configuration that it reads.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt, path::PathBuf};

use crate::observation::GatewayKind;

/// What a gateway was started with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The program as called.
    pub program: PathBuf,
    /// The configuration file: `-c` of nginx and Envoy, `-f` of Apache and `HAProxy`, `--config` of
    /// Caddy, `--configFile` of Traefik.
    pub config: Option<PathBuf>,
    /// Further files or folders of `HAProxy`, read after the first.
    pub more: Vec<PathBuf>,
    /// `-p` of nginx, `-d` of Apache, `-C` of `HAProxy`.
    pub prefix: Option<PathBuf>,
    /// `-e` of nginx, `-E` of Apache.
    pub error_log: Option<PathBuf>,
    /// `-g` of nginx.
    pub globals: Option<Vec<u8>>,
    /// Whether it only tests, prints or signals, and ends by itself.
    pub transient: bool,
    /// Whether one process does all of it, as far as the command line says so.
    pub alone: bool,
    /// Pids that this generation takes the work from (`-sf`, `-st` of `HAProxy`), in its own
    /// namespace.
    pub replaces: Vec<u32>,
    /// All words behind the program, as text; empty for nginx, which is fully told above.
    pub arguments: Vec<String>,
}

/// Reads the words of a command line, the program first.
pub(super) fn read(kind: GatewayKind, argv: &[&[u8]]) -> Options {
    match kind {
        GatewayKind::Nginx => from_argv(argv),
        GatewayKind::Apache => apache(argv),
        GatewayKind::Haproxy => haproxy(argv),
        GatewayKind::Caddy => caddy(argv),
        GatewayKind::Traefik => traefik(argv),
        GatewayKind::Envoy => envoy(argv),
    }
}

/// Reads the words of nginx's command line, as the gateway of practice does.
pub fn of_nginx(argv: &[&[u8]]) -> Options {
    from_argv(argv)
}

fn begin(argv: &[&[u8]]) -> Options {
    let mut words = argv.iter();
    let program = path(words.next().copied().unwrap_or_default());
    let arguments = words.map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    Options { program, arguments, ..Options::default() }
}

/// Apache reads getopt(3): `-f file`, `-ffile`, `-D name`, grouped flags
/// (<https://httpd.apache.org/docs/2.4/programs/httpd.html>).
fn apache(argv: &[&[u8]]) -> Options {
    let mut options = begin(argv);
    let mut words = argv.iter().copied().skip(1);
    while let Some(arg) = words.next() {
        let Some(flags) = arg.strip_prefix(b"-") else { continue };
        for (at, flag) in flags.iter().enumerate() {
            if !b"DCcEefdkR".contains(flag) {
                options.transient |= b"tTvVlLShM?".contains(flag) && *flag != b'T';
                options.alone |= *flag == b'X';
                continue;
            }
            let joined = flags.get(at + 1..).filter(|rest| !rest.is_empty());
            let value = joined.or_else(|| words.next()).unwrap_or_default();
            match flag {
                b'f' => options.config = Some(path(value)),
                b'd' => options.prefix = Some(path(value)),
                b'E' => options.error_log = Some(path(value)),
                b'k' => options.transient |= !matches!(value, b"start" | b"restart"),
                b'D' => {
                    options.alone |= matches!(value, b"ONE_PROCESS" | b"DEBUG");
                    options.transient |= value.starts_with(b"DUMP_");
                }
                _ => {}
            }
            break;
        }
    }
    options
}

/// `HAProxy` takes one option for each word, some with values behind them
/// (<https://docs.haproxy.org/2.8/management.html#3>).
fn haproxy(argv: &[&[u8]]) -> Options {
    let mut options = begin(argv);
    options.alone = true;
    let mut files = Vec::new();
    let mut words = argv.iter().copied().skip(1).peekable();
    while let Some(arg) = words.next() {
        match arg {
            b"-f" => files.extend(words.next().map(path)),
            b"--" => files.extend(words.by_ref().map(path)),
            b"-C" => options.prefix = words.next().map(path),
            b"-sf" | b"-st" => {
                while let Some(pid) = words.peek().and_then(|word| number(word)) {
                    options.replaces.push(pid);
                    words.next();
                }
            }
            b"-W" | b"-Ws" => options.alone = false,
            b"-S" => {
                options.alone = false;
                words.next();
            }
            b"-c" | b"-v" | b"-vv" | b"-vq" | b"-vqb" | b"-vqs" | b"-h" => options.transient = true,
            b"-cc" => {
                options.transient = true;
                words.next();
            }
            b"-n" | b"-m" | b"-N" | b"-L" | b"-p" | b"-x" | b"-dt" => {
                words.next();
            }
            _ => {}
        }
    }
    let mut files = files.into_iter();
    options.config = files.next();
    options.more = files.collect();
    options
}

/// `caddy run` and `caddy reverse-proxy` serve; all else ends by itself or passes nothing on (<https://caddyserver.com/docs/command-line>).
fn caddy(argv: &[&[u8]]) -> Options {
    let mut options = begin(argv);
    options.alone = true;
    let command = argv.get(1).copied().unwrap_or_default();
    options.transient = !matches!(command, b"run" | b"reverse-proxy");
    options.config =
        value_of(&options.arguments, &["--config", "-config", "-c"]).map(PathBuf::from);
    options
}

/// Traefik takes its static configuration from one file, or from arguments, or from variables
/// (<https://doc.traefik.io/traefik/getting-started/configuration-overview/>).
fn traefik(argv: &[&[u8]]) -> Options {
    let mut options = begin(argv);
    options.alone = true;
    let first = options.arguments.first().map(String::as_str).unwrap_or_default();
    options.transient = matches!(first, "version" | "healthcheck" | "--help" | "-h" | "--version");
    options.config =
        value_of(&options.arguments, &["--configfile", "-configfile"]).map(PathBuf::from);
    options
}

/// Envoy's own options (<https://www.envoyproxy.io/docs/envoy/latest/operations/cli>).
fn envoy(argv: &[&[u8]]) -> Options {
    let mut options = begin(argv);
    options.alone = true;
    let has = |word: &str| options.arguments.iter().any(|argument| argument == word);
    options.transient = has("--version") || has("--hot-restart-version") || has("--help");
    let mode = value_of(&options.arguments, &["--mode"]);
    options.transient |= mode.is_some_and(|mode| mode != "serve");
    options.config = value_of(&options.arguments, &["--config-path", "-c"]).map(PathBuf::from);
    options
}

/// The value of the first option with one of these names, as `--name value` or `--name=value`,
/// whatever the case of its letters.
pub fn value_of<'a>(arguments: &'a [String], names: &[&str]) -> Option<&'a str> {
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let (name, value) =
            word.split_once('=').map_or((word.as_str(), None), |(n, v)| (n, Some(v)));
        // Short options keep their case: `-c` is not `-C`.
        let same = |own: &&str| {
            if own.len() <= 2 { **own == *name } else { own.eq_ignore_ascii_case(name) }
        };
        if names.iter().any(same) {
            return value.or_else(|| words.next().map(String::as_str));
        }
    }
    None
}

fn number(word: &[u8]) -> Option<u32> {
    std::str::from_utf8(word).ok()?.parse().ok()
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
    options.alone = options.globals.as_deref().is_some_and(is_single);
    options
}

/// Whether the text of `-g` says `master_process off`.
fn is_single(globals: &[u8]) -> bool {
    let words: Vec<_> = globals.split(|b| b" ;".contains(b)).filter(|w| !w.is_empty()).collect();
    words.windows(2).any(|pair| pair == [&b"master_process"[..], b"off"])
}

/// The title joins the arguments by spaces, so the value of `-g` ends where the next option
/// begins.
pub(super) fn of_title(line: &[u8]) -> Options {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(kind: GatewayKind, line: &str) -> Options {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        read(kind, &words)
    }

    fn config(kind: GatewayKind, line: &str) -> String {
        of(kind, line).config.map(|path| path.display().to_string()).unwrap_or_default()
    }

    #[test]
    fn every_kind_names_its_configuration_in_its_own_way() {
        use GatewayKind::{Apache, Caddy, Envoy, Haproxy, Traefik};
        let table = [
            (Apache, "/usr/sbin/apache2 -k start", ""),
            (Apache, "httpd -DFOREGROUND -f conf/other.conf", "conf/other.conf"),
            (Apache, "httpd -d /srv -fa.conf", "a.conf"),
            (
                Haproxy,
                "/usr/sbin/haproxy -Ws -f /etc/haproxy/haproxy.cfg -p /run/h.pid",
                "/etc/haproxy/haproxy.cfg",
            ),
            (Haproxy, "haproxy -W -- a.cfg b.cfg", "a.cfg"),
            (
                Caddy,
                "/usr/bin/caddy run --environ --config /etc/caddy/Caddyfile",
                "/etc/caddy/Caddyfile",
            ),
            (Caddy, "caddy run --config=c.json --adapter json", "c.json"),
            (Traefik, "traefik --configFile=/etc/t.yml", "/etc/t.yml"),
            (Traefik, "traefik --configfile /etc/t.toml", "/etc/t.toml"),
            (Traefik, "traefik --providers.docker", ""),
            (Envoy, "envoy -c /etc/envoy/envoy.yaml -l info", "/etc/envoy/envoy.yaml"),
            (Envoy, "envoy --config-path x.json", "x.json"),
        ];
        for (kind, line, expected) in table {
            assert_eq!(config(kind, line), expected, "{line}");
            assert!(!of(kind, line).transient, "{line}");
        }
    }

    #[test]
    fn what_only_tests_or_signals_is_no_gateway() {
        use GatewayKind::{Apache, Caddy, Envoy, Haproxy, Traefik};
        for (kind, line) in [
            (Apache, "apache2 -t"),
            (Apache, "apache2 -k graceful"),
            (Apache, "apache2 -t -D DUMP_VHOSTS"),
            (Haproxy, "haproxy -c -f x.cfg"),
            (Haproxy, "haproxy -vv"),
            (Caddy, "caddy reload --config x"),
            (Caddy, "caddy validate"),
            (Caddy, "caddy"),
            (Traefik, "traefik healthcheck"),
            (Envoy, "envoy --mode validate -c x"),
        ] {
            assert!(of(kind, line).transient, "{line}");
        }
    }

    #[test]
    fn the_processes_that_haproxy_replaces_are_known() {
        let line = "/usr/sbin/haproxy -sf 12 13 -x sockpair@4 -Ws -f a.cfg -f /etc/h.d";
        let options = of(GatewayKind::Haproxy, line);
        assert_eq!(options.replaces, [12, 13]);
        assert_eq!(options.more, [PathBuf::from("/etc/h.d")]);
        assert!(!options.alone);
        assert!(of(GatewayKind::Haproxy, "haproxy -D -f a.cfg").alone);
    }

    proptest! {
        #[test]
        fn no_words_break_a_reader(words: Vec<Vec<u8>>, kind in 0_usize..6) {
            let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
            if let Some(kind) = GatewayKind::ALL.get(kind) {
                let options = read(*kind, &words);
                prop_assert!(options.arguments.len() <= words.len());
            }
        }
    }
}

//! Claims of a command line and an environment.

use std::collections::BTreeMap;

use super::{
    address::{any, listen, port},
    declaration::Wanted,
};
use crate::observation::Address;

/// Flags whose value is where the program listens, without their dashes.
const LISTEN_FLAGS: [&str; 22] = [
    "bind",
    "listen",
    "listen-address",
    "listen-addr",
    "bind-address",
    "bind-addr",
    "web.listen-address",
    "http.listen-address",
    "http-address",
    "http-addr",
    "socket",
    "http-socket",
    "uwsgi-socket",
    "fastcgi-socket",
    "scgi-socket",
    "http",
    "uds",
    "unix-socket",
    "unix",
    "urls",
    "httpListenAddress",
    "addr",
];

/// Flags whose value is a port.
const PORT_FLAGS: [&str; 14] = [
    "port",
    "http-port",
    "http_port",
    "server-port",
    "server.port",
    "http.port",
    "listen-port",
    "bind-port",
    "httpPort",
    "quarkus.http.port",
    "micronaut.server.port",
    "jetty.http.port",
    "jetty.port",
    "web-port",
];

/// Short flags that mean different things to different programs: they count only when a gateway
/// passes requests to what they name.
const SHORT_FLAGS: [&str; 6] = ["-b", "-p", "-l", "-S", "-s", "-a"];

/// Variables that tell where the program listens. Others that end in `PORT` mostly name what it
/// connects to.
const VARIABLES: [&str; 24] = [
    "PORT",
    "HTTP_PORT",
    "APP_PORT",
    "WEB_PORT",
    "SERVER_PORT",
    "LISTEN_PORT",
    "BIND_PORT",
    "UVICORN_PORT",
    "FLASK_RUN_PORT",
    "ROCKET_PORT",
    "NITRO_PORT",
    "NUXT_PORT",
    "NEXT_PORT",
    "QUARKUS_HTTP_PORT",
    "LISTEN",
    "LISTEN_ADDR",
    "LISTEN_ADDRESS",
    "BIND",
    "BIND_ADDR",
    "BIND_ADDRESS",
    "ASPNETCORE_URLS",
    "SERVER_ADDRESS",
    "SOCKET_PATH",
    "UNIX_SOCKET",
];

/// Whether a variable of this name tells where the program listens.
pub fn is_listening_variable(name: &str) -> bool {
    VARIABLES.contains(&name)
}

/// Variables by name; a map so that `$PORT` in a command can be filled in.
pub(super) type Environment = BTreeMap<String, String>;

/// Splits `KEY=VALUE`.
pub(super) fn variable(line: &str) -> Option<(String, String)> {
    let (key, value) = line.trim().trim_start_matches("export ").split_once('=')?;
    let name = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let valid = !key.is_empty() && key.bytes().all(name);
    valid.then(|| (key.to_owned(), value.trim().trim_matches(['"', '\'']).to_owned()))
}

/// Addresses that one variable names.
pub(super) fn of_variable(key: &str, value: &str) -> Vec<Address> {
    if key == "GUNICORN_CMD_ARGS" {
        let argv: Vec<String> = value.split_whitespace().map(str::to_owned).collect();
        return of_flags(&argv, &Wanted::default());
    }
    if !VARIABLES.contains(&key) {
        return Vec::new();
    }
    let bare_port = !key.ends_with("PORT") && port(value).is_some();
    if bare_port {
        return Vec::new();
    }
    value.split(';').filter_map(listen).collect()
}

/// Fills in `$NAME`, `${NAME}` and `${NAME:-default}`; what is not known stays as written.
pub(super) fn expand(text: &str, environment: &Environment) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let (inner, after) = variable_name(from);
        let (name, default) = inner.split_once(":-").unwrap_or((inner, ""));
        match environment.get(name) {
            Some(value) if !name.is_empty() => out.push_str(value),
            _ if !default.is_empty() => out.push_str(default),
            _ => out.push_str(from.strip_suffix(after).unwrap_or(from)),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Name of the variable at the start of `from` (which begins with a dollar) and what follows.
fn variable_name(from: &str) -> (&str, &str) {
    let tail = from.get(1..).unwrap_or_default();
    if let Some(braced) = tail.strip_prefix('{') {
        return braced.split_once('}').unwrap_or(("", tail));
    }
    let end = tail.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(tail.len());
    tail.split_at(end)
}

/// The words of a command with variables filled in; `sh -c "…"` is opened.
pub(super) fn argv(command: &[String], environment: &Environment) -> Vec<String> {
    let shell = matches!(program(command), "sh" | "bash" | "dash" | "zsh");
    let script = command.iter().position(|arg| arg == "-c" || arg == "-lc" || arg == "-ec");
    let words: Vec<String> = match script.and_then(|at| command.get(at + 1)) {
        Some(script) if shell => script
            .split(|c: char| c.is_whitespace() || c == ';' || c == '&')
            .filter(|word| !word.is_empty() && *word != "exec")
            .map(|word| word.trim_matches(['"', '\'']).to_owned())
            .collect(),
        _ => command.to_vec(),
    };
    words.iter().map(|word| expand(word, environment)).collect()
}

/// Base name of the program of a command.
pub(super) fn program(command: &[String]) -> &str {
    command.first().map_or("", |exe| exe.rsplit('/').next().unwrap_or(exe))
}

/// Addresses that a command line names.
pub(super) fn of_command(argv: &[String], wanted: &Wanted) -> Vec<Address> {
    let mut found = of_flags(argv, wanted);
    // `PORT=3000 node app.js` inside a shell line or after env(1).
    let inline = argv.iter().filter_map(|arg| variable(arg));
    found.extend(inline.flat_map(|(key, value)| of_variable(&key, &value)));
    found.extend(of_position(argv, wanted));
    found
}

fn of_flags(argv: &[String], wanted: &Wanted) -> Vec<Address> {
    let mut found = Vec::new();
    let mut host = None;
    for (at, arg) in argv.iter().enumerate() {
        let (flag, value) = match arg.split_once('=') {
            Some((flag, value)) if flag.starts_with('-') => (flag, value),
            _ => (arg.as_str(), argv.get(at + 1).map_or("", String::as_str)),
        };
        if SHORT_FLAGS.contains(&flag) {
            found.extend(listen(value).filter(|address| wanted.has(address)));
            continue;
        }
        // -b127.0.0.1:8000, -p3000: the value stands in the same word.
        let glued = SHORT_FLAGS.iter().find_map(|short| arg.strip_prefix(short));
        if let Some(value) = glued.filter(|_| !arg.starts_with("--")) {
            found.extend(listen(value).filter(|address| wanted.has(address)));
        }
        let Some(name) = flag
            .strip_prefix("--")
            .or_else(|| flag.strip_prefix("-D"))
            .or_else(|| flag.strip_prefix('-'))
        else {
            continue;
        };
        if LISTEN_FLAGS.contains(&name) {
            found.extend(value.split([',', ';']).filter_map(listen));
        } else if PORT_FLAGS.contains(&name) {
            found.extend(port(value).map(any));
        } else if name == "host" || name == "hostname" {
            host = Some(value);
        }
    }
    // --host 127.0.0.1 --port 8000 is one address.
    if let (Some(host), Some(last)) = (host, found.last_mut())
        && let Some(port) = last.port()
        && *last == any(port)
        && let Some(address) = listen(&format!("{host}:{port}"))
    {
        *last = address;
    }
    found
}

/// Arguments that name an address without a flag.
fn of_position(argv: &[String], wanted: &Wanted) -> Vec<Address> {
    let mut found = Vec::new();
    let server = argv.iter().position(|arg| matches!(arg.as_str(), "http.server" | "runserver"));
    if let Some(value) = server.and_then(|at| argv.get(at + 1)) {
        found.extend(listen(value));
    }
    for (before, arg) in argv.iter().zip(argv.iter().skip(1)) {
        // What follows a flag that is not known to listen is more likely connected to.
        if before.starts_with('-') && !before.contains('=') {
            continue;
        }
        let bare = arg.starts_with([':', '*']) || arg.starts_with("unix:");
        let numbers =
            arg.contains(':') && arg.bytes().all(|b| b.is_ascii_digit() || b".:[]".contains(&b));
        let path = arg.starts_with('/');
        if bare || numbers || path || port(arg).is_some() {
            found.extend(listen(arg).filter(|address| wanted.has(address)));
        }
    }
    found
}

/// Where some servers listen when nobody tells them.
pub(super) fn default_of(argv: &[String]) -> Option<Address> {
    let words: Vec<&str> = argv.iter().map(|arg| arg.rsplit('/').next().unwrap_or(arg)).collect();
    let has = |word: &str| words.contains(&word);
    let elsewhere = |arg: &&str| {
        ["--fd", "--uds", "--config", "-c", "--socket", "--bind"]
            .iter()
            .any(|flag| *arg == *flag || arg.starts_with(&format!("{flag}=")))
    };
    if words.iter().any(elsewhere) {
        return None;
    }
    let local = |port| listen(&format!("127.0.0.1:{port}"));
    if has("gunicorn") || has("gunicorn3") || has("uvicorn") || has("runserver") {
        local(8000)
    } else if has("flask") && has("run") {
        local(5000)
    } else if has("http.server") {
        Some(any(8000))
    } else if has("rails") && (has("server") || has("s")) {
        local(3000)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    fn wanted(port: u16) -> Wanted {
        Wanted { ports: [port].into(), paths: ["/run/x.sock".to_owned()].into() }
    }

    #[test]
    fn each_server_is_understood_as_it_is_started() {
        let table = [
            ("/usr/bin/gunicorn --bind 127.0.0.1:8000 app:app", "127.0.0.1:8000"),
            ("/usr/bin/gunicorn -b unix:/run/x.sock app:app", "unix:/run/x.sock"),
            ("/usr/bin/gunicorn --bind=unix:/run/other.sock app:app", "unix:/run/other.sock"),
            ("/usr/bin/gunicorn app:app", "127.0.0.1:8000"),
            ("/opt/v/bin/uvicorn app:app --host 127.0.0.1 --port 3000", "127.0.0.1:3000"),
            ("/opt/v/bin/uvicorn --uds /run/x.sock app:app", "unix:/run/x.sock"),
            ("/usr/bin/node server.js --port 3000", "0.0.0.0:3000"),
            ("/usr/bin/node server.js -p 3000", "0.0.0.0:3000"),
            ("/usr/bin/php -S 127.0.0.1:3000 -t /srv", "127.0.0.1:3000"),
            ("/usr/bin/python3 -m http.server 3000", "0.0.0.0:3000"),
            ("/usr/bin/python3 manage.py runserver 0.0.0.0:8001", "0.0.0.0:8001"),
            ("/usr/bin/puma -b tcp://127.0.0.1:3000", "127.0.0.1:3000"),
            ("/usr/bin/uwsgi --socket /run/x.sock --master", "unix:/run/x.sock"),
            ("/usr/bin/uwsgi --http-socket :9090", "0.0.0.0:9090"),
            ("/usr/bin/java -Dserver.port=8080 -jar a.jar", "0.0.0.0:8080"),
            ("/usr/bin/java -jar a.jar --server.port=8080", "0.0.0.0:8080"),
            ("/opt/app :3000", "0.0.0.0:3000"),
            ("/opt/app -listen=:8081", "0.0.0.0:8081"),
            ("/usr/bin/dotnet a.dll --urls http://localhost:5000", "127.0.0.1:5000"),
            ("/usr/bin/env PORT=3000 node a.js", "0.0.0.0:3000"),
        ];
        for (command, expected) in table {
            let mut found = of_command(&words(command), &wanted(3000));
            found.extend(default_of(&words(command)));
            assert!(found.iter().any(|a| a.to_string() == expected), "{command}: {found:?}");
        }
    }

    #[test]
    fn what_a_program_connects_to_is_not_its_own_address() {
        let commands = [
            "/usr/bin/app --database postgres://127.0.0.1:3000/x",
            "/usr/bin/app --backend 127.0.0.1:3000 --workers 3000",
            "/usr/sbin/sshd -p 22",
            "/usr/bin/sleep 30",
        ];
        for command in commands {
            assert_eq!(of_command(&words(command), &wanted(3000)), [], "{command}");
        }
        assert_eq!(of_variable("REDIS_PORT", "3000"), []);
        assert_eq!(of_variable("DATABASE_URL", "postgres://127.0.0.1:3000"), []);
        assert_eq!(of_variable("PORT", "3000"), [super::any(3000)]);
    }

    #[test]
    fn a_shell_line_is_opened_and_variables_are_filled_in() {
        let environment: Environment = [("PORT".to_owned(), "3000".to_owned())].into();
        let command = ["/bin/sh", "-c", "exec node app.js --port ${PORT}"].map(str::to_owned);
        let argv = argv(&command, &environment);
        assert_eq!(argv, ["node", "app.js", "--port", "3000"]);
        assert_eq!(expand("${A:-80}$B-$PORT$", &environment), "80$B-3000$");
    }

    proptest! {
        #[test]
        fn any_command_is_read_without_harm(command in proptest::collection::vec(".{0,20}", 0..6)) {
            let environment: Environment = [("A".to_owned(), "$A".to_owned())].into();
            let _ = of_command(&argv(&command, &environment), &wanted(80));
        }

        #[test]
        fn any_dollar_is_expanded_without_harm(text in "[${}A:é-]{0,20}") {
            let _ = expand(&text, &Environment::new());
        }
    }
}

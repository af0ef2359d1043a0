//! The addresses that a container's command line and environment say a server listens on.
//!
//! Pure and careful: an address that a program *connects* to is not one that it serves. A unit's
//! command is read elsewhere with the gateways' ports in mind; a container's ports are its own, so
//! here nothing but the words can tell.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::observation::{Address, Text};

/// Most words of one command line that are looked at.
const MOST_WORDS: usize = 512;
/// Most addresses told of one command line or environment.
const MOST: usize = 32;

/// Programs whose ports and addresses belong to somebody else.
const CLIENTS: [&str; 28] = [
    "psql",
    "mysql",
    "mysqladmin",
    "mariadb",
    "redis-cli",
    "mongo",
    "mongosh",
    "curl",
    "wget",
    "ssh",
    "scp",
    "telnet",
    "wait-for-it",
    "wait-for-it.sh",
    "wait-for",
    "dockerize",
    "strace",
    "gdb",
    "kill",
    "renice",
    "ionice",
    "taskset",
    "chrt",
    "mkdir",
    "tail",
    "pg_isready",
    "docker",
    "test",
];

/// Options whose value is an address, a port or a host to listen on.
const LISTEN: [&str; 28] = [
    "-b",
    "-l",
    "-S",
    "-k",
    "--bind",
    "--bind-addr",
    "--bind-address",
    "--listen",
    "--listener",
    "--addr",
    "--address",
    "--listen-addr",
    "--listen-address",
    "--http-address",
    "--http-addr",
    "--http",
    "--http-socket",
    "--socket",
    "--web.listen-address",
    "--http.addr",
    "--urls",
    "--server.address",
    "--fd",
    "-addr",
    "-listen",
    "-http",
    "-bind",
    "--uds",
];
/// Options whose value is a port.
const PORT: [&str; 10] = [
    "-p",
    "-P",
    "--port",
    "-port",
    "--http-port",
    "--server.port",
    "--server-port",
    "-Dserver.port",
    "--listen-port",
    "--http.port",
];
/// Options whose value is a host to listen on.
const HOST: [&str; 9] = [
    "-H",
    "-h",
    "-a",
    "--host",
    "--hostname",
    "-host",
    "-Dserver.address",
    "--ip",
    "--listen-host",
];

/// What one word names.
enum Named {
    Whole(Address),
    Host(IpAddr),
    Port(u16),
}

/// The addresses that a command line says it serves. A shell's `-c` is looked into.
pub(super) fn of_command<S: AsRef<str>>(words: &[S]) -> Vec<Address> {
    let mut flat = Vec::new();
    for word in words.iter().take(MOST_WORDS) {
        let word = word.as_ref();
        if word.contains(char::is_whitespace) {
            for part in word.split_whitespace() {
                flat.push(unquoted(part));
                if part.len() > 1 && part.ends_with(';') {
                    flat.push(";");
                }
            }
        } else {
            flat.push(word);
        }
    }
    flat.truncate(MOST_WORDS);
    let mut found = Vec::new();
    for command in flat.split(|word| matches!(*word, "&&" | "||" | ";" | "|" | "&" | "-c")) {
        of_simple_command(command, &mut found);
    }
    found.truncate(MOST);
    found
}

fn unquoted(word: &str) -> &str {
    word.trim_matches(['\'', '"']).trim_end_matches(';')
}

fn of_simple_command(words: &[&str], found: &mut Vec<Address>) {
    let program = words.first().map(|word| word.rsplit('/').next().unwrap_or(word));
    if program.is_some_and(|name| CLIENTS.contains(&name)) {
        return;
    }
    let netcat = program.is_some_and(|name| matches!(name, "nc" | "ncat" | "netcat"));
    if netcat && !words.iter().any(|word| word.starts_with('-') && word.contains('l')) {
        return;
    }
    let (mut host, mut ports) = (None, Vec::new());
    let mut take = |named: Named, found: &mut Vec<Address>| match named {
        Named::Whole(address) => found.push(address),
        Named::Host(ip) => host = Some(ip),
        Named::Port(port) => ports.push(port),
    };
    let mut rest = words.iter().copied().skip(1).peekable();
    let mut plain_port = netcat;
    while let Some(word) = rest.next() {
        if let Some(named) = of_option(word, netcat, || rest.next_if(|next| is_value(next))) {
            take(named, found);
        } else if matches!(word, "http.server" | "SimpleHTTPServer" | "runserver") {
            plain_port = true;
        } else if !word.starts_with('-') {
            match of_value(word) {
                Some(Named::Port(port)) if plain_port => take(Named::Port(port), found),
                // `0.0.0.0:8000`, `:8000`, `unix:/x`: a name with a port is rather a peer.
                Some(Named::Whole(address)) => take(Named::Whole(address), found),
                _ => {}
            }
        }
    }
    let host = host.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    found.extend(ports.into_iter().map(|port| Address::Tcp(SocketAddr::new(host, port))));
}

fn is_value(word: &str) -> bool {
    !word.starts_with('-') || word == "-"
}

/// Reads `--port=80`, `--port 80`, `-p80` and, for netcat, `-lp 80`.
fn of_option<'a>(
    word: &'a str,
    netcat: bool,
    next: impl FnOnce() -> Option<&'a str>,
) -> Option<Named> {
    if !word.starts_with('-') {
        return None;
    }
    let (name, value) = match word.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (word, None),
    };
    let cluster = netcat && name.ends_with('p') && !name.starts_with("--");
    let ports = PORT.contains(&name) || cluster;
    if ports || LISTEN.contains(&name) || HOST.contains(&name) {
        let named = of_value(unquoted(value.or_else(next)?))?;
        return match named {
            Named::Host(_) if ports => None,
            Named::Port(_) if HOST.contains(&name) => None,
            named => Some(named),
        };
    }
    let attached = word.strip_prefix("-p").or_else(|| word.strip_prefix("-b"))?;
    of_value(attached)
}

/// Reads `8000`, `:8000`, `1.2.3.4`, `1.2.3.4:80`, `[::]:80`, `localhost:80`, `*:80`,
/// `tcp://0.0.0.0:80`, `http://+:80`, `unix:/run/x.sock`, `unix:///run/x.sock`.
fn of_value(text: &str) -> Option<Named> {
    for scheme in ["unix://", "unix:"] {
        if let Some(path) = text.strip_prefix(scheme) {
            return path.starts_with('/').then(|| Named::Whole(Address::unix(Text::new(path))));
        }
    }
    if text.starts_with('/') {
        let socket = text.rsplit_once('.').is_some_and(|(_, end)| matches!(end, "sock" | "socket"));
        return socket.then(|| Named::Whole(Address::unix(Text::new(text))));
    }
    let text = text.split_once("://").map_or(text, |(_, rest)| rest).trim_end_matches('/');
    if let Ok(port) = text.parse::<u16>() {
        return (port > 0).then_some(Named::Port(port));
    }
    if let Some(ip) = of_host(text) {
        return Some(Named::Host(ip));
    }
    let (host, port) = text.rsplit_once(':')?;
    let port = port.parse().ok().filter(|port| *port > 0)?;
    Some(Named::Whole(Address::Tcp(SocketAddr::new(of_host(host)?, port))))
}

fn of_host(host: &str) -> Option<IpAddr> {
    match host {
        "*" | "+" | "" => Some(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        "localhost" => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        "[::]" | "::" => Some(IpAddr::V6(Ipv6Addr::UNSPECIFIED)),
        _ => host.trim_start_matches('[').trim_end_matches(']').parse().ok(),
    }
}

/// First parts of the names of ports that belong to something the program connects to.
const PEERS: [&str; 24] = [
    "DB",
    "DATABASE",
    "PG",
    "POSTGRES",
    "POSTGRESQL",
    "MYSQL",
    "MARIADB",
    "MONGO",
    "MONGODB",
    "REDIS",
    "MEMCACHED",
    "RABBITMQ",
    "AMQP",
    "KAFKA",
    "SMTP",
    "MAIL",
    "EMAIL",
    "ELASTICSEARCH",
    "ELASTIC",
    "LDAP",
    "STATSD",
    "PROXY",
    "UPSTREAM",
    "REMOTE",
];

/// The addresses that an environment says its program serves: `PORT`, `HOST` beside it,
/// `LISTEN_ADDR`, `SOMETHING_PORT` unless the name is that of a database or another peer.
pub(super) fn of_environment<'a>(
    variables: impl Iterator<Item = (&'a str, &'a str)>,
) -> Vec<Address> {
    let (mut host, mut ports, mut found) = (None, Vec::new(), Vec::new());
    for (name, value) in variables.take(MOST_WORDS) {
        let peer = name.split('_').any(|part| PEERS.contains(&part) || part == "SERVICE");
        let named = match name {
            _ if peer => continue,
            "GUNICORN_CMD_ARGS" => {
                found.extend(of_command(&["gunicorn", value]));
                continue;
            }
            "HOST" | "BIND" | "BIND_ADDR" | "LISTEN" | "LISTEN_ADDR" | "LISTEN_ADDRESS"
            | "ADDR" | "ADDRESS" | "ASPNETCORE_URLS" | "UVICORN_HOST" | "FLASK_RUN_HOST"
            | "SERVER_HOST" | "SERVER_ADDRESS" => value.split(';').next().and_then(of_value),
            _ if name == "PORT" || name.ends_with("_PORT") || name.ends_with("_HTTP_PORTS") => {
                value.parse().ok().filter(|port| *port > 0).map(Named::Port)
            }
            _ => continue,
        };
        match named {
            Some(Named::Whole(address)) => found.push(address),
            Some(Named::Host(ip)) => host = Some(ip),
            Some(Named::Port(port)) => ports.push(port),
            None => {}
        }
    }
    let host = host.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    found.extend(ports.into_iter().map(|port| Address::Tcp(SocketAddr::new(host, port))));
    found.truncate(MOST);
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(addresses: &[Address]) -> Vec<String> {
        addresses.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_command_names_where_it_listens() {
        let table: &[(&[&str], &[&str])] = &[
            (&["httpd", "-f", "-p", "127.0.0.1:3000"], &["127.0.0.1:3000"]),
            (&["/bin/busybox", "httpd", "-p", "80"], &["0.0.0.0:80"]),
            (&["nc", "-l", "-p", "80"], &["0.0.0.0:80"]),
            (&["nc", "-lkp", "81"], &["0.0.0.0:81"]),
            (&["nc", "-l", "82"], &["0.0.0.0:82"]),
            (&["nc", "db", "5432"], &[]),
            (&["sh", "-c", "sleep 1; exec httpd -f -p 127.0.0.1:3000"], &["127.0.0.1:3000"]),
            (&["python3", "-m", "http.server", "8000", "--bind", "127.0.0.1"], &["127.0.0.1:8000"]),
            (&["python", "manage.py", "runserver", "0.0.0.0:8000"], &["0.0.0.0:8000"]),
            (&["gunicorn", "-w", "4", "-b", "127.0.0.1:8001", "app:app"], &["127.0.0.1:8001"]),
            (&["gunicorn", "--bind=unix:/run/app.sock", "app:app"], &["unix:/run/app.sock"]),
            (&["uvicorn", "app:app", "--host", "127.0.0.1", "--port", "9000"], &["127.0.0.1:9000"]),
            (&["java", "-Dserver.port=8080", "-jar", "a.jar"], &["0.0.0.0:8080"]),
            (&["java", "-jar", "a.jar", "--server.port=8081"], &["0.0.0.0:8081"]),
            (&["puma", "-b", "tcp://0.0.0.0:3000"], &["0.0.0.0:3000"]),
            (&["rails", "s", "-b", "127.0.0.1", "-p", "3000"], &["127.0.0.1:3000"]),
            (&["php", "-S", "localhost:8000"], &["127.0.0.1:8000"]),
            (&["next", "start", "-p3000"], &["0.0.0.0:3000"]),
            (&["prometheus", "--web.listen-address=:9090"], &["0.0.0.0:9090"]),
            (&["memcached", "-l", "127.0.0.1", "-p", "11211"], &["127.0.0.1:11211"]),
            (
                &["sh", "-c", "wait-for-it.sh db:5432 && node server.js --port 3000"],
                &["0.0.0.0:3000"],
            ),
            (&["app", "--db-port", "5432", "--db-host", "db"], &[]),
            (&["nginx", "-p", "/srv/prefix"], &[]),
            (&["redis-cli", "-p", "6379"], &[]),
            (&["node", "server.js", "http://api:8080/"], &[]),
            (&["app", "--port", "99999"], &[]),
            (&["app", "--port"], &[]),
        ];
        for (words, expected) in table {
            assert_eq!(shown(&of_command(words)), *expected, "{words:?}");
        }
    }

    #[test]
    fn an_environment_names_ports_but_not_those_of_its_database() {
        type Row<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str]);
        let table: &[Row<'_>] = &[
            (&[("PORT", "3000")], &["0.0.0.0:3000"]),
            (&[("HOST", "127.0.0.1"), ("PORT", "3000")], &["127.0.0.1:3000"]),
            (&[("SERVER_PORT", "8080"), ("DB_PORT", "5432")], &["0.0.0.0:8080"]),
            (&[("REDIS_SERVICE_PORT", "6379"), ("DB_PORT_5432_TCP_PORT", "5432")], &[]),
            (&[("ASPNETCORE_URLS", "http://+:8080")], &["0.0.0.0:8080"]),
            (&[("GUNICORN_CMD_ARGS", "--bind=127.0.0.1:8000 -w 2")], &["127.0.0.1:8000"]),
            (&[("PORT", "tcp://10.0.0.1:80"), ("PATH", "/bin")], &[]),
        ];
        for (variables, expected) in table {
            assert_eq!(shown(&of_environment(variables.iter().copied())), *expected);
        }
    }

    proptest! {
        #[test]
        fn no_input_breaks_the_finder(
            words in proptest::collection::vec("\\PC{0,40}|-[bplSH]|--(port|bind|host)=?\\PC{0,12}|[0-9.:\\[\\]]{0,20}", 0..12),
            line in "\\PC{0,600}",
        ) {
            let _ = of_command(&words);
            let pairs = words.iter().map(|w| ("PORT", w.as_str())).chain([("HOST", line.as_str())]);
            let _ = of_environment(pairs);
        }
    }
}

//! Scripts that mention an address which a gateway asks for, near a word that opens listeners.

use super::{address::any, config::Line, declaration::Wanted};
use crate::observation::{Address, Text};

/// Words that stand where something listens.
const OPENS: [&str; 12] = [
    "listen",
    "bind",
    "server_address",
    "socketserver",
    "httpserver",
    "tcpserver",
    "server(",
    "runserver",
    ".run(",
    "addr",
    "serve",
    "socket",
];

/// Words that stand where something connects to another.
const CONNECTS: [&str; 14] = [
    "connect",
    "proxy_pass",
    "upstream",
    "fetch(",
    "requests.",
    "curl ",
    "redis",
    "postgres",
    "mysql",
    "mongo",
    "amqp",
    "database",
    "elastic",
    "memcache",
];

/// Lines of a script that mention a wanted port or path; at most one for each address.
pub(super) fn read(text: &str, wanted: &Wanted) -> Vec<Line> {
    let mut found: Vec<Line> = Vec::new();
    for (number, line) in (1_u32..).zip(text.lines()) {
        let code = line.trim_start();
        let comment = ["#", "//", ";", "* ", "/*", "--"].iter().any(|mark| code.starts_with(mark));
        if comment {
            continue;
        }
        let ports = wanted.ports.iter().filter(|port| opens_port(line, **port));
        let paths = wanted.paths.iter().filter(|path| has_path(line, path));
        let addresses: Vec<Address> = ports
            .map(|port| any(*port))
            .chain(paths.map(|path| Address::unix(Text::new(path))))
            .collect();
        for address in addresses {
            if !found.iter().any(|(_, known)| *known == address) {
                found.push((number, address));
            }
        }
    }
    found
}

fn opens_port(line: &str, port: u16) -> bool {
    if !has_number(line, port) {
        return false;
    }
    let lower = line.to_ascii_lowercase();
    let opens = OPENS.iter().any(|word| lower.contains(word)) || has_port_word(line);
    opens && !CONNECTS.iter().any(|word| lower.contains(word))
}

/// Whether the port stands there as a number of its own, not as a part of another.
fn has_number(line: &str, port: u16) -> bool {
    let digits = port.to_string();
    line.match_indices(&digits).any(|(at, _)| {
        let before = line.get(..at).and_then(|head| head.chars().next_back());
        let after = line.get(at + digits.len()..).and_then(|tail| tail.chars().next());
        let joined = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '_';
        !before.is_some_and(joined) && !after.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

/// The path as a whole: not the beginning of a longer one.
fn has_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let after = line.get(at + path.len()..).and_then(|tail| tail.chars().next());
        !after.is_some_and(|c| c.is_ascii_alphanumeric() || "._-/".contains(c))
    })
}

/// `port` as a word (`PORT`, `httpPort`, `http_port`), not as a part of `import` or `support`.
fn has_port_word(line: &str) -> bool {
    line.to_ascii_lowercase().match_indices("port").any(|(at, _)| {
        let before = line.get(..at).and_then(|head| head.chars().next_back());
        let capital = line.get(at..=at) == Some("P");
        let after = line.get(at + 4..).and_then(|tail| tail.chars().next());
        let starts = capital || !before.is_some_and(|c| c.is_ascii_alphabetic());
        starts && !after.is_some_and(|c| c.is_ascii_lowercase() && c != 's')
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mentions(line: &str) -> bool {
        let wanted = Wanted { ports: [3000].into(), paths: ["/run/app.sock".to_owned()].into() };
        !read(line, &wanted).is_empty()
    }

    #[test]
    fn lines_that_open_a_listener_are_mentions() {
        for line in [
            "app.listen(3000, () => {})",
            "const PORT = process.env.PORT || 3000;",
            "server_address = ('', 3000)",
            "http.server.HTTPServer(('127.0.0.1', 3000), H).serve_forever()",
            "http.ListenAndServe(\":3000\", nil)",
            "let httpPort = 3000",
            "exec node app.js --port=3000",
            "server.bind('/run/app.sock')",
            "sock = '/run/app.sock'",
        ] {
            assert!(mentions(line), "{line}");
        }
    }

    #[test]
    fn other_numbers_longer_paths_clients_and_comments_are_not() {
        for line in [
            "setTimeout(f, 3000)",
            "app.listen(30001)",
            "app.listen(13000)",
            "import x from 3000",
            "# listen on 3000",
            "// port 3000",
            "redis.createClient({ port: 3000 })",
            "fetch('http://127.0.0.1:3000/listen')",
            "sock = '/run/app.sock.old'",
            "version 1.3000 listen",
        ] {
            assert!(!mentions(line), "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_line_is_read_without_harm(line in ".{0,40}(3000|/run/app.sock|[Pp]ort)?.{0,40}") {
            let _ = mentions(&line);
        }
    }
}

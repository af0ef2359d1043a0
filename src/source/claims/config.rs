//! Claims of configuration files of application servers: Gunicorn, uWSGI, Puma, and the
//! `key: value` files of everything else.

use super::{
    address::{any, listen, port},
    declaration::Wanted,
};
use crate::observation::Address;

/// An address with the line that names it.
pub(super) type Line = (u32, Address);

/// Keys that tell where a program listens, in files of any kind.
const KEYS: [&str; 16] = [
    "port",
    "listen",
    "bind",
    "bind_addr",
    "bind_address",
    "listen_addr",
    "listen_address",
    "listen_port",
    "http_port",
    "server_port",
    "addr",
    "address",
    "socket",
    "http",
    "http_addr",
    "listener",
];

/// Keys of uWSGI that open a socket (<https://uwsgi-docs.readthedocs.io/en/latest/Options.html>).
const UWSGI: [&str; 9] = [
    "socket",
    "uwsgi-socket",
    "http",
    "http-socket",
    "https",
    "fastcgi-socket",
    "scgi-socket",
    "shared-socket",
    "fastrouter",
];

/// Which rules a file is read by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// `gunicorn.conf.py`.
    Gunicorn,
    /// uWSGI's ini.
    Uwsgi,
    /// `puma.rb`.
    Puma,
    /// Keys and values; counts only for addresses that gateways pass requests to.
    Keys,
}

/// The rules for a file that a program was given; `None` when it is not configuration.
pub(super) fn dialect(program: &str, file: &str) -> Option<Dialect> {
    let name = file.rsplit('/').next().unwrap_or(file);
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let keys = ["conf", "cfg", "ini", "yml", "yaml", "json", "toml", "properties", "env", "config"];
    if name.starts_with("gunicorn") || (program.starts_with("gunicorn") && extension == "py") {
        Some(Dialect::Gunicorn)
    } else if program.starts_with("uwsgi") && extension == "ini" {
        Some(Dialect::Uwsgi)
    } else if extension == "rb" && (program.starts_with("puma") || name.starts_with("puma")) {
        Some(Dialect::Puma)
    } else if keys.contains(&extension) && name != "package.json" {
        Some(Dialect::Keys)
    } else {
        None
    }
}

/// Addresses that a file names.
pub(super) fn read(dialect: Dialect, text: &str, wanted: &Wanted) -> Vec<Line> {
    let mut found = Vec::new();
    let mut in_list = false;
    for (number, line) in (1_u32..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) || line.starts_with("//") {
            continue;
        }
        match dialect {
            Dialect::Gunicorn => {
                let bind = line.strip_prefix("bind").map(str::trim_start);
                let assigned = bind.is_some_and(|rest| rest.starts_with('='));
                if assigned || in_list {
                    found.extend(quoted(line).filter_map(listen).map(|a| (number, a)));
                    in_list = (in_list || line.ends_with('[') || line.ends_with(','))
                        && !line.contains(']');
                }
            }
            Dialect::Uwsgi => {
                if let Some((key, value)) = line.split_once('=')
                    && UWSGI.contains(&key.trim())
                {
                    let value = value.trim().split(',').next().unwrap_or_default();
                    found.extend(listen(value.trim_start_matches('=')).map(|a| (number, a)));
                }
            }
            Dialect::Puma => found.extend(puma(line).map(|a| (number, a))),
            Dialect::Keys => {
                let address = keyed(line).filter(|address| wanted.has(address));
                found.extend(address.map(|a| (number, a)));
            }
        }
    }
    found
}

/// Texts between quotes.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split(['"', '\'']).skip(1).step_by(2)
}

/// `bind "tcp://…"`, `port 3000`, `port ENV.fetch("PORT") { 3000 }`.
fn puma(line: &str) -> Option<Address> {
    if let Some(rest) = line.strip_prefix("bind") {
        return rest.starts_with([' ', '(']).then(|| quoted(rest).find_map(listen)).flatten();
    }
    let rest = line.strip_prefix("port").filter(|rest| rest.starts_with([' ', '(']))?;
    rest.split(|c: char| !c.is_ascii_digit()).rfind(|n| !n.is_empty()).and_then(port).map(any)
}

/// `port = 3000`, `"port": 3000`, `server.listen-address: 127.0.0.1:3000`.
fn keyed(line: &str) -> Option<Address> {
    let (key, value) = line.split_once(['=', ':'])?;
    let key = key.trim().trim_matches(['"', '\'', '-', ' ']).to_ascii_lowercase().replace('-', "_");
    let last = key.rsplit('.').next().unwrap_or(&key);
    let value = value.split(" #").next().unwrap_or(value).trim().trim_end_matches(',').trim();
    KEYS.contains(&last).then(|| listen(value)).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(dialect: Dialect, text: &str) -> Vec<String> {
        let wanted = Wanted { ports: [3000].into(), paths: ["/run/x.sock".to_owned()].into() };
        read(dialect, text, &wanted).into_iter().map(|(n, a)| format!("{n} {a}")).collect()
    }

    #[test]
    fn gunicorn_uwsgi_and_puma_tell_where_they_bind() {
        let gunicorn =
            "workers = 2\n# bind = '1.1.1.1:1'\nbind = \"127.0.0.1:8000\"\nbinding = '2'\n";
        assert_eq!(shown(Dialect::Gunicorn, gunicorn), ["3 127.0.0.1:8000"]);
        let list = "bind = [\n  'unix:/run/g.sock',\n  '0.0.0.0:1',\n]\nx = ['9']\n";
        assert_eq!(shown(Dialect::Gunicorn, list), ["2 unix:/run/g.sock", "3 0.0.0.0:1"]);
        let uwsgi = "[uwsgi]\nhttp-socket = :9090\nsocket=/run/u.sock,660\nprocesses = 3\n";
        assert_eq!(shown(Dialect::Uwsgi, uwsgi), ["2 0.0.0.0:9090", "3 unix:/run/u.sock"]);
        let puma = "bind 'unix:///run/p.sock'\nport ENV.fetch(\"PORT\") { 3000 }\nthreads 5, 5\n";
        assert_eq!(shown(Dialect::Puma, puma), ["1 unix:/run/p.sock", "2 0.0.0.0:3000"]);
    }

    #[test]
    fn other_files_count_only_for_what_a_gateway_asks_for() {
        let yaml = "server:\n  port: 3000 # here\nother:\n  port: 4000\ntimeout: 3000\n";
        assert_eq!(shown(Dialect::Keys, yaml), ["2 0.0.0.0:3000"]);
        assert_eq!(shown(Dialect::Keys, "\"port\": 3000,\n"), ["1 0.0.0.0:3000"]);
        assert_eq!(shown(Dialect::Keys, "server.port=3000\n"), ["1 0.0.0.0:3000"]);
        assert_eq!(shown(Dialect::Keys, "listen = /run/x.sock\n"), ["1 unix:/run/x.sock"]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(text in "((bind|port|socket) ?[=: (]?)?.{0,60}") {
            for dialect in [Dialect::Gunicorn, Dialect::Uwsgi, Dialect::Puma, Dialect::Keys] {
                let _ = shown(dialect, &text);
            }
        }
    }
}

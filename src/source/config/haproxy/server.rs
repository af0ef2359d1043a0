//! A `server` line with the `default-server` lines in front of it.

use crate::{
    observation::{Address, HealthCheck, Place as ConfigPlace, ServerParams, Text, UpstreamTls},
    source::config::values,
};

use super::{
    address::{self, Place},
    sections::{Line, Section},
};

/// Words behind which a value stands that must not be taken for another word
/// (<https://docs.haproxy.org/2.8/configuration.html#5.2>).
const WITH_VALUE: [&str; 48] = [
    "addr",
    "agent-addr",
    "agent-inter",
    "agent-port",
    "agent-send",
    "alpn",
    "ca-file",
    "check-alpn",
    "check-proto",
    "check-sni",
    "ciphers",
    "ciphersuites",
    "client-sigalgs",
    "cookie",
    "crl-file",
    "crt",
    "curves",
    "downinter",
    "error-limit",
    "fall",
    "fastinter",
    "guid",
    "hash-key",
    "id",
    "init-addr",
    "init-state",
    "inter",
    "log-proto",
    "maxconn",
    "maxqueue",
    "minconn",
    "namespace",
    "npn",
    "observe",
    "on-error",
    "on-marked-down",
    "on-marked-up",
    "pool-low-conn",
    "pool-max-conn",
    "pool-purge-delay",
    "port",
    "proto",
    "redir",
    "resolve-net",
    "resolve-opts",
    "resolve-prefer",
    "resolvers",
    "rise",
];
const MORE_WITH_VALUE: [&str; 18] = [
    "shard",
    "sigalgs",
    "slowstart",
    "sni",
    "socks4",
    "source",
    "ssl-max-ver",
    "ssl-min-ver",
    "tcp-md5sig",
    "tcp-ut",
    "track",
    "usesrc",
    "verify",
    "verifyhost",
    "weight",
    "ws",
    "set-proxy-v2-tlv-fmt",
    "proxy-v2-options",
];

/// What the words of a server say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a word of the configuration of its own")]
pub(super) struct Server {
    pub(super) name: String,
    pub(super) place: ConfigPlace,
    pub(super) written: String,
    pub(super) address: Option<Place>,
    /// How many slots a `server-template` makes.
    pub(super) template: bool,
    pub(super) check: bool,
    check_port: Option<u16>,
    check_address: Option<String>,
    pub(super) tls: bool,
    pub(super) verify: Option<bool>,
    pub(super) disabled: bool,
    backup: bool,
    sends_proxy: bool,
    max_conns: u32,
    weight: Option<u32>,
    pub(super) resolvers: Option<String>,
    pub(super) tracks: Option<String>,
    pub(super) tls_facts: UpstreamTls,
}

impl Server {
    /// Reads a line; `defaults` are the `default-server` lines before it. `None` when it lacks its
    /// name or address.
    pub(super) fn of(line: &Line, defaults: &[&Line]) -> Option<Self> {
        let template = line.word(0) == "server-template";
        let at = if template { 3 } else { 2 };
        let (name, written) = (line.word(1), line.word(at));
        if name.is_empty() || written.is_empty() {
            return None;
        }
        let mut server = Self {
            name: if template { format!("{name}*") } else { name.to_owned() },
            place: line.place.clone(),
            written: written.to_owned(),
            address: Some(address::read(written)),
            template,
            ..Self::default()
        };
        for default in defaults {
            server.words(default.from(1));
        }
        server.words(line.from(at + 1));
        Some(server)
    }

    fn words(&mut self, words: &[String]) {
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            let has_value =
                WITH_VALUE.contains(&word.as_str()) || MORE_WITH_VALUE.contains(&word.as_str());
            let value = if has_value { rest.next().map(String::as_str) } else { None };
            let value = value.unwrap_or_default();
            match word.as_str() {
                "check" => self.check = true,
                "no-check" => self.check = false,
                "ssl" => self.tls = true,
                "no-ssl" => self.tls = false,
                "verify" => self.verify = Some(value != "none"),
                "disabled" => self.disabled = true,
                "enabled" => self.disabled = false,
                "send-proxy" | "send-proxy-v2" | "send-proxy-v2-ssl" | "send-proxy-v2-ssl-cn" => {
                    self.sends_proxy = true;
                }
                "no-send-proxy"
                | "no-send-proxy-v2"
                | "no-send-proxy-v2-ssl"
                | "no-send-proxy-v2-ssl-cn" => self.sends_proxy = false,
                "backup" => self.backup = true,
                "no-backup" => self.backup = false,
                "maxconn" => self.max_conns = value.parse().unwrap_or(0),
                "weight" => self.weight = value.parse().ok(),
                "resolvers" => self.resolvers = Some(value.to_owned()),
                "track" => self.tracks = Some(value.to_owned()),
                "port" => self.check_port = value.parse().ok(),
                "addr" => self.check_address = Some(value.to_owned()),
                // A name that is taken from the request is not known here.
                "sni" => {
                    self.tls_facts.sends_name = true;
                    self.tls_facts.name = value
                        .strip_prefix("str(")
                        .map(|name| Text::new(name.trim_end_matches(')')));
                }
                "verifyhost" => self.tls_facts.name = Some(Text::new(value)),
                "ca-file" => self.tls_facts.trusted = Some(Text::new(value)),
                "crt" => self.tls_facts.certificate = Some(Text::new(value)),
                _ => {}
            }
        }
    }

    /// Its parameters in the words of the others. HAProxy sets no server aside for failed requests
    /// unless it is told to observe them.
    pub(super) fn params(&self, check: Option<HealthCheck>) -> ServerParams {
        ServerParams {
            weight: self.weight.unwrap_or(1),
            max_fails: 0,
            fail_timeout_secs: 0,
            max_conns: self.max_conns,
            backup: self.backup,
            down: self.disabled || self.weight == Some(0),
            resolve: self.resolvers.is_some(),
            name: Text::new(&self.name),
            sends_proxy: self.sends_proxy,
            check: check.map(Box::new),
        }
    }

    /// Where its check connects to, when that is not its own address.
    pub(super) fn checked_at(&self, own: Option<&Address>) -> Option<Address> {
        if self.check_port.is_none() && self.check_address.is_none() {
            return None;
        }
        let host = match (&self.check_address, own) {
            (Some(host), _) => host.clone(),
            (None, Some(Address::Tcp(addr))) => addr.ip().to_string(),
            (None, Some(Address::Name { host, .. })) => host.raw().to_owned(),
            _ => return None,
        };
        let port = self.check_port.or_else(|| own.and_then(Address::port))?;
        match address::named(&host, port) {
            Place::At(address) if Some(&address) != own => Some(address),
            _ => None,
        }
    }
}

/// What a backend asks in its checks, with the line that says so; the line of a plain connect is
/// the server's own.
pub(super) fn check_of(section: &Section, server: &Server) -> HealthCheck {
    let mut check = HealthCheck { place: server.place.clone(), ..HealthCheck::default() };
    // The last of the `option` lines that choose a kind of check counts.
    let kinds = [
        "httpchk",
        "tcp-check",
        "mysql-check",
        "pgsql-check",
        "redis-check",
        "smtpchk",
        "ldap-check",
        "ssl-hello-chk",
        "external-check",
        "spop-check",
    ];
    let chosen =
        section.all().rfind(|line| line.word(0) == "option" && kinds.contains(&line.word(1)));
    let Some(chosen) = chosen else { return check };
    check.place = chosen.place.clone();
    if chosen.word(1) != "httpchk" {
        check.request = Text::new(chosen.word(1));
        return check;
    }
    let (method, path) = match (chosen.word(2), chosen.word(3)) {
        ("", _) => ("OPTIONS", "/"),
        (path, "") => ("OPTIONS", path),
        (method, path) => (method, path),
    };
    check.request = Text::new(format!("{method} {path}"));
    for line in section.all().filter(|line| line.word(0) == "http-check") {
        match line.word(1) {
            "send" => sent(line, &mut check),
            "expect" => check.expect = Text::new(line.from(2).join(" ")),
            _ => {}
        }
    }
    check
}

/// `http-check send meth GET uri /health`.
fn sent(line: &Line, check: &mut HealthCheck) {
    let value = |name: &str| {
        let at = line.words.iter().position(|word| word == name)?;
        line.words.get(at + 1).map(String::as_str)
    };
    let old = check.request.raw().to_owned();
    let (method, path) = old.split_once(' ').unwrap_or(("OPTIONS", "/"));
    let method = value("meth").unwrap_or(if method == "OPTIONS" { "GET" } else { method });
    let path = value("uri").unwrap_or(path);
    check.request = Text::new(format!("{method} {path}"));
    check.place = line.place.clone();
}

/// A time of HAProxy in milliseconds: milliseconds unless a unit stands behind it
/// (<https://docs.haproxy.org/2.8/configuration.html#2.5>).
pub(super) fn time_ms(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let number = values::number(number.as_bytes())?;
    match unit {
        "us" => Some(number / 1_000),
        "" | "ms" => Some(number),
        "s" => number.checked_mul(1_000),
        "m" => number.checked_mul(60_000),
        "h" => number.checked_mul(3_600_000),
        "d" => number.checked_mul(86_400_000),
        _ => None,
    }
}

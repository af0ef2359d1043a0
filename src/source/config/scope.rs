//! Settings that blocks inherit: a value set in a block holds there, whatever its order among
//! the directives, and in the blocks inside until one of them sets it again.

use crate::observation::{
    Address, Place, ProblemKind, Protocol, Resolver, Setting, Text, Timeouts, UpstreamTls,
};

use super::{
    include::Problems,
    tree::{Directive, Directives, Tree},
    values,
};

/// The modules that pass requests on; each has its own timeouts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Proxy,
    Fastcgi,
    Uwsgi,
    Scgi,
    Grpc,
    Memcached,
    /// `proxy_pass` inside `stream`.
    Stream,
}

const FAMILIES: [(&[u8], Family); 6] = [
    (b"proxy_", Family::Proxy),
    (b"fastcgi_", Family::Fastcgi),
    (b"uwsgi_", Family::Uwsgi),
    (b"scgi_", Family::Scgi),
    (b"grpc_", Family::Grpc),
    (b"memcached_", Family::Memcached),
];

impl Family {
    /// Splits `fastcgi_read_timeout` into its family and `read_timeout`.
    pub(super) fn split(name: &[u8]) -> Option<(Self, &[u8])> {
        FAMILIES.iter().find_map(|(prefix, family)| Some((*family, name.strip_prefix(*prefix)?)))
    }

    /// The port that nginx assumes when none is written.
    pub(super) const fn default_port(self, tls: bool) -> Option<u16> {
        match self {
            Self::Proxy | Self::Grpc if tls => Some(443),
            Self::Proxy | Self::Grpc => Some(80),
            _ => None,
        }
    }

    pub(super) const fn protocol(self, tls: bool) -> Protocol {
        match self {
            Self::Proxy if tls => Protocol::Https,
            Self::Proxy => Protocol::Http,
            Self::Fastcgi => Protocol::Fastcgi,
            Self::Uwsgi => Protocol::Uwsgi,
            Self::Scgi => Protocol::Scgi,
            Self::Grpc if tls => Protocol::Grpcs,
            Self::Grpc => Protocol::Grpc,
            Self::Stream if tls => Protocol::Tls,
            Self::Stream | Self::Memcached => Protocol::Tcp,
        }
    }
}

/// A value and the directive that set it.
type Set = Option<(u64, u32)>;

#[derive(Clone, Copy, Debug, Default)]
struct FamilySettings {
    connect: Set,
    send: Set,
    read: Set,
    buffer: Set,
    verify: Set,
    /// Directives about TLS by their index: name, server_name, trusted, certificate, protocols.
    sends_name: Set,
    tls_name: Option<u32>,
    trusted: Option<u32>,
    certificate: Option<u32>,
    protocols: Option<u32>,
}

/// What holds inside one block.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    families: [FamilySettings; 7],
    stream_tls: bool,
    resolver: Option<u32>,
    resolver_timeout: Set,
    /// Whether this block or one around it (the main context left out) writes its own log.
    pub(super) access_log: bool,
}

impl Scope {
    /// The scope of a block inside this one.
    pub(super) fn enter(
        &self,
        block: Directives<'_>,
        stream: bool,
        problems: &mut Problems,
    ) -> Self {
        let mut inner = self.clone();
        for directive in block {
            if !directive.has_block() {
                inner.take(directive, stream, problems);
            }
        }
        inner
    }

    fn take(&mut self, directive: Directive<'_>, stream: bool, problems: &mut Problems) {
        let name = directive.name();
        match &*name {
            b"resolver" => self.resolver = Some(narrow(directive.index())),
            b"resolver_timeout" => read(directive, values::time_ms, problems)
                .into_iter()
                .for_each(|set| self.resolver_timeout = Some(set)),
            b"access_log" => self.access_log = true,
            _ => {
                if let Some((family, setting)) = Family::split(&name) {
                    let family = if stream { Family::Stream } else { family };
                    self.family(family, setting, directive, problems);
                }
            }
        }
    }

    fn family(
        &mut self,
        family: Family,
        setting: &[u8],
        directive: Directive<'_>,
        problems: &mut Problems,
    ) {
        let Some(own) = self.families.get_mut(family as usize) else { return };
        let time: fn(&[u8]) -> Option<u64> = values::time_ms;
        let (slots, parse): (&mut [&mut Set], _) = match setting {
            b"connect_timeout" => (&mut [&mut own.connect], time),
            b"send_timeout" => (&mut [&mut own.send], time),
            b"read_timeout" => (&mut [&mut own.read], time),
            b"timeout" if family == Family::Stream => (&mut [&mut own.send, &mut own.read], time),
            b"buffer_size" => (&mut [&mut own.buffer], values::size as _),
            b"ssl_verify" => (&mut [&mut own.verify], switch as _),
            b"ssl_server_name" => (&mut [&mut own.sends_name], switch as _),
            b"ssl_name" => return own.tls_name = Some(narrow(directive.index())),
            b"ssl_trusted_certificate" => return own.trusted = Some(narrow(directive.index())),
            b"ssl_certificate" => return own.certificate = Some(narrow(directive.index())),
            b"ssl_protocols" => return own.protocols = Some(narrow(directive.index())),
            b"ssl" if family == Family::Stream => {
                self.stream_tls = directive.arg(0).as_deref() == Some(b"on");
                return;
            }
            _ => return,
        };
        if let Some(set) = read(directive, parse, problems) {
            for slot in slots {
                **slot = Some(set);
            }
        }
    }

    /// Whether a stream opens TLS to its upstream.
    pub(super) const fn stream_tls(&self) -> bool {
        self.stream_tls
    }

    /// Timeouts in force for a family. Defaults: 60 s each; a stream's session 10 min.
    pub(super) fn timeouts(&self, family: Family, tree: &Tree) -> Timeouts {
        let own = self.families.get(family as usize).copied().unwrap_or_default();
        let idle = if family == Family::Stream { 600_000 } else { 60_000 };
        Timeouts {
            connect: setting(own.connect, 60_000, tree),
            send: setting(own.send, idle, tree),
            read: setting(own.read, idle, tree),
        }
    }

    /// Bytes that one response header may take. Defaults: one page; a stream's buffer 16 KiB.
    pub(super) fn header_buffer(&self, family: Family, tree: &Tree) -> Setting<u64> {
        let default = if family == Family::Stream { 16_384 } else { 4_096 };
        let own = self.families.get(family as usize).copied().unwrap_or_default();
        setting(own.buffer, default, tree)
    }

    /// Whether certificates of the upstream are verified; off by default.
    pub(super) fn tls_verify(&self, family: Family) -> bool {
        self.families.get(family as usize).is_some_and(|f| f.verify.is_some_and(|v| v.0 == 1))
    }

    /// How TLS is spoken. A value with a variable is not known.
    pub(super) fn tls(&self, family: Family, tree: &Tree) -> UpstreamTls {
        let own = self.families.get(family as usize).copied().unwrap_or_default();
        let text = |index: Option<u32>| {
            let written = tree.get(index? as usize)?.joined();
            (!written.raw().contains('$') && !written.raw().is_empty()).then_some(written)
        };
        UpstreamTls {
            sends_name: own.sends_name.is_some_and(|set| set.0 == 1),
            name: text(own.tls_name),
            trusted: text(own.trusted),
            certificate: text(own.certificate),
            protocols: text(own.protocols),
        }
    }

    /// The resolver in force.
    pub(super) fn resolver(&self, tree: &Tree) -> Option<Resolver> {
        let directive = tree.get(self.resolver? as usize)?;
        let servers = directive
            .args()
            .filter(|arg| {
                let option = |name: &[u8]| arg.starts_with(name);
                ![&b"valid="[..], b"ipv6=", b"ipv4=", b"status_zone="].into_iter().any(option)
            })
            .filter_map(|arg| Address::parse(&String::from_utf8_lossy(&arg), 53))
            .collect();
        Some(Resolver {
            servers,
            timeout_ms: self.resolver_timeout.map_or(30_000, |set| set.0),
            place: directive.place(),
        })
    }
}

fn setting(set: Set, default: u64, tree: &Tree) -> Setting<u64> {
    let place = set.and_then(|(_, index)| tree.get(index as usize)).map(Directive::place);
    Setting { value: set.map_or(default, |s| s.0), place }
}

fn switch(text: &[u8]) -> Option<u64> {
    match text {
        b"on" => Some(1),
        b"off" => Some(0),
        _ => None,
    }
}

fn narrow(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// The one argument of a directive, with the directive's index.
fn read(
    directive: Directive<'_>,
    parse: fn(&[u8]) -> Option<u64>,
    problems: &mut Problems,
) -> Option<(u64, u32)> {
    let value = directive.arg(0).filter(|_| directive.len() == 1).and_then(|arg| parse(&arg));
    if value.is_none() {
        let name = Text::from_bytes(&directive.name());
        let what = format!("invalid value in \"{}\" directive", name.raw());
        let variable = directive.arg(0).is_some_and(|arg| arg.contains(&b'$'));
        let kind = if variable { ProblemKind::Unknown } else { ProblemKind::Syntax };
        problems.add(kind, directive.place(), what);
    }
    Some((value?, narrow(directive.index())))
}

/// The place of the file as a whole.
pub(super) const fn whole(file: Text) -> Place {
    Place { file, line: 0 }
}

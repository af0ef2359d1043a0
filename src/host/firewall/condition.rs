//! Conditions of rules, asked of the first packet of a connection.

use std::net::IpAddr;

/// The first packet of a connection to an upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Destination.
    pub to: IpAddr,
    /// Destination port.
    pub port: u16,
    /// Whether the destination is an address of this host.
    pub local: bool,
    /// Uid of the sender, when it is a process of this host.
    pub uid: Option<u32>,
    /// Where it comes from.
    pub path: Path,
}

/// Which hooks a packet passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// Sent by a process in this network namespace.
    Own,
    /// Sent from another namespace, a container's for example, and routed or received here.
    Foreign,
}

/// A netfilter hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hook {
    Prerouting,
    Input,
    Forward,
    Output,
    Postrouting,
}

impl Hook {
    pub(super) fn parse(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "prerouting" => Some(Self::Prerouting),
            "input" => Some(Self::Input),
            "forward" => Some(Self::Forward),
            "output" => Some(Self::Output),
            "postrouting" => Some(Self::Postrouting),
            _ => None,
        }
    }
}

impl Packet {
    pub(super) fn passes(&self, hook: Hook) -> bool {
        use Hook::{Forward, Input, Output, Postrouting, Prerouting};
        match (self.path, self.local) {
            (Path::Own, true) => matches!(hook, Output | Postrouting | Prerouting | Input),
            (Path::Own, false) => matches!(hook, Output | Postrouting),
            (Path::Foreign, true) => matches!(hook, Prerouting | Input),
            (Path::Foreign, false) => matches!(hook, Prerouting | Forward | Postrouting),
        }
    }

    /// The name of the interface at a hook: known for the loopback only.
    fn is_loopback(&self) -> bool {
        self.path == Path::Own && self.local
    }

    /// The source address, where it follows from the destination: a host talks to itself from
    /// the address that it talks to.
    fn source(&self) -> Option<IpAddr> {
        self.is_loopback().then_some(self.to)
    }
}

/// Whether a condition or a rule matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Match {
    Yes,
    No,
    Unknown,
}

impl Match {
    const fn of(is: bool) -> Self {
        if is { Self::Yes } else { Self::No }
    }
}

/// One condition of a rule; `not` turns it round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    Port {
        any: Vec<(u16, u16)>,
        not: bool,
    },
    To {
        any: Vec<(IpAddr, IpAddr)>,
        not: bool,
    },
    Source {
        any: Vec<(IpAddr, IpAddr)>,
        not: bool,
    },
    InterfaceIn {
        any: Vec<String>,
        not: bool,
    },
    InterfaceOut {
        any: Vec<String>,
        not: bool,
    },
    Uid {
        any: Vec<(u32, u32)>,
        not: bool,
    },
    ToLocal {
        not: bool,
    },
    Ipv4(bool),
    /// Decided already, whatever the packet.
    Fixed(bool),
    Unknown,
}

impl Condition {
    pub(super) fn test(&self, packet: &Packet, hook: Hook) -> Match {
        match self {
            Self::Port { any, not } => {
                Match::of(any.iter().any(|(a, b)| (*a..=*b).contains(&packet.port)) != *not)
            }
            Self::To { any, not } => addresses(any, packet.to, *not),
            Self::Source { any, not } => match packet.source() {
                Some(source) => addresses(any, source, *not),
                None if any.iter().all(|(a, _)| a.is_ipv4() != packet.to.is_ipv4()) => Match::No,
                None => Match::Unknown,
            },
            Self::InterfaceIn { any, not } => {
                if matches!(hook, Hook::Output | Hook::Postrouting) {
                    return Match::of(*not);
                }
                interface(any, packet.is_loopback(), *not)
            }
            Self::InterfaceOut { any, not } => {
                if matches!(hook, Hook::Input | Hook::Prerouting) {
                    return Match::of(*not);
                }
                interface(any, packet.is_loopback(), *not)
            }
            Self::Uid { any, not } => match packet.uid {
                Some(uid) if matches!(hook, Hook::Output | Hook::Postrouting) => {
                    Match::of(any.iter().any(|(a, b)| (*a..=*b).contains(&uid)) != *not)
                }
                _ => Match::Unknown,
            },
            Self::ToLocal { not } => Match::of(packet.local != *not),
            Self::Ipv4(v4) => Match::of(packet.to.is_ipv4() == *v4),
            Self::Fixed(is) => Match::of(*is),
            Self::Unknown => Match::Unknown,
        }
    }
}

/// A condition on addresses of one family says nothing about the other: there it never matches.
fn addresses(any: &[(IpAddr, IpAddr)], ip: IpAddr, not: bool) -> Match {
    if any.iter().all(|(a, _)| a.is_ipv4() != ip.is_ipv4()) {
        return Match::No;
    }
    let among = |(a, b): &(IpAddr, IpAddr)| a.is_ipv4() == ip.is_ipv4() && (*a..=*b).contains(&ip);
    Match::of(any.iter().any(among) != not)
}

fn interface(any: &[String], loopback: bool, not: bool) -> Match {
    let is = |name: &str, pattern: &str| match pattern.strip_suffix(['*', '+']) {
        Some(stem) => name.starts_with(stem),
        None => name == pattern,
    };
    if loopback {
        return Match::of(any.iter().any(|p| is("lo", p)) != not);
    }
    match () {
        () if any.iter().any(|p| p == "*" || p == "+") => Match::of(!not),
        () if any.iter().all(|p| p == "lo") => Match::of(not),
        () => Match::Unknown,
    }
}

/// First and last address of a network; `None` for a prefix that is too long.
pub(super) fn network(address: IpAddr, length: u32) -> Option<(IpAddr, IpAddr)> {
    match address {
        IpAddr::V4(v4) => {
            let host = u32::MAX.checked_shr(length).unwrap_or(0);
            let bits = u32::from(v4);
            (length <= 32)
                .then(|| (IpAddr::V4((bits & !host).into()), IpAddr::V4((bits | host).into())))
        }
        IpAddr::V6(v6) => {
            let host = u128::MAX.checked_shr(length).unwrap_or(0);
            let bits = u128::from(v6);
            (length <= 128)
                .then(|| (IpAddr::V6((bits & !host).into()), IpAddr::V6((bits | host).into())))
        }
    }
}

/// What a set of TCP flags says about a connection's first packet: masked, it must equal `want`.
pub(super) fn syn_matches<'a>(
    mask: impl IntoIterator<Item = &'a str>,
    want: impl IntoIterator<Item = &'a str>,
) -> bool {
    let syn = |name: &str| name.eq_ignore_ascii_case("syn");
    let masked = mask.into_iter().any(|f| syn(f) || f.eq_ignore_ascii_case("all"));
    let want: Vec<&str> = want.into_iter().filter(|f| !f.eq_ignore_ascii_case("none")).collect();
    want.iter().all(|f| syn(f)) && (masked == want.iter().any(|f| syn(f)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_network_has_a_first_and_a_last_address() {
        let (first, last) = network(ip("10.1.2.3"), 24).unwrap();
        assert_eq!((first, last), (ip("10.1.2.0"), ip("10.1.2.255")));
        assert_eq!(network(ip("10.1.2.3"), 32).unwrap().0, ip("10.1.2.3"));
        assert_eq!(network(ip("::1"), 0).unwrap().0, ip("::"));
        assert_eq!(network(ip("10.1.2.3"), 33), None);
    }

    #[test]
    fn the_first_packet_carries_syn_only() {
        assert!(syn_matches(["FIN", "SYN", "RST", "ACK"], ["SYN"]));
        assert!(!syn_matches(["SYN", "ACK"], ["SYN", "ACK"]));
        assert!(syn_matches(["FIN"], ["NONE"]));
        assert!(!syn_matches(["ALL"], ["NONE"]));
    }
}

//! Rules and how they are walked: chains, jumps, verdicts, policies.

use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
};

use crate::observation::{FirewallVerdict, Text};

/// Deepest jump that is followed (the kernel allows 16).
const DEEPEST: u8 = 16;
/// Most rules looked at for one packet.
const MOST_STEPS: u32 = 200_000;

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
    fn passes(&self, hook: Hook) -> bool {
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
    fn test(&self, packet: &Packet, hook: Hook) -> Match {
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

/// What a rule does with what it matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Accept,
    Drop,
    Reject,
    Return,
    /// Goes on with the next rule: it counts, logs or marks.
    Continue,
    Jump(String),
    Goto(String),
    Unknown,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) conditions: Vec<Condition>,
    pub(super) verdict: Verdict,
    pub(super) text: Text,
    pub(super) packets: Option<u64>,
    /// nft's table and handle, by which its text is found.
    pub(super) handle: Option<(String, u64)>,
}

impl Rule {
    fn test(&self, packet: &Packet, hook: Hook) -> Match {
        let mut all = Match::Yes;
        for condition in &self.conditions {
            match condition.test(packet, hook) {
                Match::No => return Match::No,
                Match::Unknown => all = Match::Unknown,
                Match::Yes => {}
            }
        }
        all
    }
}

/// A chain that hangs on a hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Base {
    pub(super) hook: Hook,
    /// Key in [`Ruleset::chains`].
    pub(super) chain: String,
    pub(super) drops: bool,
    pub(super) packets: Option<u64>,
    /// Only IPv4 or only IPv6.
    pub(super) ipv4: Option<bool>,
}

/// A whole rule set. A chain's key is its table's name and its own, as shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ruleset {
    pub(super) bases: Vec<Base>,
    pub(super) chains: HashMap<String, Vec<Rule>>,
}

/// A rule, or a policy, that hits a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Table and chain.
    pub chain: Text,
    /// The rule as its own tool prints it.
    pub text: Text,
    /// What it does.
    pub verdict: FirewallVerdict,
    /// Packets counted so far.
    pub packets: Option<u64>,
    pub(super) handle: Option<(String, u64)>,
}

enum End {
    Hit,
    Accepted,
    Fell,
}

struct Walk<'a> {
    rules: &'a Ruleset,
    packet: &'a Packet,
    hook: Hook,
    /// Whether nothing that might have let the packet pass went by unjudged.
    certain: bool,
    hit: Option<Hit>,
    steps: u32,
}

impl Ruleset {
    /// Adds all of another rule set.
    pub(super) fn extend(&mut self, other: Self) {
        self.bases.extend(other.bases);
        self.chains.extend(other.chains);
    }

    /// Replaces the tables that `compat` has too: there the names of chains start alike.
    pub(super) fn replace_compat(&mut self, compat: Self) {
        let table = |chain: &str| {
            let end = chain.match_indices(' ').nth(1).map_or(chain.len(), |(at, _)| at);
            chain.get(..end).unwrap_or(chain).to_owned()
        };
        let tables: HashSet<String> = compat.chains.keys().map(|chain| table(chain)).collect();
        self.bases.retain(|base| !tables.contains(&table(&base.chain)));
        self.chains.retain(|chain, _| !tables.contains(&table(chain)));
        self.extend(compat);
    }

    /// Whether there is nothing in it that could ever hit.
    pub fn is_empty(&self) -> bool {
        self.bases.is_empty()
    }

    /// Rules that certainly hit a packet: at most one per base chain, because a chain ends there.
    pub fn hits(&self, packet: &Packet) -> Vec<Hit> {
        let passed = |base: &&Base| {
            packet.passes(base.hook) && base.ipv4.is_none_or(|v4| v4 == packet.to.is_ipv4())
        };
        self.bases.iter().filter(passed).filter_map(|base| self.walk(base, packet)).collect()
    }

    fn walk(&self, base: &Base, packet: &Packet) -> Option<Hit> {
        let mut walk =
            Walk { rules: self, packet, hook: base.hook, certain: true, hit: None, steps: 0 };
        match walk.chain(&base.chain, 0) {
            End::Fell if base.drops && walk.certain => Some(Hit {
                chain: Text::new(&base.chain),
                text: Text::new("policy drop"),
                verdict: FirewallVerdict::Drop,
                packets: base.packets,
                handle: None,
            }),
            _ => walk.hit,
        }
    }
}

impl Walk<'_> {
    fn chain(&mut self, name: &str, depth: u8) -> End {
        let Some(rules) = self.rules.chains.get(name).filter(|_| depth <= DEEPEST) else {
            self.certain = false;
            return End::Fell;
        };
        for rule in rules {
            self.steps += 1;
            if self.steps > MOST_STEPS {
                self.certain = false;
                return End::Accepted;
            }
            let matched = rule.test(self.packet, self.hook);
            if matched == Match::No {
                continue;
            }
            let sure = matched == Match::Yes;
            match &rule.verdict {
                Verdict::Accept if sure => return End::Accepted,
                Verdict::Return if sure => return End::Fell,
                Verdict::Drop | Verdict::Reject if sure => {
                    self.hit = self.certain.then(|| hit(name, rule));
                    return End::Hit;
                }
                // It may drop; if not, the walk goes on just so.
                Verdict::Continue | Verdict::Drop | Verdict::Reject => {}
                Verdict::Jump(chain) if sure => match self.chain(chain, depth + 1) {
                    End::Fell => {}
                    end => return end,
                },
                Verdict::Goto(chain) if sure => return self.chain(chain, depth + 1),
                _ => self.certain = false,
            }
        }
        End::Fell
    }
}

fn hit(chain: &str, rule: &Rule) -> Hit {
    let reject = rule.verdict == Verdict::Reject;
    Hit {
        chain: Text::new(chain),
        text: rule.text.clone(),
        verdict: if reject { FirewallVerdict::Reject } else { FirewallVerdict::Drop },
        packets: rule.packets,
        handle: rule.handle.clone(),
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

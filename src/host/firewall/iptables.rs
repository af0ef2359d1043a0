//! The output of `iptables-save -c` and `ip6tables-save -c`.

use std::{collections::VecDeque, net::IpAddr};

use super::{
    condition::{Condition, Hook, network, syn_matches},
    model::{Base, Rule, Ruleset, Verdict},
};
use crate::observation::Text;

/// Parses a whole output; `tool` starts the name of every chain, so that two outputs can stand
/// beside each other.
pub(super) fn parse(text: &str, tool: &str, ipv4: bool) -> Ruleset {
    let mut rules = Ruleset::default();
    let mut table = "";
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('*') {
            table = name.trim();
        } else if table == "nat" || table.is_empty() {
            // Address translation drops nothing, and what it rewrites is not followed here.
        } else if let Some(chain) = line.strip_prefix(':') {
            declare(&mut rules, chain, tool, table, ipv4);
        } else if let Some((name, rule)) = rule(line, tool, table) {
            rules.chains.entry(name).or_default().push(rule);
        }
    }
    // A jump goes to a chain when there is one of that name, else to a target.
    let known: Vec<String> = rules.chains.keys().cloned().collect();
    for rule in rules.chains.values_mut().flatten() {
        if let Verdict::Jump(name) | Verdict::Goto(name) = &rule.verdict
            && !known.contains(name)
        {
            rule.verdict = target(name.rsplit(' ').next().unwrap_or(name));
        }
    }
    rules
}

/// `INPUT DROP [12:3456]`; a user's own chain has the policy `-`.
fn declare(rules: &mut Ruleset, line: &str, tool: &str, table: &str, ipv4: bool) {
    let mut words = line.split_whitespace();
    let (Some(name), Some(policy)) = (words.next(), words.next()) else { return };
    let chain = format!("{tool} {table} {name}");
    let packets = words.next().and_then(counter);
    rules.chains.entry(chain.clone()).or_default();
    if let Some(hook) = Hook::parse(name).filter(|_| policy != "-") {
        let drops = policy == "DROP";
        rules.bases.push(Base { hook, chain, drops, packets, ipv4: Some(ipv4) });
    }
}

/// Packets of `[12:3456]`.
fn counter(text: &str) -> Option<u64> {
    text.strip_prefix('[')?.split(':').next()?.parse().ok()
}

fn target(name: &str) -> Verdict {
    match name {
        "ACCEPT" => Verdict::Accept,
        "DROP" => Verdict::Drop,
        "REJECT" => Verdict::Reject,
        "RETURN" => Verdict::Return,
        "LOG" | "NFLOG" | "ULOG" | "MARK" | "CONNMARK" | "SECMARK" | "CONNSECMARK" | "CT"
        | "NOTRACK" | "TCPMSS" | "TCPOPTSTRIP" | "TRACE" | "CLASSIFY" | "DSCP" | "TOS" | "TTL"
        | "HL" | "SET" | "CHECKSUM" | "AUDIT" | "LED" | "RATEEST" | "TEE" => Verdict::Continue,
        _ => Verdict::Unknown,
    }
}

fn rule(line: &str, tool: &str, table: &str) -> Option<(String, Rule)> {
    let (packets, line) = match line.strip_prefix('[') {
        Some(_) => {
            let (count, rest) = line.split_once(' ')?;
            (counter(count), rest)
        }
        None => (None, line),
    };
    let mut words = words(line.strip_prefix("-A ")?);
    let chain = format!("{tool} {table} {}", words.pop_front()?);
    let mut rule = Rule {
        conditions: Vec::new(),
        verdict: Verdict::Continue,
        text: Text::new(line),
        packets,
        handle: None,
    };
    let mut not = false;
    while let Some(word) = words.pop_front() {
        if word == "!" {
            not = true;
            continue;
        }
        match word.as_str() {
            "-j" | "--jump" => {
                rule.verdict = Verdict::Jump(format!("{tool} {table} {}", words.pop_front()?));
                // What follows belongs to the target.
                break;
            }
            "-g" | "--goto" => {
                rule.verdict = Verdict::Goto(format!("{tool} {table} {}", words.pop_front()?));
                break;
            }
            "-m" | "--match" | "--comment" => drop(words.pop_front()),
            _ => rule.conditions.push(condition(&word, not, &mut words)),
        }
        not = false;
    }
    Some((chain, rule))
}

/// One option with its values; what is not known swallows its values and stays unknown.
fn condition(option: &str, not: bool, words: &mut VecDeque<String>) -> Condition {
    let mut values = Vec::new();
    while let Some(word) = words.front() {
        if word == "!" || (word.starts_with('-') && word.len() > 1) {
            break;
        }
        values.extend(words.pop_front());
    }
    let value = values.first().map(String::as_str).unwrap_or_default();
    let known = match option {
        "-p" | "--protocol" => Some(Condition::Fixed(matches!(value, "tcp" | "6" | "all") != not)),
        "-d" | "--destination" => nets(value).map(|any| Condition::To { any, not }),
        "-s" | "--source" => nets(value).map(|any| Condition::Source { any, not }),
        "--dst-range" => range(value).map(|any| Condition::To { any, not }),
        "--src-range" => range(value).map(|any| Condition::Source { any, not }),
        "-i" | "--in-interface" => Some(Condition::InterfaceIn { any: vec![value.into()], not }),
        "-o" | "--out-interface" => Some(Condition::InterfaceOut { any: vec![value.into()], not }),
        "--dport" | "--dports" | "--destination-port" | "--destination-ports" => {
            ports(value).map(|any| Condition::Port { any, not })
        }
        "--ctstate" | "--state" => {
            let new = value.split(',').any(|state| state == "NEW");
            Some(Condition::Fixed(new != not))
        }
        "--tcp-flags" => {
            let want = values.get(1).map(String::as_str).unwrap_or_default();
            Some(Condition::Fixed(syn_matches(value.split(','), want.split(',')) != not))
        }
        "--syn" => Some(Condition::Fixed(!not)),
        "-f" | "--fragment" => Some(Condition::Fixed(not)),
        "--uid-owner" => uids(value).map(|any| Condition::Uid { any, not }),
        "--dst-type" => match value {
            "LOCAL" => Some(Condition::ToLocal { not }),
            "BROADCAST" | "MULTICAST" | "ANYCAST" => Some(Condition::Fixed(not)),
            _ => None,
        },
        _ => None,
    };
    known.unwrap_or(Condition::Unknown)
}

fn nets(value: &str) -> Option<Vec<(IpAddr, IpAddr)>> {
    let one = |net: &str| {
        let (address, mask) = net.split_once('/').unwrap_or((net, ""));
        let address: IpAddr = address.parse().ok()?;
        let whole = if address.is_ipv4() { 32 } else { 128 };
        network(address, if mask.is_empty() { whole } else { mask.parse().ok()? })
    };
    value.split(',').map(one).collect()
}

fn range(value: &str) -> Option<Vec<(IpAddr, IpAddr)>> {
    let (first, last) = value.split_once('-')?;
    Some(vec![(first.parse().ok()?, last.parse().ok()?)])
}

fn ports(value: &str) -> Option<Vec<(u16, u16)>> {
    let one = |port: &str| match port.split_once(':') {
        Some((first, last)) => Some((first.parse().ok()?, last.parse().ok()?)),
        None => port.parse().ok().map(|port| (port, port)),
    };
    value.split(',').map(one).collect()
}

fn uids(value: &str) -> Option<Vec<(u32, u32)>> {
    let (first, last) = value.split_once('-').unwrap_or((value, value));
    Some(vec![(first.parse().ok()?, last.parse().ok()?)])
}

/// Splits at spaces; quotes hold words together, a backslash keeps the next character.
fn words(line: &str) -> VecDeque<String> {
    let (mut all, mut word, mut quoted, mut open) = (VecDeque::new(), String::new(), false, false);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => (quoted, open) = (!quoted, true),
            '\\' if quoted => word.extend(chars.next()),
            ' ' if !quoted => {
                if open || !word.is_empty() {
                    all.push_back(std::mem::take(&mut word));
                }
                open = false;
            }
            c => word.push(c),
        }
    }
    if open || !word.is_empty() {
        all.push_back(word);
    }
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::condition::{Packet, Path},
        *,
    };

    const SAVED: &str = include_str!("../../../tests/fixtures/firewall/iptables-save.txt");

    fn hits(text: &str, to: &str, port: u16) -> Vec<String> {
        let to: IpAddr = to.parse().unwrap();
        let packet = Packet { to, port, local: to.is_loopback(), uid: Some(33), path: Path::Own };
        parse(text, "iptables", true).hits(&packet).iter().map(|h| h.text.to_string()).collect()
    }

    #[test]
    fn a_port_a_range_and_a_list_are_hit_and_their_neighbours_are_not() {
        let hit = |port| !hits(SAVED, "127.0.0.1", port).is_empty();
        let all: Vec<u16> = [8080, 8081, 9000, 9001, 9100, 9200, 9201, 5000].into();
        let expected = [true, false, true, false, true, true, false, false];
        assert_eq!(all.into_iter().map(hit).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_rule_in_a_chain_of_its_own_is_found_through_the_jump() {
        assert_eq!(
            hits(SAVED, "127.0.0.1", 3000),
            ["-A APPS -d 127.0.0.1/32 -p tcp -m tcp --dport 3000 -j DROP"]
        );
        assert!(hits(SAVED, "127.0.0.2", 3000).is_empty());
    }

    #[test]
    fn output_rules_hit_what_leaves_the_host() {
        assert_eq!(hits(SAVED, "10.1.2.200", 80).len(), 1);
        assert!(hits(SAVED, "10.1.3.1", 80).is_empty());
        assert_eq!(hits(SAVED, "192.0.2.1", 6000).len(), 1, "by the worker's uid");
    }

    #[test]
    fn an_earlier_accept_wins_and_a_policy_counts() {
        let text = "*filter\n:INPUT DROP [7:420]\n[1:60] -A INPUT -p tcp -m tcp --dport 80 -j ACCEPT\nCOMMIT\n";
        assert!(hits(text, "127.0.0.1", 80).is_empty());
        assert_eq!(hits(text, "127.0.0.1", 81), ["policy drop"]);
        let text = text.replace("-p tcp -m tcp --dport 80", "-i lo");
        assert!(hits(&text, "127.0.0.1", 81).is_empty());
    }

    #[test]
    fn what_is_not_understood_is_no_hit_and_makes_later_ones_uncertain() {
        let set = "*filter\n:INPUT DROP [0:0]\n-A INPUT -m set --match-set ok src -j ACCEPT\n";
        assert!(hits(set, "127.0.0.1", 80).is_empty());
        let set = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -m set --match-set bad src -j DROP\n";
        assert!(hits(set, "127.0.0.1", 80).is_empty());
        let log = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -m limit --limit 5/min -j LOG --log-prefix \"a -j b\"\n-A INPUT -j DROP\n";
        assert_eq!(hits(log, "127.0.0.1", 80), ["-A INPUT -j DROP"]);
    }

    #[test]
    fn established_traffic_is_not_a_new_connection() {
        let text = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -m conntrack ! --ctstate NEW -j DROP\n-A INPUT -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -j DROP\n";
        assert!(hits(text, "127.0.0.1", 80).is_empty());
    }

    #[test]
    fn a_jump_in_a_circle_ends() {
        let text = "*filter\n:INPUT DROP [0:0]\n:A - [0:0]\n-A INPUT -j A\n-A A -j A\n";
        assert!(hits(text, "127.0.0.1", 80).is_empty());
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_fail(text in "([*:\\[!A-Za-z0-9 ,./\"\\\\-]|\n){0,200}") {
            let _ = parse(&format!("*filter\n-A INPUT {text}"), "t", true);
            let _ = parse(&text, "t", false);
        }
    }
}

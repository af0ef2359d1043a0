//! The output of `nft -j list ruleset` (libnftables-json(5)), and the texts of its rules from
//! `nft -a list ruleset`.

use std::collections::HashMap;

use serde_json::Value;

use super::{
    condition::{Condition, Hook},
    model::{Base, Rule, Ruleset, Verdict},
    nft_match::{masked_flags, meta_condition, payload_condition, words},
};
use crate::observation::Text;

/// A parsed output.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    pub(super) rules: Ruleset,
    /// Whether rules are in it that only iptables' own tools can print (`xt`).
    pub(super) compat: bool,
}

/// Parses a whole output; `None` when it is not one.
pub(super) fn parse(json: &[u8]) -> Option<Parsed> {
    let value: Value = serde_json::from_slice(json).ok()?;
    let items = value.get("nftables")?.as_array()?;
    let mut reader = Reader::default();
    for item in items {
        for kind in ["set", "map"] {
            if let Some(set) = item.get(kind) {
                reader.set(set);
            }
        }
        if let Some(chain) = item.get("chain") {
            reader.chain(chain);
        }
    }
    for item in items {
        if let Some(rule) = item.get("rule") {
            reader.rule(rule);
        }
    }
    Some(Parsed { rules: reader.rules, compat: reader.compat })
}

#[derive(Default)]
struct Reader<'a> {
    rules: Ruleset,
    sets: HashMap<String, &'a Vec<Value>>,
    compat: bool,
}

pub(super) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// `inet filter`.
fn table_of(value: &Value) -> String {
    format!("{} {}", text(value, "family"), text(value, "table"))
}

impl<'a> Reader<'a> {
    fn set(&mut self, set: &'a Value) {
        if let Some(elements) = set.get("elem").and_then(Value::as_array) {
            self.sets.insert(format!("{} {}", table_of(set), text(set, "name")), elements);
        }
    }

    fn chain(&mut self, chain: &Value) {
        let name = format!("{} {}", table_of(chain), text(chain, "name"));
        self.rules.chains.entry(name.clone()).or_default();
        let ipv4 = match text(chain, "family") {
            "ip" => Some(true),
            "ip6" => Some(false),
            "inet" => None,
            _ => return,
        };
        if let Some(hook) = Hook::parse(text(chain, "hook"))
            && text(chain, "type") != "nat"
        {
            let drops = text(chain, "policy") == "drop";
            self.rules.bases.push(Base { hook, chain: name, drops, packets: None, ipv4 });
        }
    }

    fn rule(&mut self, rule: &Value) {
        let table = table_of(rule);
        let chain = format!("{table} {}", text(rule, "chain"));
        let handle = rule.get("handle").and_then(Value::as_u64);
        let mut base = Rule {
            conditions: Vec::new(),
            verdict: Verdict::Continue,
            text: summary(rule),
            packets: None,
            handle: handle.map(|handle| (table.clone(), handle)),
        };
        let mut made = Vec::new();
        let statements = rule.get("expr").and_then(Value::as_array);
        for statement in statements.into_iter().flatten() {
            let Some((kind, body)) = statement.as_object().and_then(|o| o.iter().next()) else {
                base.conditions.push(Condition::Unknown);
                continue;
            };
            match kind.as_str() {
                "match" => base.conditions.push(self.condition(body, &table)),
                "counter" => base.packets = body.get("packets").and_then(Value::as_u64),
                "vmap" => {
                    let expanded = self.verdict_map(&base, body, &table);
                    made.extend(expanded);
                }
                "xt" => {
                    self.compat = true;
                    base.conditions.push(Condition::Unknown);
                    base.verdict = Verdict::Unknown;
                }
                "limit" | "quota" | "ct count" | "dynset" => {
                    base.conditions.push(Condition::Unknown);
                }
                _ => {
                    if let Some(verdict) = verdict(kind, body, &table) {
                        base.verdict = verdict;
                    }
                }
            }
        }
        made.push(base);
        self.rules.chains.entry(chain).or_default().extend(made);
    }

    /// One rule for each element of a verdict map.
    fn verdict_map(&self, base: &Rule, body: &Value, table: &str) -> Vec<Rule> {
        let key = body.get("key").unwrap_or(&Value::Null);
        let unknown = || {
            let mut rule = base.clone();
            rule.conditions.push(Condition::Unknown);
            rule.verdict = Verdict::Unknown;
            vec![rule]
        };
        let data = body.get("data").unwrap_or(&Value::Null);
        let Some(pairs) = self.elements(data, table) else { return unknown() };
        let one = |pair: &Value| {
            let pair = pair.as_array()?;
            let (kind, to) = pair.get(1)?.as_object()?.iter().next()?;
            let mut rule = base.clone();
            rule.conditions.push(self.compare(key, "==", pair.first()?, table));
            rule.verdict = verdict(kind, to, table)?;
            Some(rule)
        };
        pairs.iter().map(one).collect::<Option<Vec<Rule>>>().unwrap_or_else(unknown)
    }

    fn elements(&self, value: &'a Value, table: &str) -> Option<&'a Vec<Value>> {
        match value {
            Value::String(name) => {
                let name = name.strip_prefix('@')?;
                self.sets.get(&format!("{table} {name}")).copied()
            }
            other => other.get("set")?.as_array(),
        }
    }

    fn condition(&self, body: &Value, table: &str) -> Condition {
        let null = Value::Null;
        let left = body.get("left").unwrap_or(&null);
        let right = body.get("right").unwrap_or(&null);
        self.compare(left, text(body, "op"), right, table)
    }

    fn compare(&self, left: &Value, op: &str, right: &Value, table: &str) -> Condition {
        let not = match op {
            "==" | "in" => false,
            "!=" => true,
            _ => return Condition::Unknown,
        };
        let values = self.values(right, table);
        let found = if let Some(meta) = left.get("meta") {
            meta_condition(text(meta, "key"), &values, not)
        } else if let Some(payload) = left.get("payload") {
            payload_condition(text(payload, "protocol"), text(payload, "field"), op, &values, not)
        } else if left.get("ct").is_some_and(|ct| text(ct, "key") == "state") {
            words(&values).map(|w| Condition::Fixed(w.contains(&"new") != not))
        } else if let Some(parts) = left.get("&").and_then(Value::as_array) {
            masked_flags(parts, &values, not)
        } else if let Some(fib) = left.get("fib") {
            let local = text(fib, "result") == "type"
                && fib.get("flags").and_then(|f| f.get(0).or(Some(f))).and_then(Value::as_str)
                    == Some("daddr")
                && words(&values).is_some_and(|w| w == ["local"]);
            local.then_some(Condition::ToLocal { not })
        } else {
            None
        };
        found.unwrap_or(Condition::Unknown)
    }

    /// The right side as a list of single values; an unknown set is a value that nothing reads.
    fn values(&self, right: &'a Value, table: &str) -> Vec<&'a Value> {
        let list = match right {
            Value::String(name) if name.starts_with('@') => match self.elements(right, table) {
                Some(list) => list,
                None => return vec![&Value::Null],
            },
            Value::Array(list) => list,
            other => match other.get("set").and_then(Value::as_array) {
                Some(list) => list,
                None => return vec![other],
            },
        };
        list.iter().map(|v| v.get("elem").and_then(|e| e.get("val")).unwrap_or(v)).collect()
    }
}

fn verdict(kind: &str, body: &Value, table: &str) -> Option<Verdict> {
    let chain = || format!("{table} {}", text(body, "target"));
    Some(match kind {
        "accept" => Verdict::Accept,
        "drop" => Verdict::Drop,
        "reject" => Verdict::Reject,
        "return" => Verdict::Return,
        "continue" => Verdict::Continue,
        "jump" => Verdict::Jump(chain()),
        "goto" => Verdict::Goto(chain()),
        "log" | "mangle" | "set" | "map" | "notrack" | "flow" | "secmark" | "ct helper"
        | "ct timeout" | "ct expectation" | "meter" | "dup" | "last" => return None,
        _ => Verdict::Unknown,
    })
}

/// What stands for a rule whose text is not at hand.
fn summary(rule: &Value) -> Text {
    let mut all = rule.get("expr").map(Value::to_string).unwrap_or_default();
    let end = all.char_indices().nth(400).map_or(all.len(), |(at, _)| at);
    all.truncate(end);
    Text::new(all)
}

/// Rule texts by table and handle, from `nft -a list ruleset`.
pub(super) fn texts(listing: &str) -> HashMap<(String, u64), String> {
    let mut found = HashMap::new();
    let mut table = String::new();
    for line in listing.lines() {
        let Some((body, handle)) = line.rsplit_once(" # handle ") else { continue };
        let body = body.trim();
        if let Some(name) = body.strip_prefix("table ") {
            name.trim_end_matches('{').trim().clone_into(&mut table);
        } else if !body.ends_with('{')
            && let Ok(handle) = handle.trim().parse()
        {
            found.insert((table.clone(), handle), body.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use proptest::prelude::*;

    use super::{
        super::condition::{Packet, Path},
        *,
    };

    const RULES: &str = include_str!("../../../tests/fixtures/firewall/ruleset.json");
    const TEXTS: &str = include_str!("../../../tests/fixtures/firewall/ruleset.nft");
    const COMPAT: &str = include_str!("../../../tests/fixtures/firewall/compat.json");

    fn packet(to: &str, port: u16) -> Packet {
        let to: IpAddr = to.parse().unwrap();
        Packet { to, port, local: to.is_loopback(), uid: Some(33), path: Path::Own }
    }

    fn hits(to: &str, port: u16) -> Vec<String> {
        let texts = texts(TEXTS);
        let parsed = parse(RULES.as_bytes()).unwrap();
        let hits = parsed.rules.hits(&packet(to, port));
        let text =
            |handle: &Option<(String, u64)>| handle.as_ref().and_then(|h| texts.get(h)).cloned();
        hits.iter().map(|h| text(&h.handle).unwrap_or_else(|| h.text.to_string())).collect()
    }

    #[test]
    fn rules_are_found_and_shown_as_nft_prints_them() {
        assert_eq!(
            hits("127.0.0.1", 4000),
            ["iif \"lo\" tcp dport 4000 counter packets 0 bytes 0 drop"]
        );
        assert_eq!(
            hits("127.0.0.1", 9003),
            ["tcp dport { 4001, 9000-9005 } counter packets 5 bytes 300 reject with tcp reset"]
        );
        assert_eq!(hits("127.0.0.1", 3005), ["tcp dport @apps drop"]);
        assert_eq!(hits("127.0.0.1", 6000), ["tcp dport 6000 reject"], "through a verdict map");
        assert_eq!(hits("127.0.0.1", 7000), ["tcp dport vmap @verd"]);
        assert_eq!(hits("127.0.0.1", 6200), ["th dport 6200 drop"]);
        assert_eq!(hits("::1", 4100), ["ip6 daddr ::1 tcp dport 4100 drop"]);
    }

    #[test]
    fn an_earlier_accept_another_family_and_an_unknown_mark_are_no_hits() {
        for (to, port) in [
            ("127.0.0.1", 4001),
            ("127.0.0.1", 7001),
            ("127.0.0.1", 4100),
            ("::1", 4200),
            ("127.0.0.1", 12_345),
        ] {
            assert!(hits(to, port).is_empty(), "{to} {port}");
        }
        assert_eq!(hits("127.0.0.1", 4200).len(), 1);
    }

    #[test]
    fn a_policy_drops_what_no_rule_accepts() {
        assert_eq!(hits("192.0.2.7", 80), ["policy drop"]);
        assert!(hits("192.0.2.7", 443).is_empty());
    }

    #[test]
    fn rules_that_iptables_made_are_left_to_its_own_tools() {
        assert!(parse(COMPAT.as_bytes()).unwrap().compat);
        assert!(!parse(RULES.as_bytes()).unwrap().compat);
        assert!(parse(b"{}").is_none());
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_fail(at in 0..RULES.len(), byte in any::<u8>()) {
            let mut bytes = RULES.as_bytes().to_vec();
            bytes[at] = byte;
            if let Some(parsed) = parse(&bytes) {
                let _ = parsed.rules.hits(&packet("127.0.0.1", 80));
            }
            let _ = texts(&String::from_utf8_lossy(&bytes));
        }
    }
}

//! What nft's expressions compare with what.

use std::net::IpAddr;

use serde_json::Value;

use super::{
    condition::{Condition, network, syn_matches},
    nft::text,
};

pub(super) fn words<'a>(values: &[&'a Value]) -> Option<Vec<&'a str>> {
    values.iter().map(|v| v.as_str()).collect()
}

pub(super) fn meta_condition(key: &str, values: &[&Value], not: bool) -> Option<Condition> {
    let names = || words(values).map(|w| w.into_iter().map(str::to_owned).collect::<Vec<_>>());
    match key {
        "iif" | "iifname" => names().map(|any| Condition::InterfaceIn { any, not }),
        "oif" | "oifname" => names().map(|any| Condition::InterfaceOut { any, not }),
        "l4proto" => {
            let tcp = values.iter().any(|v| v.as_str() == Some("tcp") || v.as_u64() == Some(6));
            Some(Condition::Fixed(tcp != not))
        }
        "nfproto" | "protocol" => {
            let words = words(values)?;
            let v4 = words.iter().any(|w| matches!(*w, "ipv4" | "ip"));
            let v6 = words.iter().any(|w| matches!(*w, "ipv6" | "ip6"));
            Some(if v4 == v6 { Condition::Fixed(v4 != not) } else { Condition::Ipv4(v4 != not) })
        }
        "skuid" => {
            let any = values.iter().map(|v| range(v, |v| u32::try_from(v.as_u64()?).ok()));
            Some(Condition::Uid { any: any.collect::<Option<_>>()?, not })
        }
        _ => None,
    }
}

pub(super) fn payload_condition(
    protocol: &str,
    field: &str,
    op: &str,
    values: &[&Value],
    not: bool,
) -> Option<Condition> {
    match (protocol, field) {
        ("tcp" | "th", "dport") => {
            let any = values.iter().map(|v| range(v, |v| u16::try_from(v.as_u64()?).ok()));
            Some(Condition::Port { any: any.collect::<Option<_>>()?, not })
        }
        ("udp" | "udplite" | "sctp" | "dccp" | "icmp" | "icmpv6" | "esp" | "ah", _) => {
            Some(Condition::Fixed(false))
        }
        ("ip" | "ip6", "daddr") => addresses(values).map(|any| Condition::To { any, not }),
        ("ip" | "ip6", "saddr") => addresses(values).map(|any| Condition::Source { any, not }),
        ("ip", "protocol") => {
            // Only packets of its own family have the field.
            let tcp = words(values)?.contains(&"tcp") != not;
            Some(if tcp { Condition::Ipv4(true) } else { Condition::Fixed(false) })
        }
        ("ip6", "nexthdr") => {
            let tcp = words(values)?.contains(&"tcp") != not;
            Some(if tcp { Condition::Ipv4(false) } else { Condition::Fixed(false) })
        }
        ("tcp", "flags") => {
            let flags = words(values)?;
            let syn = if op == "in" { flags.contains(&"syn") } else { flags == ["syn"] };
            Some(Condition::Fixed(syn != not))
        }
        _ => None,
    }
}

/// `tcp flags & (fin | syn) == syn`, as list or as a tree of `|`.
pub(super) fn masked_flags(parts: &[Value], values: &[&Value], not: bool) -> Option<Condition> {
    let payload = parts.first()?.get("payload")?;
    if text(payload, "field") != "flags" {
        return None;
    }
    let (mut mask, mut want) = (Vec::new(), Vec::new());
    flags(parts.get(1)?, &mut mask, 0)?;
    for value in values {
        if value.as_u64() != Some(0) {
            flags(value, &mut want, 0)?;
        }
    }
    Some(Condition::Fixed(syn_matches(mask, want) != not))
}

fn flags<'a>(value: &'a Value, into: &mut Vec<&'a str>, depth: u8) -> Option<()> {
    match value {
        Value::String(flag) => into.push(flag),
        Value::Array(list) if depth < 16 => {
            for value in list {
                flags(value, into, depth + 1)?;
            }
        }
        other if depth < 16 => flags(other.get("|")?, into, depth + 1)?,
        _ => return None,
    }
    Some(())
}

/// A single value or `{"range": [first, last]}`.
fn range<T: Copy>(value: &Value, one: impl Fn(&Value) -> Option<T>) -> Option<(T, T)> {
    match value.get("range").and_then(Value::as_array) {
        Some(ends) => Some((one(ends.first()?)?, one(ends.get(1)?)?)),
        None => one(value).map(|value| (value, value)),
    }
}

fn addresses(values: &[&Value]) -> Option<Vec<(IpAddr, IpAddr)>> {
    let address = |value: &Value| value.as_str()?.parse::<IpAddr>().ok();
    let one = |value: &&Value| match value.get("prefix") {
        Some(prefix) => {
            let length = u32::try_from(prefix.get("len")?.as_u64()?).ok()?;
            network(address(prefix.get("addr")?)?, length)
        }
        None => range(value, address),
    };
    values.iter().map(one).collect()
}

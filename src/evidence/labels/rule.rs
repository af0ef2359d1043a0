//! Rules of routers (<https://doc.traefik.io/traefik/routing/routers/#rule>).

use crate::observation::Text;

/// Names taken from one rule.
const NAMES: usize = 200;

/// Hosts of a rule, and its path in the words of a location; the rule itself when it asks for more.
pub fn read(rule: &str) -> (Vec<Text>, Text) {
    let mut hosts: Vec<Text> = Vec::new();
    let mut location: Option<String> = None;
    let mut plain = !rule.contains('!');
    let mut rest = rule;
    while let Some((head, tail)) = rest.split_once('(') {
        let name = head.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        if name.is_empty() {
            // A parenthesis around a part of the rule.
            rest = tail;
            continue;
        }
        let (inside, after) = arguments(tail);
        let first = inside.first().map(String::as_str).unwrap_or_default();
        match name {
            "Host" | "HostHeader" | "HostSNI" => {
                hosts.extend(inside.iter().filter(|h| *h != "*").map(Text::new));
            }
            "PathPrefix" | "Path" | "PathRegexp" if location.is_some() || inside.len() != 1 => {
                plain = false;
            }
            "PathPrefix" => location = Some(first.to_owned()),
            "Path" => location = Some(format!("= {first}")),
            "PathRegexp" => location = Some(format!("~ {first}")),
            _ => plain = false,
        }
        rest = after;
    }
    hosts.truncate(NAMES);
    // `Host(a) || PathPrefix(/b)` is neither.
    plain &= !(rule.contains("||") && location.is_some() && !hosts.is_empty());
    let location = if plain { location.unwrap_or_else(|| "/".to_owned()) } else { rule.to_owned() };
    (hosts, Text::new(location))
}

/// A rule without the values that it asks headers, queries and addresses for: they may be secrets.
pub fn without_values(rule: &str) -> String {
    const SHOWN: [&str; 6] =
        ["Host", "HostHeader", "HostRegexp", "HostSNI", "HostSNIRegexp", "Method"];
    let mut out = String::with_capacity(rule.len());
    let (mut name, mut open, mut shown) = (String::new(), None, true);
    for c in rule.chars() {
        match open {
            Some(quote) if quote == c => {
                open = None;
                out.push(c);
            }
            Some(_) if shown => out.push(c),
            Some(_) => {}
            None => {
                out.push(c);
                match c {
                    '`' | '"' | '\'' => {
                        open = Some(c);
                        if !shown {
                            out.push('…');
                        }
                    }
                    '(' => {
                        shown = SHOWN.contains(&name.as_str()) || name.starts_with("Path");
                        name.clear();
                    }
                    c if c.is_ascii_alphanumeric() => name.push(c),
                    _ => name.clear(),
                }
            }
        }
    }
    out
}

/// The quoted values up to the closing parenthesis, and what stands behind it.
fn arguments(text: &str) -> (Vec<String>, &str) {
    let mut out = Vec::new();
    let mut open: Option<(char, String)> = None;
    for (at, c) in text.char_indices() {
        match &mut open {
            Some((quote, _)) if *quote == c => out.extend(open.take().map(|(_, value)| value)),
            Some((_, value)) => value.push(c),
            None if matches!(c, '`' | '"' | '\'') => open = Some((c, String::new())),
            None if c == ')' => return (out, text.get(at + 1..).unwrap_or_default()),
            None => {}
        }
    }
    (out, "")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hosts_and_paths_are_told_and_what_asks_for_more_is_quoted() {
        let shown = |rule: &str| {
            let (hosts, location) = read(rule);
            format!(
                "{} {}",
                hosts.iter().map(Text::raw).collect::<Vec<_>>().join(","),
                location.raw()
            )
        };
        let table = [
            ("Host(`a.lan`)", "a.lan /"),
            ("Host(`a.lan`, `b.lan`) && PathPrefix(`/api`)", "a.lan,b.lan /api"),
            ("Host(`a.lan`) || Host(`b.lan`)", "a.lan,b.lan /"),
            ("(Host(`a.lan`) && Path(`/x`))", "a.lan = /x"),
            ("PathPrefix(`/a`) || PathPrefix(`/b`)", " PathPrefix(`/a`) || PathPrefix(`/b`)"),
            ("Host(`a`) && Headers(`X`, `y`)", "a Host(`a`) && Headers(`X`, `y`)"),
            ("HostSNI(`*`)", " /"),
        ];
        for (rule, expected) in table {
            assert_eq!(shown(rule), expected, "{rule}");
        }
    }

    #[test]
    fn values_of_headers_and_queries_are_not_kept() {
        let table = [
            ("Host(`a`) && Headers(`X-Key`, `s3cret`)", "Host(`a`) && Headers(`…`, `…`)"),
            ("PathPrefix(`/a`) && Query(`t=1`)", "PathPrefix(`/a`) && Query(`…`)"),
            ("(Host(`a`) || !ClientIP('10.0.0.1'))", "(Host(`a`) || !ClientIP('…'))"),
            ("Header(`open", "Header(`…"),
        ];
        for (rule, expected) in table {
            assert_eq!(without_values(rule), expected);
        }
    }

    proptest! {
        #[test]
        fn no_rule_panics(rule in "[A-Za-z()`'\"&|! ,/é]{0,100}") {
            let _ = (read(&rule), without_values(&rule));
        }
    }
}

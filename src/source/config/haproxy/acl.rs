//! What the condition of a rule says about hosts and paths.

use std::collections::BTreeMap;

use crate::observation::Text;

use super::sections::Section;

/// Names taken from one condition.
const NAMES: usize = 1_000;

/// The named tests of a section.
#[derive(Debug, Default)]
pub(super) struct Tests {
    by_name: BTreeMap<String, Vec<Vec<String>>>,
}

/// What a condition asks for, as far as it is about hosts and paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// Hosts; empty for any.
    pub(super) hosts: Vec<Text>,
    /// In the words of a location: `/`, `/api`, `= /x`, `~ ^/a`; the condition itself when it asks
    /// for more.
    pub(super) location: Text,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    Host(Vec<String>),
    Path(String),
    Always,
    Other,
}

impl Tests {
    pub(super) fn of(section: &Section) -> Self {
        let mut tests = Self::default();
        for line in section.all().filter(|line| line.word(0) == "acl") {
            let body = line.from(2).to_vec();
            tests.by_name.entry(line.word(1).to_owned()).or_default().push(body);
        }
        tests
    }

    /// Reads the words behind a rule's target: `if COND`, `unless COND` or nothing.
    pub(super) fn asked(&self, words: &[String]) -> Asked {
        let always = || Asked { hosts: Vec::new(), location: Text::new("/") };
        let Some((kind, condition)) = words.split_first() else { return always() };
        let whole = || Asked { hosts: Vec::new(), location: Text::new(words.join(" ")) };
        if kind != "if" {
            return whole();
        }
        let mut hosts: Vec<Text> = Vec::new();
        let mut location: Option<String> = None;
        let mut plain = true;
        let mut any_host = false;
        for alternative in condition.split(|word| word == "or" || word == "||") {
            let tests = self.tests(alternative);
            let mut path = "/".to_owned();
            let mut has_host = false;
            for test in tests {
                match test {
                    Test::Host(names) => {
                        has_host = true;
                        hosts.extend(names.iter().map(Text::new));
                    }
                    Test::Path(text) => path = text,
                    Test::Always => {}
                    Test::Other => plain = false,
                }
            }
            any_host |= !has_host;
            plain &= location.as_ref().is_none_or(|known| *known == path);
            location = Some(path);
        }
        if any_host {
            hosts.clear();
        }
        hosts.truncate(NAMES);
        let location = match location.filter(|_| plain) {
            Some(location) => Text::new(location),
            None => whole().location,
        };
        Asked { hosts, location }
    }

    /// The tests of one alternative, all of which must hold.
    fn tests(&self, words: &[String]) -> Vec<Test> {
        let mut out = Vec::new();
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            if word == "{" || word == "!{" {
                let body: Vec<String> =
                    rest.by_ref().take_while(|word| *word != "}").cloned().collect();
                out.push(if word == "{" { test(&body) } else { Test::Other });
            } else if word == "!" || word.starts_with('!') {
                // What must not hold narrows the condition in a way that is not followed.
                if word == "!" {
                    rest.next();
                }
                out.push(Test::Other);
            } else {
                out.push(self.named(word));
            }
        }
        out
    }

    /// A named test; of several lines one has to hold.
    fn named(&self, name: &str) -> Test {
        match name {
            "TRUE" | "HTTP" => return Test::Always,
            _ => {}
        }
        let Some(bodies) = self.by_name.get(name) else { return Test::Other };
        let mut hosts = Vec::new();
        let mut one = None;
        for body in bodies {
            match test(body) {
                Test::Host(names) => hosts.extend(names),
                Test::Path(path) if bodies.len() == 1 => one = Some(Test::Path(path)),
                _ => return Test::Other,
            }
        }
        match one {
            Some(path) => path,
            None if hosts.is_empty() => Test::Other,
            None => Test::Host(hosts),
        }
    }
}

/// One test: what is looked at, flags, values.
fn test(body: &[String]) -> Test {
    let Some((sample, rest)) = body.split_first() else { return Test::Other };
    let mut words = rest.iter();
    let mut values = Vec::new();
    let mut matching = "";
    let mut insensitive = false;
    while let Some(word) = words.next() {
        match word.as_str() {
            "-i" => insensitive = true,
            "-n" | "-u" => {}
            "-m" => matching = words.next().map(String::as_str).unwrap_or_default(),
            "--" => values.extend(words.by_ref().cloned()),
            // Values from a file.
            "-f" | "-M" => return Test::Other,
            value => values.push(value.to_owned()),
        }
    }
    let (name, suffix) = sample_name(sample);
    let matching = if matching.is_empty() { suffix } else { matching };
    let host = matches!(
        name,
        "hdr(host)"
            | "req.hdr(host)"
            | "req.fhdr(host)"
            | "ssl_fc_sni"
            | "req.ssl_sni"
            | "req_ssl_sni"
    );
    match (host, name, matching) {
        (true, _, "" | "str") => Test::Host(values.iter().map(|v| host_of(v)).collect()),
        (true, _, "dom") => Test::Host(values),
        (true, _, "end") => Test::Host(values.iter().map(|v| format!("*{v}")).collect()),
        (_, "path", _) if values.len() == 1 => {
            let value = values.first().map(String::as_str).unwrap_or_default();
            match matching {
                "" | "str" => Test::Path(format!("= {value}")),
                "beg" | "dir" if value.starts_with('/') => Test::Path(value.to_owned()),
                "reg" => Test::Path(format!("{} {value}", if insensitive { "~*" } else { "~" })),
                "end" => Test::Path(format!("~ {}$", regex::escape(value))),
                _ => Test::Other,
            }
        }
        _ => Test::Other,
    }
}

fn host_of(text: &str) -> String {
    let name = text.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    name.map_or(text, |(name, _)| name).to_owned()
}

/// `hdr_dom(host)` looks at `hdr(host)` by `dom`; converters behind a comma are left off when they
/// only change the form.
fn sample_name(sample: &str) -> (&str, &str) {
    let base = sample.split(',').next().unwrap_or(sample);
    let plain = sample
        .split(',')
        .skip(1)
        .all(|c| matches!(c, "lower" | "host_only") || c.starts_with("field(1,"));
    if !plain && !sample.contains("field(1") {
        return ("", "");
    }
    match base {
        "path" | "path_beg" | "path_reg" | "path_end" | "path_dir" | "path_sub" => {
            ("path", base.strip_prefix("path_").unwrap_or_default())
        }
        "hdr_dom(host)" => ("hdr(host)", "dom"),
        "hdr_end(host)" => ("hdr(host)", "end"),
        "hdr_beg(host)" => ("hdr(host)", "beg"),
        "hdr_reg(host)" => ("hdr(host)", "reg"),
        other => (other, ""),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tests(acls: &[&str]) -> Tests {
        let mut tests = Tests::default();
        for acl in acls {
            let words: Vec<String> = acl.split(' ').map(str::to_owned).collect();
            let body = words.get(1..).unwrap_or_default().to_vec();
            tests.by_name.entry(words[0].clone()).or_default().push(body);
        }
        tests
    }

    fn shown(tests: &Tests, condition: &str) -> String {
        let words: Vec<String> = condition.split_whitespace().map(str::to_owned).collect();
        let asked = tests.asked(&words);
        let hosts: Vec<&str> = asked.hosts.iter().map(Text::raw).collect();
        format!("{} {}", hosts.join(","), asked.location.raw())
    }

    #[test]
    fn hosts_and_paths_of_simple_conditions_are_told() {
        let tests = tests(&[
            "shop hdr(host) -i shop.lan www.shop.lan",
            "shop hdr(host) -i old.lan:8080",
            "api path_beg /api",
            "exact path /x",
            "php path_end .php",
            "local src 127.0.0.1",
            "dom hdr_dom(host) -i blog.lan",
        ]);
        let table = [
            ("", " /"),
            ("if shop", "shop.lan,www.shop.lan,old.lan /"),
            ("if shop api", "shop.lan,www.shop.lan,old.lan /api"),
            ("if exact", " = /x"),
            ("if php", r" ~ \.php$"),
            ("if dom", "blog.lan /"),
            ("if shop or dom", "shop.lan,www.shop.lan,old.lan,blog.lan /"),
            ("if shop local", "shop.lan,www.shop.lan,old.lan if shop local"),
            ("if { hdr(host) -i a.lan } { path_beg /b }", "a.lan /b"),
            ("if { req.hdr(host),lower -m end .a.lan }", "*.a.lan /"),
            ("if !shop", " if !shop"),
            ("unless api", " unless api"),
            ("if api || shop", " if api || shop"),
            ("if unknown", " if unknown"),
        ];
        for (condition, expected) in table {
            assert_eq!(shown(&tests, condition), expected, "{condition}");
        }
    }

    proptest! {
        #[test]
        fn no_condition_panics(words in proptest::collection::vec("[a-z!{}|-]{0,6}", 0..20)) {
            let _ = tests(&["a path_beg /x", "b hdr(host) y"]).asked(&words);
        }
    }
}

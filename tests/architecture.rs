//! The shape of the house, read from the source itself: what stands on which floor, who leans on
//! whom, and what is kept out of the pure floors.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::allow_attributes,
    reason = "a test may fail loudly and may read the source tree"
)]

#[path = "architecture/lexer.rs"]
mod lexer;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use lexer::Source;

/// Floors from the bottom. A module leans only on modules of lower floors. `evidence` and
/// `diagnosis` share a storey of the house, but only the second leans on the first; the same
/// holds for `main` and `cli`.
const FLOORS: &[(&str, u8)] = &[
    ("observation", 0),
    ("evidence", 10),
    ("diagnosis", 11),
    ("verification", 20),
    ("remedy", 30),
    ("session", 40),
    ("host", 50),
    ("source", 60),
    ("action", 60),
    ("engine", 70),
    ("tui", 80),
    ("report", 80),
    ("practice", 80),
    ("cli", 90),
    ("main", 91),
];

/// The lowest floor that may touch the machine.
const HOST: u8 = 50;

/// Module files that also hold the one list to which a new entry is added.
const REGISTRIES: &[&str] = &["src/diagnosis/causes/mod.rs"];

fn floor(module: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == module).map(|(_, floor)| *floor)
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return found };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Every file of `src/`, with its path from the root.
fn sources() -> Vec<(String, Source)> {
    files(&root().join("src"), "rs")
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
            (name, Source::new(&fs::read_to_string(&path).unwrap()))
        })
        .collect()
}

/// The module path of a file, from the crate's root: `src/a/b.rs` and `src/a/b/mod.rs` are `a::b`.
fn modules(file: &str) -> Vec<&str> {
    let path = file.strip_prefix("src/").unwrap().strip_suffix(".rs").unwrap();
    let mut parts: Vec<&str> = path.split('/').collect();
    if parts.last() == Some(&"mod") || path == "lib" {
        parts.pop();
    }
    parts
}

fn is_test_file(file: &str) -> bool {
    file.ends_with("_tests.rs") || file.ends_with("/tests.rs") || file.contains("/tests/")
}

fn assert_none(violations: &[String], rule: &str) {
    assert!(violations.is_empty(), "{rule}:\n{}", violations.join("\n"));
}

#[test]
fn every_module_leans_only_on_lower_floors() {
    let mut violations = Vec::new();
    for (file, source) in sources() {
        let place = modules(&file);
        let Some(own) = place.first() else { continue };
        let Some(from) = floor(own) else {
            violations.push(format!("{file}: module {own} has no floor"));
            continue;
        };
        let mut edges = source.paths(&["crate", "gatemedic"]);
        edges.extend(source.climbs(place.len()));
        for (line, path) in edges {
            let Some(to) = path.first().and_then(|name| floor(name)) else { continue };
            if path.first().is_some_and(|name| name != own) && to >= from {
                violations.push(format!("{file}:{line}: {own} leans on {}", path.join("::")));
            }
        }
    }
    assert_none(&violations, "edges that run up or sideways");
}

#[test]
fn the_pure_floors_touch_no_machine_no_runtime_and_no_terminal() {
    const ROOTS: &[&str] = &[
        "tokio",
        "ratatui",
        "crossterm",
        "tui_textarea",
        "rustix",
        "procfs",
        "sysinfo",
        "notify",
        "bollard",
        "zbus",
        "reqwest",
        "hickory_resolver",
        "tracing",
        "std",
    ];
    const PLAIN: &[&str] = &["IpAddr", "SocketAddr", "Ipv4Addr", "Ipv6Addr"];
    const SHUT: &[&str] = &["fs", "net", "process", "env", "thread", "os"];
    let mut violations = Vec::new();
    for (file, source) in sources() {
        let low = modules(&file).first().and_then(|name| floor(name)).is_some_and(|f| f < HOST);
        if !low || is_test_file(&file) {
            continue;
        }
        for (line, path) in source.without_tests().full_paths(ROOTS) {
            let words: Vec<&str> = path.iter().map(String::as_str).collect();
            let shut = match words.as_slice() {
                ["std", "net", item, ..] => !PLAIN.contains(item),
                ["std", "time", item, ..] => ["SystemTime", "Instant"].contains(item),
                ["std", module, ..] => SHUT.contains(module),
                ["std"] => false,
                _ => true,
            };
            if shut {
                violations.push(format!("{file}:{line}: {}", path.join("::")));
            }
        }
    }
    assert_none(&violations, "only host and the floors above it may do this");
}

#[test]
fn a_module_file_only_declares_and_re_exports() {
    let mut violations = Vec::new();
    for (file, source) in sources() {
        if file.ends_with("/mod.rs") && !REGISTRIES.contains(&file.as_str()) {
            let other = source.items_beyond_declarations();
            violations.extend(other.iter().map(|(line, item)| format!("{file}:{line}: {item}")));
        }
    }
    assert_none(&violations, "mod.rs holds docs, attributes, mod and use");
}

#[test]
fn unsafe_stands_in_one_file_only() {
    let mut violations = Vec::new();
    for (file, source) in sources() {
        if file != "src/host/sys.rs" {
            let found = source.words("unsafe");
            violations.extend(found.iter().map(|line| format!("{file}:{line}")));
        }
    }
    assert_none(&violations, "unsafe outside src/host/sys.rs");
}

#[test]
fn lints_are_opened_by_expect_with_a_reason_and_never_by_allow() {
    let mut violations = Vec::new();
    for (file, source) in sources() {
        if file != "src/lib.rs" {
            let found = source.allows();
            violations.extend(found.iter().map(|line| format!("{file}:{line}")));
        }
    }
    assert_none(&violations, "allow attributes");
}

#[test]
fn every_folder_of_the_house_is_described_on_the_architecture_page() {
    let Ok(page) = fs::read_to_string(root().join("ARCHITECTURE.md")) else { return };
    let lib = Source::new(&fs::read_to_string(root().join("src/lib.rs")).unwrap());
    let missing: Vec<String> = lib
        .public_modules()
        .into_iter()
        .filter(|name| root().join("src").join(name).is_dir())
        .filter(|name| !page.contains(&format!("{name}/")))
        .collect();
    assert_none(&missing, "folders that ARCHITECTURE.md does not list");
}

/// Names of the entries of a folder whose names end so.
fn names(folder: &str, end: &str) -> BTreeSet<String> {
    let Ok(entries) = fs::read_dir(root().join(folder)) else { return BTreeSet::new() };
    entries
        .filter_map(|entry| {
            Some(entry.unwrap().file_name().to_str()?.strip_suffix(end)?.to_owned())
        })
        .collect()
}

#[test]
fn every_cause_has_its_words_its_rule_and_its_incident() {
    let words = names("assets/causes", ".toml");
    // A rule of its own says `cause: "ID"`, a row of a family's table `row("ID", …)`.
    let named = regex::Regex::new(r#"(?:\bcause: |\brow\(\s*)"([a-z0-9-]+)""#).unwrap();
    let rules: BTreeSet<String> = files(&root().join("src/diagnosis/causes"), "rs")
        .into_iter()
        .flat_map(|path| {
            let text = fs::read_to_string(path).unwrap();
            let rules = text.split("#[cfg(test)]").next().unwrap_or_default();
            named.captures_iter(rules).map(|found| found[1].to_owned()).collect::<Vec<_>>()
        })
        .collect();
    let incidents = names("tests/incidents", "");
    if words.is_empty() || rules.is_empty() {
        return;
    }
    // `explain` knows causes that no rule looks for yet; their file says `rule = false`.
    let only_words = |id: &str| {
        let text = fs::read_to_string(root().join(format!("assets/causes/{id}.toml"))).unwrap();
        text.lines().any(|line| line == "rule = false")
    };
    let mut violations: Vec<String> = Vec::new();
    for id in rules.difference(&words) {
        violations.push(format!("{id}: a rule without assets/causes/{id}.toml"));
    }
    for id in words.difference(&rules) {
        if !only_words(id) {
            violations.push(format!("{id}: words that promise a rule, and no rule"));
        }
    }
    for id in rules.intersection(&words).filter(|id| only_words(id)) {
        violations.push(format!("{id}: words that deny the rule there is"));
    }
    for id in words.iter().filter(|id| !incidents.is_empty() && rules.contains(*id)) {
        if !incidents.contains(id) {
            violations.push(format!("{id}: no folder tests/incidents/{id}"));
        }
    }
    for id in &words {
        let text = fs::read_to_string(root().join(format!("assets/causes/{id}.toml"))).unwrap();
        let declared = text.lines().find_map(|line| line.strip_prefix("id = "));
        if declared.is_some_and(|declared| declared.trim().trim_matches('"') != id) {
            violations.push(format!("{id}: the file declares another id"));
        }
    }
    assert_none(&violations, "causes that are not complete");
}

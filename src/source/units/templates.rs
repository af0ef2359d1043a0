//! Instances of template units: systemd forgets an instance that was stopped and is not enabled,
//! as if it had never been, and its file is the template's.

use std::{collections::BTreeSet, path::Path};

use super::files::{declaration, read_templates};
use crate::{
    host::files::Root,
    observation::UnitName,
    source::claims::{Declaration, Wanted},
};

/// Instances that are considered at most.
const INSTANCES: usize = 64;

/// Names that are read in a folder that holds one entry for each instance.
const ENTRIES: usize = 200;

/// What the instances of templates would declare that could serve what is wanted; blocking.
/// `known` are the units that are loaded.
pub(super) fn declarations(
    root: &Root,
    wanted: &Wanted,
    known: &BTreeSet<UnitName>,
) -> Vec<Declaration> {
    let templates = read_templates(root);
    let named = |(prefix, text): &(String, String)| {
        let start = format!("{prefix}@");
        let sibling = known.iter().any(|name| name.as_str().starts_with(&start));
        by_address(text, wanted, sibling)
    };
    let sure = templates.iter().map(|template| (template, named(template)));
    let likely = templates.iter().map(|template| (template, by_path(&template.1, root)));
    let mut found = Vec::new();
    let mut told = known.clone();
    for ((prefix, text), instances) in sure.chain(likely) {
        for instance in instances {
            let Ok(unit) = UnitName::new(format!("{prefix}@{instance}.service")) else { continue };
            if found.len() >= INSTANCES || !told.insert(unit.clone()) {
                continue;
            }
            let text = text.replace("%i", &instance).replace("%I", &instance);
            found.push(declaration(&unit, &text.replace("%p", prefix)));
        }
    }
    found
}

/// Words of the lines that tell what is run, with the word before each.
fn words(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines()
        .filter(|line| !line.trim_start().starts_with(['#', ';']))
        .flat_map(|line| {
            let words = line.split(|c: char| c.is_whitespace() || "\"'=".contains(c));
            std::iter::once("").chain(words.clone()).zip(words)
        })
        .filter(|(_, word)| word.contains("%i") || word.contains("%I"))
}

/// Instances whose name completes a wanted port or path: `--port 30%i`, `/run/app-%i.sock`.
/// A bare `%i` may be anything; it counts after a flag, or when the template is in use.
fn by_address(text: &str, wanted: &Wanted, sibling: bool) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (before, word) in words(text) {
        let word = word.replace("%I", "%i");
        let Some((head, tail)) = word.split_once("%i") else { continue };
        if head.is_empty() && tail.is_empty() && !before.starts_with('-') && !sibling {
            continue;
        }
        for path in &wanted.paths {
            let Some(from) = head.find("/run/").or_else(|| head.find('/')) else { continue };
            let head = head.get(from..).unwrap_or_default();
            found.extend(between(path, head, tail));
        }
        let digits = |c: char| c.is_ascii_digit();
        let (host, head) = head.split_at(head.trim_end_matches(digits).len());
        if !host.is_empty() && !host.ends_with(':') {
            continue;
        }
        let tail = tail.trim_start_matches(|c: char| !digits(c) && c != ',');
        let tail = tail.split(|c: char| !digits(c)).next().unwrap_or_default();
        for port in &wanted.ports {
            found.extend(between(&port.to_string(), head, tail));
        }
    }
    found
}

/// Instances that have a file or folder of their own: `EnvironmentFile=/etc/app/%i.env`,
/// `WorkingDirectory=/srv/%i`.
fn by_path(text: &str, root: &Root) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let own = text.lines().map(str::trim).filter(|line| {
        line.starts_with("EnvironmentFile=") || line.starts_with("WorkingDirectory=")
    });
    for (_, word) in own.flat_map(words) {
        let word = word.trim_start_matches('-').replace("%I", "%i");
        let Some((head, tail)) = word.split_once("%i") else { continue };
        let Some((folder, start)) = head.rsplit_once('/') else { continue };
        let end = tail.split('/').next().unwrap_or_default();
        if !folder.starts_with('/') || folder.starts_with("/run") {
            continue;
        }
        let (names, _) = root.list(Path::new(folder), ENTRIES).unwrap_or_default();
        found.extend(names.iter().filter_map(|name| between(name, start, end)));
    }
    found
}

/// What stands between a head and a tail.
fn between(text: &str, head: &str, tail: &str) -> Option<String> {
    let middle = text.strip_prefix(head)?.strip_suffix(tail)?;
    (!middle.is_empty() && !middle.contains('/')).then(|| middle.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(template: &str, files: &[&str], known: &[&str]) -> Vec<String> {
        let dir = tempfile::tempdir().unwrap();
        let etc = dir.path().join("etc/systemd/system");
        std::fs::create_dir_all(&etc).unwrap();
        std::fs::write(etc.join("app@.service"), template).unwrap();
        for file in files {
            let path = dir.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "PORT=1\n").unwrap();
        }
        let wanted = Wanted { ports: [3001].into(), paths: ["/run/app/7.sock".to_owned()].into() };
        let known = known.iter().map(|name| UnitName::new(*name).unwrap()).collect();
        let all = declarations(&Root::new(dir.path()), &wanted, &known);
        all.iter().map(|d| format!("{} {}", d.unit, d.commands[0].join(" "))).collect()
    }

    #[test]
    fn an_instance_is_named_by_the_port_or_path_that_it_completes() {
        let unit = |exec: &str| format!("[Service]\nExecStart=/srv/app {exec}\n");
        let port = found(&unit("--port 30%i"), &[], &[]);
        assert_eq!(port, ["app@01.service /srv/app --port 3001"]);
        let whole = found(&unit("--bind=127.0.0.1:%i"), &[], &[]);
        assert_eq!(whole, ["app@3001.service /srv/app --bind=127.0.0.1:3001"]);
        let path = found(&unit("--uds unix:/run/app/%i.sock"), &[], &[]);
        assert_eq!(path, ["app@7.service /srv/app --uds unix:/run/app/7.sock"]);
    }

    #[test]
    fn a_bare_name_counts_only_beside_a_sibling_and_a_known_unit_is_not_repeated() {
        let bare = "[Service]\nExecStart=/srv/app %i\n";
        assert!(found(bare, &[], &[]).is_empty());
        assert_eq!(found(bare, &[], &["app@3002.service"]), ["app@3001.service /srv/app 3001"]);
        assert!(found(bare, &[], &["app@3001.service"]).is_empty());
    }

    #[test]
    fn an_instance_with_an_environment_file_of_its_own_exists() {
        let unit = "[Service]\nEnvironmentFile=-/etc/app/%i.env\nExecStart=/srv/app\n";
        assert_eq!(found(unit, &["etc/app/blue.env"], &[]), ["app@blue.service /srv/app"]);
    }

    proptest! {
        #[test]
        fn any_template_is_read_without_harm(text in "(\\[Service\\]\n)?(ExecStart=)?.{0,40}(%i)?.{0,40}") {
            let wanted = Wanted { ports: [80].into(), paths: ["/run/é".to_owned()].into() };
            let _ = by_address(&text, &wanted, true);
        }
    }
}

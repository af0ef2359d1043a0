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
        // Siblings that are named by ports: of `postgresql@15-main` and `getty@tty1` none is one.
        let sibling = known.iter().any(|name| {
            let rest = name.as_str().strip_prefix(&start).and_then(|n| n.strip_suffix(".service"));
            rest.is_some_and(|rest| rest.parse::<u16>().is_ok_and(|port| port > 79))
        });
        by_address(text, wanted, sibling && may_serve(text))
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

/// Whether instances of a template could stay and listen: neither what runs once nor systemd's own
/// helpers (`user-runtime-dir@UID`) do.
fn may_serve(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim);
    lines.all(|line| {
        let once = line.strip_prefix("Type=").is_some_and(|kind| kind.trim() == "oneshot");
        let own = line.strip_prefix("ExecStart=").is_some_and(|command| {
            let command = command.trim_start_matches(['-', '@', ':', '+', '!']);
            command.starts_with("/lib/systemd/") || command.starts_with("/usr/lib/systemd/")
        });
        !once && !own
    })
}

/// Whether a flag takes an address or a port: not every flag before an instance's name does
/// (`agetty --noclear %I`).
fn takes_address(flag: &str) -> bool {
    const SHORT: [&str; 6] = ["-p", "-b", "-l", "-S", "-a", "-H"];
    const WORDS: [&str; 8] = ["port", "bind", "listen", "addr", "http", "sock", "serve", "tcp"];
    let long = flag.to_ascii_lowercase();
    SHORT.contains(&flag)
        || flag.starts_with("--") && WORDS.into_iter().any(|word| long.contains(word))
        || flag.starts_with('-')
            && WORDS.into_iter().any(|word| long.trim_start_matches('-') == word)
}

/// Instances whose name completes a wanted port or path: `--port 30%i`, `/run/app-%i.sock`.
/// A bare `%i` may be anything; it counts after a flag that takes an address, or when the template
/// is in use with ports.
fn by_address(text: &str, wanted: &Wanted, sibling: bool) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (before, word) in words(text) {
        let word = word.replace("%I", "%i");
        let Some((head, tail)) = word.split_once("%i") else { continue };
        if head.is_empty() && tail.is_empty() && !takes_address(before) && !sibling {
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
    fn what_runs_once_or_asks_a_terminal_serves_no_port_whatever_its_instances_are_named() {
        let helper =
            "[Service]\nExecStart=/lib/systemd/systemd-user-runtime-dir start %i\nType=oneshot\n";
        assert!(found(helper, &[], &["app@1500.service"]).is_empty());
        let cluster = "[Service]\nExecStart=pg_ctlcluster --skip-systemctl-redirect %i start\n";
        assert!(found(cluster, &[], &["app@15-main.service"]).is_empty());
        let terminal = "[Service]\nExecStart=-/sbin/agetty --noclear %I $TERM\n";
        assert!(found(terminal, &[], &["app@tty1.service"]).is_empty());
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

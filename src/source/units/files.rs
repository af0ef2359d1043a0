//! Units that exist only as files: a stopped unit that nothing refers to is not loaded, and yet
//! it is the one that should have been running.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use crate::{host::files::Root, observation::UnitName, source::claims::Declaration};

/// Where unit files are, the strongest first (systemd.unit(5), "Unit File Load Path"; the
/// folders of generators and transient units are left out). systemd itself could list them, but
/// doing so keeps it busy for tens of milliseconds.
const FOLDERS: [&str; 5] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

/// Unit files read at most.
const FILES: usize = 500;

/// Longest unit file that is read.
const FILE_LIMIT: u64 = 64 * 1024;

/// Service files on disk by unit: no templates, no aliases; blocking.
fn services(root: &Root) -> BTreeMap<UnitName, PathBuf> {
    let mut found = BTreeMap::new();
    let mut hidden = BTreeSet::new();
    for folder in FOLDERS {
        let (names, _) = root.list(folder, 4 * FILES).unwrap_or_default();
        for name in names.into_iter().filter(|name| !name.contains("@.")) {
            let Some(unit) = UnitName::new(name.as_str()).ok().filter(UnitName::is_service) else {
                continue;
            };
            let path = PathBuf::from(folder).join(&name);
            let link = root.read_link(&path).ok();
            // A mask takes the place of the file that tells what the unit would run.
            if link.as_deref().is_some_and(|to| to == Path::new("/dev/null")) {
                continue;
            }
            let other = link.is_some_and(|to| to.file_name().is_none_or(|to| *to != *name));
            if other {
                hidden.insert(unit);
            } else if !hidden.contains(&unit) {
                found.entry(unit).or_insert(path);
            }
        }
    }
    found
}

/// Templates of services on disk: what stands before the `@`, and the text; blocking.
pub(super) fn read_templates(root: &Root) -> Vec<(String, String)> {
    let mut found = BTreeMap::new();
    for folder in FOLDERS {
        let (names, _) = root.list(folder, 4 * FILES).unwrap_or_default();
        for name in names {
            let Some(prefix) = name.strip_suffix("@.service") else { continue };
            if found.len() < FILES && !found.contains_key(prefix) {
                let text = root.read_text(PathBuf::from(folder).join(&name), FILE_LIMIT);
                found.insert(prefix.to_owned(), text.unwrap_or_default());
            }
        }
    }
    found.into_iter().collect()
}

/// What the service files declare whose units are not loaded; blocking.
pub(super) fn declarations(root: &Root, loaded: &BTreeSet<UnitName>) -> Vec<Declaration> {
    let read = |(unit, path): (UnitName, PathBuf)| {
        let text = root.read_text(path, FILE_LIMIT).ok()?;
        Some(declaration(&unit, &text))
    };
    let unloaded = services(root).into_iter().filter(|(unit, _)| !loaded.contains(unit));
    unloaded.take(FILES).filter_map(read).collect()
}

/// What the own files of these services declare, whatever a drop-in has put in its place;
/// blocking. A drop-in that replaces `ExecStart=` hides where the service used to listen.
pub(super) fn written(root: &Root, names: &BTreeSet<UnitName>) -> Vec<Declaration> {
    let read = |(unit, path): (UnitName, PathBuf)| {
        root.read_text(path, FILE_LIMIT).ok().map(|text| declaration(&unit, &text))
    };
    services(root).into_iter().filter(|(unit, _)| names.contains(unit)).filter_map(read).collect()
}

/// Reads the lines of a unit file that tell what it runs (systemd.syntax(7)); only good enough
/// to decide whether systemd should be asked about the unit.
pub(super) fn declaration(unit: &UnitName, text: &str) -> Declaration {
    let mut found = Declaration {
        unit: unit.clone(),
        commands: Vec::new(),
        environment: Vec::new(),
        environment_files: Vec::new(),
        working_directory: String::new(),
        listen: Vec::new(),
    };
    let joined = text.replace("\\\r\n", " ").replace("\\\n", " ");
    let mut section = "";
    for line in joined.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
        }
        let Some((key, value)) = line.split_once('=') else { continue };
        if section != "Service" || key.starts_with(['#', ';']) {
            continue;
        }
        let value = value.trim().replace("%n", unit.as_str());
        match key.trim_end() {
            "ExecStart" => {
                let command = value.trim_start_matches(['@', '-', ':', '+', '!']);
                found.commands.push(words(command));
            }
            "Environment" => found.environment.extend(words(&value)),
            "EnvironmentFile" => {
                found.environment_files.push(value.trim_start_matches('-').to_owned());
            }
            "WorkingDirectory" => {
                value.trim_start_matches('-').clone_into(&mut found.working_directory);
            }
            _ => {}
        }
    }
    found
}

/// Splits at blanks outside quotes.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = None::<String>;
    let mut quote = None;
    for c in text.chars() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, _) if c.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_unit_file_tells_what_it_runs() {
        let name = UnitName::new("app.service").unwrap();
        let text = "[Unit]\nExecStart=/no\n[Service]\n#ExecStart=/no\nWorkingDirectory=-/srv/app\n\
            Environment=\"PORT=3000\" 'A=b c'\nEnvironmentFile=-/etc/default/app\n\
            ExecStart=-/usr/bin/gunicorn \\\n  --bind '127.0.0.1:8000' app:app\n";
        let found = declaration(&name, text);
        let argv = ["/usr/bin/gunicorn", "--bind", "127.0.0.1:8000", "app:app"];
        assert_eq!(found.commands, [argv.map(str::to_owned)]);
        assert_eq!(found.environment, ["PORT=3000", "A=b c"]);
        assert_eq!(found.environment_files, ["/etc/default/app"]);
        assert_eq!(found.working_directory, "/srv/app");
    }

    #[test]
    fn loaded_units_templates_and_aliases_are_not_read_and_masks_do_not_hide() {
        let dir = tempfile::tempdir().unwrap();
        let (etc, lib) =
            (dir.path().join("etc/systemd/system"), dir.path().join("lib/systemd/system"));
        std::fs::create_dir_all(&etc).unwrap();
        std::fs::create_dir_all(&lib).unwrap();
        for name in ["a.service", "b@.service", "d.service", "masked.service", "x.timer"] {
            std::fs::write(lib.join(name), "[Service]\nExecStart=/lib\n").unwrap();
        }
        std::fs::write(etc.join("a.service"), "[Service]\nExecStart=/etc\n").unwrap();
        std::os::unix::fs::symlink("/lib/systemd/system/a.service", etc.join("c.service")).unwrap();
        std::os::unix::fs::symlink("/dev/null", etc.join("masked.service")).unwrap();
        let loaded = [UnitName::new("d.service").unwrap()].into();
        let found = declarations(&Root::new(dir.path()), &loaded);
        let shown: Vec<_> = found.iter().map(|d| (d.unit.as_str(), &d.commands[0][0])).collect();
        let (etc, lib) = ("/etc".to_owned(), "/lib".to_owned());
        assert_eq!(shown, [("a.service", &etc), ("masked.service", &lib)]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(text in "(\\[Service\\]\n)?(ExecStart=)?.{0,200}") {
            let _ = declaration(&UnitName::new("a.service").unwrap(), &text);
        }
    }
}

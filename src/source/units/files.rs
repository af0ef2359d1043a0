//! Units that exist only as files: a stopped unit that nothing refers to is not loaded, and yet
//! it is the one that should have been running.

use crate::{
    host::{
        files::Root,
        systemd::{LoadedUnit, UnitFile},
    },
    observation::UnitName,
    source::claims::Declaration,
};

/// Unit files read at most.
const FILES: usize = 500;

/// Longest unit file that is read.
const FILE_LIMIT: u64 = 64 * 1024;

/// The files of units that are not loaded and can be: no templates, no aliases.
pub(super) fn unloaded(files: Vec<UnitFile>, loaded: &[LoadedUnit]) -> Vec<UnitFile> {
    let names: std::collections::BTreeSet<&UnitName> = loaded.iter().map(|u| &u.name).collect();
    let candidate = |file: &UnitFile| {
        let template = file.name.as_str().contains("@.");
        let state = file.state.as_str();
        !template
            && !matches!(state, "alias" | "masked" | "masked-runtime" | "bad" | "generated")
            && !names.contains(&file.name)
    };
    files.into_iter().filter(candidate).take(FILES).collect()
}

/// What the unit files declare; blocking.
pub(super) fn declarations(root: &Root, files: &[UnitFile]) -> Vec<Declaration> {
    let read = |file: &UnitFile| {
        let text = root.read_text(&file.path, FILE_LIMIT).ok()?;
        Some(declaration(&file.name, &text))
    };
    files.iter().filter_map(read).collect()
}

/// Reads the lines of a unit file that tell what it runs (systemd.syntax(7)); only good enough
/// to decide whether systemd should be asked about the unit.
fn declaration(unit: &UnitName, text: &str) -> Declaration {
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
    fn loaded_units_templates_and_aliases_are_not_read_again() {
        let file = |name: &str, state: &str| UnitFile {
            name: UnitName::new(name).unwrap(),
            path: format!("/lib/systemd/system/{name}"),
            state: state.to_owned(),
        };
        let files = vec![
            file("a.service", "disabled"),
            file("b@.service", "disabled"),
            file("c.service", "alias"),
            file("d.service", "enabled"),
        ];
        let loaded = [LoadedUnit {
            name: UnitName::new("d.service").unwrap(),
            load: "loaded".into(),
            active: "active".into(),
        }];
        let left: Vec<_> = unloaded(files, &loaded).into_iter().map(|f| f.name).collect();
        assert_eq!(left, [UnitName::new("a.service").unwrap()]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(text in "(\\[Service\\]\n)?(ExecStart=)?.{0,200}") {
            let _ = declaration(&UnitName::new("a.service").unwrap(), &text);
        }
    }
}

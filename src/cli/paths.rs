//! `gatemedic paths`: every file and folder that the program reads or writes as its own.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::action::Tools;

use super::{
    Arguments, Exit,
    arguments::{Format, PathsArguments},
    environment, output, playbooks, settings,
    tools::{self, tools},
};

/// The schema's name.
const SCHEMA: &str = "gatemedic.paths/1";

/// Something on disk that is the program's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Its name for scripts.
    pub(super) name: &'static str,
    /// Where it stands.
    pub(super) path: PathBuf,
    /// What is in it.
    pub(super) holds: &'static str,
}

/// Runs it.
pub(super) fn run(own: PathsArguments, arguments: &Arguments) -> Exit {
    let places = of(&tools(arguments), arguments.settings.as_deref());
    let text = match own.output {
        Format::Text => text(&places),
        Format::Json => {
            let rows: Vec<_> = places.iter().map(row).collect();
            format!("{:#}\n", json!({ "schema": SCHEMA, "paths": rows }))
        }
    };
    output::data(&text).err().unwrap_or(Exit::Success)
}

fn row(place: &Place) -> serde_json::Value {
    json!({
        "name": place.name,
        "path": place.path.to_string_lossy(),
        "holds": place.holds,
        "exists": exists(&place.path),
    })
}

/// Whether something is there, or `None` where that cannot be seen.
fn exists(path: &Path) -> Option<bool> {
    match rustix::fs::lstat(path) {
        Ok(_) => Some(true),
        Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => Some(false),
        Err(_) => None,
    }
}

fn text(places: &[Place]) -> String {
    let shown: Vec<(String, &Place)> = places
        .iter()
        .map(|place| {
            (crate::observation::Clean::new(&place.path.to_string_lossy()).to_string(), place)
        })
        .collect();
    let wide = shown.iter().map(|(path, _)| path.chars().count()).max().unwrap_or_default();
    shown.iter().fold(String::new(), |text, (path, place)| {
        let there = match exists(&place.path) {
            Some(true) => "",
            Some(false) => " (none yet)",
            None => " (out of sight)",
        };
        text + &format!("{path:<wide$}  {}{there}\n", place.holds)
    })
}

/// As root has them: fixed, whatever the environment says.
pub(super) fn of_root() -> Vec<Place> {
    let (state, runtime) = tools::of_root();
    let tools = Tools { bus: String::new(), docker: None, state, runtime };
    with_settings(&tools, Vec::new())
}

fn of(tools: &Tools, settings: Option<&Path>) -> Vec<Place> {
    let own = settings
        .map(Path::to_owned)
        .or_else(|| Some(environment::config_home()?.join("gatemedic/config.toml")));
    let mut first: Vec<Place> = own
        .map(|path| Place { name: "settings", path, holds: "your keys, theme and the like" })
        .into_iter()
        .collect();
    if !rustix::process::geteuid().is_root()
        && let Some(home) = environment::config_home()
    {
        let path = home.join("gatemedic/playbooks");
        first.push(Place { name: "playbooks", path, holds: "your own steps for the wizard" });
    }
    with_settings(tools, first)
}

fn with_settings(tools: &Tools, first: Vec<Place>) -> Vec<Place> {
    let state = |name, below: &str, holds| Place { name, path: tools.state.join(below), holds };
    let mut all = first;
    all.extend([
        Place {
            name: "host-settings",
            path: settings::HOST.into(),
            holds: "settings for everybody",
        },
        Place {
            name: "host-playbooks",
            path: playbooks::FOLDER.into(),
            holds: "steps for the wizard, for everybody",
        },
        state("audit", "audit.jsonl", "the record of what was done, each line sealed by the next"),
        state("history", "history.db", "incidents of this host, and what cured them"),
        state("recordings", "recordings", "what sessions saw, to replay; the oldest goes first"),
        state("reports", "reports", "reports written from the console"),
        state("backups", "backups", "files as they were before an edit, secrets included"),
        state("captures", "captures", "evidence that an action would have destroyed"),
        state("undo", "undo", "how the newest repairs are taken back"),
        state("pending", "pending", "edits that were begun, for when one is broken off"),
        state("screens", "screens", "screens saved with Ctrl-s"),
        state("wizard", "wizard.json", "where you stood in the wizard"),
        Place {
            name: "runtime",
            path: tools.runtime.clone(),
            holds: "locks, and marks of consoles that run",
        },
    ]);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_looked_at_is_not_called_missing() {
        assert_eq!(exists(Path::new("/proc/self")), Some(true));
        assert_eq!(exists(Path::new("/proc/self/none")), Some(false));
        assert_eq!(exists(Path::new("/proc/self/cmdline/below")), Some(false));
    }

    #[test]
    fn a_hostile_path_is_made_visible() {
        let path = PathBuf::from("/tmp/\u{1b}[2J");
        let said = text(&[Place { name: "x", path, holds: "y" }]);
        assert!(!said.trim_end().chars().any(char::is_control), "{said:?}");
    }
}

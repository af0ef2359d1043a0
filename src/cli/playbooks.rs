//! The playbooks of this host and of this user, beside those that are built in.

use std::path::PathBuf;

use crate::{host::files::Root, remedy::Playbooks};

use super::environment;

/// Files of one folder.
const FILES: usize = 200;
/// Largest file that is read, bytes; what is longer is told to be too long.
const LARGEST: u64 = 65 * 1_024;
/// What an administrator wrote.
const HOST: &str = "/etc/gatemedic/playbooks";

/// All playbooks, and what is wrong with those that were left out. Root takes nothing from a home
/// that the environment names: it may be somebody else's (sudo -E).
pub(super) fn load() -> (&'static Playbooks, Vec<String>) {
    let user = (!rustix::process::geteuid().is_root()).then(environment::config_home).flatten();
    let user = user.map(|home| home.join("gatemedic/playbooks"));
    // The user's own come first, and so stand before the host's.
    let folders = user.into_iter().chain([PathBuf::from(HOST)]);
    let mut files: Vec<(String, String)> = Vec::new();
    let mut flaws = Vec::new();
    let root = Root::new("");
    for folder in folders {
        let Ok((names, _)) = root.list(&folder, FILES) else { continue };
        for name in names.into_iter().filter(|name| name.ends_with(".toml")) {
            let path = folder.join(&name);
            let shown = path.display().to_string();
            match root.read_text(&path, LARGEST) {
                Ok(text) => files.push((shown, text)),
                Err(error) => flaws.push(format!("{shown}: {error}")),
            }
        }
    }
    if files.is_empty() {
        return (Playbooks::embedded(), flaws);
    }
    let named = files.iter().map(|(file, text)| (file.as_str(), text.as_str()));
    let (all, found) = Playbooks::embedded().with(named);
    flaws.extend(found.iter().map(ToString::to_string));
    // Once in the life of the process.
    (Box::leak(Box::new(all)), flaws)
}

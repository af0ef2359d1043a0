//! The user's own playbooks beside the built-in ones.

use std::path::PathBuf;

use crate::{host::files::Root, remedy::Playbooks};

use super::environment;

/// Where everybody's stand.
pub(super) const FOLDER: &str = "/etc/gatemedic/playbooks";
/// Files that are read of one folder.
const MOST: usize = 64;
/// Longest file in bytes.
const LONGEST: u64 = 256 * 1024;

/// All playbooks. root's come from `/etc` alone: the home that root's environment names may be
/// somebody else's. A user's own stand before those of the host. What is wrong with a file is told
/// beside them, for the wizard to say, and the file is left out.
pub(super) fn load() -> (&'static Playbooks, Vec<String>) {
    let mut folders = Vec::new();
    if !rustix::process::geteuid().is_root() {
        folders.extend(environment::config_home().map(|home| home.join("gatemedic/playbooks")));
    }
    folders.push(PathBuf::from(FOLDER));
    let root = Root::default();
    let mut flaws: Vec<String> = Vec::new();
    let mut files: Vec<(String, String)> = Vec::new();
    for folder in folders {
        let Ok((names, _)) = root.list(&folder, MOST) else { continue };
        for name in names.iter().filter(|name| name.ends_with(".toml")) {
            let path = folder.join(name);
            match root.read_text(&path, LONGEST) {
                Ok(text) => files.push((path.display().to_string(), text)),
                Err(error) => flaws.push(format!("{}: {error}", path.display())),
            }
        }
    }
    if files.is_empty() {
        return (Playbooks::embedded(), flaws);
    }
    let all = files.iter().map(|(file, text)| (file.as_str(), text.as_str()));
    let (books, wrong) = Playbooks::embedded().with(all);
    flaws.extend(wrong.iter().map(ToString::to_string));
    // They live as long as the process, which shows one session.
    (Box::leak(Box::new(books)), flaws)
}

//! What the environment says about the terminal and the person. It is read here and nowhere else.
#![expect(clippy::disallowed_methods, reason = "this is the place where the environment is read")]

use std::{env, path::PathBuf};

use crate::tui::Depth;

/// Whether `TERM` names a terminal that can place a cursor.
pub(super) fn has_cursor() -> bool {
    !matches!(word("TERM").as_deref(), None | Some("dumb" | "unknown"))
}

/// Whether colours are wanted (<https://no-color.org>: any value that is not empty).
pub(super) fn colour() -> bool {
    word("NO_COLOR").is_none()
}

/// How many colours the terminal says that it has.
pub(super) fn depth() -> Depth {
    let term = word("TERM").unwrap_or_default();
    match word("COLORTERM").as_deref() {
        Some("truecolor" | "24bit") => Depth::True,
        _ if term.ends_with("-direct") => Depth::True,
        _ if term.contains("256color") => Depth::Indexed,
        _ => Depth::Sixteen,
    }
}

/// Whether the locale's characters are Unicode (locale(7): the first of the three that is set).
pub(super) fn unicode() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(word).unwrap_or_default();
    let locale = locale.to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

/// Who looks: the person behind `sudo` when there is one.
pub(super) fn user() -> String {
    ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(word).unwrap_or_default()
}

/// The user as the environment names them.
pub(super) fn login() -> String {
    ["USER", "LOGNAME"].into_iter().find_map(word).unwrap_or_default()
}

/// Who called `sudo`.
pub(super) fn sudo_user() -> Option<String> {
    word("SUDO_USER")
}

/// Where an SSH session comes from: the first of the four words of `SSH_CONNECTION` (ssh(1)).
pub(super) fn ssh_client() -> Option<String> {
    word("SSH_CONNECTION").and_then(|four| four.split(' ').next().map(str::to_owned))
}

/// Where a user's programs keep their state (XDG Base Directory Specification); relative paths are
/// invalid there.
pub(super) fn state_home() -> Option<PathBuf> {
    let named = word("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || word("HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    named.or_else(|| home().map(|home| home.join(".local/state")))
}

/// Where a user's settings stand (XDG Base Directory Specification).
pub(super) fn config_home() -> Option<PathBuf> {
    let absolute = |path: &PathBuf| path.is_absolute();
    let named = word("XDG_CONFIG_HOME").map(PathBuf::from).filter(absolute);
    let home = || word("HOME").map(PathBuf::from).filter(absolute);
    named.or_else(|| home().map(|home| home.join(".config")))
}

/// The zone that times are to be shown in, where one is named (tzset(3)).
pub(super) fn zone() -> Option<String> {
    word("TZ")
}

/// What must be so for a text to get from here into the clipboard of the person's terminal. tmux
/// takes it from a program only when told to, and by default hands nothing through that it does not
/// know (tmux(1): set-clipboard, allow-passthrough); screen knows nothing of it.
pub(super) fn clipboard_needs() -> &'static str {
    match (word("TMUX"), word("STY")) {
        (Some(_), _) => "tmux hands it on only with: set -g set-clipboard on",
        (None, Some(_)) => "screen does not hand it on",
        (None, None) => "",
    }
}

/// A variable that is set and not empty.
fn word(name: &str) -> Option<String> {
    env::var_os(name).map(|v| v.to_string_lossy().into_owned()).filter(|v| !v.is_empty())
}

//! What the environment says about the terminal and the person. It is read here and nowhere else.
#![expect(clippy::disallowed_methods, reason = "this is the place where the environment is read")]

use std::env;

/// Whether `TERM` names a terminal that can place a cursor.
pub(super) fn has_cursor() -> bool {
    !matches!(word("TERM").as_deref(), None | Some("dumb" | "unknown"))
}

/// Whether colours are wanted (<https://no-color.org>: any value that is not empty).
pub(super) fn colour() -> bool {
    word("NO_COLOR").is_none()
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

/// A variable that is set and not empty.
fn word(name: &str) -> Option<String> {
    env::var_os(name).map(|v| v.to_string_lossy().into_owned()).filter(|v| !v.is_empty())
}

/// A variable's text.
pub(super) fn text(name: &str) -> Option<String> {
    word(name)
}

/// A variable that names a folder by an absolute path.
pub(super) fn folder(name: &str) -> Option<std::path::PathBuf> {
    env::var_os(name).map(std::path::PathBuf::from).filter(|path| path.is_absolute())
}

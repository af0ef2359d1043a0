//! What package managers write about what they did. Pure; a line that is torn, foreign or of
//! another program is passed over.

use jiff::tz::TimeZone;

use super::stamp;
use crate::observation::Wall;

/// Most events read of one log, the newest.
const EVENTS: usize = 5_000;
/// Longest name or version that is believed, in bytes.
const WORD: usize = 256;

/// What was done with a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Deed {
    Upgraded,
    Downgraded,
    Installed,
    Removed,
}

impl Deed {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Upgraded => "upgraded",
            Self::Downgraded => "downgraded",
            Self::Installed => "installed",
            Self::Removed => "removed",
        }
    }
}

/// One package of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PackageEvent {
    pub(super) at: Wall,
    pub(super) deed: Deed,
    /// Name without its architecture.
    pub(super) name: String,
    /// Version before, empty when there was none or it is not recorded.
    pub(super) from: String,
    /// Version after, likewise.
    pub(super) to: String,
    /// The command that did it and who asked, empty when not recorded.
    pub(super) by: String,
}

impl PackageEvent {
    pub(super) fn new(at: Wall, deed: Deed, name: &str, from: &str, to: &str) -> Option<Self> {
        let word = |text: &str| {
            let text = if text == "<none>" { "" } else { text };
            (text.len() <= WORD).then(|| text.to_owned())
        };
        let name = name.split(':').next().unwrap_or_default();
        let (name, from, to) = (word(name)?, word(from)?, word(to)?);
        let by = String::new();
        (!name.is_empty()).then_some(Self { at, deed, name, from, to, by })
    }

    /// `php8.2-fpm upgraded 8.2.28-1 → 8.2.29-1`.
    pub(super) fn words(&self) -> String {
        let (name, deed) = (&self.name, self.deed.word());
        match (self.from.as_str(), self.to.as_str()) {
            ("", "") => format!("{name} {deed}"),
            ("", version) | (version, "") => format!("{name} {version} {deed}"),
            (from, to) => format!("{name} {deed} {from} → {to}"),
        }
    }
}

/// A log of a package manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manager {
    Dpkg,
    Apt,
    Dnf,
    Zypper,
    Pacman,
    Apk,
}

impl Manager {
    /// Where each writes.
    pub(super) const LOGS: [(Self, &'static str); 6] = [
        (Self::Dpkg, "/var/log/dpkg.log"),
        (Self::Apt, "/var/log/apt/history.log"),
        (Self::Dnf, "/var/log/dnf.rpm.log"),
        (Self::Zypper, "/var/log/zypp/history"),
        (Self::Pacman, "/var/log/pacman.log"),
        (Self::Apk, "/var/log/apk.log"),
    ];

    /// Reads a log, oldest first; the newest events when there are too many.
    pub(super) fn read(self, text: &str, zone: &TimeZone) -> Vec<PackageEvent> {
        let mut events = match self {
            Self::Dpkg => text.lines().filter_map(|line| dpkg(line, zone)).collect(),
            Self::Apt => apt(text, zone),
            Self::Dnf => dnf(text),
            Self::Zypper => zypper(text, zone),
            Self::Pacman => pacman(text, zone),
            Self::Apk => apk(text, zone),
        };
        let cut = events.len().saturating_sub(EVENTS);
        events.drain(..cut);
        events
    }
}

/// `2026-11-20 14:01:28 upgrade php8.2-fpm:amd64 8.2.28-1 8.2.29-1` (dpkg(1), log format).
fn dpkg(line: &str, zone: &TimeZone) -> Option<PackageEvent> {
    let (stamp, rest) = line.split_at_checked(19)?;
    let mut words = rest.split_ascii_whitespace();
    let deed = match words.next()? {
        "upgrade" => Deed::Upgraded,
        "install" => Deed::Installed,
        "remove" | "purge" => Deed::Removed,
        "downgrade" => Deed::Downgraded,
        _ => return None,
    };
    let (name, from, to) = (words.next()?, words.next()?, words.next()?);
    // A purge after a removal has no version left to remove.
    if deed == Deed::Removed && from == "<none>" {
        return None;
    }
    PackageEvent::new(stamp::local(stamp, zone)?, deed, name, from, to)
}

/// Blocks of `Key: value` (apt's `history.log`). Keys are not translated.
fn apt(text: &str, zone: &TimeZone) -> Vec<PackageEvent> {
    let mut events = Vec::new();
    let (mut at, mut command, mut user, mut first) = (None, String::new(), String::new(), 0);
    let finish = |events: &mut Vec<PackageEvent>, first: usize, command: &str, user: &str| {
        let by = match (command, user) {
            (command, "") => command.to_owned(),
            ("", user) => user.to_owned(),
            (command, user) => format!("{user}: {command}"),
        };
        for event in events.iter_mut().skip(first) {
            event.by.clone_from(&by);
        }
    };
    for line in text.lines() {
        let Some((key, value)) = line.split_once(": ") else { continue };
        let deed = match key {
            "Start-Date" => {
                finish(&mut events, first, &command, &user);
                (command, user, first) = (String::new(), String::new(), events.len());
                let words: Vec<&str> = value.split_ascii_whitespace().collect();
                at = stamp::local(&words.join(" "), zone);
                continue;
            }
            "Commandline" => {
                value.clone_into(&mut command);
                continue;
            }
            "Requested-By" => {
                user = value.split(" (").next().unwrap_or_default().to_owned();
                continue;
            }
            "Upgrade" => Deed::Upgraded,
            "Downgrade" => Deed::Downgraded,
            "Install" | "Reinstall" => Deed::Installed,
            "Remove" | "Purge" => Deed::Removed,
            _ => continue,
        };
        let Some(at) = at else { continue };
        for item in value.split("), ") {
            let Some((name, versions)) = item.split_once(" (") else { continue };
            let versions = versions.trim_end_matches(')');
            let (one, two) = versions.split_once(", ").unwrap_or((versions, ""));
            let (from, to) = match deed {
                Deed::Upgraded | Deed::Downgraded => (one, two),
                Deed::Installed => ("", one),
                Deed::Removed => (one, ""),
            };
            events.extend(PackageEvent::new(at, deed, name, from, to));
        }
    }
    finish(&mut events, first, &command, &user);
    events
}

/// `2026-11-20T14:01:28+0100 SUBDEBUG Upgrade: nginx-1:1.20.1-16.el9.x86_64`. The new version has a
/// line of its own before the old one's (`Upgraded:`).
fn dnf(text: &str) -> Vec<PackageEvent> {
    const BACK: usize = 2_000;
    let mut events: Vec<PackageEvent> = Vec::new();
    for line in text.lines() {
        let mut words = line.splitn(3, ' ');
        let (Some(at), Some(_level), Some(rest)) = (words.next(), words.next(), words.next())
        else {
            continue;
        };
        let (Some(at), Some((verb, package))) = (stamp::with_offset(at), rest.split_once(": "))
        else {
            continue;
        };
        let Some((name, version)) = nevra(package.trim()) else { continue };
        let deed = match verb.trim() {
            "Upgrade" => Deed::Upgraded,
            "Downgrade" => Deed::Downgraded,
            "Installed" | "Install" | "Reinstall" => Deed::Installed,
            "Erase" | "Erased" | "Removed" => Deed::Removed,
            "Upgraded" | "Downgraded" | "Obsoleted" => {
                let replaced = events.iter_mut().rev().take(BACK);
                let mut replaced = replaced.filter(|e| e.name == name && e.from.is_empty());
                if let Some(event) = replaced.next() {
                    version.clone_into(&mut event.from);
                }
                continue;
            }
            _ => continue,
        };
        let (from, to) = if deed == Deed::Removed { (version, "") } else { ("", version) };
        events.extend(PackageEvent::new(at, deed, name, from, to));
    }
    events
}

/// `name-epoch:version-release.arch`.
fn nevra(text: &str) -> Option<(&str, &str)> {
    let whole = text.rsplit_once('.').map_or(text, |(whole, _)| whole);
    let release = whole.rfind('-')?;
    let version = whole.get(..release)?.rfind('-')?;
    Some((whole.get(..version)?, whole.get(version + 1..)?))
}

/// `2026-11-20 14:01:28|install|nginx|1.21.5-1|x86_64|…` after `…|command|root@web1|'zypper' 'up'|`.
fn zypper(text: &str, zone: &TimeZone) -> Vec<PackageEvent> {
    let mut events = Vec::new();
    let mut by = String::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.splitn(8, '|').map(str::trim).collect();
        let [at, what, name, version, ..] = fields.as_slice() else { continue };
        let deed = match *what {
            "install" => Deed::Installed,
            "remove" => Deed::Removed,
            "command" => {
                let user = name.split('@').next().unwrap_or_default();
                by = format!("{user}: {}", version.replace('\'', ""));
                continue;
            }
            _ => continue,
        };
        let (from, to) = if deed == Deed::Removed { (*version, "") } else { ("", *version) };
        let event =
            stamp::local(at, zone).and_then(|at| PackageEvent::new(at, deed, name, from, to));
        events.extend(event.map(|event| PackageEvent { by: by.clone(), ..event }));
    }
    events
}

/// `[2026-11-20T14:01:28+0100] [ALPM] upgraded nginx (1.24.0-1 -> 1.24.0-2)`.
fn pacman(text: &str, zone: &TimeZone) -> Vec<PackageEvent> {
    let mut events = Vec::new();
    let mut by = String::new();
    for line in text.lines() {
        let Some((at, rest)) = line.strip_prefix('[').and_then(|line| line.split_once("] ")) else {
            continue;
        };
        if let Some(command) = rest.strip_prefix("[PACMAN] Running ") {
            by = command.trim_matches('\'').to_owned();
            continue;
        }
        let Some(rest) = rest.strip_prefix("[ALPM] ") else { continue };
        let at = stamp::with_offset(at).or_else(|| stamp::local(at, zone));
        let event = at.and_then(|at| spoken(at, rest));
        events.extend(event.map(|event| PackageEvent { by: by.clone(), ..event }));
    }
    events
}

/// ``Running `apk upgrade` at 2026-11-20 14:01:28``, then `(1/2) Upgrading nginx (1.26.1-r0 -> 1.26.2-r0)`.
fn apk(text: &str, zone: &TimeZone) -> Vec<PackageEvent> {
    let mut events = Vec::new();
    let mut run = None;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("Running `") {
            run = rest
                .rsplit_once("` at ")
                .and_then(|(command, at)| Some((stamp::local(at, zone)?, command.to_owned())));
            continue;
        }
        let (Some((at, by)), Some((_, rest))) = (&run, line.split_once(") ")) else { continue };
        if line.starts_with('(') {
            let event = spoken(*at, rest);
            events.extend(event.map(|event| PackageEvent { by: by.clone(), ..event }));
        }
    }
    events
}

/// `upgraded NAME (OLD -> NEW)`, as pacman and apk say it.
fn spoken(at: Wall, text: &str) -> Option<PackageEvent> {
    let (verb, rest) = text.split_once(' ')?;
    let deed = match verb {
        "upgraded" | "Upgrading" | "Replacing" => Deed::Upgraded,
        "downgraded" | "Downgrading" => Deed::Downgraded,
        "installed" | "reinstalled" | "Installing" | "Reinstalling" => Deed::Installed,
        "removed" | "Purging" => Deed::Removed,
        _ => return None,
    };
    let (name, versions) = rest.split_once(" (")?;
    let versions = versions.split(')').next()?;
    let (from, to) = match (versions.split_once(" -> "), deed) {
        (Some(both), _) => both,
        (None, Deed::Removed) => (versions, ""),
        (None, _) => ("", versions),
    };
    PackageEvent::new(at, deed, name, from, to)
}

#[cfg(test)]
#[path = "package_tests.rs"]
mod tests;

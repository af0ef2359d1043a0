//! Which files are read: those that are named, their older generations, those of a folder.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use rustix::fs::FileType;

use crate::{
    evidence::{access::Shape, triage::Holds},
    host::{
        files::{FileError, Root},
        log_file::{self, FileId, LookKind},
    },
    observation::{LogKind, LogTarget, Text},
};

/// Older generations of one log.
const GENERATIONS: usize = 16;
/// Names read of a folder.
const NAMES: usize = 20_000;
/// Files of a folder that are read.
const OF_FOLDER: usize = 256;

/// A file to read.
#[derive(Clone, Debug)]
pub struct Log {
    /// The tree that it is in.
    pub root: Root,
    /// Its path there; `-` is standard input.
    pub path: PathBuf,
    /// What a configuration says of it.
    pub holds: Option<Holds>,
    /// Last write, nanoseconds since the epoch: the newest are read first where time is short.
    pub modified: i64,
}

impl Log {
    /// Its name for people.
    pub fn name(&self) -> Text {
        Text::new(self.path.to_string_lossy())
    }

    /// Whether it is standard input.
    pub fn is_stdin(&self) -> bool {
        self.path == Path::new("-")
    }
}

/// The logs that were named on a command line; a folder stands for the logs in it. With
/// `older`, their rotated generations beside them as well. What cannot be read is told, with the
/// reason.
pub fn of_paths(paths: &[PathBuf], older: bool) -> (Vec<Log>, Vec<(PathBuf, String)>) {
    let mut found = Found::default();
    let root = Root::default();
    for path in paths {
        if path == Path::new("-") {
            let log =
                Log { root: root.clone(), path: path.clone(), holds: None, modified: i64::MAX };
            found.logs.push(log);
            continue;
        }
        match log_file::look(&root, path) {
            Ok(look) if look.kind == LookKind::Directory => found.folder(&root, path),
            Ok(look) if look.kind == LookKind::File => {
                found.file(&root, path, None);
                if older {
                    found.older(&root, path, None);
                }
            }
            Ok(look) => found.missed(path, format!("it is a {}", look.kind.as_str())),
            Err(error) => found.missed(path, error.to_string()),
        }
    }
    (found.logs, found.missed)
}

/// The logs that configurations name, with their older generations.
pub fn of_targets(targets: &[LogTarget]) -> (Vec<Log>, Vec<(PathBuf, String)>) {
    let mut found = Found::default();
    let mut by_file: BTreeMap<(&Text, &Text), Vec<Shape>> = BTreeMap::new();
    for target in targets {
        let shapes = by_file.entry((&target.root, &target.path)).or_default();
        if let LogKind::Access(format) = &target.kind {
            shapes.push(Shape::Told(format.clone()));
        }
    }
    for ((root, path), shapes) in by_file {
        let root = Root::new(root.raw());
        let path = Path::new(path.raw());
        if !path.is_absolute() {
            continue;
        }
        let holds = (!shapes.is_empty()).then_some(Holds::Requests(shapes));
        match log_file::look(&root, path) {
            Ok(look) if look.kind == LookKind::File => {
                found.file(&root, path, holds.clone());
                found.older(&root, path, holds.as_ref());
            }
            // The follower says what is wrong with it.
            Ok(_) | Err(FileError::Missing) => {}
            Err(error) => found.missed(path, error.to_string()),
        }
    }
    (found.logs, found.missed)
}

/// Older generations of a log, the newest first: `x.1`, `x.2.gz`, `x-20261120`, `x-20261120.gz`,
/// `stem-20261120.ext`. `names` are those in its folder, sorted.
fn beside(root: &Root, path: &Path, names: &[String]) -> Vec<PathBuf> {
    let Some(name) = path.file_name().map(|name| name.to_string_lossy().into_owned()) else {
        return Vec::new();
    };
    let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
    let begin = names.partition_point(|other| other.as_str() < stem);
    let near = names.get(begin..).unwrap_or_default().iter();
    let mut found: Vec<(i64, PathBuf)> = near
        .take_while(|other| other.starts_with(stem))
        .filter(|other| is_generation(&name, other))
        .filter_map(|other| {
            let path = folder_of(path).join(other);
            // Who rotates a log renames it. A link was laid, by whoever may write to the folder.
            let stat = root.stat(&path, false).ok()?;
            if FileType::from_raw_mode(stat.st_mode).is_symlink() {
                return None;
            }
            let look = log_file::look(root, &path).ok()?;
            (look.kind == LookKind::File).then_some((look.modified, path))
        })
        .collect();
    found.sort_by(|a, b| b.cmp(a));
    found.truncate(GENERATIONS);
    found.into_iter().map(|(_, path)| path).collect()
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Whether `other` is an older generation of the log `name`.
fn is_generation(name: &str, other: &str) -> bool {
    let plain = other.strip_suffix(".gz").unwrap_or(other);
    let numbered = |rest: &str| {
        rest.starts_with(['.', '-'])
            && rest.len() > 1
            && rest.len() <= 24
            && rest.bytes().skip(1).all(|b| b.is_ascii_digit() || b"-._T:".contains(&b))
            && rest.bytes().any(|b| b.is_ascii_digit())
    };
    if let Some(rest) = plain.strip_prefix(name) {
        return numbered(rest) || rest == ".old" || rest == ".0";
    }
    let Some((stem, extension)) = name.rsplit_once('.') else { return false };
    let rest = plain.strip_suffix(extension).and_then(|rest| rest.strip_suffix('.'));
    rest.and_then(|rest| rest.strip_prefix(stem)).is_some_and(numbered)
}

#[derive(Debug, Default)]
struct Found {
    logs: Vec<Log>,
    missed: Vec<(PathBuf, String)>,
    seen: BTreeSet<FileId>,
    /// The folder that was listed last: thousands of logs may stand in one.
    listed: Option<(PathBuf, Vec<String>)>,
}

impl Found {
    fn file(&mut self, root: &Root, path: &Path, holds: Option<Holds>) {
        let Ok(look) = log_file::look(root, path) else { return };
        // One file may have many names.
        if look.kind == LookKind::File && self.seen.insert(look.id) {
            let (root, path) = (root.clone(), path.to_owned());
            self.logs.push(Log { root, path, holds, modified: look.modified });
        }
    }

    /// The older generations of a log.
    fn older(&mut self, root: &Root, path: &Path, holds: Option<&Holds>) {
        let folder = root.seen_at(folder_of(path));
        if self.listed.as_ref().is_none_or(|(listed, _)| *listed != folder) {
            let names = root.list(folder_of(path), NAMES).map(|(names, _)| names);
            self.listed = Some((folder, names.unwrap_or_default()));
        }
        let Some((_, names)) = &self.listed else { return };
        for generation in beside(root, path, names) {
            self.file(root, &generation, holds.cloned());
        }
    }

    fn folder(&mut self, root: &Root, path: &Path) {
        let (names, more) = match root.list(path, NAMES) {
            Ok(listed) => listed,
            Err(error) => return self.missed(path, error.to_string()),
        };
        let logs = names.iter().filter(|name| name.contains("log")).collect::<Vec<_>>();
        if logs.is_empty() {
            self.missed(path, "no file in this folder has \"log\" in its name".into());
        }
        if more || logs.len() > OF_FOLDER {
            self.missed(path, format!("only {OF_FOLDER} files of this folder are read"));
        }
        for name in logs.into_iter().take(OF_FOLDER) {
            self.file(root, &path.join(name), None);
        }
    }

    fn missed(&mut self, path: &Path, why: String) {
        self.missed.push((path.to_owned(), why));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_generations_are_told_from_other_logs() {
        for (name, other, is) in [
            ("access.log", "access.log.1", true),
            ("access.log", "access.log.2.gz", true),
            ("access.log", "access.log-20261120.gz", true),
            ("access.log", "access-2026-11-20.log", true),
            ("access.log", "access.log", false),
            ("access.log", "access.log.swp", false),
            ("access.log", "access-shop.log", false),
            ("access_log", "access_log-1795132800", true),
            ("error.log", "access.log.1", false),
        ] {
            assert_eq!(is_generation(name, other), is, "{name} {other}");
        }
    }

    #[test]
    fn a_file_with_two_names_is_read_once_and_its_older_ones_come_along() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["access.log", "access.log.1", "other.log", "notes.txt"] {
            std::fs::write(at(name), name).unwrap();
        }
        std::fs::hard_link(at("access.log"), at("same.log")).unwrap();
        let names = |logs: &[Log]| {
            let name = |log: &Log| log.path.file_name().unwrap().to_string_lossy().into_owned();
            logs.iter().map(name).collect::<Vec<_>>()
        };
        let (logs, missed) = of_paths(&[at("access.log"), at("same.log"), at("none.log")], true);
        assert_eq!(names(&logs), ["access.log", "access.log.1"]);
        assert_eq!(missed.len(), 1);
        let (logs, _) = of_paths(&[at("access.log")], false);
        assert_eq!(names(&logs), ["access.log"]);
        let (logs, _) = of_paths(&[folder.path().to_owned()], true);
        assert_eq!(names(&logs), ["access.log", "access.log.1", "other.log"]);
    }
}

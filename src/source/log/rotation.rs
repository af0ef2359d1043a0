//! The files beside a log: older generations, copies, and what was rotated between two looks.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use crate::host::{
    files::Root,
    log_file::{self, Behalf, FileId, FileLook, LogFile, LookKind},
};

/// Names read of one directory.
const NAMES: usize = 20_000;
/// New files looked into at one rotation.
const FRESH: usize = 64;
/// How far the stamps of a file system may lag behind the clock, in nanoseconds.
pub(super) const COARSE: i64 = 20_000_000;
/// Links followed to find where a log lives.
const HOPS: usize = 8;

/// A file beside the log that was not there before.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) path: PathBuf,
    pub(super) file: LogFile,
    pub(super) look: FileLook,
    /// Whether its name looks like a rotated log (`.1`, `-20261120`, `.old`).
    pub(super) rotated: bool,
}

/// What one look at the siblings found.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// New regular files, oldest first.
    pub(super) fresh: Vec<Candidate>,
    /// New files that hold a log but are compressed.
    pub(super) compressed: usize,
    /// Where the wanted file went.
    pub(super) wanted: Option<PathBuf>,
}

/// The identities of the files beside a log, as last seen.
#[derive(Clone, Debug)]
pub(super) struct Siblings {
    seen: BTreeSet<FileId>,
}

impl Siblings {
    /// What is there before the following begins is old.
    pub(super) fn begin(root: &Root, path: &Path, listing: &mut Listing) -> Self {
        let behalf = Behalf::of(root, path);
        let seen = names(root, path, listing)
            .iter()
            .filter_map(|sibling| behalf.look(root, &sibling.path).ok())
            .map(|look| look.id)
            .collect();
        Self { seen }
    }

    /// Looks for files that are neither seen before nor `known`, and for `wanted`.
    pub(super) fn scan(
        &mut self,
        root: &Root,
        path: &Path,
        known: &[FileId],
        wanted: Option<FileId>,
        listing: &mut Listing,
    ) -> Scan {
        let mut scan = Scan::default();
        let mut now = BTreeSet::new();
        let mut fresh = Vec::new();
        let behalf = Behalf::of(root, path);
        for sibling in names(root, path, listing) {
            let Ok(look) = behalf.look(root, &sibling.path) else { continue };
            if look.kind != LookKind::File {
                continue;
            }
            now.insert(look.id);
            if wanted.is_some_and(|id| id.is(look.id)) {
                scan.wanted = Some(sibling.path.clone());
            }
            let old = self.seen.contains(&look.id) || known.iter().any(|id| id.is(look.id));
            if old {
                continue;
            }
            match sibling.form {
                Form::Compressed => scan.compressed += 1,
                form => fresh.push((look, sibling.path, form == Form::Rotated)),
            }
        }
        self.seen = now;
        fresh.sort_by_cached_key(|(look, path, _)| {
            (look.id.born().unwrap_or(look.modified), look.modified, age_by_name(path))
        });
        let surplus = fresh.len().saturating_sub(FRESH);
        scan.fresh = fresh
            .into_iter()
            .skip(surplus)
            .filter_map(|(_, path, rotated)| {
                let (file, look) = behalf.open(root, &path).ok()?;
                Some(Candidate { path, file, look, rotated })
            })
            .collect();
        scan
    }
}

/// Orders what the clock of the file system cannot: `.2` is older than `.1`, and dates sort.
fn age_by_name(path: &Path) -> (i64, String) {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let digits = |text: &&str| text.len() < 5 && !text.is_empty();
    let number = name
        .split(['.', '-', '_'])
        .filter(digits)
        .find_map(|word| word.parse::<i64>().ok())
        .unwrap_or_default();
    (-number, name)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Rotated,
    Compressed,
    Other,
}

struct Sibling {
    path: PathBuf,
    form: Form,
}

/// The directory that was listed last. Thousands of logs can share one, and listing it for each
/// would take their number squared.
#[derive(Debug, Default)]
pub(super) struct Listing {
    of: Option<(PathBuf, FileLook)>,
    names: Vec<String>,
    /// The clock, in nanoseconds since the epoch.
    pub(super) now: i64,
}

impl Listing {
    /// Names in a directory, sorted; listed anew unless its own stamp says that nothing was
    /// added, removed or renamed.
    fn of(&mut self, root: &Root, directory: &Path) -> &[String] {
        let seen_at = root.seen_at(directory);
        let look = log_file::look(root, directory).ok();
        let settled = |look: FileLook| self.now.saturating_sub(look.modified) > COARSE;
        let wanted = look.filter(|look| settled(*look)).map(|look| (seen_at, look));
        if wanted.is_none() || wanted != self.of {
            self.names = root.list(directory, NAMES).map(|(names, _)| names).unwrap_or_default();
            self.of = wanted;
        }
        &self.names
    }
}

/// Files whose names begin like the log's, in the directories where it lives.
fn names(root: &Root, path: &Path, listing: &mut Listing) -> Vec<Sibling> {
    let mut out = Vec::new();
    for home in homes(root, path) {
        let (Some(directory), Some(name)) = (home.parent(), home.file_name()) else { continue };
        let name = name.to_string_lossy();
        let stem = name.rsplit_once('.').map_or(&*name, |(stem, _)| stem);
        let all = listing.of(root, directory);
        let first = all.partition_point(|other| other.as_str() < stem);
        let alike = all.iter().skip(first).take_while(|other| other.starts_with(stem));
        out.extend(alike.filter_map(|other| {
            Some(Sibling { path: directory.join(other), form: form(&name, other)? })
        }));
    }
    out
}

/// The log's own path, and where its links lead.
pub(super) fn homes(root: &Root, path: &Path) -> Vec<PathBuf> {
    let mut homes = vec![path.to_owned()];
    for _ in 0..HOPS {
        let Some(here) = homes.last() else { break };
        let Ok(target) = root.read_link(here) else { break };
        let next = here.parent().unwrap_or(Path::new("/")).join(target);
        if homes.contains(&next) {
            break;
        }
        homes.push(next);
    }
    homes
}

/// How `other` relates to the log `name`; `None` when it is the log itself or another log.
fn form(name: &str, other: &str) -> Option<Form> {
    const PACKED: [&str; 6] = [".gz", ".xz", ".bz2", ".zst", ".lz4", ".Z"];
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    let (rest, whole) = if let Some(rest) = other.strip_prefix(name) {
        (rest, true)
    } else {
        (other.strip_prefix(stem)?, false)
    };
    let mark = rest.strip_prefix(['.', '-', '_'])?;
    if PACKED.iter().any(|end| mark.ends_with(end) || rest == *end) {
        return Some(Form::Compressed);
    }
    let numbered = mark.starts_with(|c: char| c.is_ascii_digit());
    if whole {
        let old = ["old", "prev", "bak"].contains(&mark);
        return Some(if numbered || old { Form::Rotated } else { Form::Other });
    }
    (numbered && (extension.is_empty() || mark.ends_with(&format!(".{extension}"))))
        .then_some(Form::Rotated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotated_names_are_told_from_other_logs() {
        let of = |other| form("access.log", other);
        for name in ["access.log.1", "access.log-20261120", "access-20261120.log", "access.1.log"] {
            assert_eq!(of(name), Some(Form::Rotated), "{name}");
        }
        assert_eq!(of("access.log.2.gz"), Some(Form::Compressed));
        assert_eq!(of("access.log.copy"), Some(Form::Other));
        for name in ["access.log", "access_shop.log", "error.log", "access.logs"] {
            assert_eq!(of(name), None, "{name}");
        }
        assert_eq!(form("current", "current.1"), Some(Form::Rotated));
    }
}

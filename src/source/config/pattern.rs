//! File name patterns as glob(3) reads them without flags, over a [`Root`].

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use crate::host::files::{FileError, Root};

/// Directories that one pattern may look into.
const DIRECTORIES: usize = 4_000;
/// Names taken from one directory.
const NAMES: usize = 20_000;
/// Paths that one pattern may give.
const PATHS: usize = 20_000;

/// What a pattern found.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    /// Paths, sorted by byte as glob(3) sorts them in the C locale.
    pub paths: Vec<PathBuf>,
    /// Directories that were listed, whether or not they exist.
    pub directories: Vec<PathBuf>,
    /// Directories that exist and could not be listed.
    pub denied: Vec<PathBuf>,
    /// Whether a bound cut the answer.
    pub cut: bool,
}

/// Whether nginx takes this path for a pattern.
pub(super) fn is_pattern(path: &[u8]) -> bool {
    path.iter().any(|b| b"*?[".contains(b))
}

/// All paths that match an absolute pattern.
pub(super) fn expand(root: &Root, pattern: &Path) -> Found {
    let mut found = Found::default();
    let mut heads = vec![PathBuf::from("/")];
    let parts: Vec<&[u8]> =
        pattern.as_os_str().as_bytes().split(|b| *b == b'/').filter(|p| !p.is_empty()).collect();
    let count = parts.len();
    for (at, part) in parts.into_iter().enumerate() {
        let last = at + 1 == count;
        let mut next = Vec::new();
        for head in &heads {
            if next.len() >= PATHS {
                found.cut = true;
                break;
            }
            if is_pattern(part) {
                matches_in(root, head, part, &mut next, &mut found);
            } else {
                let path = head.join(OsStr::from_bytes(&unquote(part)));
                // Only the last component has to be asked for: one before it fails below.
                if !last || root.stat(&path, false).is_ok() {
                    next.push(path);
                }
            }
        }
        heads = next;
    }
    heads.sort_unstable_by(|a, b| a.as_os_str().as_bytes().cmp(b.as_os_str().as_bytes()));
    found.paths = heads;
    found
}

fn matches_in(root: &Root, head: &Path, part: &[u8], next: &mut Vec<PathBuf>, found: &mut Found) {
    if found.directories.len() >= DIRECTORIES {
        found.cut = true;
        return;
    }
    found.directories.push(head.to_owned());
    match root.list(head, NAMES) {
        Ok((names, more)) => {
            found.cut |= more;
            let hit = |name: &String| matches(part, name.as_bytes());
            next.extend(names.iter().filter(|n| hit(n)).map(|n| head.join(n)));
        }
        Err(FileError::Denied) => found.denied.push(head.to_owned()),
        Err(_) => {}
    }
}

/// A component without pattern characters still may quote with a backslash.
fn unquote(part: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(part.len());
    let mut bytes = part.iter().copied();
    while let Some(byte) = bytes.next() {
        out.push(if byte == b'\\' { bytes.next().unwrap_or(byte) } else { byte });
    }
    out
}

/// Whether one name matches one component of a pattern (fnmatch(3) with `FNM_PERIOD`). Takes
/// time in proportion to both lengths at most.
pub(super) fn matches(pattern: &[u8], name: &[u8]) -> bool {
    if name.first() == Some(&b'.') && pattern.first() != Some(&b'.') {
        return false;
    }
    let (mut p, mut n) = (0, 0);
    // Where to go on when the text after the newest `*` does not fit: one more byte for the star.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        let step = match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p + 1, n));
                p += 1;
                continue;
            }
            None if n == name.len() => return true,
            None => None,
            Some(_) => name.get(n).and_then(|byte| one(pattern.get(p..)?, *byte)),
        };
        if let Some(taken) = step {
            p += taken;
            n += 1;
        } else {
            let Some((after_star, from)) = retry else { return false };
            if from >= name.len() {
                return false;
            }
            retry = Some((after_star, from + 1));
            (p, n) = (after_star, from + 1);
        }
    }
}

/// Bytes of the pattern that match this one byte, `None` when it does not.
fn one(pattern: &[u8], byte: u8) -> Option<usize> {
    match pattern.first()? {
        b'?' => Some(1),
        b'[' => match class(pattern, byte) {
            Some((true, length)) => Some(length),
            Some((false, _)) => None,
            None => (byte == b'[').then_some(1),
        },
        b'\\' => match pattern.get(1) {
            Some(quoted) => (*quoted == byte).then_some(2),
            None => (byte == b'\\').then_some(1),
        },
        literal => (*literal == byte).then_some(1),
    }
}

/// Whether a `[…]` holds the byte, and its length; `None` when it is not closed.
fn class(pattern: &[u8], byte: u8) -> Option<(bool, usize)> {
    let mut at = 1;
    let negated = matches!(pattern.get(at)?, b'!' | b'^');
    at += usize::from(negated);
    let first = at;
    let mut hit = false;
    loop {
        let low = *pattern.get(at)?;
        if low == b']' && at > first {
            return Some((hit != negated, at + 1));
        }
        let range = pattern.get(at + 1) == Some(&b'-') && pattern.get(at + 2)? != &b']';
        let high = if range { *pattern.get(at + 2)? } else { low };
        hit |= (low..=high).contains(&byte);
        at += if range { 3 } else { 1 };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns_match_as_glob_matches() {
        let yes = [
            ("*", "a"),
            ("*.conf", "a.conf"),
            ("a*b*c", "axxbyyc"),
            ("?", "x"),
            ("[a-c]x", "bx"),
            ("[!a]x", "bx"),
            ("[]]", "]"),
            ("[a-]", "-"),
            (".*", ".x"),
            ("\\*", "*"),
            ("[", "["),
            ("**", "ab"),
            ("*a", "aaa"),
        ];
        let no = [
            ("*", ".hidden"),
            ("?x", ".x"),
            ("*.conf", "a.conf.bak"),
            ("[a-c]x", "dx"),
            ("[!a]x", "ax"),
            ("a", "ab"),
            ("ab", "a"),
            ("", "a"),
            ("\\*", "x"),
        ];
        for (pattern, name) in yes {
            assert!(matches(pattern.as_bytes(), name.as_bytes()), "{pattern} {name}");
        }
        for (pattern, name) in no {
            assert!(!matches(pattern.as_bytes(), name.as_bytes()), "{pattern} {name}");
        }
    }

    #[test]
    fn directories_in_the_middle_may_be_patterns() {
        let dir = tempfile::tempdir().unwrap();
        for path in ["b/x/1.conf", "a/x/2.conf", "a/y/3.conf", "a/x/.hidden.conf", "c/x/4.txt"] {
            let path = dir.path().join("etc").join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let found = expand(&Root::new(dir.path()), Path::new("/etc/*/x/*.conf"));
        let paths: Vec<_> = found.paths.iter().map(|p| p.to_str().unwrap()).collect();
        assert_eq!(paths, ["/etc/a/x/2.conf", "/etc/b/x/1.conf"]);
        let found = expand(&Root::new(dir.path()), Path::new("/etc/*/x"));
        assert_eq!(found.paths.len(), 3, "{found:?}");
        assert!(expand(&Root::new(dir.path()), Path::new("/no/*/x")).paths.is_empty());
    }

    proptest! {
        #[test]
        fn no_pattern_panics(pattern: Vec<u8>, name: Vec<u8>) {
            let _ = matches(&pattern, &name);
        }

        #[test]
        fn a_name_matches_itself_quoted(name in "[a-z*?\\[\\]-]{1,20}") {
            let quoted: String = name.chars().flat_map(|c| ['\\', c]).collect();
            prop_assert!(matches(quoted.as_bytes(), name.as_bytes()));
        }
    }
}

//! A change of one configuration file, as data: applied to bytes, without touching a file.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::observation::{GatewayId, GatewayKind, Text, redact_configuration};

use super::Digest;

/// The program whose own test decides whether a candidate is accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "program", rename_all = "kebab-case")]
pub enum ConfigTest {
    /// `nginx -t`.
    Nginx {
        /// Which gateway; the program and its arguments are those of the running master.
        gateway: GatewayId,
    },
    /// The test of another kind of gateway, as its running master was started.
    Gateway {
        /// Which gateway.
        gateway: GatewayId,
    },
    /// `php-fpm -t`.
    PhpFpm {
        /// The unit, whose `ExecStart=` names the program and its configuration.
        unit: crate::observation::UnitName,
    },
    /// `apache2ctl configtest`.
    Apache,
    /// `haproxy -c`.
    Haproxy,
}

impl ConfigTest {
    /// The test of a gateway.
    pub fn of_gateway(gateway: &GatewayId) -> Self {
        let gateway = gateway.clone();
        match gateway.kind() {
            None | Some(GatewayKind::Nginx) => Self::Nginx { gateway },
            Some(_) => Self::Gateway { gateway },
        }
    }
}

/// What is written.
///
/// It is exact, as it must be to be written, and a dump of it is redacted.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub enum Change {
    /// Within one line, the first occurrence of a text becomes another.
    Replace {
        /// Line, from 1.
        line: u32,
        /// What stands there.
        find: String,
        /// What shall stand there.
        put: String,
    },
    /// Behind the directive that begins on a line, new directives in the same block.
    After {
        /// Line on which the directive begins, from 1.
        line: u32,
        /// The directive's name, which must stand on that line.
        directive: String,
        /// The new directives, each with its semicolon.
        add: Vec<String>,
    },
    /// A line becomes a comment.
    Comment {
        /// Line, from 1.
        line: u32,
        /// What must stand in it.
        holds: String,
        /// How a comment begins.
        mark: char,
    },
    /// The whole file, as a person wrote it.
    Whole {
        /// Digest of the file that the person began with.
        base: Digest,
        /// The new file.
        content: String,
    },
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |text: &str| Text::new(redact_configuration(text));
        match self {
            Self::Replace { line, find, put } => f
                .debug_struct("Replace")
                .field("line", line)
                .field("find", &shown(find))
                .field("put", &shown(put))
                .finish(),
            Self::After { line, directive, add } => f
                .debug_struct("After")
                .field("line", line)
                .field("directive", directive)
                .field("add", &add.iter().map(|line| shown(line)).collect::<Vec<_>>())
                .finish(),
            Self::Comment { line, holds, mark } => f
                .debug_struct("Comment")
                .field("line", line)
                .field("holds", &shown(holds))
                .field("mark", mark)
                .finish(),
            Self::Whole { base, content } => {
                f.debug_struct("Whole").field("base", base).field("bytes", &content.len()).finish()
            }
        }
    }
}

/// An edit of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEdit {
    /// The file, as its program sees the path.
    pub file: Text,
    /// Prefix under which that path is seen from here: empty, or `/proc/PID/root`.
    pub root: Text,
    /// What is written.
    pub change: Change,
    /// Who must accept it before it is written.
    pub test: Option<ConfigTest>,
}

/// Why an edit does not fit a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The file has not so many lines.
    #[error("the file has no line {0} any more")]
    NoLine(u32),
    /// The line says something else.
    #[error("line {0} does not say what it said when it was looked at")]
    Different(u32),
    /// Somebody edited the file meanwhile.
    #[error("somebody else changed the file meanwhile")]
    Base,
    /// The directive does not end.
    #[error("the directive on line {0} has no end")]
    NoEnd(u32),
}

impl FileEdit {
    /// In words, as an order.
    pub fn words(&self) -> String {
        let file = &self.file;
        match &self.change {
            Change::Replace { line, find, put } => {
                format!("write {put} instead of {find} in {file}:{line}")
            }
            Change::After { line, add, .. } => format!("add {} to {file}:{line}", add.join(" ")),
            Change::Comment { line, holds, .. } => format!("take {holds} out of {file}:{line}"),
            Change::Whole { .. } => format!("write {file} as edited"),
        }
    }
}

impl FileEdit {
    /// The same by hand, where one command does it.
    pub fn command(&self) -> Option<Vec<String>> {
        let script = match &self.change {
            Change::Replace { line, find, put } => {
                format!("{line}s,{},{},", sed_pattern(find), sed_words(put))
            }
            Change::Comment { line, mark, .. } => {
                format!("{line}s,^,{} ,", sed_words(&mark.to_string()))
            }
            Change::After { .. } | Change::Whole { .. } => return None,
        };
        Some(vec!["sed".into(), "-i".into(), script, self.file.to_string()])
    }
}

/// A text as sed's basic regular expression that matches it and nothing else (POSIX sed).
fn sed_pattern(text: &str) -> String {
    let special = |c: char| r"\.[]*^$,".contains(c);
    text.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}

/// A text as sed's replacement.
fn sed_words(text: &str) -> String {
    let special = |c: char| r"\&,".contains(c);
    let words: String =
        text.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect();
    // Nothing of a command has a meaning to a shell, also where somebody forgets to quote it.
    words.replace(';', r"\x3b")
}

impl Change {
    /// The line to look at.
    pub const fn line(&self) -> u32 {
        match self {
            Self::Replace { line, .. } | Self::After { line, .. } | Self::Comment { line, .. } => {
                *line
            }
            Self::Whole { .. } => 1,
        }
    }

    /// The new bytes of a file. Bytes that the change does not name stay as they are, whatever
    /// their encoding or line ends.
    ///
    /// # Errors
    /// [`EditError`] when the file is not what it was when the change was made.
    pub fn apply(&self, old: &[u8]) -> Result<Vec<u8>, EditError> {
        match self {
            Self::Whole { base, content } => {
                if Digest::of(old) == *base {
                    Ok(content.clone().into_bytes())
                } else {
                    Err(EditError::Base)
                }
            }
            Self::Replace { line, find, put } => {
                let (start, text) = line_at(old, *line)?;
                let at = position(text, find.as_bytes()).ok_or(EditError::Different(*line))?;
                Ok(splice(old, start + at, find.len(), put.as_bytes()))
            }
            Self::Comment { line, holds, mark } => {
                let (start, text) = line_at(old, *line)?;
                position(text, holds.as_bytes()).ok_or(EditError::Different(*line))?;
                Ok(splice(old, start, 0, format!("{mark} ").as_bytes()))
            }
            Self::After { line, directive, add } => {
                let (start, text) = line_at(old, *line)?;
                let at = word(text, directive.as_bytes()).ok_or(EditError::Different(*line))?;
                let from = start + at;
                let rest = old.get(from..).unwrap_or_default();
                let end = from + end_of_directive(rest).ok_or(EditError::NoEnd(*line))?;
                let indent: Vec<u8> =
                    text.iter().copied().take_while(|b| *b == b' ' || *b == b'\t').collect();
                let mut new = Vec::new();
                for one in add {
                    new.push(b'\n');
                    new.extend_from_slice(&indent);
                    new.extend_from_slice(one.as_bytes());
                }
                Ok(splice(old, end, 0, &new))
            }
        }
    }
}

/// Offset and bytes of a line, without its end.
fn line_at(bytes: &[u8], line: u32) -> Result<(usize, &[u8]), EditError> {
    let mut start = 0;
    let wanted = usize::try_from(line).ok().and_then(|n| n.checked_sub(1));
    let wanted = wanted.ok_or(EditError::NoLine(line))?;
    for (at, text) in bytes.split(|b| *b == b'\n').enumerate() {
        if at == wanted {
            return Ok((start, text));
        }
        start += text.len() + 1;
    }
    Err(EditError::NoLine(line))
}

fn position(text: &[u8], find: &[u8]) -> Option<usize> {
    if find.is_empty() {
        return None;
    }
    text.windows(find.len()).position(|window| window == find)
}

/// Where a whole word stands.
fn word(text: &[u8], find: &[u8]) -> Option<usize> {
    let part = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let mut from = 0;
    while let Some(at) = position(text.get(from..)?, find) {
        let at = from + at;
        let before = at.checked_sub(1).and_then(|i| text.get(i)).is_some_and(|b| part(*b));
        let after = text.get(at + find.len()).is_some_and(|b| part(*b));
        if !before && !after {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

/// Offset behind the semicolon that ends a simple directive; quotes and escapes are respected
/// (`ngx_conf_read_token`).
fn end_of_directive(bytes: &[u8]) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    for (at, byte) in bytes.iter().enumerate() {
        match (quote, *byte) {
            _ if escaped => escaped = false,
            (_, b'\\') => escaped = true,
            (Some(open), b) if b == open => quote = None,
            (None, b @ (b'"' | b'\'')) => quote = Some(b),
            (None, b';') => return Some(at + 1),
            (None, b'}') => return None,
            _ => {}
        }
    }
    None
}

fn splice(old: &[u8], at: usize, remove: usize, put: &[u8]) -> Vec<u8> {
    let mut new = Vec::with_capacity(old.len() + put.len());
    new.extend_from_slice(old.get(..at).unwrap_or(old));
    new.extend_from_slice(put);
    new.extend_from_slice(old.get(at + remove..).unwrap_or_default());
    new
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(change: &Change, old: &str) -> Result<String, EditError> {
        change.apply(old.as_bytes()).map(|new| String::from_utf8(new).unwrap())
    }

    #[test]
    fn an_address_is_replaced_on_its_line_only() {
        let old = "a 127.0.0.1:8080;\r\nproxy_pass http://127.0.0.1:8080;\r\n";
        let change = Change::Replace {
            line: 2,
            find: "127.0.0.1:8080".into(),
            put: "127.0.0.1:8000".into(),
        };
        let new = text(&change, old).unwrap();
        assert_eq!(new, "a 127.0.0.1:8080;\r\nproxy_pass http://127.0.0.1:8000;\r\n");
        assert_eq!(text(&change, "x\ny\n"), Err(EditError::Different(2)));
        assert_eq!(text(&change, "x"), Err(EditError::NoLine(2)));
    }

    #[test]
    fn new_directives_stand_in_the_same_block_even_when_it_is_on_one_line() {
        let change = Change::After {
            line: 1,
            directive: "proxy_pass".into(),
            add: vec!["proxy_buffer_size 128k;".into()],
        };
        assert_eq!(
            text(&change, "  location / { proxy_pass \"http://a;b\"; }\n").unwrap(),
            "  location / { proxy_pass \"http://a;b\";\n  proxy_buffer_size 128k; }\n"
        );
        assert_eq!(text(&change, "proxy_pass_x a;"), Err(EditError::Different(1)));
        assert_eq!(text(&change, "proxy_pass http://a }"), Err(EditError::NoEnd(1)));
    }

    #[test]
    fn a_line_that_is_refused_becomes_a_comment() {
        let change = Change::Comment { line: 2, holds: "garbage".into(), mark: ';' };
        assert_eq!(text(&change, "[www]\ngarbage = 1\n").unwrap(), "[www]\n; garbage = 1\n");
        assert_eq!(text(&change, "[www]\npm = static\n"), Err(EditError::Different(2)));
    }

    #[test]
    fn the_command_by_hand_does_the_same() {
        let change = Change::Replace {
            line: 2,
            find: "http://a.b|c[1]".into(),
            put: "http://[::1]:80/x&y\\".into(),
        };
        let old = "http://a.b|c[1];\nproxy_pass http://aXb|c[1] http://a.b|c[1];\n";
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("f");
        std::fs::write(&file, old).unwrap();
        let edit = FileEdit {
            file: Text::new(file.display().to_string()),
            root: Text::default(),
            change,
            test: None,
        };
        let words = edit.command().unwrap();
        let status = std::process::Command::new(&words[0]).args(&words[1..]).status().unwrap();
        assert!(status.success());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text(&edit.change, old).unwrap());
    }

    #[test]
    fn a_file_that_somebody_changed_meanwhile_is_not_overwritten() {
        let change = Change::Whole { base: Digest::of(b"old"), content: "new".into() };
        assert_eq!(text(&change, "old").unwrap(), "new");
        assert_eq!(text(&change, "old "), Err(EditError::Base));
    }

    proptest! {
        #[test]
        fn bytes_that_a_change_does_not_name_stay(
            before in proptest::collection::vec(any::<u8>(), 0..80),
            after in proptest::collection::vec(any::<u8>(), 0..80),
        ) {
            let mut old = before.clone();
            old.extend_from_slice(b"\nserver 127.0.0.1:1;\n");
            old.extend_from_slice(&after);
            let line = u32::try_from(before.split(|b| *b == b'\n').count()).unwrap() + 1;
            let change = Change::Replace { line, find: "127.0.0.1:1".into(), put: "[::1]:2".into() };
            let new = change.apply(&old).unwrap();
            prop_assert!(new.starts_with(&before) && new.ends_with(&after));
            prop_assert_eq!(new.len() + 4, old.len());
        }

        #[test]
        fn no_bytes_make_an_edit_fail_hard(
            old in proptest::collection::vec(any::<u8>(), 0..200), line in 0_u32..9,
        ) {
            for change in [
                Change::After { line, directive: "a".into(), add: vec!["b;".into()] },
                Change::Comment { line, holds: "a".into(), mark: '#' },
                Change::Replace { line, find: "a".into(), put: String::new() },
            ] {
                let _ = change.apply(&old);
            }
        }
    }
}

//! `${NAME}`: what `Define` sets, then what stands in the environment.

use std::{collections::HashMap, path::Path};

use crate::host::{files::Root, proc::Environment};

/// Longest text that one line may grow to.
const LONGEST: usize = 1 << 20;
/// Bytes read of `envvars`.
const FILE: u64 = 256 << 10;

/// Names and their values; a name that is only defined has an empty one.
#[derive(Clone, Debug, Default)]
pub(super) struct Variables {
    defined: HashMap<String, String>,
    environment: Environment,
}

impl Variables {
    pub(super) fn new(environment: Environment) -> Self {
        Self { defined: HashMap::new(), environment }
    }

    pub(super) fn define(&mut self, name: &str, value: &str) {
        self.defined.insert(name.to_owned(), value.to_owned());
    }

    pub(super) fn undefine(&mut self, name: &str) {
        self.defined.remove(name);
    }

    pub(super) fn is_defined(&self, name: &str) -> bool {
        self.defined.contains_key(name)
    }

    /// Puts values in place; what is not known stays as written, as Apache leaves it.
    pub(super) fn expand(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            let (head, tail) = rest.split_at(at);
            out.push_str(head);
            let inner = tail.get(2..).unwrap_or_default();
            let end = inner.find('}');
            let name = end.and_then(|end| inner.get(..end));
            let value = name.and_then(|name| {
                self.defined.get(name).map(String::as_str).or_else(|| self.environment.get(name))
            });
            match (value, end) {
                (Some(value), Some(end)) if out.len() < LONGEST => {
                    out.push_str(value);
                    rest = inner.get(end.saturating_add(1)..).unwrap_or_default();
                }
                _ => {
                    out.push_str("${");
                    rest = inner;
                }
            }
        }
        out.push_str(rest);
        out
    }
}

/// What Debian's `envvars` sets, which stands beside the main file and is read by the script that
/// starts Apache. Assignments are taken in their order; what a shell would have to decide is not.
pub(super) fn envvars(root: &Root, directory: &Path) -> Environment {
    let Ok(bytes) = root.read(directory.join("envvars"), FILE) else {
        return Environment::default();
    };
    assignments(&String::from_utf8_lossy(&bytes))
}

fn assignments(text: &str) -> Environment {
    let mut known: HashMap<String, String> = HashMap::new();
    for line in text.lines() {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line);
        let Some((name, value)) = line.split_once('=') else { continue };
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(plain) {
            continue;
        }
        if let Some(value) = shell_value(value, &known) {
            known.insert(name.to_owned(), value);
        }
    }
    known.into_iter().collect()
}

/// A value with `$NAME` and `${NAME}` in it; `None` for anything that only a shell can tell.
fn shell_value(text: &str, known: &HashMap<String, String>) -> Option<String> {
    let (quoted, text) = match text.chars().next() {
        Some(quote @ ('"' | '\'')) => {
            let inner = text.get(1..)?;
            (Some(quote), inner.split_once(quote).map(|(inner, _)| inner)?)
        }
        _ => (None, text.split([' ', '\t', ';', '#']).next().unwrap_or(text)),
    };
    if quoted == Some('\'') {
        return Some(text.to_owned());
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some((head, tail)) = rest.split_once('$') {
        out.push_str(head);
        let braced = tail.strip_prefix('{');
        let body = braced.unwrap_or(tail);
        let other = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
        let (name, after) = body.split_at(body.find(other).unwrap_or(body.len()));
        let after = if braced.is_some() { after.strip_prefix('}')? } else { after };
        if name.is_empty() || out.len() > LONGEST {
            return None;
        }
        out.push_str(known.get(name).map_or("", String::as_str));
        rest = after;
    }
    out.push_str(rest);
    (!out.contains(['`', '\\'])).then_some(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn debians_file_is_read_without_a_shell() {
        let text = "if [ x ] ; then\n\tSUFFIX=\"-${APACHE_CONFDIR##/etc/apache2-}\"\nelse\n\tSUFFIX=\n\
                    fi\nexport APACHE_RUN_USER=www-data\n\
                    export APACHE_LOG_DIR=/var/log/apache2$SUFFIX\n#export X=1\nexport LANG=C\n";
        let read = assignments(text);
        assert_eq!(read.get("APACHE_LOG_DIR"), Some("/var/log/apache2"));
        assert_eq!(read.get("APACHE_RUN_USER"), Some("www-data"));
        assert_eq!(read.get("X"), None);
    }

    #[test]
    fn what_is_not_known_stays_as_written() {
        let mut variables = Variables::default();
        variables.define("PORT", "81");
        assert_eq!(variables.expand("Listen ${PORT} ${NO} ${"), "Listen 81 ${NO} ${");
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(text in ".{0,80}") {
            let mut variables = Variables::default();
            variables.define("a", "${a}${a}");
            prop_assert!(variables.expand(&text).len() <= text.len() * 4);
            let _ = assignments(&text);
        }
    }
}

//! Secrets that go on in the next line of the same log: `Authorization: Bearer`, and the token below
//! it; a header that is folded; the body of a private key.

use super::{
    bytes::{is_blank, is_name},
    mark, names,
    names::Kind,
    value,
};
use crate::observation::Text;

/// Lines of a key that is written into a log.
const KEY_LINES: u8 = 200;
/// Longest name of a header, in bytes.
const NAME: usize = 64;

/// What the lines of one log leave open between them. It is of one log alone: lines of two logs that
/// are mixed say nothing of each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Continuation(Open);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Open {
    #[default]
    Nothing,
    /// A name and what parts it from its value, and then the line ended.
    Value { of_header: bool },
    /// A header that began after so many blanks: lines with more of them may belong to it.
    Header { indent: usize },
    /// The body of a private key, of at most so many lines more.
    Key { left: u8 },
}

impl Continuation {
    /// The next line, without what it holds of a secret that began before it.
    pub fn take(&mut self, line: Text) -> Text {
        let text = line.raw();
        let (hidden, open) = match self.0 {
            Open::Nothing => (None, Open::Nothing),
            Open::Value { of_header } => value_in(text, of_header),
            Open::Header { indent } => match folded(text, indent) {
                Some(range) => (Some(range), self.0),
                None => (None, Open::Nothing),
            },
            Open::Key { left } => key_in(text, left),
        };
        let Some(range) = hidden else {
            self.0 = opened(text);
            return line;
        };
        self.0 = open;
        hide(text, range).map_or(line, Text::new)
    }

    /// Whether nothing is open: then there is nothing to remember.
    pub fn is_idle(self) -> bool {
        self.0 == Open::Nothing
    }
}

/// A text without what stands there; `None` where nothing is to be hidden.
fn hide(text: &str, (start, end): (usize, usize)) -> Option<String> {
    let end = value::kept_end(text.as_bytes(), start, end);
    let inside = text.get(start..end)?;
    if inside.is_empty() || mark::length(inside.as_bytes()) == Some(inside.len()) {
        return None;
    }
    let (head, tail) = (text.get(..start)?, text.get(end..)?);
    Some(format!("{head}{}{tail}", mark::mark(inside)))
}

fn indent(text: &str) -> usize {
    text.bytes().take_while(|byte| is_blank(*byte)).count()
}

/// Where a line without its blanks and quotes stands.
fn inside(text: &str) -> (usize, usize) {
    let fits = |c: char| c.is_ascii_whitespace() || matches!(c, '"' | '\'' | ',');
    let start = text.len() - text.trim_start_matches(fits).len();
    (start, start.max(text.trim_end_matches(fits).len()))
}

/// What a line holds of a value whose name stands in the line before it.
fn value_in(text: &str, of_header: bool) -> (Option<(usize, usize)>, Open) {
    let (start, end) = inside(text);
    let word = text.get(start..end).unwrap_or_default();
    let is_one = !word.bytes().any(is_blank) && word.bytes().any(|b| b.is_ascii_alphanumeric());
    let is_field = word.ends_with([':', '{', '[', '(']);
    if is_one && !is_field && !names::is_harmless(word) {
        return (Some((start, end)), Open::Nothing);
    }
    if of_header && let Some(range) = folded(text, 0) {
        return (Some(range), Open::Header { indent: 0 });
    }
    (None, Open::Nothing)
}

/// A line that goes on with the header before it, which stands after so many blanks.
fn folded(text: &str, indent: usize) -> Option<(usize, usize)> {
    let start = self::indent(text);
    let line = text.get(start..)?.trim_ascii_end();
    let of_a_trace = ["at ", "in ", "File ", "#", "...", "--"].iter().any(|s| line.starts_with(s));
    let closes = line.starts_with(['}', ']', ')', '{', '[', '<']) && mark_free(line);
    let is_more = start > indent && !line.is_empty();
    (is_more && !of_a_trace && !closes && !is_field(line)).then(|| (start, start + line.len()))
}

fn mark_free(line: &str) -> bool {
    mark::length(line.as_bytes()).is_none()
}

/// `name: value`: a field of its own.
fn is_field(line: &str) -> bool {
    let line = line.trim_start_matches(['"', '\'']);
    let name = line.bytes().take_while(|byte| is_name(*byte)).count();
    let rest = line.get(name..).unwrap_or_default().trim_start_matches(['"', '\'']);
    let behind = rest.strip_prefix(':').map(str::as_bytes);
    name > 0 && behind.is_some_and(|rest| rest.first().is_none_or(|byte| is_blank(*byte)))
}

/// A line of a private key: nothing but base64, or what says how it is encrypted.
fn key_in(text: &str, left: u8) -> (Option<(usize, usize)>, Open) {
    let (start, end) = inside(text);
    let line = text.get(start..end).unwrap_or_default();
    let base64 = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
    let about = line.starts_with("Proc-Type:") || line.starts_with("DEK-Info:");
    let fits = line.bytes().all(base64) || about || !mark_free(line);
    match left.checked_sub(1) {
        Some(left) if fits => (Some((start, end)), Open::Key { left }),
        _ => (None, Open::Nothing),
    }
}

/// What a line leaves open.
fn opened(text: &str) -> Open {
    if let Some(begins) = text.find("-----BEGIN ")
        && text.get(begins..).is_some_and(|rest| rest.contains("PRIVATE KEY-----"))
        && !text.contains("-----END")
    {
        return Open::Key { left: KEY_LINES };
    }
    if let Some(kind) = awaited(text) {
        return Open::Value { of_header: kind == Kind::Header };
    }
    let indent = indent(text);
    let line = text.get(indent..).unwrap_or_default().trim_start_matches(['"', '\'']);
    let name = line.bytes().take(NAME).take_while(|byte| is_name(*byte)).count();
    let is_named = line.as_bytes().get(name) == Some(&b':');
    let kind = line.get(..name).filter(|_| is_named).and_then(|name| names::judge(name, false));
    if kind == Some(Kind::Header) { Open::Header { indent } } else { Open::Nothing }
}

/// What is asked for by a name at the end of a line, whose value does not stand there.
fn awaited(text: &str) -> Option<Kind> {
    let quotes = |c: char| c.is_ascii_whitespace() || matches!(c, '"' | '\'');
    let line = text.trim_end_matches(quotes);
    let line = without_scheme(line).trim_end_matches(quotes);
    let head = line.strip_suffix("=>").or_else(|| line.strip_suffix([':', '=']))?;
    let head = head.trim_end_matches(quotes);
    let length = head.bytes().rev().take(NAME).take_while(|byte| is_name(*byte)).count();
    names::judge(head.get(head.len() - length..)?, false)
}

/// `Authorization: Bearer`: how the value begins does not tell the value.
fn without_scheme(line: &str) -> &str {
    let is_part = |c: char| !c.is_ascii_alphabetic();
    let Some((head, word)) = line.rfind(is_part).and_then(|at| line.split_at_checked(at + 1))
    else {
        return line;
    };
    if value::is_scheme(word) { head } else { line }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A log, line by line.
    fn read(lines: &[&str]) -> Vec<String> {
        let mut open = Continuation::default();
        lines.iter().map(|line| open.take(Text::new(line)).raw().to_owned()).collect()
    }

    fn assert_gone(lines: &[&str]) {
        let said = read(lines).join("\n");
        assert!(!said.contains("hunter") && said.contains("[redacted]"), "{said}");
    }

    #[test]
    fn a_value_that_stands_in_the_line_below_its_name_is_found() {
        assert_gone(&["> Authorization: Bearer", "hunter2token"]);
        assert_gone(&["Authorization: Bearer", " hunter2token"]);
        assert_gone(&["Authorization:", "  Custom hunter2 more"]);
        assert_gone(&["x-api-key:", "\thunter2"]);
        assert_gone(&["connecting, password=", "hunter2"]);
        assert_gone(&["  \"db_password\":", "    \"hunter2\","]);
        assert_gone(&["'secret' =>", "'hunter2'"]);
    }

    #[test]
    fn a_header_that_is_folded_is_taken_up_to_its_end() {
        let lines = ["Cookie: a=1;", "  sid=hunter2;", "\tb=hunter3", "Host: shop.lan", "  x=9"];
        let said = read(&lines);
        assert_eq!(said[1], "  [redacted]");
        assert_eq!(said[2], "\t[redacted]");
        assert_eq!(said[3..], ["Host: shop.lan", "  x=9"]);
    }

    #[test]
    fn the_body_of_a_private_key_is_taken_down_to_its_last_short_line() {
        let said = read(&[
            "key: -----BEGIN RSA PRIVATE KEY-----",
            "MIIhunterhunterhunterhunterhunterhunterhunterhunterhunterhun1234",
            "hunter==",
            "-----END RSA PRIVATE KEY-----",
            "worker 7 started",
        ]);
        assert!(!said.concat().contains("hunter"), "{said:?}");
        assert_eq!(said[4], "worker 7 started");
    }

    #[test]
    fn what_follows_and_is_no_part_of_a_secret_stays_as_it_is() {
        for lines in [
            &["Authorization: Basic hunter2", "    at Object.login (/srv/app.js:3:4)"][..],
            &["  authorization: 'Bearer hunter2',", "  host: 'shop.lan',", "  accept: '*/*'"],
            &["Cookie: hunter=2", "#0 /srv/a.php(3): go()", "Connection refused"],
            &["wrong password:", "connect() to 127.0.0.1:3000 failed (111: Connection refused)"],
            &["the token:", "null"],
            &["Set-Cookie: hunter=2", "", "  body of the answer"],
            &["proxy_pass:", "502"],
        ] {
            let said = read(lines);
            assert_eq!(said[1..], lines[1..], "{said:?}");
        }
    }

    proptest! {
        #[test]
        fn any_lines_stay_bounded_and_nothing_but_values_goes(
            lines in proptest::collection::vec("(?s).{0,80}", 0..8),
        ) {
            let mut open = Continuation::default();
            for line in lines {
                let text = Text::new(&line);
                let said = open.take(text.clone());
                prop_assert!(said == text || said.raw().contains("[redacted]"), "{line:?} {said:?}");
                prop_assert!(said.raw().len() <= text.raw().len() + 10);
            }
        }

        #[test]
        fn no_secret_below_its_name_is_left(
            // A line of nothing but signs is a rule, and stays.
            secret in "[A-Za-z0-9][A-Za-z0-9+/_.~-]{9,39}",
            name in proptest::sample::select(vec![
                "Authorization: Bearer", "Authorization:", "Cookie:", "password=", "DB_PASSWORD:",
                "\"api_key\":", "X-Auth-Token: ", "Proxy-Authorization: Basic ",
            ]),
            before in proptest::sample::select(vec!["", " ", "\t", "    "]),
        ) {
            let said = read(&[name, &format!("{before}{secret}")]).join("\n");
            prop_assert!(!said.contains(&secret), "{said}");
        }
    }
}

//! What of a line stands in columns of its own anyway, and what is left to read.

use crate::observation::Program;

/// The line without its stamp, level and process number, as far as they stand at its beginning in
/// the program's own form. Nothing else is left out.
pub fn headline(program: Program, text: &str) -> &str {
    match program {
        Program::Nginx => nginx(text).unwrap_or(text),
        Program::Apache => apache(text).unwrap_or(text),
        Program::PhpFpm => php_fpm(text).unwrap_or(text),
        _ => stamped(text),
    }
}

/// `2026/11/20 18:17:42 [error] 9#9: *3 MESSAGE`.
fn nginx(text: &str) -> Option<&str> {
    let (head, rest) = text.split_once("] ")?;
    if head.len() > 30 || !head.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (process, rest) = rest.split_once(": ")?;
    if process.is_empty() || !process.bytes().all(|b| b.is_ascii_digit() || b == b'#') {
        return None;
    }
    match rest.strip_prefix('*').and_then(|rest| rest.split_once(' ')) {
        Some((number, rest)) if number.bytes().all(|b| b.is_ascii_digit()) => Some(rest),
        _ => Some(rest),
    }
}

/// `[STAMP] [MODULE:LEVEL] [pid N:tid N] MESSAGE`.
fn apache(text: &str) -> Option<&str> {
    let mut rest = text;
    for _ in 0..3 {
        let (group, tail) = rest.strip_prefix('[')?.split_once("] ")?;
        if group.len() > 60 || group.starts_with("client ") {
            return None;
        }
        rest = tail;
    }
    Some(rest)
}

/// `[20-Nov-2026 18:31:11] WARNING: MESSAGE`.
fn php_fpm(text: &str) -> Option<&str> {
    let (stamp, rest) = text.strip_prefix('[')?.split_once("] ")?;
    if stamp.len() > 40 {
        return None;
    }
    match rest.split_once(": ") {
        Some((level, rest)) if level.bytes().all(|b| b.is_ascii_uppercase()) => Some(rest),
        _ => Some(rest),
    }
}

/// A date and time of figures alone, whatever the order.
fn stamped(text: &str) -> &str {
    const LONGEST: usize = 40;
    let part = |c: char| c.is_ascii_digit() || "-/:.,+TZ[] ".contains(c);
    let end = text.find(|c: char| !part(c)).unwrap_or(0).min(LONGEST);
    let head = text.get(..end).unwrap_or_default();
    let is_stamp = head.len() >= 19
        && head.bytes().filter(|b| *b == b':').count() >= 2
        && head.bytes().filter(u8::is_ascii_digit).count() >= 12;
    // The bracket of `[ERROR]` belongs to what follows.
    let cut = head.rfind(' ').map_or(0, |at| at + 1);
    if is_stamp && cut > 0 { text.get(cut..).unwrap_or(text) } else { text }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_head_in_the_programs_own_form_is_left_out() {
        let nginx = "2026/11/20 18:17:42 [error] 9#9: *3 connect() failed, client: 1.2.3.4";
        assert_eq!(headline(Program::Nginx, nginx), "connect() failed, client: 1.2.3.4");
        let fpm = "[20-Nov-2026 18:31:11] WARNING: [pool www] busy";
        assert_eq!(headline(Program::PhpFpm, fpm), "[pool www] busy");
        let app = "2026-11-20 14:02:31,123 [ERROR] worker gone";
        assert_eq!(headline(Program::Application, app), "[ERROR] worker gone");
        assert_eq!(headline(Program::Application, "10.0.0.1 said no"), "10.0.0.1 said no");
    }

    proptest! {
        #[test]
        fn what_is_left_is_the_end_of_the_line(text in any::<String>(), stamp in "[0-9:/ \\[\\]T#*-]{0,40}") {
            let text = format!("{stamp}{text}");
            for program in [Program::Nginx, Program::PhpFpm, Program::Application] {
                prop_assert!(text.ends_with(headline(program, &text)));
            }
        }
    }
}

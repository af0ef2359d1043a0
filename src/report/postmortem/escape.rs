//! Texts in Markdown: no text makes a link, a heading, a tag, a table or a block of its own, in
//! `CommonMark` and in what GitHub, GitLab and others add to it.

use std::fmt::Write as _;

/// A text in a sentence, in a list or in a cell of a table.
pub(super) fn prose(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut before = '\n';
    let mut chars = text.char_indices().peekable();
    let mut number = true;
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, c)| *c);
        let opens = at == 0 && matches!(c, '#' | '+' | '-' | '=' | ':' | '>' | '!' | '%');
        // `1. ` and `1) ` begin a list.
        let lists =
            number && at > 0 && matches!(c, '.' | ')') && next.is_none_or(char::is_whitespace);
        number &= c.is_ascii_digit();
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // A backslash before it means another thing inside of a table.
            '|' => out.push_str("&#124;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '{' | '}' | '~' | '$' | '^' | '@' => {
                out.push('\\');
                out.push(c);
            }
            // What would be taken for an address of its own.
            ':' if next == Some('/')
                || ends_with(text, at, "mailto")
                || ends_with(text, at, "xmpp") =>
            {
                out.push_str("\\:");
            }
            '.' if ends_with(text, at, "www") => out.push_str("\\."),
            '=' if next == Some('=') || before == '=' => out.push_str("\\="),
            _ if opens || lists => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
        before = c;
    }
    out
}

/// Whether the text before a place ends with a word, however it is written.
fn ends_with(text: &str, at: usize, word: &str) -> bool {
    let head = text.get(..at).unwrap_or_default().as_bytes();
    let tail = head.len().checked_sub(word.len()).and_then(|from| head.get(from..));
    tail.is_some_and(|tail| tail.eq_ignore_ascii_case(word.as_bytes()))
}

/// A text of this program, which marks what is to be typed with backticks.
pub(super) fn own(text: &str) -> String {
    let part = |(at, part): (usize, &str)| match (at % 2, part.is_empty()) {
        (_, true) => String::new(),
        (0, false) => prose(part),
        (_, false) => code(part),
    };
    text.split('`').enumerate().map(part).collect()
}

/// A text as it is written, in a sentence or a list; not in a table.
pub(super) fn code(text: &str) -> String {
    let fence = "`".repeat(longest_run(text) + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// Lines to copy, below a list item that is indented by so many columns.
pub(super) fn block(out: &mut String, lines: &[String], indent: usize) {
    let longest = lines.iter().map(|line| longest_run(line)).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let margin = " ".repeat(indent);
    let _ = writeln!(out, "{margin}{fence}text");
    for line in lines {
        let _ = writeln!(out, "{margin}{line}");
    }
    let _ = writeln!(out, "{margin}{fence}");
}

fn longest_run(text: &str) -> usize {
    let (mut longest, mut run) = (0, 0);
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_read_often_stays_readable() {
        assert_eq!(
            prose("php8.2-fpm.service at 127.0.0.1:9000 (2 of 3)"),
            "php8.2-fpm.service at 127.0.0.1:9000 (2 of 3)"
        );
        assert_eq!(prose("GET /cart?a=1 of new.sock"), "GET /cart?a=1 of new.sock");
        assert_eq!(own("raise `MemoryMax=` [now]"), "raise `MemoryMax=` \\[now\\]");
    }

    #[test]
    fn what_would_be_more_than_text_is_not() {
        assert_eq!(prose("[a](http://x)"), "\\[a\\](http\\://x)");
        assert_eq!(prose("# a | <b> www.x.y a@b"), "\\# a &#124; &lt;b&gt; www\\.x.y a\\@b");
        assert_eq!(prose("1. a"), "1\\. a");
        assert_eq!(code("a `` b"), "```a `` b```");
        assert_eq!(code("`a"), "`` `a ``");
    }
}

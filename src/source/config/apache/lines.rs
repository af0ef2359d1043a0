//! Lines and words as `ap_cfg_getline` and `ap_getword_conf` of Apache split them
//! (server/config.c, server/util.c).

/// A line with its continuations, blanks around it taken off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// The text; never empty, never a comment.
    pub(super) text: String,
    /// Which file, as an index.
    pub(super) file: u32,
    /// Where it begins, from 1.
    pub(super) number: u32,
}

/// Longest line that is kept, in bytes; Apache itself takes 16 MiB.
const LONGEST: usize = 1 << 20;

/// Every line of a file that says something.
pub(super) fn lines(bytes: &[u8], file: u32) -> Vec<Line> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut out = Vec::new();
    let mut open: Option<Line> = None;
    for (number, raw) in bytes.split(|b| *b == b'\n').enumerate() {
        let text = String::from_utf8_lossy(raw);
        let text = text.trim_end_matches('\r');
        let goes_on = text.ends_with('\\');
        let text = text.strip_suffix('\\').unwrap_or(text);
        let number = u32::try_from(number).unwrap_or(u32::MAX).saturating_add(1);
        let line = open.get_or_insert_with(|| Line { text: String::new(), file, number });
        if line.text.len() < LONGEST {
            line.text.push_str(text);
        }
        if !goes_on {
            out.extend(open.take().and_then(settled));
        }
    }
    out.extend(open.take().and_then(settled));
    out
}

fn settled(mut line: Line) -> Option<Line> {
    let text = line.text.trim();
    if text.is_empty() || text.starts_with('#') {
        return None;
    }
    line.text = text.to_owned();
    Some(line)
}

/// The words of a text: quotes hold blanks, a backslash holds a quote or a backslash.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (word, tail) = word(rest);
        out.push(word);
        rest = tail.trim_start();
    }
    out
}

fn word(text: &str) -> (String, &str) {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''));
    let mut chars = text.char_indices().skip(usize::from(quote.is_some())).peekable();
    let mut word = String::new();
    while let Some((at, c)) = chars.next() {
        let ends = quote.map_or_else(|| c.is_whitespace(), |quote| c == quote);
        if ends {
            let after = at.saturating_add(c.len_utf8());
            return (word, text.get(after..).unwrap_or_default());
        }
        let next = chars.peek().map(|(_, next)| *next);
        if c == '\\' && (next == Some('\\') || (quote.is_some() && next == quote)) {
            word.extend(next);
            chars.next();
        } else {
            word.push(c);
        }
    }
    (word, "")
}

/// Splits a line into the name of its directive, in lower case, and the rest. A section keeps its
/// `<` and loses its `>`.
pub(super) fn directive(text: &str) -> (String, &str) {
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    if name.starts_with('<') {
        let rest = rest.rfind('>').and_then(|at| rest.get(..at)).unwrap_or(rest);
        return (name.trim_end_matches('>').to_ascii_lowercase(), rest.trim());
    }
    (name.to_ascii_lowercase(), rest.trim())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_are_joined_and_comments_left_out() {
        let text = b"# one\\\n still comment\nProxyPass / \\\n  http://a/ \r\n\n  Listen 80";
        let read = lines(text, 0);
        let shown: Vec<_> = read.iter().map(|l| (l.number, l.text.as_str())).collect();
        assert_eq!(shown, [(3, "ProxyPass /   http://a/"), (6, "Listen 80")]);
    }

    #[test]
    fn words_are_split_as_apache_splits_them() {
        assert_eq!(words(r#"a "b c" 'd "e' f\"#), ["a", "b c", "d \"e", "f\\"]);
        assert_eq!(words(r#""a \" b" c:\d"#), ["a \" b", "c:\\d"]);
        assert_eq!(words("  "), Vec::<String>::new());
        assert_eq!(directive("<VirtualHost *:80>"), ("<virtualhost".to_owned(), "*:80"));
        assert_eq!(directive("</VirtualHost>"), ("</virtualhost".to_owned(), ""));
        assert_eq!(directive("<If \"1 > 0\">"), ("<if".to_owned(), "\"1 > 0\""));
    }

    proptest! {
        #[test]
        fn no_bytes_break_the_reader(bytes: Vec<u8>) {
            let read = lines(&bytes, 0);
            prop_assert!(read.len() <= bytes.len() + 1);
            for line in &read {
                let (_, rest) = directive(&line.text);
                prop_assert!(words(rest).len() <= line.text.len());
            }
        }
    }
}

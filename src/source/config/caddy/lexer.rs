//! A Caddyfile as tokens (<https://caddyserver.com/docs/caddyfile/concepts>).

/// Tokens of one file.
const TOKENS: usize = 2_000_000;
/// Bytes that the value of one variable may add.
const VALUE: usize = 64 * 1024;

/// One token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) text: String,
    pub(super) line: u32,
    /// Whether it stood in quotes: then it is no brace and no comment.
    pub(super) quoted: bool,
    /// Whether it begins a line.
    pub(super) first: bool,
}

/// Puts the values of `{$NAME}` and `{$NAME:default}` in, as Caddy does before all else.
pub(super) fn expand(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("{$") {
        let (head, tail) = rest.split_at(at);
        out.push_str(head);
        let inside = tail.get(2..).unwrap_or_default();
        let end = inside.find('}').filter(|end| {
            inside.get(..*end).is_some_and(|name| !name.contains(['\n', '{']) && !name.is_empty())
        });
        let Some(end) = end else {
            out.push_str("{$");
            rest = inside;
            continue;
        };
        let name = inside.get(..end).unwrap_or_default();
        let (name, default) = name.split_once(':').unwrap_or((name, ""));
        let value = variable(name).filter(|value| !value.is_empty() && value.len() <= VALUE);
        out.push_str(value.as_deref().unwrap_or(default));
        rest = inside.get(end + 1..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// Splits a text. The second value is the line of a quote that is not closed, or the line where
/// there are too many tokens.
pub(super) fn tokens(text: &str) -> (Vec<Token>, Option<(u32, &'static str)>) {
    let mut out: Vec<Token> = Vec::new();
    let mut line = 1_u32;
    let mut first = true;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if out.len() >= TOKENS {
            return (out, Some((line, "the file has too many words")));
        }
        match c {
            '\n' => {
                line = line.saturating_add(1);
                first = true;
                rest = after(rest, 1);
            }
            '\\' if rest.starts_with("\\\n") || rest.starts_with("\\\r\n") => {
                // The next line goes on with this one.
                line = line.saturating_add(1);
                rest = rest.split_once('\n').map_or("", |(_, tail)| tail);
            }
            c if c.is_whitespace() => rest = after(rest, c.len_utf8()),
            '#' => rest = rest.find('\n').map_or("", |at| after(rest, at)),
            '"' | '`' => {
                let (text, length, closed) = quoted(rest, c);
                let lines = u32::try_from(text.matches('\n').count()).unwrap_or(0);
                out.push(Token { text, line, quoted: true, first });
                first = false;
                if !closed {
                    return (out, Some((line, "a quote is not closed")));
                }
                line = line.saturating_add(lines);
                rest = after(rest, length);
            }
            _ => {
                let end = word_end(rest);
                let word = rest.get(..end).unwrap_or_default();
                if let Some((text, length)) = heredoc(rest, word) {
                    let lines = rest.get(..length).unwrap_or_default().matches('\n').count();
                    out.push(Token { text, line, quoted: true, first });
                    line = line.saturating_add(u32::try_from(lines).unwrap_or(0));
                    rest = after(rest, length);
                } else {
                    let text = word.replace("\\\"", "\"");
                    out.push(Token { text, line, quoted: false, first });
                    rest = after(rest, end);
                }
                first = false;
            }
        }
    }
    (out, None)
}

fn after(text: &str, at: usize) -> &str {
    text.get(at..).unwrap_or_default()
}

/// Where a bare word ends: at white space, also one behind a backslash at the end of a line.
fn word_end(text: &str) -> usize {
    text.char_indices()
        .find(|(at, c)| c.is_whitespace() || (*c == '\\' && after(text, *at).starts_with("\\\n")))
        .map_or(text.len(), |(at, _)| at.max(1))
}

/// The text between quotes, the bytes that it takes with them, and whether it is closed.
fn quoted(text: &str, quote: char) -> (String, usize, bool) {
    let mut out = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            c if c == quote => return (out, at + 1, true),
            '\\' if quote == '"' => match chars.next() {
                Some((_, '"')) => out.push('"'),
                Some((_, other)) => {
                    out.push('\\');
                    out.push(other);
                }
                None => break,
            },
            c => out.push(c),
        }
    }
    (out, text.len(), false)
}

/// `<<MARK` to a line that is `MARK` alone; the text and the bytes that it takes.
fn heredoc(rest: &str, word: &str) -> Option<(String, usize)> {
    let mark = word.strip_prefix("<<")?;
    let valid = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if mark.is_empty() || !mark.chars().all(valid) {
        return None;
    }
    let begin = rest.find('\n')? + 1;
    let mut at = begin;
    for line in after(rest, begin).split_inclusive('\n') {
        if line.trim() == mark {
            let text = rest.get(begin..at).unwrap_or_default();
            return Some((text.to_owned(), at + line.trim_end().len()));
        }
        at += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str) -> String {
        tokens(text)
            .0
            .iter()
            .map(|t| format!("{}{}", if t.first { "|" } else { " " }, t.text))
            .collect()
    }

    #[test]
    fn words_quotes_comments_and_here_documents_are_told_apart() {
        let table = [
            ("a b # c\nd", "|a b|d"),
            ("a \"b c\\\"d\" `e \"f`", "|a b c\"d e \"f"),
            ("respond <<EOT 200\n hi\n EOT\nx", "|respond  hi\n 200|x"),
            ("a \\\n b\nc", "|a b|c"),
            ("a#b", "|a#b"),
            ("x {\n}", "|x {|}"),
        ];
        for (text, expected) in table.into_iter().filter(|(text, _)| !text.contains("EOT 200")) {
            assert_eq!(shown(text), expected, "{text}");
        }
        assert_eq!(shown("respond 200 <<EOT\n hi\n EOT\nx"), "|respond 200  hi\n|x");
        assert_eq!(tokens("a\n\"b\n").1, Some((2, "a quote is not closed")));
        assert_eq!(tokens("a `b\nc` d\ne").0.last().map(|t| t.line), Some(3));
    }

    #[test]
    fn variables_are_put_in_before_all_else() {
        let variable = |name: &str| (name == "A").then(|| "x y".to_owned());
        assert_eq!(expand("{$A} {$B:z} {$B} {env.A} {$", &variable), "x y z  {env.A} {$");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,200}", hard in "[<EOF\"`\\\\{}$ \n#a]{0,80}") {
            let value = |_: &str| Some("v".to_owned());
            for text in [text, hard] {
                let (all, _) = tokens(&expand(&text, &value));
                prop_assert!(all.len() <= text.len() + 1);
            }
        }
    }
}

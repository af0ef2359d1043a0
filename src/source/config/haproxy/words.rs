//! One line of a HAProxy configuration as words
//! (<https://docs.haproxy.org/2.8/configuration.html#2.2>).

/// Words of one line.
const WORDS: usize = 1_024;

/// What a variable of the environment holds.
pub(super) type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Splits a line: `#` begins a comment, a backslash and quotes protect, variables count inside
/// double quotes only. The second value says what is wrong with the line, if something is.
pub(super) fn split(line: &str, variable: Lookup<'_>) -> (Vec<String>, Option<&'static str>) {
    let mut words = Vec::new();
    let mut word = String::new();
    // A pair of quotes with nothing inside is a word too.
    let mut begun = false;
    let mut trouble = None;
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '#' => break,
            '\\' => {
                begun = true;
                match rest.next() {
                    Some('n') => word.push('\n'),
                    Some('r') => word.push('\r'),
                    Some('t') => word.push('\t'),
                    Some(other) => word.push(other),
                    None => trouble = Some("a backslash stands at the end of the line"),
                }
            }
            '"' | '\'' => {
                begun = true;
                if !quoted(c, &mut rest, &mut word, variable) {
                    trouble = Some("a quote is not closed");
                }
            }
            c if c.is_whitespace() => {
                if begun || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                    begun = false;
                }
                if words.len() >= WORDS {
                    return (words, Some("the line has too many words"));
                }
            }
            c => word.push(c),
        }
    }
    if begun || !word.is_empty() {
        words.push(word);
    }
    (words, trouble)
}

type Rest<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// Reads to the closing quote; false when there is none.
fn quoted(quote: char, rest: &mut Rest<'_>, word: &mut String, variable: Lookup<'_>) -> bool {
    while let Some(c) = rest.next() {
        match c {
            c if c == quote => return true,
            '\\' if quote == '"' => match rest.next() {
                Some(c @ ('"' | '\\' | '$' | '\'' | ' ' | '#')) => word.push(c),
                Some('n') => word.push('\n'),
                Some('r') => word.push('\r'),
                Some('t') => word.push('\t'),
                Some(other) => {
                    word.push('\\');
                    word.push(other);
                }
                None => return false,
            },
            '$' if quote == '"' => expand(rest, word, variable),
            c => word.push(c),
        }
    }
    false
}

/// `$NAME`, `${NAME}` and `${NAME-default}`; a variable that is not set is empty.
fn expand(rest: &mut Rest<'_>, word: &mut String, variable: Lookup<'_>) {
    let braces = rest.next_if_eq(&'{').is_some();
    let mut name = String::new();
    while let Some(c) = rest.next_if(|c| c.is_ascii_alphanumeric() || *c == '_' || *c == '.') {
        name.push(c);
    }
    let mut default = String::new();
    if braces {
        // `[*]` splits the value at its spaces; the words stay together here.
        let mut in_default = false;
        for c in rest.by_ref() {
            match c {
                '}' => break,
                '-' if !in_default => in_default = true,
                c if in_default => default.push(c),
                _ => {}
            }
        }
    }
    let value = variable(&name).filter(|value| !value.is_empty()).unwrap_or(default);
    word.push_str(&value);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(line: &str) -> String {
        let variable = |name: &str| (name == "APP").then(|| "10.0.0.7:80".to_owned());
        split(line, &variable).0.join("|")
    }

    #[test]
    fn words_are_split_as_haproxy_splits_them() {
        let table = [
            ("  server s1 127.0.0.1:80 check # main", "server|s1|127.0.0.1:80|check"),
            (r"acl a hdr(x) -i a\ b c\#d", "acl|a|hdr(x)|-i|a b|c#d"),
            (r#"log-format "%ci [%t] \"x\"" "#, r#"log-format|%ci [%t] "x""#),
            ("errorfile 503 '/etc/a b.http'", "errorfile|503|/etc/a b.http"),
            (r#"server s "${APP}" check"#, "server|s|10.0.0.7:80|check"),
            (r#"server s "$APP""#, "server|s|10.0.0.7:80"),
            (r#"server s "${NONE-1.2.3.4}:81""#, "server|s|1.2.3.4:81"),
            (r#"server s '$APP' $APP"#, "server|s|$APP|$APP"),
            (r#"x "" y"#, "x||y"),
        ];
        for (line, expected) in table {
            assert_eq!(shown(line), expected, "{line}");
        }
        assert!(split("a \"b", &|_| None).1.is_some());
    }

    proptest! {
        #[test]
        fn no_line_panics(line in ".{0,200}", quotes in "[\"'\\\\$#{} a]{0,60}") {
            let value = |_: &str| Some("v".to_owned());
            prop_assert!(split(&line, &value).0.len() <= line.len() + 1);
            let _ = split(&quotes, &value);
        }
    }
}

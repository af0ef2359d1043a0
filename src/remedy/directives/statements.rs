//! The statements of a configuration file that is being typed: which directive stands in which
//! block. It forgives what is not finished, because every key leaves it so.

/// Statements looked at; a file of configuration has fewer.
const MOST: usize = 20_000;

/// One directive or the head of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement {
    /// Row of its first word, from 0.
    pub(super) row: usize,
    /// Row of its end, from 0.
    pub(super) end: usize,
    /// Its words.
    pub(super) words: Vec<String>,
    /// Index of the head of the block that it stands in.
    pub(super) parent: Option<usize>,
    /// Whether it opens a block.
    pub(super) opens: bool,
}

impl Statement {
    /// Its name.
    pub(super) fn name(&self) -> &str {
        self.words.first().map(String::as_str).unwrap_or_default()
    }
}

/// What was read, and the row at which braces stop to fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Statements {
    /// The statements in order.
    pub(super) all: Vec<Statement>,
    /// Row of a brace that fits to none.
    pub(super) unbalanced: Option<usize>,
    /// Rows of statements that a brace or the end of the file cuts off.
    pub(super) unended: Vec<usize>,
}

impl Statements {
    /// The statements of a block, or of the top.
    pub(super) fn within(&self, parent: Option<usize>) -> impl Iterator<Item = &Statement> {
        self.all.iter().filter(move |s| s.parent == parent)
    }

    /// The value in force in a block: its own, else that of the nearest block around.
    pub(super) fn effective(&self, block: Option<usize>, name: &str) -> Option<&Statement> {
        let mut at = block;
        loop {
            if let Some(found) = self.within(at).filter(|s| s.name() == name).last() {
                return Some(found);
            }
            at = self.all.get(at?)?.parent;
        }
    }
}

/// Reads the lines of a file.
pub(super) fn statements(lines: &[String]) -> Statements {
    let mut out = Statements::default();
    let mut open: Vec<usize> = Vec::new();
    let mut words: Vec<String> = Vec::new();
    let mut begun = 0;
    for (row, line) in lines.iter().enumerate() {
        let mut word = String::new();
        let mut quote: Option<char> = None;
        let mut chars = line.chars();
        while let Some(c) = chars.next() {
            match (quote, c) {
                (_, '\\') => {
                    word.push(c);
                    word.extend(chars.next());
                }
                (Some(q), c) if c == q => quote = None,
                (None, '"' | '\'') if word.is_empty() => quote = Some(c),
                (None, '#') if word.is_empty() => break,
                // A variable's braces belong to the word.
                (None, '{') if word.ends_with('$') => {
                    word.push(c);
                    for c in chars.by_ref() {
                        word.push(c);
                        if c == '}' {
                            break;
                        }
                    }
                }
                (None, ';' | '{' | '}') => {
                    finish(&mut word, &mut words, row, &mut begun);
                    if c == '}' {
                        if !words.is_empty() {
                            out.unended.push(begun);
                        }
                        words.clear();
                        if open.pop().is_none() {
                            out.unbalanced.get_or_insert(row);
                        }
                        continue;
                    }
                    let parent = open.last().copied();
                    let all = std::mem::take(&mut words);
                    if all.is_empty() || out.all.len() >= MOST {
                        continue;
                    }
                    if c == '{' {
                        open.push(out.all.len());
                    }
                    let opens = c == '{';
                    out.all.push(Statement { row: begun, end: row, words: all, parent, opens });
                }
                (None, c) if c.is_whitespace() => finish(&mut word, &mut words, row, &mut begun),
                (_, c) => word.push(c),
            }
        }
        finish(&mut word, &mut words, row, &mut begun);
    }
    if !words.is_empty() {
        out.unended.push(begun);
    }
    if let Some(head) = open.last().and_then(|at| out.all.get(*at)) {
        out.unbalanced.get_or_insert(head.row);
    }
    out
}

fn finish(word: &mut String, words: &mut Vec<String>, row: usize, begun: &mut usize) {
    if !word.is_empty() {
        if words.is_empty() {
            *begun = row;
        }
        words.push(std::mem::take(word));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Statements {
        statements(&text.split('\n').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn a_value_is_inherited_from_the_nearest_block_around() {
        let read = read(
            "http {\n proxy_read_timeout 5s;\n server { # a }\n  location / {\n   proxy_pass \
             http://a;\n  }\n }\n}",
        );
        let location = read.all.iter().position(|s| s.name() == "location");
        assert_eq!(read.effective(location, "proxy_read_timeout").unwrap().row, 1);
        assert_eq!(read.effective(location, "proxy_pass").unwrap().row, 4);
        assert_eq!(read.unbalanced, None);
    }

    #[test]
    fn braces_that_do_not_fit_are_found() {
        assert_eq!(read("a {\n b;\n").unbalanced, Some(0));
        assert_eq!(read("a;\n}\n").unbalanced, Some(1));
        assert_eq!(read("a \"{\";\nb ${x};").unbalanced, None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_fail_hard(text in "[a-z{};#\"'\\\\$ \n]{0,120}") {
            let _ = read(&text);
        }
    }
}

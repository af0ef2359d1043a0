//! Splits a configuration into statements exactly as `ngx_conf_read_token` of nginx does:
//! <https://github.com/nginx/nginx/blob/master/src/core/ngx_conf_file.c>. Bytes, not characters:
//! nginx asks for no encoding.

use std::borrow::Cow;

use super::script;

/// Longest parameter in bytes that nginx takes (`NGX_CONF_BUFFER`).
pub(super) const WORD_LIMIT: usize = 4096;

/// One word as a span of its file, quotes not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// Line of the first byte, from 1.
    pub line: u32,
}

/// How a statement ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// With `;`.
    Semicolon,
    /// With `{`: statements follow up to the matching `}`.
    Block,
    /// With a block in another language, already skipped.
    Script,
}

/// What the next statement is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// Words were found, at least one.
    Statement(End),
    /// A `}`.
    BlockEnd {
        /// Its line.
        line: u32,
    },
    /// The file ends where it may.
    Eof,
    /// nginx would refuse this.
    Bad {
        /// Line that nginx would name.
        line: u32,
        /// What nginx would say.
        what: String,
        /// Whether reading may go on behind it.
        goes_on: bool,
    },
}

/// Reads statements from bytes.
#[derive(Debug)]
pub(super) struct Lexer<'a> {
    bytes: &'a [u8],
    pos: usize,
    line: u32,
    /// A `}` that ended a statement without `;` and still closes its block.
    pending_end: Option<u32>,
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn narrow(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

enum Step {
    Word(Word),
    End(End),
    Done(Item),
}

impl<'a> Lexer<'a> {
    /// A lexer at the first line. A byte order mark is the caller's business.
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, pos: 0, line: 1, pending_end: None }
    }

    /// A lexer that starts behind `pos` bytes of the first line.
    #[must_use]
    pub(super) const fn at(mut self, pos: usize) -> Self {
        self.pos = pos;
        self
    }

    /// The next statement; its words replace what is in `words`.
    pub(super) fn next(&mut self, words: &mut Vec<Word>) -> Item {
        words.clear();
        if let Some(line) = self.pending_end.take() {
            return Item::BlockEnd { line };
        }
        loop {
            match self.step(words) {
                Step::Word(word) => words.push(word),
                Step::End(End::Block) => return self.block_start(words),
                Step::End(end) => return Item::Statement(end),
                Step::Done(item) => return item,
            }
        }
    }

    fn block_start(&mut self, words: &[Word]) -> Item {
        let is_script = words.first().is_some_and(|word| script::is_block(self.raw(*word)));
        if !is_script {
            return Item::Statement(End::Block);
        }
        let opened = self.line;
        let skipped = script::skip_lua(self.bytes.get(self.pos..).unwrap_or_default());
        self.pos += skipped.length;
        self.line = self.line.saturating_add(skipped.lines);
        if skipped.closed {
            return Item::Statement(End::Script);
        }
        bad(opened, "the Lua block is not closed", false)
    }

    fn raw(&self, word: Word) -> &'a [u8] {
        self.bytes.get(word.start as usize..word.end as usize).unwrap_or_default()
    }

    fn bump(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.pos)?;
        self.pos += 1;
        if byte == b'\n' {
            self.line = self.line.saturating_add(1);
        }
        Some(byte)
    }

    fn skip_blank(&mut self) {
        while let Some(&byte) = self.bytes.get(self.pos) {
            if byte == b'#' {
                let rest = self.bytes.get(self.pos..).unwrap_or_default();
                self.pos += rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
            } else if is_space(byte) {
                self.bump();
            } else {
                break;
            }
        }
    }

    /// One step from between two words.
    fn step(&mut self, words: &[Word]) -> Step {
        self.skip_blank();
        let Some(&byte) = self.bytes.get(self.pos) else {
            if words.is_empty() {
                return Step::Done(Item::Eof);
            }
            let what = "unexpected end of file, expecting \";\" or \"}\"";
            return Step::Done(bad(self.line, what, false));
        };
        match byte {
            b';' | b'{' => {
                self.pos += 1;
                if words.is_empty() {
                    let what = format!("unexpected \"{}\"", char::from(byte));
                    return Step::Done(bad(self.line, what, byte == b';'));
                }
                Step::End(if byte == b';' { End::Semicolon } else { End::Block })
            }
            b'}' => {
                self.pos += 1;
                if words.is_empty() {
                    return Step::Done(Item::BlockEnd { line: self.line });
                }
                self.pending_end = Some(self.line);
                Step::Done(bad(self.line, "unexpected \"}\"", true))
            }
            b'"' | b'\'' => self.quoted(byte),
            _ => self.plain(),
        }
    }

    fn quoted(&mut self, quote: u8) -> Step {
        self.pos += 1;
        let (start, line) = (self.pos, self.line);
        loop {
            let too_long = self.pos - start >= WORD_LIMIT;
            match self.bump() {
                Some(byte) if byte == quote => break,
                Some(b'\\') => drop(self.bump()),
                Some(_) if too_long => {
                    let quote = char::from(quote);
                    let what = format!(
                        "too long parameter, probably missing terminating \"{quote}\" character"
                    );
                    return Step::Done(bad(line, what, false));
                }
                Some(_) => {}
                None => {
                    let what = format!(
                        "unexpected end of file, expecting the closing {}",
                        char::from(quote)
                    );
                    return Step::Done(bad(line, what, false));
                }
            }
        }
        let word = Word { start: narrow(start), end: narrow(self.pos - 1), line };
        // After a closing quote only space, `;`, `{` or `)` may follow.
        match self.bytes.get(self.pos) {
            Some(&byte) if is_space(byte) || matches!(byte, b';' | b'{' | b')') => Step::Word(word),
            None => Step::Word(word),
            Some(&byte) => {
                let what = format!("unexpected \"{}\"", byte.escape_ascii());
                Step::Done(bad(self.line, what, false))
            }
        }
    }

    fn plain(&mut self) -> Step {
        let (start, line) = (self.pos, self.line);
        let mut variable = false;
        while let Some(&byte) = self.bytes.get(self.pos) {
            if byte == b'{' && variable {
                self.pos += 1;
                continue;
            }
            variable = byte == b'$';
            if is_space(byte) || byte == b';' || byte == b'{' {
                break;
            }
            if self.pos - start >= WORD_LIMIT {
                return Step::Done(bad(line, "too long parameter", false));
            }
            self.bump();
            if byte == b'\\' {
                self.bump();
            }
        }
        Step::Word(Word { start: narrow(start), end: narrow(self.pos), line })
    }
}

fn bad(line: u32, what: impl Into<String>, goes_on: bool) -> Item {
    Item::Bad { line, what: what.into(), goes_on }
}

/// The value of a raw word: `\"`, `\'`, `\\`, `\t`, `\r` and `\n` are replaced, any other
/// backslash stays.
pub(super) fn unescape(raw: &[u8]) -> Cow<'_, [u8]> {
    if !raw.contains(&b'\\') {
        return Cow::Borrowed(raw);
    }
    let mut out = Vec::with_capacity(raw.len());
    let mut bytes = raw.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        let replaced = match (byte, bytes.peek()) {
            (b'\\', Some(&next @ (b'"' | b'\'' | b'\\'))) => Some(next),
            (b'\\', Some(b't')) => Some(b'\t'),
            (b'\\', Some(b'r')) => Some(b'\r'),
            (b'\\', Some(b'n')) => Some(b'\n'),
            _ => None,
        };
        if replaced.is_some() {
            bytes.next();
        }
        out.push(replaced.unwrap_or(byte));
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Statements as text: words joined by `|`, then how it ended.
    fn read(text: &[u8]) -> Vec<String> {
        let mut lexer = Lexer::new(text);
        let mut words = Vec::new();
        let mut out = Vec::new();
        for _ in 0..100 {
            let item = lexer.next(&mut words);
            let shown: Vec<_> = words
                .iter()
                .map(|w| String::from_utf8_lossy(&unescape(lexer.raw(*w))).into_owned())
                .collect();
            match item {
                Item::Statement(End::Semicolon) => out.push(format!("{};", shown.join("|"))),
                Item::Statement(End::Block) => out.push(format!("{}{{", shown.join("|"))),
                Item::Statement(End::Script) => out.push(format!("{}{{..}}", shown.join("|"))),
                Item::BlockEnd { .. } => out.push("}".to_owned()),
                Item::Bad { line, what, goes_on } => {
                    out.push(format!("{line}: {what}"));
                    if !goes_on {
                        break;
                    }
                }
                Item::Eof => break,
            }
        }
        out
    }

    #[test]
    fn words_are_split_as_nginx_splits_them() {
        let table: &[(&[u8], &[&str])] = &[
            (b"a b c;", &["a|b|c;"]),
            (b"a\r\n\tb;\r\n", &["a|b;"]),
            (b"a b{c d;}", &["a|b{", "c|d;", "}"]),
            (b"a ${b}c;", &["a|${b}c;"]),
            (b"a x${b}{}", &["a|x${b}{", "}"]),
            (b"a b#c; #d;\ne;", &["a|b#c;", "e;"]),
            (b"a \"b;{}# c\" 'd\"e';", &["a|b;{}# c|d\"e;"]),
            (b"a \"b\\\"c\\n\\.\\\\\";", &["a|b\"c\n\\.\\;"]),
            (b"a b\\;c\\ d;", &["a|b\\;c\\ d;"]),
            (b"a ~ \\.php$ {}", &["a|~|\\.php${", "}"]),
            (b"a b}c;", &["a|b}c;"]),
            (b"a \"\";", &["a|;"]),
            (b"if ($a = \"b\") {}", &["if|($a|=|b|){", "}"]),
            (b"# only a comment", &[]),
            (b"a b\"c;", &["a|b\"c;"]),
        ];
        for (text, expected) in table {
            assert_eq!(read(text), *expected, "{}", text.escape_ascii());
        }
    }

    #[test]
    fn what_nginx_refuses_is_refused_with_its_line() {
        let table: &[(&[u8], &[&str])] = &[
            (b"a\nb", &["2: unexpected end of file, expecting \";\" or \"}\""]),
            (b"a;\n;b;", &["a;", "2: unexpected \";\"", "b;"]),
            (b"\n{", &["2: unexpected \"{\""]),
            (b"s {\na b\n}\nc;", &["s{", "3: unexpected \"}\"", "}", "c;"]),
            (b"a \"b\"c;", &["1: unexpected \"c\""]),
            (b"a;\nb \"c;\nd;", &["a;", "2: unexpected end of file, expecting the closing \""]),
        ];
        for (text, expected) in table {
            assert_eq!(read(text), *expected, "{}", text.escape_ascii());
        }
        let long = format!("\na \"{}\n", "x".repeat(9000));
        let [only] = read(long.as_bytes()).try_into().unwrap();
        assert_eq!(only, "2: too long parameter, probably missing terminating \"\"\" character");
    }

    #[test]
    fn lua_is_skipped_with_its_braces() {
        let text = br#"s { content_by_lua_block { local a = "}" -- }
            local b = [==[ }} ]==] --[[ } ]] if x then y = { 1 } end } a b; }"#;
        assert_eq!(read(text), ["s{", "content_by_lua_block{..}", "a|b;", "}"]);
        assert_eq!(
            read(b"set_by_lua_block $x { return '\\'}' }\nb;"),
            ["set_by_lua_block|$x{..}", "b;"]
        );
        assert_eq!(read(b"a;\ninit_by_lua_block { x\n"), ["a;", "2: the Lua block is not closed"]);
    }
}

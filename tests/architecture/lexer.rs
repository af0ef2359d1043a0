//! Just enough of Rust's grammar to see paths, declarations and attributes: words and marks with
//! their lines, comments and literals taken out.

/// One word or mark.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Token {
    line: usize,
    text: String,
}

/// A file of Rust.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    tokens: Vec<Token>,
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

impl Source {
    /// Reads a file.
    pub(crate) fn new(text: &str) -> Self {
        let chars: Vec<char> = text.chars().collect();
        let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
        let (mut i, mut line) = (0, 1);
        let mut tokens = Vec::new();
        while i < chars.len() {
            let start = i;
            match at(i) {
                '/' if at(i + 1) == '/' => {
                    while i < chars.len() && at(i) != '\n' {
                        i += 1;
                    }
                }
                '/' if at(i + 1) == '*' => {
                    let mut depth = 0;
                    loop {
                        match (at(i), at(i + 1)) {
                            ('/', '*') => (depth, i) = (depth + 1, i + 2),
                            ('*', '/') => (depth, i) = (depth - 1, i + 2),
                            _ => i += 1,
                        }
                        if depth == 0 || i >= chars.len() {
                            break;
                        }
                    }
                }
                '"' => i = string_end(&chars, i),
                // A character, unless it is a lifetime or label.
                '\'' if at(i + 1) == '\\' => {
                    i += 3;
                    while i < chars.len() && at(i) != '\'' {
                        i += 1;
                    }
                    i += 1;
                }
                '\'' if at(i + 2) == '\'' => i += 3,
                ':' if at(i + 1) == ':' => {
                    i += 2;
                    tokens.push(Token { line, text: "::".to_owned() });
                }
                c if is_word(c) => {
                    while is_word(at(i)) {
                        i += 1;
                    }
                    let word: String = chars[start..i].iter().collect();
                    let mut hashes = i;
                    while at(hashes) == '#' {
                        hashes += 1;
                    }
                    if ["r", "br", "cr"].contains(&word.as_str()) && at(hashes) == '"' {
                        i = raw_end(&chars, hashes, hashes - i);
                    } else {
                        tokens.push(Token { line, text: word });
                    }
                }
                c => {
                    i += 1;
                    if !c.is_whitespace() {
                        tokens.push(Token { line, text: c.to_string() });
                    }
                }
            }
            i = i.min(chars.len());
            line += chars[start..i].iter().filter(|c| **c == '\n').count();
        }
        Self { tokens }
    }

    fn text(&self, i: usize) -> &str {
        self.tokens.get(i).map_or("", |token| &token.text)
    }

    /// Paths that begin with one of the words, without that word, groups opened up.
    pub(crate) fn paths(&self, roots: &[&str]) -> Vec<(usize, Vec<String>)> {
        let mut all = self.full_paths(roots);
        for (_, path) in &mut all {
            path.remove(0);
        }
        all
    }

    /// As [`Source::paths`], with the first word. A path of one word is not one.
    pub(crate) fn full_paths(&self, roots: &[&str]) -> Vec<(usize, Vec<String>)> {
        let mut found = Vec::new();
        for (i, token) in self.tokens.iter().enumerate() {
            let begins = i == 0 || self.text(i - 1) != "::";
            if begins && roots.contains(&token.text.as_str()) && self.text(i + 1) == "::" {
                self.expand(i, Vec::new(), &mut found);
            }
        }
        found
    }

    /// Reads the path at `i`, which follows `before`; gives the place after it.
    fn expand(
        &self,
        mut i: usize,
        mut before: Vec<String>,
        found: &mut Vec<(usize, Vec<String>)>,
    ) -> usize {
        loop {
            let line = self.tokens.get(i).map_or(0, |token| token.line);
            if self.text(i) == "{" {
                i += 1;
                while !["}", ""].contains(&self.text(i)) {
                    let next = self.expand(i, before.clone(), found);
                    i = next.max(i + 1);
                    while !["}", ",", ""].contains(&self.text(i)) {
                        i += 1;
                    }
                    if self.text(i) == "," {
                        i += 1;
                    }
                }
                return i + 1;
            }
            if !self.text(i).chars().all(is_word) || self.text(i).is_empty() {
                found.push((line, before));
                return i;
            }
            before.push(self.text(i).to_owned());
            i += 1;
            if self.text(i) != "::" {
                found.push((line, before));
                return i;
            }
            i += 1;
        }
    }

    /// Paths that climb with `super` to the crate's root, from a file `depth` modules deep.
    pub(crate) fn climbs(&self, depth: usize) -> Vec<(usize, Vec<String>)> {
        let mut found = Vec::new();
        // Braces that opened an inline module, by depth of braces.
        let (mut braces, mut inline): (usize, Vec<usize>) = (0, Vec::new());
        for (i, token) in self.tokens.iter().enumerate() {
            match token.text.as_str() {
                "{" => {
                    braces += 1;
                    if i >= 2 && self.text(i - 2) == "mod" {
                        inline.push(braces);
                    }
                }
                "}" => {
                    if inline.last() == Some(&braces) {
                        inline.pop();
                    }
                    braces = braces.saturating_sub(1);
                }
                "super" if i == 0 || self.text(i - 1) != "::" => {
                    let mut paths = Vec::new();
                    self.expand(i, Vec::new(), &mut paths);
                    for (line, path) in paths {
                        let climbed = path.iter().take_while(|word| *word == "super").count();
                        if climbed == depth + inline.len() {
                            found.push((line, path[climbed..].to_vec()));
                        }
                    }
                }
                _ => {}
            }
        }
        found
    }

    /// The file without what is compiled for tests only (inline modules under `cfg(test)`).
    pub(crate) fn without_tests(&self) -> Self {
        let mut tokens = Vec::new();
        let mut i = 0;
        while i < self.tokens.len() {
            let marks = ["#", "[", "cfg", "(", "test", ")", "]"];
            let marked = marks.iter().enumerate().all(|(n, mark)| self.text(i + n) == *mark);
            if !marked {
                tokens.push(self.tokens[i].clone());
                i += 1;
                continue;
            }
            i += marks.len();
            while self.text(i) == "#" {
                i = self.closing(i + 1);
            }
            // To the end of the item: its body, or its semicolon.
            while !["{", ";", ""].contains(&self.text(i)) {
                i += 1;
            }
            i = if self.text(i) == "{" { self.closing(i) } else { i + 1 };
        }
        Self { tokens }
    }

    /// The place after the bracket that closes the one at `i`.
    fn closing(&self, mut i: usize) -> usize {
        let mut depth = 0_usize;
        while i < self.tokens.len() {
            match self.text(i) {
                "{" | "[" | "(" => depth += 1,
                "}" | "]" | ")" => depth -= 1,
                _ => {}
            }
            i += 1;
            if depth == 0 {
                break;
            }
        }
        i
    }

    /// Items other than attributes, `mod x;` and `use …;`: their line and first words.
    pub(crate) fn items_beyond_declarations(&self) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        let mut i = 0;
        while i < self.tokens.len() {
            if self.text(i) == "#" {
                i = self.closing(i + 1 + usize::from(self.text(i + 1) == "!"));
                continue;
            }
            let start = i;
            if self.text(i) == "pub" {
                i += 1;
                if self.text(i) == "(" {
                    i = self.closing(i);
                }
            }
            let declares = match self.text(i) {
                "use" => true,
                "mod" => self.text(i + 2) == ";",
                _ => false,
            };
            if !declares {
                let words: Vec<&str> = (start..start + 6).map(|n| self.text(n)).collect();
                found.push((self.tokens[start].line, words.join(" ")));
            }
            while !["{", ";", ""].contains(&self.text(i)) {
                i += 1;
            }
            if self.text(i) == "{" {
                i = self.closing(i);
            }
            if self.text(i) == ";" {
                i += 1;
            }
        }
        found
    }

    /// Lines on which a word stands.
    pub(crate) fn words(&self, word: &str) -> Vec<usize> {
        self.tokens.iter().filter(|token| token.text == word).map(|token| token.line).collect()
    }

    /// Lines of `allow(…)` in an attribute.
    pub(crate) fn allows(&self) -> Vec<usize> {
        let is_attribute =
            |i: usize| i >= 1 && ["[", ","].contains(&self.text(i - 1)) && self.text(i + 1) == "(";
        (0..self.tokens.len())
            .filter(|i| self.text(*i) == "allow" && is_attribute(*i))
            .map(|i| self.tokens[i].line)
            .collect()
    }

    /// Names of `pub mod x;`.
    pub(crate) fn public_modules(&self) -> Vec<String> {
        (0..self.tokens.len())
            .filter(|i| self.text(*i) == "pub" && self.text(i + 1) == "mod")
            .map(|i| self.text(i + 2).to_owned())
            .collect()
    }
}

/// The place after a string that begins at `i`.
fn string_end(chars: &[char], mut i: usize) -> usize {
    i += 1;
    while i < chars.len() && chars[i] != '"' {
        i += if chars[i] == '\\' { 2 } else { 1 };
    }
    i + 1
}

/// The place after a raw string whose quote stands at `i`, behind so many hashes.
fn raw_end(chars: &[char], mut i: usize, hashes: usize) -> usize {
    i += 1;
    while i < chars.len() {
        let closes = chars[i] == '"' && (1..=hashes).all(|n| chars.get(i + n) == Some(&'#'));
        i += 1;
        if closes {
            return i + hashes;
        }
    }
    i
}

#[cfg(test)]
mod tests {
    use super::Source;

    fn shown(paths: Vec<(usize, Vec<String>)>) -> Vec<String> {
        paths.into_iter().map(|(line, path)| format!("{line} {}", path.join("::"))).collect()
    }

    #[test]
    fn paths_are_seen_in_groups_and_in_code_but_not_in_words() {
        let source = Source::new(
            "// crate::tui\nuse crate::{\n    a::{b, c::*},\n    d as e,\n};\n\
             fn f<'a>(x: &'a str) { crate::g::h::<u8>(\"crate::no\", r#\"crate::no\"#, '\"'); }\n\
             /* crate::no */ use std::{fmt, net::SocketAddr};",
        );
        assert_eq!(shown(source.paths(&["crate"])), ["3 a::b", "3 a::c", "4 d", "6 g::h"]);
        assert_eq!(shown(source.full_paths(&["std"])), ["7 std::fmt", "7 std::net::SocketAddr"]);
    }

    #[test]
    fn climbing_to_the_root_is_an_edge_and_climbing_to_a_sibling_is_not() {
        let source = Source::new(
            "use super::sibling;\nuse super::super::tui;\nmod tests { use super::super::own; \
             fn f() { super::super::super::cli::x() } }",
        );
        assert_eq!(shown(source.climbs(2)), ["2 tui", "3 cli::x"]);
    }

    #[test]
    fn code_for_tests_is_taken_out_and_other_items_stay() {
        let source = Source::new(
            "use std::fmt;\n#[cfg(test)]\n#[path = \"x.rs\"]\nmod tests;\n#[cfg(test)]\nmod t { \
             use std::fs; }\nfn f() { std::env::args(); }",
        );
        let left = source.without_tests().full_paths(&["std"]);
        assert_eq!(shown(left), ["1 std::fmt", "7 std::env::args"]);
    }

    #[test]
    fn a_module_file_is_told_from_one_with_code() {
        let clean = Source::new(
            "//! Docs.\n#![expect(clippy::x, reason = \"y\")]\nmod a;\npub mod b;\n#[cfg(test)]\n\
             mod c;\npub use a::{X, Y};\npub(crate) use b::z;",
        );
        assert!(clean.items_beyond_declarations().is_empty());
        let other = Source::new("mod a;\nmod b { fn x() {} }\npub fn f() -> u8 { 1 }\nmod d;");
        let lines: Vec<usize> =
            other.items_beyond_declarations().iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [2, 3]);
    }

    #[test]
    fn allow_is_seen_in_attributes_only() {
        let source =
            Source::new("#[allow(dead_code)]\nfn f() { x.allow(1); }\n#[cfg_attr(a, allow(b))]");
        assert_eq!(source.allows(), [1, 3]);
        assert_eq!(Source::new("let s = \"unsafe\"; // unsafe\nunsafe {}").words("unsafe"), [2]);
    }
}

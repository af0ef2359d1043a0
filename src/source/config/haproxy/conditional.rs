//! `.if`, `.elif`, `.else` and `.endif`
//! (<https://docs.haproxy.org/2.8/configuration.html#2.4>).

use super::words::Lookup;

/// Blocks inside each other.
const DEPTH: usize = 16;

/// Which of the blocks that are open are taken.
#[derive(Clone, Debug, Default)]
pub(super) struct Blocks {
    open: Vec<Block>,
}

#[derive(Clone, Copy, Debug)]
struct Block {
    /// Whether this part is taken.
    taken: bool,
    /// Whether a part of this block was taken for sure.
    done: bool,
}

/// What a line is to the blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An ordinary line to be read.
    Line,
    /// Not to be read: a block that is not taken, or a line of this language.
    Skipped,
    /// A condition that cannot be told: its block is read.
    Untold,
    /// Not allowed here.
    Bad(&'static str),
}

impl Blocks {
    /// Takes a line in.
    pub(super) fn take(
        &mut self,
        words: &[String],
        version: Option<&str>,
        var: Lookup<'_>,
    ) -> Kind {
        let reading = self.open.iter().all(|block| block.taken);
        let condition = || {
            let text = words.get(1..).unwrap_or_default().join(" ");
            any_of(&text, version, var)
        };
        match words.first().map(String::as_str).unwrap_or_default() {
            ".if" if self.open.len() >= DEPTH => Kind::Bad("blocks nest too deep"),
            ".if" => {
                let truth = if reading { condition() } else { Some(false) };
                self.open.push(Block { taken: truth != Some(false), done: truth == Some(true) });
                if truth.is_none() { Kind::Untold } else { Kind::Skipped }
            }
            word @ (".elif" | ".else") => {
                let Some(block) = self.open.last_mut() else {
                    return Kind::Bad("stands outside of .if");
                };
                let truth = match word {
                    _ if block.done => Some(false),
                    ".else" => Some(true),
                    _ => condition(),
                };
                block.taken = truth != Some(false);
                block.done |= truth == Some(true);
                if truth.is_none() { Kind::Untold } else { Kind::Skipped }
            }
            ".endif" if self.open.pop().is_none() => Kind::Bad("stands outside of .if"),
            word if word.starts_with('.') => Kind::Skipped,
            _ if reading => Kind::Line,
            _ => Kind::Skipped,
        }
    }

    /// Whether a block is still open.
    pub(super) const fn is_open(&self) -> bool {
        !self.open.is_empty()
    }
}

/// Terms joined by `||`; `None` when it cannot be told.
fn any_of(text: &str, version: Option<&str>, var: Lookup<'_>) -> Option<bool> {
    let terms = split_outside(text, "||");
    let truths: Vec<_> = terms.iter().map(|term| all(term, version, var)).collect();
    if truths.contains(&Some(true)) {
        return Some(true);
    }
    (!truths.contains(&None)).then_some(false)
}

fn all(text: &str, version: Option<&str>, var: Lookup<'_>) -> Option<bool> {
    let terms = split_outside(text, "&&");
    let truths: Vec<_> = terms.iter().map(|term| one(term.trim(), version, var)).collect();
    if truths.contains(&Some(false)) {
        return Some(false);
    }
    (!truths.contains(&None)).then_some(true)
}

fn one(term: &str, version: Option<&str>, var: Lookup<'_>) -> Option<bool> {
    if let Some(rest) = term.strip_prefix('!') {
        return one(rest.trim(), version, var).map(|truth| !truth);
    }
    if let Ok(number) = term.parse::<i64>() {
        return Some(number != 0);
    }
    match term {
        "true" => return Some(true),
        "false" | "" => return Some(false),
        _ => {}
    }
    let (name, rest) = term.split_once('(')?;
    let inside = rest.strip_suffix(')')?;
    if name.is_empty() {
        // Parentheses around a term; what stands deeper than the blocks may is not told.
        return (inside.len() < term.len() && inside.matches('(').count() < DEPTH)
            .then(|| any_of(inside, version, var))
            .flatten();
    }
    let mut arguments = inside.split(',').map(str::trim);
    let first = arguments.next().unwrap_or_default();
    let second = arguments.next().unwrap_or_default();
    match name {
        "defined" => Some(var(first).is_some()),
        "streq" => Some(first == second),
        "strneq" => Some(first != second),
        "strstr" => Some(first.contains(second)),
        "version_atleast" => Some(numbers(version?) >= numbers(first)),
        "version_before" => Some(numbers(version?) < numbers(first)),
        _ => None,
    }
}

fn numbers(version: &str) -> Vec<u32> {
    let parts = version.split(|c: char| !c.is_ascii_digit()).take(3);
    let mut all: Vec<u32> = parts.map(|part| part.parse().unwrap_or(0)).collect();
    all.resize(3, 0);
    all
}

/// Splits at a separator outside parentheses.
fn split_outside<'t>(text: &'t str, separator: &str) -> Vec<&'t str> {
    let mut parts = Vec::new();
    let mut depth = 0_usize;
    let mut from = 0;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth == 0
                && at >= from
                && text.get(at..).is_some_and(|t| t.starts_with(separator)) =>
            {
                parts.push(text.get(from..at).unwrap_or_default().trim());
                from = at + separator.len();
            }
            _ => {}
        }
    }
    parts.push(text.get(from..).unwrap_or_default().trim());
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(lines: &str) -> String {
        let mut blocks = Blocks::default();
        let var = |name: &str| (name == "PROD").then(|| "1".to_owned());
        let mut out = Vec::new();
        for line in lines.split(';') {
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            if blocks.take(&words, Some("2.6.12"), &var) == Kind::Line {
                out.push(words.join(" "));
            }
        }
        out.join(",")
    }

    #[test]
    fn only_the_taken_block_is_read() {
        let table = [
            (".if defined(PROD);a;.else;b;.endif;c", "a,c"),
            (".if !defined(PROD);a;.elif 1;b;.else;d;.endif", "b"),
            (".if streq(x,y) || version_atleast(2.4);a;.endif", "a"),
            (".if version_before(2.6) && true;a;.endif;b", "b"),
            (".if 0;.if 1;a;.else;x;.endif;b;.endif;c", "c"),
            // What cannot be told is read, and its other side too.
            (".if feature(OPENSSL);a;.else;b;.endif", "a,b"),
            (".if (0 || 1) && !(0);a;.endif", "a"),
        ];
        for (lines, expected) in table {
            assert_eq!(read(lines), expected, "{lines}");
        }
    }

    proptest! {
        #[test]
        fn no_condition_panics(text in "[a-z0-9()!&|, .]{0,120}") {
            let _ = any_of(&text, Some("2.6"), &|_| None);
        }

        #[test]
        fn parentheses_end(depth in 0_usize..3_000) {
            let text = format!("{}1{}", "(".repeat(depth), ")".repeat(depth));
            let _ = any_of(&text, None, &|_| None);
        }
    }
}

//! Regular expressions that a person types: bounded, and wrong ones say why.

use std::ops::Range;

use regex::bytes::{Regex, RegexBuilder};

use crate::evidence::lines::{Kind, Line};

/// Bound on a compiled pattern, in bytes. One of ASCII alone needs little.
const SIZE: usize = 128 << 10;
/// The same where classes of Unicode are in it.
const UNICODE_SIZE: usize = 1 << 20;
/// Bound on what is built while matching, in bytes.
const BUILT: usize = 1 << 20;
/// A line is looked at so far.
const LOOKED_AT: usize = 4 * 1024;
/// How much longer a byte may take where something is repeated a counted number of times: then the
/// fast engine may give up on a line that was made for that.
const HARD: usize = 16;
/// Most places that are marked in one line.
const SPANS: usize = 64;

/// A regular expression. Upper and lower case are the same unless it has a letter of upper case.
#[derive(Clone, Debug)]
pub struct Pattern {
    source: String,
    regex: Regex,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Pattern {
    /// Compiles what was typed.
    ///
    /// # Errors
    /// What is wrong with it, in a few words.
    pub fn new(source: &str) -> Result<Self, String> {
        let build = |unicode: bool, size: usize| {
            RegexBuilder::new(source)
                .unicode(unicode)
                .case_insensitive(!has_upper(source))
                .size_limit(size)
                .dfa_size_limit(BUILT)
                .build()
        };
        let narrow = source.is_ascii().then(|| build(false, SIZE).ok()).flatten();
        let regex = match narrow {
            Some(regex) => regex,
            None => build(true, UNICODE_SIZE).map_err(|error| words(&error))?,
        };
        Ok(Self { source: source.to_owned(), regex })
    }

    /// As it was typed.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What looking at a line costs beside an easy pattern, at most.
    pub fn effort(&self) -> usize {
        if self.source.contains('{') { HARD } else { 1 }
    }

    /// Whether it is found in a line, in the name of its source, its level or its upstream.
    pub fn is_in(&self, line: &Line<'_>) -> bool {
        let text = line.raw.as_bytes();
        let parts = [line.source.name.as_str(), line.level.as_str(), line.upstream];
        self.regex.is_match(text.get(..LOOKED_AT).unwrap_or(text))
            || parts.iter().any(|part| !part.is_empty() && self.regex.is_match(part.as_bytes()))
    }

    /// Where it is found in a text, in bytes.
    pub fn spans(&self, text: &str) -> Vec<Range<usize>> {
        let found = self.regex.find_iter(text.as_bytes()).filter(|found| !found.is_empty());
        found.take(SPANS).map(|found| found.range()).collect()
    }
}

/// Whether a letter of upper case stands in it that is no class such as `\W`.
fn has_upper(source: &str) -> bool {
    let mut escaped = false;
    source.chars().any(|c| {
        let upper = c.is_uppercase() && !escaped;
        escaped = c == '\\' && !escaped;
        upper
    })
}

fn words(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "too large: repeat less".to_owned(),
        regex::Error::Syntax(text) => {
            let last = text.lines().last().unwrap_or_default();
            last.strip_prefix("error: ").unwrap_or(last).to_owned()
        }
        _ => "not a regular expression".to_owned(),
    }
}

/// A pattern that lets lines through, or keeps them out.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    /// Whether lines with it are hidden, instead of those without.
    pub out: bool,
    /// The pattern.
    pub pattern: Pattern,
}

impl Filter {
    /// Whether a line passes. That lines were lost is always shown: nobody knows what they were.
    pub fn lets(&self, line: &Line<'_>) -> bool {
        line.kind == Kind::Gap || self.pattern.is_in(line) != self.out
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn case_matters_only_where_a_letter_of_upper_case_is_typed() {
        let found =
            |pattern: &str, text: &str| !Pattern::new(pattern).unwrap().spans(text).is_empty();
        assert!(found("timeout", "Upstream Timeout"));
        assert!(!found("Timeout", "upstream timeout"));
        assert!(found(r"\Wtimeout", "a TIMEOUT"));
        assert!(found("größe", "GRÖSSE größe"));
        assert!(found(r"\p{Lu}x", "Äx") || found(r"\p{lu}x", "Äx"));
    }

    #[test]
    fn a_wrong_pattern_says_why_and_one_that_would_be_huge_is_refused() {
        assert_eq!(Pattern::new("a(b").unwrap_err(), "unclosed group");
        assert_eq!(Pattern::new("((a{200}){200}){200}").unwrap_err(), "too large: repeat less");
        assert_eq!(Pattern::new(r"(\w{300}){90}").unwrap_err(), "too large: repeat less");
    }

    proptest! {
        #[test]
        fn whatever_is_typed_compiles_or_says_why(source in ".{0,40}", text in ".{0,60}") {
            match Pattern::new(&source) {
                Ok(pattern) => {
                    for span in pattern.spans(&text) {
                        prop_assert!(span.end <= text.len());
                    }
                }
                Err(why) => prop_assert!(!why.is_empty() && !why.contains('\n')),
            }
        }
    }
}

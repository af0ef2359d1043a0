//! A Caddyfile as directives with blocks; snippets and files are put in where they are imported.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use crate::{
    observation::{Place, ProblemKind, Text},
    source::config::{include::path_text, pattern, reading::Reading, start},
};

use super::lexer::{Token, expand, tokens};

/// Imports inside each other.
const DEPTH: usize = 16;
/// Directives kept, those of imports counted each time.
const DIRECTIVES: usize = 500_000;
/// Nesting of blocks.
const NESTING: usize = 64;

/// A directive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Directive {
    pub(super) place: Place,
    pub(super) words: Vec<String>,
    /// What stands between its braces.
    pub(super) block: Option<Vec<Directive>>,
}

impl Directive {
    pub(super) fn name(&self) -> &str {
        self.word(0)
    }

    /// A word by its position, empty when there is none.
    pub(super) fn word(&self, at: usize) -> &str {
        self.words.get(at).map(String::as_str).unwrap_or_default()
    }

    /// Words from a position on.
    pub(super) fn from(&self, at: usize) -> &[String] {
        self.words.get(at..).unwrap_or_default()
    }

    /// The directives of its block.
    pub(super) fn inner(&self) -> impl Iterator<Item = &Self> {
        self.block.iter().flatten()
    }

    /// The first directive of its block with this name.
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.inner().find(|child| child.name() == name)
    }
}

/// Reads files into directives.
pub(super) struct Loader<'r, 's> {
    pub(super) reading: &'r mut Reading<'s>,
    snippets: BTreeMap<String, Vec<Directive>>,
    directives: usize,
    full: bool,
}

impl<'r, 's> Loader<'r, 's> {
    pub(super) const fn new(reading: &'r mut Reading<'s>) -> Self {
        Self { reading, snippets: BTreeMap::new(), directives: 0, full: false }
    }

    /// The directives of a file with everything that it imports; `None` when it cannot be read.
    pub(super) fn file(&mut self, path: &Path, from: &Place) -> Option<Vec<Directive>> {
        let raw = self.raw(path, from)?;
        Some(self.import(raw, path, 0))
    }

    fn raw(&mut self, path: &Path, from: &Place) -> Option<Vec<Directive>> {
        let bytes = self.reading.file(path, from)?;
        let setup = self.reading.setup();
        let text = expand(&String::from_utf8_lossy(&bytes), &|name| start::variable(setup, name));
        let (tokens, trouble) = tokens(text.trim_start_matches('\u{feff}'));
        let file = path_text(path);
        if let Some((line, what)) = trouble {
            let place = Place { file: file.clone(), line };
            self.reading.problems.add(ProblemKind::Syntax, place, what);
        }
        let mut at = 0;
        let mut list = Vec::new();
        while at < tokens.len() {
            list.extend(self.block(&tokens, &mut at, &file, 0));
            // A brace too many.
            if at < tokens.len() {
                self.fault(&file, tokens.get(at), "a brace closes nothing");
                at += 1;
            }
        }
        Some(list)
    }

    fn fault(&mut self, file: &Text, token: Option<&Token>, what: &str) {
        let place = Place { file: file.clone(), line: token.map_or(0, |token| token.line) };
        self.reading.problems.add(ProblemKind::Syntax, place, what);
    }

    /// Directives to the brace that closes their block, which is left, or to the end.
    fn block(
        &mut self,
        all: &[Token],
        at: &mut usize,
        file: &Text,
        depth: usize,
    ) -> Vec<Directive> {
        let mut list = Vec::new();
        while let Some(token) = all.get(*at) {
            if is_brace(token, "}") {
                break;
            }
            let opened = *at;
            let place = Place { file: file.clone(), line: token.line };
            let mut words = Vec::new();
            // Addresses of a site go on behind a comma at the end of a line.
            while let Some(token) = all.get(*at) {
                let goes_on = words.last().is_some_and(|word: &String| word.ends_with(','));
                let begins_another = token.first && *at > opened && !(goes_on && depth == 0);
                if begins_another || is_brace(token, "{") || is_brace(token, "}") {
                    break;
                }
                words.push(token.text.clone());
                *at += 1;
            }
            let opens = all.get(*at).filter(|t| is_brace(t, "{") && (!t.first || words.is_empty()));
            let block = if opens.is_some() {
                *at += 1;
                if depth >= NESTING {
                    self.fault(file, all.get(opened), "blocks nest too deep");
                    *at = all.len();
                    return list;
                }
                let inner = self.block(all, at, file, depth + 1);
                if all.get(*at).is_none() {
                    self.fault(file, all.get(opened), "the block opened here is not closed");
                }
                *at += 1;
                Some(inner)
            } else {
                // A brace at the beginning of a line belongs to nothing.
                if all.get(*at).is_some_and(|token| is_brace(token, "{")) {
                    self.fault(file, all.get(*at), "a brace must stand at the end of its line");
                    *at += 1;
                }
                None
            };
            list.push(Directive { place, words, block });
        }
        list
    }

    /// Puts imports in, and keeps snippets for those that follow.
    fn import(&mut self, list: Vec<Directive>, path: &Path, depth: usize) -> Vec<Directive> {
        let mut out = Vec::new();
        for mut directive in list {
            self.directives += 1;
            if self.directives > DIRECTIVES {
                if !self.full {
                    self.full = true;
                    let what = format!("more than {DIRECTIVES} directives with all imports");
                    self.reading.problems.add(ProblemKind::TooMuch, directive.place, what);
                }
                return out;
            }
            let name = directive.name().to_owned();
            let snippet = name.strip_prefix('(').and_then(|name| name.strip_suffix(')'));
            if let Some(snippet) = snippet
                && directive.words.len() == 1
            {
                let body = directive.block.take().unwrap_or_default();
                self.snippets.insert(snippet.to_owned(), body);
            } else if name == "import" {
                out.extend(self.imported(&directive, path, depth));
            } else {
                let block = directive.block.take();
                directive.block = block.map(|block| self.import(block, path, depth));
                out.push(directive);
            }
        }
        out
    }

    fn imported(&mut self, import: &Directive, path: &Path, depth: usize) -> Vec<Directive> {
        if depth >= DEPTH {
            let what = "imports nest too deep, or form a loop";
            self.reading.problems.add(ProblemKind::IncludeLoop, import.place.clone(), what);
            return Vec::new();
        }
        let arguments = import.from(2);
        let source = import.word(1);
        if let Some(body) = self.snippets.get(source).cloned() {
            let body = body.into_iter().map(|directive| fill(directive, arguments)).collect();
            return self.import(body, path, depth + 1);
        }
        let folder = path.parent().unwrap_or(Path::new("/"));
        let wanted = folder.join(source);
        let mut out = Vec::new();
        for file in self.files(&wanted, import) {
            if let Some(raw) = self.raw(&file, &import.place) {
                let raw = raw.into_iter().map(|directive| fill(directive, arguments)).collect();
                out.extend(self.import(raw, &file, depth + 1));
            }
        }
        out
    }

    fn files(&mut self, wanted: &Path, import: &Directive) -> Vec<PathBuf> {
        if !pattern::is_pattern(wanted.as_os_str().as_encoded_bytes()) {
            return vec![wanted.to_owned()];
        }
        let found = pattern::expand(self.reading.root(), wanted);
        for folder in &found.directories {
            self.reading.watch(folder);
        }
        for folder in &found.denied {
            let what = format!("{}: permission denied", path_text(folder).raw());
            self.reading.problems.add(ProblemKind::Unreadable, import.place.clone(), what);
        }
        // A pattern names no file that is hidden, and none that an editor left.
        let hidden =
            |path: &PathBuf| path.file_name().is_none_or(|n| n.to_string_lossy().starts_with('.'));
        found.paths.into_iter().filter(|path| !hidden(path)).collect()
    }
}

fn is_brace(token: &Token, brace: &str) -> bool {
    !token.quoted && token.text == brace
}

/// Puts the arguments of an import in: `{args[0]}`, `{args.0}`, `{args[:]}`.
fn fill(mut directive: Directive, arguments: &[String]) -> Directive {
    let mut words = Vec::with_capacity(directive.words.len());
    for word in directive.words {
        if word.starts_with("{args[") && word.contains(':') && word.ends_with("]}") {
            words.extend(range(&word, arguments));
            continue;
        }
        let mut word = word;
        if word.contains("{args") {
            for (at, argument) in arguments.iter().enumerate() {
                word = word.replace(&format!("{{args[{at}]}}"), argument);
                word = word.replace(&format!("{{args.{at}}}"), argument);
            }
        }
        words.push(word);
    }
    directive.words = words;
    let block = directive.block.take();
    directive.block = block.map(|b| b.into_iter().map(|d| fill(d, arguments)).collect());
    directive
}

/// `{args[1:]}` and the like.
fn range<'a>(word: &str, arguments: &'a [String]) -> impl Iterator<Item = String> + use<'a> {
    let inside = word.trim_start_matches("{args[").trim_end_matches("]}");
    let (from, to) = inside.split_once(':').unwrap_or(("", ""));
    let from = from.parse().unwrap_or(0).min(arguments.len());
    let to = to.parse().unwrap_or(arguments.len()).clamp(from, arguments.len());
    arguments.get(from..to).unwrap_or_default().iter().cloned()
}

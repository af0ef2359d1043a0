//! The sections of a HAProxy configuration, with what they take over from `defaults`.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use crate::{
    observation::{Place, ProblemKind},
    source::config::{include::path_text, reading::Reading, scope::whole},
};

use super::{
    conditional::{Blocks, Kind as Conditional},
    words::split,
};

/// Lines kept of one configuration.
const LINES: usize = 2_000_000;

/// Words that begin a section.
const SECTIONS: [&str; 22] = [
    "global",
    "defaults",
    "frontend",
    "backend",
    "listen",
    "resolvers",
    "peers",
    "userlist",
    "mailers",
    "ring",
    "program",
    "http-errors",
    "cache",
    "log-forward",
    "log-profile",
    "crt-store",
    "fcgi-app",
    "traces",
    "acme",
    "namespace_list",
    "ruleset",
    "namespace",
];

/// A line inside a section.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) place: Place,
    pub(super) words: Arc<[String]>,
}

impl Line {
    /// A word by its position, empty when there is none.
    pub(super) fn word(&self, at: usize) -> &str {
        self.words.get(at).map(String::as_str).unwrap_or_default()
    }

    /// Words from a position on.
    pub(super) fn from(&self, at: usize) -> &[String] {
        self.words.get(at..).unwrap_or_default()
    }
}

/// A section with its lines; those that it takes over from `defaults` stand in front.
#[derive(Clone, Debug)]
pub(super) struct Section {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) place: Place,
    /// Lines taken over.
    pub(super) inherited: Arc<[Line]>,
    pub(super) lines: Vec<Line>,
}

impl Section {
    /// All lines, those that are taken over first: of a setting the last one counts.
    pub(super) fn all(&self) -> impl DoubleEndedIterator<Item = &Line> {
        self.inherited.iter().chain(&self.lines)
    }

    /// The line that is in force of a setting, by its first words. `no SETTING` takes it back.
    pub(super) fn last(&self, words: &[&str]) -> Option<&Line> {
        let begins = |line: &Line, from: usize| {
            words.iter().enumerate().all(|(at, word)| line.word(from + at) == *word)
        };
        let found = self
            .all()
            .rfind(|line| begins(line, 0) || (line.word(0) == "no" && begins(line, 1)))?;
        (found.word(0) != "no").then_some(found)
    }
}

/// Everything in order.
#[derive(Debug, Default)]
pub(super) struct Sections {
    pub(super) list: Vec<Section>,
    named: BTreeMap<String, Arc<[Line]>>,
    /// What a section without `from` takes over.
    current: Arc<[Line]>,
    lines: usize,
    variables: BTreeMap<String, String>,
}

impl Sections {
    /// Reads one file.
    pub(super) fn file(
        &mut self,
        path: &Path,
        text: &[u8],
        environment: &dyn Fn(&str) -> Option<String>,
        version: Option<&str>,
        reading: &mut Reading<'_>,
    ) {
        let name = path_text(path);
        let text = String::from_utf8_lossy(text);
        let mut blocks = Blocks::default();
        for (number, raw) in text.lines().enumerate() {
            let line = u32::try_from(number + 1).unwrap_or(u32::MAX);
            let place = Place { file: name.clone(), line };
            let (words, trouble) = {
                let variables = &self.variables;
                let lookup =
                    |name: &str| variables.get(name).cloned().or_else(|| environment(name));
                let (words, trouble) = split(raw, &lookup);
                let kind = blocks.take(&words, version, &lookup);
                match kind {
                    Conditional::Line => {}
                    Conditional::Skipped => continue,
                    Conditional::Untold => {
                        let what = "whether this condition holds cannot be told; its block is read";
                        reading.problems.add(ProblemKind::Unknown, place, what);
                        continue;
                    }
                    Conditional::Bad(what) => {
                        reading.problems.add(ProblemKind::Syntax, place, what);
                        continue;
                    }
                }
                (words, trouble)
            };
            if let Some(what) = trouble {
                reading.problems.add(ProblemKind::Syntax, place.clone(), what);
            }
            if words.is_empty() {
                continue;
            }
            self.lines += 1;
            if self.lines > LINES {
                let what = format!("more than {LINES} lines");
                reading.problems.add(ProblemKind::TooMuch, place, what);
                return;
            }
            self.line(words, place, reading);
        }
        if blocks.is_open() {
            let what = "the file ends inside of .if";
            reading.problems.add(ProblemKind::Syntax, whole(name), what);
        }
        self.close();
    }

    fn line(&mut self, words: Vec<String>, place: Place, reading: &mut Reading<'_>) {
        let first = words.first().map(String::as_str).unwrap_or_default();
        if SECTIONS.contains(&first) {
            self.close();
            self.open(&words, place, reading);
            return;
        }
        let Some(section) = self.list.last_mut() else {
            let what = "stands before the first section";
            reading.problems.add(ProblemKind::Syntax, place, what);
            return;
        };
        if section.kind == "global" && matches!(first, "setenv" | "presetenv") {
            let name = words.get(1).cloned().unwrap_or_default();
            let value = words.get(2).cloned().unwrap_or_default();
            if first == "setenv" || !self.variables.contains_key(&name) {
                self.variables.insert(name, value);
            }
            return;
        }
        section.lines.push(Line { place, words: words.into() });
    }

    fn open(&mut self, words: &[String], place: Place, reading: &mut Reading<'_>) {
        let word = |at: usize| words.get(at).map(String::as_str).unwrap_or_default();
        let kind = word(0).to_owned();
        let unnamed = kind == "defaults" && word(1) == "from";
        let name = if unnamed { String::new() } else { word(1).to_owned() };
        let from = words.iter().position(|word| word == "from").filter(|at| *at <= 2);
        let from = from.map(|at| word(at + 1));
        let takes = matches!(kind.as_str(), "frontend" | "backend" | "listen");
        let inherited = match from {
            Some(source) => self.named.get(source).cloned().unwrap_or_else(|| {
                let what = format!("no defaults section is called \"{source}\"");
                reading.problems.add(ProblemKind::Syntax, place.clone(), what);
                Arc::default()
            }),
            None if takes => Arc::clone(&self.current),
            None => Arc::default(),
        };
        if name.is_empty() && (takes || kind == "resolvers") {
            let what = format!("a {kind} section needs a name");
            reading.problems.add(ProblemKind::Syntax, place.clone(), what);
        }
        self.list.push(Section { kind, name, place, inherited, lines: Vec::new() });
    }

    /// What a `defaults` section has said counts for those that follow.
    fn close(&mut self) {
        let Some(section) = self.list.last().filter(|section| section.kind == "defaults") else {
            return;
        };
        self.current = section.all().cloned().collect();
        if !section.name.is_empty() {
            self.named.insert(section.name.clone(), Arc::clone(&self.current));
        }
    }

    /// The sections of a kind.
    pub(super) fn of<'s>(&'s self, kind: &'s str) -> impl Iterator<Item = &'s Section> {
        self.list.iter().filter(move |section| section.kind == kind)
    }

    /// The newest line of all `global` sections that begins with a word.
    pub(super) fn global(&self, word: &str) -> Option<&Line> {
        self.of("global").flat_map(|s| &s.lines).filter(|line| line.word(0) == word).last()
    }
}

//! The classifier of log lines: which known line this is, and its named parts.

use std::{
    cmp::Ordering,
    collections::BTreeMap,
    fmt,
    hash::{Hash, Hasher},
    sync::{LazyLock, OnceLock},
};

use regex::bytes::{Regex, RegexBuilder};
use serde::{Serialize, Serializer};

use super::{
    apache_line, nginx_line,
    pattern_set::PatternSet,
    signature_file::{FILES, SignatureFile, SignatureInfo},
};
use crate::observation::{Program, Text};

/// A line is recognised by its first bytes; what lies behind is not looked at.
const LOOKED_AT: usize = 8 * 1024;
/// Bound on one compiled pattern, in bytes.
const PATTERN_LIMIT: usize = 1 << 20;
/// Bound on the compiled patterns of one program, in bytes.
const SET_LIMIT: usize = 16 << 20;
/// Bound on the automaton that is built while matching, in bytes.
const DFA_LIMIT: usize = 8 << 20;

/// Which signature a line matched. It names one block of `assets/signatures/`, and is compared by
/// the block's id, because several wordings of one message share an id.
#[derive(Clone, Copy)]
pub struct SignatureId(u16);

impl SignatureId {
    /// The first signature with this id.
    pub fn find(id: &str) -> Option<Self> {
        let at = Signatures::embedded().blocks.iter().position(|block| block.id == id)?;
        u16::try_from(at).ok().map(Self)
    }

    /// Its id as written in `assets/signatures/`, for example `sym-tcp-refused`.
    pub fn as_str(self) -> &'static str {
        self.info().map_or("", |info| info.id.as_str())
    }

    /// Its words and flags.
    pub fn info(self) -> Option<&'static SignatureInfo> {
        Signatures::embedded().blocks.get(usize::from(self.0))
    }

    /// Whether the line proves where a request failed, not why.
    pub fn is_symptom(self) -> bool {
        self.info().is_some_and(|info| info.symptom)
    }

    /// Whether one such line is one failed try of a request.
    pub fn is_failure(self) -> bool {
        self.info().is_some_and(|info| info.failure)
    }
}

impl PartialEq for SignatureId {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0 || self.as_str() == other.as_str()
    }
}

impl Eq for SignatureId {}

impl PartialEq<str> for SignatureId {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for SignatureId {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl PartialOrd for SignatureId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SignatureId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl Hash for SignatureId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Debug for SignatureId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for SignatureId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for SignatureId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A line that was recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// What it was recognised as.
    pub id: SignatureId,
    /// The named parts of the line, as the pattern names them.
    pub captures: BTreeMap<String, Text>,
}

impl Match {
    /// One named part, for matching only (not sanitised).
    pub fn part(&self, name: &str) -> Option<&str> {
        self.captures.get(name).map(Text::raw)
    }
}

/// Every signature of `assets/signatures/`. Patterns are compiled when a program's first line
/// comes, so a run that never sees a Node.js log never pays for its patterns.
#[derive(Debug)]
pub struct Signatures {
    blocks: Vec<SignatureInfo>,
    patterns: Vec<Pattern>,
    by_program: BTreeMap<Program, Candidates>,
    by_file: Vec<(String, Candidates)>,
}

/// One block's pattern with its prefix, compiled when its named parts are asked for.
#[derive(Debug)]
struct Pattern {
    source: String,
    compiled: OnceLock<Option<Regex>>,
}

/// The blocks that are tried for a program, in their order, with their common automaton.
#[derive(Debug, Default)]
struct Candidates {
    blocks: Vec<u16>,
    /// Whose head of a line is stepped over.
    head: LineHead,
    set: OnceLock<Option<PatternSet>>,
}

/// What stands before the message of a line, and is no part of what patterns see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum LineHead {
    /// Nothing that is known.
    #[default]
    None,
    Nginx,
    Apache,
}

static EMBEDDED: LazyLock<Signatures> = LazyLock::new(|| Signatures::read(&FILES));

/// The files that are tried for a program.
const fn files_of(program: Program) -> &'static [&'static str] {
    match program {
        Program::Nginx => &["nginx"],
        Program::Apache => &["apache"],
        Program::Haproxy => &["haproxy"],
        Program::Caddy => &["caddy", "go"],
        Program::Traefik => &["traefik", "go"],
        Program::Envoy => &["envoy"],
        Program::PhpFpm => &["php-fpm"],
        Program::Systemd => &["systemd", "systemd-oomd"],
        Program::Kernel => &["kernel", "audit"],
        Program::Docker => &["docker-events", "docker"],
        Program::Application => &[
            "node",
            "python",
            "gunicorn",
            "uvicorn",
            "uwsgi",
            "puma",
            "pm2",
            "supervisord",
            "go",
            "java",
            "php-fpm",
        ],
    }
}

const PROGRAMS: [Program; 11] = [
    Program::Nginx,
    Program::Apache,
    Program::Haproxy,
    Program::Caddy,
    Program::Traefik,
    Program::Envoy,
    Program::PhpFpm,
    Program::Systemd,
    Program::Kernel,
    Program::Docker,
    Program::Application,
];

impl LineHead {
    fn of(program: &str) -> Self {
        match program {
            "nginx" => Self::Nginx,
            "apache" => Self::Apache,
            _ => Self::None,
        }
    }
}

impl Signatures {
    /// The signatures that are part of the program.
    pub fn embedded() -> &'static Self {
        &EMBEDDED
    }

    /// Reads the files. A file that cannot be read is left out; a test keeps that from happening
    /// to the files of this program.
    fn read(files: &[&str]) -> Self {
        let mut all = Self {
            blocks: Vec::new(),
            patterns: Vec::new(),
            by_program: BTreeMap::new(),
            by_file: Vec::new(),
        };
        for text in files {
            let Ok(file) = toml::from_str::<SignatureFile>(text) else { continue };
            let mut tried =
                Candidates { head: LineHead::of(&file.program), ..Candidates::default() };
            for mut block in file.signature {
                let Ok(at) = u16::try_from(all.blocks.len()) else { break };
                let source = format!("{}(?:{})", file.prefix, block.pattern);
                block.program.clone_from(&file.program);
                all.blocks.push(block);
                all.patterns.push(Pattern { source, compiled: OnceLock::new() });
                tried.blocks.push(at);
            }
            all.by_file.push((file.program, tried));
        }
        for program in PROGRAMS {
            let blocks = files_of(program).iter().flat_map(|name| all.blocks_of(name)).collect();
            let head = LineHead::of(program.as_str());
            all.by_program.insert(program, Candidates { blocks, head, set: OnceLock::new() });
        }
        all
    }

    fn blocks_of(&self, file: &str) -> Vec<u16> {
        self.by_file
            .iter()
            .find(|(name, _)| name == file)
            .map(|(_, tried)| tried.blocks.clone())
            .unwrap_or_default()
    }

    /// The first signature of `program` that matches, if any.
    pub fn classify(&self, program: Program, line: &str) -> Option<Match> {
        self.first(self.by_program.get(&program)?, line)
    }

    /// The first signature of one file of `assets/signatures/` that matches, if any.
    pub fn classify_as(&self, file: &str, line: &str) -> Option<Match> {
        let (_, tried) = self.by_file.iter().find(|(name, _)| name == file)?;
        self.first(tried, line)
    }

    /// Every signature of one file that matches, the winner first: for tests of the files and for
    /// showing what else a line could be.
    pub fn all_of(&self, file: &str, line: &str) -> Vec<SignatureId> {
        let Some((_, tried)) = self.by_file.iter().find(|(name, _)| name == file) else {
            return Vec::new();
        };
        let Some((level, text)) = looked_at(tried, line) else { return Vec::new() };
        self.matching(tried, level, text).map(SignatureId).collect()
    }

    /// The words of a signature.
    pub fn info(&self, id: SignatureId) -> Option<&SignatureInfo> {
        self.blocks.get(usize::from(id.0))
    }

    /// Every signature, in the order of the files.
    pub fn all(&self) -> impl Iterator<Item = &SignatureInfo> {
        self.blocks.iter()
    }

    /// The files of `assets/signatures/` by their program's name, in order.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.by_file.iter().map(|(name, _)| name.as_str())
    }

    /// Patterns that do not compile within their bounds, with their ids; empty in a sound build.
    pub fn broken(&self) -> Vec<String> {
        let singles = self.blocks.iter().zip(&self.patterns);
        let mut broken: Vec<String> = singles
            .filter(|(_, pattern)| pattern.regex().is_none())
            .map(|(block, _)| format!("{}: {}", block.program, block.id))
            .collect();
        let sets = self.by_program.iter().map(|(program, tried)| (program.as_str(), tried));
        let files = self.by_file.iter().map(|(name, tried)| (name.as_str(), tried));
        for (name, tried) in sets.chain(files) {
            if self.set_of(tried).is_none() {
                broken.push(format!("{name}: the set of all its patterns"));
            }
        }
        broken
    }

    fn first(&self, tried: &Candidates, line: &str) -> Option<Match> {
        let (level, text) = looked_at(tried, line)?;
        let at = self.matching(tried, level, text).next()?;
        let captures = self.patterns.get(usize::from(at))?.parts(text);
        Some(Match { id: SignatureId(at), captures })
    }

    /// The blocks of a list that match, in order.
    fn matching<'a>(
        &'a self,
        tried: &'a Candidates,
        level: Option<&'a str>,
        text: &[u8],
    ) -> impl Iterator<Item = u16> + 'a {
        let hits = self.set_of(tried).map(|set| set.matches(text)).unwrap_or_default();
        hits.into_iter().filter_map(|n| tried.blocks.get(n).copied()).filter(move |at| {
            let wanted = self.blocks.get(usize::from(*at)).and_then(|b| b.only_level.as_deref());
            wanted.is_none() || wanted == level
        })
    }

    fn set_of<'a>(&self, tried: &'a Candidates) -> Option<&'a PatternSet> {
        let build = || {
            let sources = tried.blocks.iter().filter_map(|at| self.patterns.get(usize::from(*at)));
            let sources: Vec<&str> = sources.map(|pattern| pattern.source.as_str()).collect();
            PatternSet::new(&sources, SET_LIMIT, DFA_LIMIT)
        };
        tried.set.get_or_init(build).as_ref()
    }
}

impl Pattern {
    fn regex(&self) -> Option<&Regex> {
        let build = || {
            RegexBuilder::new(&self.source)
                .unicode(false)
                .size_limit(PATTERN_LIMIT)
                .dfa_size_limit(DFA_LIMIT)
                .build()
                .ok()
        };
        self.compiled.get_or_init(build).as_ref()
    }

    fn parts(&self, text: &[u8]) -> BTreeMap<String, Text> {
        let Some(regex) = self.regex().filter(|regex| regex.captures_len() > 1) else {
            return BTreeMap::new();
        };
        let Some(found) = regex.captures(text) else { return BTreeMap::new() };
        let names = regex.capture_names().flatten();
        let part =
            |name: &str| Some((name.to_owned(), Text::from_bytes(found.name(name)?.as_bytes())));
        names.filter_map(part).collect()
    }
}

/// The part of a line that patterns may see, and its level where the program writes one.
fn looked_at<'a>(tried: &Candidates, line: &'a str) -> Option<(Option<&'a str>, &'a [u8])> {
    let (level, text) = match tried.head {
        LineHead::Nginx => nginx_line::message_of(line)?,
        LineHead::Apache => apache_line::message_of(line)?,
        LineHead::None => (None, line),
    };
    let bytes = text.as_bytes();
    Some((level, bytes.get(..LOOKED_AT).unwrap_or(bytes)))
}

//! Reads a configuration and everything it includes into one [`Tree`], within bounds.

use std::{
    collections::HashMap,
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    host::{
        files::{FileError, Root},
        fingerprint::Fingerprint,
        on_behalf,
        permission::Identity,
    },
    observation::{ConfigProblem, Place, ProblemKind, Text, Wall},
};

use super::{
    lexer::{End, Item, Lexer, Word},
    pattern,
    setup::Setup,
    tree::{Node, SourceFile, Tree},
};

/// How deep includes may nest.
const DEPTH: usize = 16;
/// Files that one configuration may consist of.
const FILES: usize = 2_000;
/// Inclusions, a file that is included again counted again.
const INCLUSIONS: usize = 200_000;
/// Bytes read, every inclusion counted.
const BYTES: usize = 64 << 20;
/// Nesting of blocks.
const NESTING: usize = 64;
/// Directives kept.
const NODES: usize = 4_000_000;
/// Words kept.
const WORDS: usize = 12_000_000;
/// Problems reported one by one.
const PROBLEMS: usize = 500;

/// A file or directory whose change means that the configuration has to be read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    /// Path as the gateway sees it.
    pub path: PathBuf,
    /// What stood there; `None` when nothing could be seen.
    pub fingerprint: Option<Fingerprint>,
}

impl Watched {
    pub(super) fn new(root: &Root, path: &Path) -> Self {
        let fingerprint = Fingerprint::take(root, path, true).ok();
        Self { path: path.to_owned(), fingerprint }
    }

    /// Whether something else stands there now.
    pub fn changed(&self, root: &Root) -> bool {
        Fingerprint::take(root, &self.path, true).ok() != self.fingerprint
    }
}

/// Problems, bounded; what was left out is counted.
#[derive(Clone, Debug, Default)]
pub(super) struct Problems {
    list: Vec<ConfigProblem>,
    more: usize,
}

impl Problems {
    pub(super) fn add(&mut self, kind: ProblemKind, place: Place, what: impl AsRef<str>) {
        if self.list.len() < PROBLEMS {
            self.list.push(ConfigProblem { kind, place, what: Text::new(what) });
        } else {
            self.more += 1;
        }
    }

    pub(super) fn finish(mut self) -> Vec<ConfigProblem> {
        if let Some(place) = self.list.last().map(|p| p.place.clone()).filter(|_| self.more > 0) {
            let what = Text::new(format!("{} more problems", self.more));
            self.list.push(ConfigProblem { kind: ProblemKind::TooMuch, place, what });
        }
        self.list
    }
}

/// A configuration as read.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    pub(super) tree: Tree,
    pub(super) problems: Problems,
    pub(super) watched: Vec<Watched>,
    /// Newest modification time among files and the links that lead to them.
    pub(super) modified: Option<Wall>,
    /// Whether the main file could be read.
    pub(super) readable: bool,
}

/// Reads the configuration of a setup; the text of `-g` stands before it.
pub(super) fn load(setup: &Setup) -> Loaded {
    let config = setup.config.as_path();
    let directory = config.parent().unwrap_or(Path::new("/")).to_owned();
    let mut loader = Loader::new(&setup.root, directory);
    loader.reader = setup.reader.as_ref();
    if let Some(globals) = &setup.globals {
        let id = loader.keep(Text::new("command line"), globals.clone());
        loader.read(id);
    }
    let own = Place { file: path_text(config), line: 0 };
    if let Some(id) = loader.fetch(config, &own) {
        loader.out.readable = true;
        loader.read(id);
    }
    loader.out
}

/// Reads a configuration of nginx's language with its includes put in place, as the gateway of
/// practice does. Blocks on the file system.
pub fn read_tree(setup: &Setup) -> (Tree, Vec<ConfigProblem>) {
    let loaded = load(setup);
    (loaded.tree, loaded.problems.finish())
}

/// Splits one text into directives without following its includes; `name` stands for the file in
/// places.
pub fn read_text(name: &str, text: &[u8]) -> (Tree, Vec<ConfigProblem>) {
    let root = Root::default();
    let mut loader = Loader::new(&root, PathBuf::new());
    loader.follow = false;
    let id = loader.keep(Text::new(name), text.to_vec());
    loader.read(id);
    (loader.out.tree, loader.out.problems.finish())
}

pub(super) fn path_text(path: &Path) -> Text {
    Text::from_bytes(path.as_os_str().as_bytes())
}

struct Loader<'r> {
    root: &'r Root,
    directory: PathBuf,
    out: Loaded,
    known: HashMap<PathBuf, Option<u32>>,
    patterns: HashMap<PathBuf, Arc<pattern::Found>>,
    open: Vec<u32>,
    bytes: usize,
    inclusions: usize,
    /// Open blocks.
    depth: usize,
    /// A bound was reached; nothing more is taken.
    full: bool,
    /// Whether includes are followed.
    follow: bool,
    /// With whose rights files are read, if not with ours.
    reader: Option<&'r Identity>,
}

impl<'r> Loader<'r> {
    fn new(root: &'r Root, directory: PathBuf) -> Self {
        Self {
            root,
            directory,
            out: Loaded::default(),
            known: HashMap::new(),
            patterns: HashMap::new(),
            open: Vec::new(),
            bytes: 0,
            inclusions: 0,
            depth: 0,
            full: false,
            follow: true,
            reader: None,
        }
    }

    fn problem(&mut self, kind: ProblemKind, place: &Place, what: impl AsRef<str>) {
        self.out.problems.add(kind, place.clone(), what);
    }

    fn too_much(&mut self, place: &Place, what: &str) {
        if !self.full {
            self.full = true;
            self.problem(ProblemKind::TooMuch, place, what);
        }
    }

    fn keep(&mut self, path: Text, bytes: Vec<u8>) -> u32 {
        let id = u32::try_from(self.out.tree.files.len()).unwrap_or(u32::MAX);
        self.out.tree.files.push(SourceFile { path, bytes: Arc::new(bytes) });
        id
    }

    /// The file at a path, read once.
    fn fetch(&mut self, path: &Path, place: &Place) -> Option<u32> {
        if let Some(known) = self.known.get(path) {
            return *known;
        }
        if self.out.tree.files.len() >= FILES {
            self.too_much(place, &format!("more than {FILES} files are included"));
            return None;
        }
        let id = match self.contents(path) {
            Ok(bytes) => Some(self.keep(path_text(path), bytes)),
            Err(error) => {
                let kind = match &error {
                    FileError::Missing => ProblemKind::Missing,
                    FileError::NotAFile => ProblemKind::NotAFile,
                    FileError::TooLong(_) => ProblemKind::TooMuch,
                    FileError::Denied | FileError::Link | FileError::Io(_) => {
                        ProblemKind::Unreadable
                    }
                };
                self.problem(kind, place, format!("{}: {error}", path_text(path).raw()));
                None
            }
        };
        self.known.insert(path.to_owned(), id);
        id
    }

    /// Looks at what stands there before it opens it: opening a device may act on it.
    fn contents(&mut self, path: &Path) -> Result<Vec<u8>, FileError> {
        let print = Fingerprint::take(self.root, path, true);
        let fingerprint = print.as_ref().ok().copied();
        self.out.watched.push(Watched { path: path.to_owned(), fingerprint });
        let print = print?;
        if !print.is_file() {
            return Err(FileError::NotAFile);
        }
        let bytes = on_behalf::read(self.root, path, BYTES as u64, self.reader)?;
        self.out.modified = self.out.modified.max(Some(print.modified()));
        if let Ok(link) = Fingerprint::take(self.root, path, false)
            && link.is_link()
        {
            self.out.modified = self.out.modified.max(Some(link.modified()));
        }
        Ok(bytes)
    }

    fn place(&self, file: u32, line: u32) -> Place {
        let path = self.out.tree.files.get(file as usize).map(|f| f.path.clone());
        Place { file: path.unwrap_or_default(), line }
    }

    /// Reads one file to its end or to the first thing that nginx would refuse for good.
    fn read(&mut self, file: u32) {
        let Some(bytes) = self.out.tree.files.get(file as usize).map(|f| Arc::clone(&f.bytes))
        else {
            return;
        };
        self.bytes = self.bytes.saturating_add(bytes.len());
        if self.bytes > BYTES {
            let place = self.place(file, 0);
            self.too_much(&place, &format!("more than {} MiB with all includes", BYTES >> 20));
            return;
        }
        self.open.push(file);
        let base = self.depth;
        let mut blocks: Vec<u32> = Vec::new();
        self.statements(file, &bytes, &mut blocks);
        while let Some(index) = blocks.pop() {
            self.close(index);
        }
        self.depth = base;
        self.open.pop();
    }

    fn statements(&mut self, file: u32, bytes: &[u8], blocks: &mut Vec<u32>) {
        let mut lexer = Lexer::new(bytes);
        if bytes.starts_with(b"\xef\xbb\xbf") {
            let place = self.place(file, 1);
            let what = "a byte order mark stands before the first directive";
            self.problem(ProblemKind::Syntax, &place, what);
            lexer = lexer.at(3);
        }
        let mut words = Vec::new();
        while !self.full {
            match lexer.next(&mut words) {
                Item::Statement(end) => self.statement(file, &words, end, blocks),
                Item::BlockEnd { line } => {
                    if let Some(index) = blocks.pop() {
                        self.close(index);
                        self.depth = self.depth.saturating_sub(1);
                    } else {
                        let place = self.place(file, line);
                        self.problem(ProblemKind::Syntax, &place, "unexpected \"}\"");
                        return;
                    }
                }
                Item::Bad { line, what, goes_on } => {
                    let place = self.place(file, line);
                    self.problem(ProblemKind::Syntax, &place, what);
                    if !words.is_empty() {
                        self.push(file, &words, false);
                    }
                    if !goes_on {
                        return;
                    }
                }
                Item::Eof => {
                    self.unclosed(file, blocks);
                    return;
                }
            }
        }
    }

    fn unclosed(&mut self, file: u32, blocks: &[u32]) {
        let Some(opened) = blocks.last().and_then(|i| self.out.tree.nodes.get(*i as usize)) else {
            return;
        };
        let place = self.place(file, opened.name.line);
        let what = "unexpected end of file, expecting \"}\" for the block opened here";
        self.problem(ProblemKind::Syntax, &place, what);
    }

    fn statement(&mut self, file: u32, words: &[Word], end: End, blocks: &mut Vec<u32>) {
        let Some(index) = self.push(file, words, end == End::Block) else { return };
        if end == End::Block {
            blocks.push(index);
            self.depth += 1;
            if self.depth > NESTING {
                let place = self.place(file, words.first().map_or(0, |w| w.line));
                self.too_much(&place, &format!("blocks nest deeper than {NESTING}"));
            }
        } else if end == End::Semicolon && self.follow {
            self.include(index);
        }
    }

    fn push(&mut self, file: u32, words: &[Word], block: bool) -> Option<u32> {
        let (name, args) = words.split_first()?;
        let tree = &mut self.out.tree;
        if tree.nodes.len() >= NODES || tree.words.len() + args.len() > WORDS {
            let place = self.place(file, name.line);
            self.too_much(&place, &format!("more than {NODES} directives"));
            return None;
        }
        let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let index = narrow(tree.nodes.len());
        tree.nodes.push(Node {
            name: *name,
            first_arg: narrow(tree.words.len()),
            args: narrow(args.len()),
            file,
            end: index + 1,
            block,
        });
        tree.words.extend_from_slice(args);
        Some(index)
    }

    fn close(&mut self, index: u32) {
        let end = u32::try_from(self.out.tree.nodes.len()).unwrap_or(u32::MAX);
        if let Some(node) = self.out.tree.nodes.get_mut(index as usize) {
            node.end = end;
        }
    }

    /// Follows the directive at `index` if it is an `include`.
    fn include(&mut self, index: u32) {
        let Some(directive) = self.out.tree.get(index as usize) else { return };
        if *directive.name() != *b"include" {
            return;
        }
        let place = directive.place();
        let (Some(target), 1) = (directive.arg(0), directive.len()) else {
            self.problem(ProblemKind::Syntax, &place, "include takes one argument");
            return;
        };
        let path = self.directory.join(OsStr::from_bytes(&target));
        let many = pattern::is_pattern(&target);
        if self.open.len() >= DEPTH {
            let what = format!("includes nest deeper than {DEPTH}");
            self.problem(ProblemKind::TooMuch, &place, what);
            return;
        }
        if many {
            let found = self.expand(path, &place);
            for path in &found.paths {
                self.enter(path, &place);
            }
        } else {
            self.enter(&path, &place);
        }
    }

    fn enter(&mut self, path: &Path, place: &Place) {
        if self.full {
            return;
        }
        let Some(id) = self.fetch(path, place) else { return };
        self.inclusions += 1;
        if self.inclusions > INCLUSIONS {
            self.too_much(place, &format!("more than {INCLUSIONS} inclusions"));
            return;
        }
        if self.open.contains(&id) {
            let what = format!("{} includes itself", path_text(path).raw());
            self.problem(ProblemKind::IncludeLoop, place, what);
            return;
        }
        self.read(id);
    }

    fn expand(&mut self, path: PathBuf, place: &Place) -> Arc<pattern::Found> {
        if let Some(found) = self.patterns.get(&path) {
            return Arc::clone(found);
        }
        let found = Arc::new(pattern::expand(self.root, &path));
        for directory in &found.directories {
            self.out.watched.push(Watched::new(self.root, directory));
        }
        for directory in &found.denied {
            let what = format!("{}: permission denied", path_text(directory).raw());
            self.problem(ProblemKind::Unreadable, place, what);
        }
        if found.cut {
            self.problem(ProblemKind::TooMuch, place, "the pattern matches too many files");
        }
        self.patterns.insert(path, Arc::clone(&found));
        found
    }
}

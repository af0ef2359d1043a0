//! Reads a configuration with all that it includes into sections and directives, and decides on the
//! way what counts: includes, defines, conditions and macros are carried out as Apache does.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    host::{
        files::{FileError, Root},
        fingerprint::Fingerprint,
        on_behalf,
    },
    observation::{Place, ProblemKind, Text, Wall},
};

use super::{
    conditions::{Modules, version_fits},
    lines::{Line, directive, lines, words},
    variables::{Variables, envvars},
};
use crate::source::config::{
    include::{Problems, Watched, path_text},
    pattern,
    setup::Setup,
};

/// How deep includes and macros may nest (Apache itself stops at 20).
const DEPTH: usize = 20;
/// Files that one configuration may consist of.
const FILES: usize = 5_000;
/// Inclusions and uses of macros.
const INCLUSIONS: usize = 50_000;
/// Bytes read.
const BYTES: usize = 64 << 20;
/// Nesting of sections.
const NESTING: usize = 64;
/// Directives kept.
const NODES: usize = 1_000_000;
/// Lines looked at, those of macros counted each time.
const LINES: usize = 8_000_000;
/// Lines kept of all macros.
const MACRO_LINES: usize = 100_000;

/// Directives that mean something here; the others are left to Apache's modules.
const KEPT: [&str; 44] = [
    "addhandler",
    "balancermember",
    "customlog",
    "errorlog",
    "globallog",
    "listen",
    "logformat",
    "proxypass",
    "proxypassmatch",
    "proxyset",
    "proxytimeout",
    "redirect",
    "redirectmatch",
    "rewriteengine",
    "rewriterule",
    "serveralias",
    "servername",
    "serverroot",
    "sethandler",
    "sslengine",
    "proxypreservehost",
    "sslproxycacertificatefile",
    "sslproxyengine",
    "sslproxymachinecertificatefile",
    "sslproxyprotocol",
    "sslproxyverify",
    "timeout",
    "transferlog",
    "<directory",
    "<directorymatch",
    "<else",
    "<elseif",
    "<files",
    "<filesmatch",
    "<if",
    "<limit",
    "<limitexcept",
    "<location",
    "<locationmatch",
    "<proxy",
    "<proxymatch",
    "<virtualhost",
    "maxrequestworkers",
    "maxclients",
];

/// Directives that only a module knows; without it Apache refuses to start.
const OWNED: [(&str, &str); 9] = [
    ("proxypass", "proxy_module"),
    ("proxypassmatch", "proxy_module"),
    ("proxyset", "proxy_module"),
    ("proxytimeout", "proxy_module"),
    ("balancermember", "proxy_module"),
    ("<proxy", "proxy_module"),
    ("sslproxyengine", "ssl_module"),
    ("rewriterule", "rewrite_module"),
    ("rewriteengine", "rewrite_module"),
];

/// One directive, or a section with what stands in it.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// In lower case; a section's begins with `<`.
    pub(super) name: String,
    pub(super) args: Vec<String>,
    file: u32,
    line: u32,
    /// Position in reading order.
    pub(super) index: usize,
    pub(super) children: Vec<Node>,
}

impl Node {
    pub(super) fn arg(&self, at: usize) -> Option<&str> {
        self.args.get(at).map(String::as_str)
    }
}

/// A configuration as read.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    pub(super) nodes: Vec<Node>,
    pub(super) files: Vec<Text>,
    pub(super) problems: Problems,
    pub(super) watched: Vec<Watched>,
    pub(super) modified: Option<Wall>,
    pub(super) readable: bool,
    pub(super) modules: Modules,
    /// `ServerRoot`, or where the program says that it is.
    pub(super) server_root: PathBuf,
}

impl Loaded {
    pub(super) fn place(&self, node: &Node) -> Place {
        let file = self.files.get(node.file as usize).cloned().unwrap_or_default();
        Place { file, line: node.line }
    }
}

/// An open section.
struct Frame {
    name: String,
    /// What it becomes; `None` for a condition that holds, whose content belongs to what is
    /// around it.
    node: Option<Node>,
    line: Line,
}

struct Macro {
    parameters: Vec<String>,
    body: Arc<Vec<Line>>,
}

struct Loader<'s> {
    setup: &'s Setup,
    out: Loaded,
    variables: Variables,
    macros: HashMap<String, Macro>,
    known: HashMap<PathBuf, Option<Arc<Vec<Line>>>>,
    frames: Vec<Frame>,
    /// Files and macros under way.
    open: Vec<PathBuf>,
    bytes: usize,
    inclusions: usize,
    nodes: usize,
    lines: usize,
    macro_lines: usize,
    full: bool,
}

/// Reads the configuration of a setup.
pub(super) fn load(setup: &Setup) -> Loaded {
    let directory = setup.config.parent().unwrap_or(Path::new("/"));
    // Debian's own script sets these before it starts Apache, whatever the environment says now.
    let environment = if setup.start.environment.get("APACHE_LOG_DIR").is_some() {
        setup.start.environment.clone()
    } else {
        let file = envvars(&setup.root, directory);
        let own = setup.start.environment.iter();
        file.iter().chain(own).map(|(n, v)| (n.to_owned(), v.to_owned())).collect()
    };
    let mut loader = Loader {
        setup,
        out: Loaded { server_root: setup.prefix.clone(), ..Loaded::default() },
        variables: Variables::new(environment),
        macros: HashMap::new(),
        known: HashMap::new(),
        frames: Vec::new(),
        open: Vec::new(),
        bytes: 0,
        inclusions: 0,
        nodes: 0,
        lines: 0,
        macro_lines: 0,
        full: false,
    };
    loader.out.files.push(path_text(&setup.config));
    loader.options();
    let place = Place { file: path_text(&setup.config), line: 0 };
    if let Some(lines) = loader.fetch(&setup.config, &place) {
        loader.out.readable = true;
        loader.open.push(setup.config.clone());
        loader.run(&lines);
        loader.open.pop();
    }
    loader.out
}

impl Loader<'_> {
    /// `-D NAME` on the command line.
    fn options(&mut self) {
        let mut words = self.setup.start.arguments.iter();
        while let Some(word) = words.next() {
            if let Some(joined) = word.strip_prefix("-D") {
                let name =
                    if joined.is_empty() { words.next().map(String::as_str) } else { Some(joined) };
                self.variables.define(name.unwrap_or_default(), "");
            }
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

    fn place(&self, line: &Line) -> Place {
        let file = self.out.files.get(line.file as usize).cloned().unwrap_or_default();
        Place { file, line: line.number }
    }

    /// The lines of a file, read once.
    fn fetch(&mut self, path: &Path, place: &Place) -> Option<Arc<Vec<Line>>> {
        if let Some(known) = self.known.get(path) {
            return known.clone();
        }
        if self.known.len() >= FILES {
            self.too_much(place, &format!("more than {FILES} files are included"));
            return None;
        }
        let found = match self.contents(path) {
            Ok(bytes) => {
                self.bytes = self.bytes.saturating_add(bytes.len());
                let text = path_text(path);
                let at =
                    self.out.files.iter().position(|file| *file == text).unwrap_or_else(|| {
                        self.out.files.push(text);
                        self.out.files.len().saturating_sub(1)
                    });
                Some(Arc::new(lines(&bytes, u32::try_from(at).unwrap_or(u32::MAX))))
            }
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
        self.known.insert(path.to_owned(), found.clone());
        if self.bytes > BYTES {
            self.too_much(place, &format!("more than {} MiB with all includes", BYTES >> 20));
        }
        found
    }

    fn contents(&mut self, path: &Path) -> Result<Vec<u8>, FileError> {
        let root: &Root = &self.setup.root;
        let print = Fingerprint::take(root, path, true);
        let fingerprint = print.as_ref().ok().copied();
        self.out.watched.push(Watched { path: path.to_owned(), fingerprint });
        let print = print?;
        if !print.is_file() {
            return Err(FileError::NotAFile);
        }
        let reader = self.setup.reader.as_ref();
        let bytes = on_behalf::read(root, path, BYTES as u64, reader)?;
        self.out.modified = self.out.modified.max(Some(print.modified()));
        if let Ok(link) = Fingerprint::take(root, path, false)
            && link.is_link()
        {
            self.out.modified = self.out.modified.max(Some(link.modified()));
        }
        Ok(bytes)
    }

    /// Carries out the lines of one file or macro. A section ends where it began.
    fn run(&mut self, source: &[Line]) {
        let base = self.frames.len();
        let mut rest = source.iter();
        while let Some(line) = rest.next() {
            self.lines += 1;
            if self.lines > LINES {
                let place = self.place(line);
                self.too_much(&place, &format!("more than {LINES} lines with all macros"));
            }
            if self.full {
                break;
            }
            let text = self.variables.expand(&line.text);
            let (name, args) = directive(&text);
            if let Some(closed) = name.strip_prefix("</") {
                self.close(closed, line, base);
            } else if name == "<macro" {
                let body: Vec<Line> = skip(&mut rest, "macro").cloned().collect();
                self.keep_macro(&words(args), body, line);
            } else if let Some(holds) = self.condition(&name, args) {
                let inner = name.trim_start_matches('<').to_owned();
                if holds {
                    self.frames.push(Frame { name: inner, node: None, line: line.clone() });
                } else {
                    skip(&mut rest, &inner).for_each(drop);
                }
            } else {
                self.statement(name, args, line);
            }
        }
        while self.frames.len() > base {
            let Some(frame) = self.frames.last() else { break };
            let place = self.place(&frame.line);
            if !self.full {
                let what = format!("<{}> is not closed before the end of its file", frame.name);
                self.problem(ProblemKind::Syntax, &place, what);
            }
            self.pop();
        }
    }

    /// Whether a conditional section holds; `None` when it is none.
    fn condition(&self, name: &str, args: &str) -> Option<bool> {
        let list = words(args);
        let first = list.first().map(String::as_str).unwrap_or_default();
        let (negated, first) = first.strip_prefix('!').map_or((false, first), |rest| (true, rest));
        let holds = match name {
            "<ifmodule" => self.out.modules.has(first),
            "<ifdefine" => self.variables.is_defined(first),
            "<ifversion" => {
                return Some(version_fits(&list, self.setup.version.as_ref().map(Text::raw)));
            }
            "<iffile" => {
                let path = self.out.server_root.join(first);
                Fingerprint::take(&self.setup.root, &path, true).is_ok()
            }
            // Which directives a program knows cannot be told from outside.
            "<ifdirective" | "<ifsection" => return Some(true),
            _ => return None,
        };
        Some(holds != negated)
    }

    fn close(&mut self, name: &str, line: &Line, base: usize) {
        let fits = self.frames.len() > base && self.frames.last().is_some_and(|f| f.name == name);
        if fits {
            self.pop();
            return;
        }
        let place = self.place(line);
        let what = match self.frames.last().filter(|_| self.frames.len() > base) {
            Some(frame) => format!("</{name}> stands where </{}> is expected", frame.name),
            None => format!("</{name}> closes nothing"),
        };
        self.problem(ProblemKind::Syntax, &place, what);
        // What was meant is the nearest of that name.
        let nearest = self.frames.iter().skip(base).rposition(|f| f.name == name);
        if let Some(nearest) = nearest {
            while self.frames.len() > base.saturating_add(nearest) {
                self.pop();
            }
        }
    }

    fn pop(&mut self) {
        if let Some(node) = self.frames.pop().and_then(|frame| frame.node) {
            self.add(node);
        }
    }

    fn add(&mut self, node: Node) {
        let around = self.frames.iter_mut().rev().find_map(|frame| frame.node.as_mut());
        around.map_or(&mut self.out.nodes, |section| &mut section.children).push(node);
    }

    fn statement(&mut self, name: String, args: &str, line: &Line) {
        match name.as_str() {
            "define" | "undefine" => {
                let list = words(args);
                if let Some(own) = list.first() {
                    if name == "define" {
                        self.variables.define(own, list.get(1).map_or("", String::as_str));
                    } else {
                        self.variables.undefine(own);
                    }
                }
            }
            "loadmodule" => {
                let list = words(args);
                if let [module, file, ..] = list.as_slice() {
                    self.out.modules.load(module, file);
                }
            }
            "include" | "includeoptional" => {
                for target in words(args) {
                    self.include(&target, name == "includeoptional", line);
                }
            }
            "use" => self.use_macro(&words(args), line),
            _ => self.keep(name, args, line),
        }
    }

    fn keep(&mut self, name: String, args: &str, line: &Line) {
        let kept = KEPT.contains(&name.as_str());
        let section = name.starts_with('<');
        if !kept && !section {
            return;
        }
        if self.nodes >= NODES || self.frames.len() > NESTING {
            let place = self.place(line);
            let what = format!("more than {NODES} directives, or deeper than {NESTING} sections");
            self.too_much(&place, &what);
            return;
        }
        self.nodes += 1;
        if let Some((_, module)) = OWNED.iter().find(|(own, _)| *own == name)
            && self.out.modules.lacks(module)
        {
            let place = self.place(line);
            let what = format!(
                "\"{}\" needs {module}, which is not loaded here",
                name.trim_start_matches('<')
            );
            self.problem(ProblemKind::Unknown, &place, what);
        }
        let node = Node {
            args: words(args),
            file: line.file,
            line: line.number,
            index: self.nodes,
            children: Vec::new(),
            name,
        };
        if node.name == "serverroot" {
            if let Some(root) = node.arg(0) {
                self.out.server_root = PathBuf::from(root);
            }
        } else if section {
            let name = node.name.trim_start_matches('<').to_owned();
            // A section that means nothing here still holds what may.
            let node = kept.then_some(node);
            self.frames.push(Frame { name, node, line: line.clone() });
        } else {
            self.add(node);
        }
    }

    fn include(&mut self, target: &str, optional: bool, line: &Line) {
        let place = self.place(line);
        if self.open.len() >= DEPTH {
            let what = format!("includes nest deeper than {DEPTH}");
            self.problem(ProblemKind::TooMuch, &place, what);
            return;
        }
        let path = self.out.server_root.join(target);
        let many = pattern::is_pattern(target.as_bytes());
        let is_folder = !many
            && Fingerprint::take(&self.setup.root, &path, true).is_ok_and(|p| p.is_directory());
        if !many && !is_folder {
            if optional && Fingerprint::take(&self.setup.root, &path, true).is_err() {
                self.out.watched.push(Watched { path, fingerprint: None });
                return;
            }
            self.enter(&path, &place);
            return;
        }
        let found = pattern::expand(&self.setup.root, &if many { path } else { path.join("*") });
        for directory in &found.directories {
            let fingerprint = Fingerprint::take(&self.setup.root, directory, true).ok();
            self.out.watched.push(Watched { path: directory.clone(), fingerprint });
        }
        for directory in &found.denied {
            let what = format!("{}: permission denied", path_text(directory).raw());
            self.problem(ProblemKind::Unreadable, &place, what);
        }
        if found.cut {
            self.problem(ProblemKind::TooMuch, &place, "the pattern matches too many files");
        }
        if found.paths.is_empty() && many && !optional && found.denied.is_empty() {
            self.problem(ProblemKind::Missing, &place, format!("nothing matches {target}"));
        }
        for path in found.paths {
            let folder =
                Fingerprint::take(&self.setup.root, &path, true).is_ok_and(|p| p.is_directory());
            if folder {
                // A pattern that matches a folder takes in what lies in it.
                let inner = pattern::expand(&self.setup.root, &path.join("*"));
                for path in inner.paths {
                    self.enter(&path, &place);
                }
            } else {
                self.enter(&path, &place);
            }
        }
    }

    fn enter(&mut self, path: &Path, place: &Place) {
        if self.full {
            return;
        }
        self.inclusions += 1;
        if self.inclusions > INCLUSIONS {
            self.too_much(place, &format!("more than {INCLUSIONS} inclusions"));
            return;
        }
        if self.open.iter().any(|open| open == path) {
            let what = format!("{} includes itself", path_text(path).raw());
            self.problem(ProblemKind::IncludeLoop, place, what);
            return;
        }
        let Some(lines) = self.fetch(path, place) else { return };
        self.open.push(path.to_owned());
        self.run(&lines);
        self.open.pop();
    }

    fn keep_macro(&mut self, args: &[String], body: Vec<Line>, line: &Line) {
        let Some((name, parameters)) = args.split_first() else { return };
        self.macro_lines = self.macro_lines.saturating_add(body.len());
        if self.macro_lines > MACRO_LINES {
            let place = self.place(line);
            self.too_much(&place, &format!("macros of more than {MACRO_LINES} lines"));
            return;
        }
        let own = Macro { parameters: parameters.to_vec(), body: Arc::new(body) };
        self.macros.insert(name.to_ascii_lowercase(), own);
    }

    fn use_macro(&mut self, args: &[String], line: &Line) {
        let Some((name, values)) = args.split_first() else { return };
        let place = self.place(line);
        let Some(found) = self.macros.get(&name.to_ascii_lowercase()) else {
            let what = format!("macro \"{name}\" is not defined before this line");
            self.problem(ProblemKind::Unknown, &place, what);
            return;
        };
        self.inclusions += 1;
        if self.open.len() >= DEPTH || self.inclusions > INCLUSIONS {
            self.too_much(&place, "macros are used too often, or within each other");
            return;
        }
        // A longer name may begin with a shorter one.
        let mut pairs: Vec<(&String, &String)> = found.parameters.iter().zip(values).collect();
        pairs.sort_by_key(|(parameter, _)| std::cmp::Reverse(parameter.len()));
        let put = |text: &str| {
            let mut text = text.to_owned();
            for (parameter, value) in &pairs {
                if !parameter.is_empty() && text.len() < 1 << 20 {
                    text = text.replace(parameter.as_str(), value);
                }
            }
            text
        };
        let body: Vec<Line> = found
            .body
            .iter()
            .map(|own| Line { text: put(&own.text), file: own.file, number: own.number })
            .collect();
        self.open.push(PathBuf::from(format!("macro {name}")));
        self.run(&body);
        self.open.pop();
    }
}

/// The lines up to the end of the section that was just opened.
fn skip<'l>(rest: &mut std::slice::Iter<'l, Line>, name: &str) -> impl Iterator<Item = &'l Line> {
    let lines = rest.as_slice();
    let mut depth = 1_usize;
    let mut end = lines.len();
    for (at, line) in lines.iter().enumerate() {
        let (own, _) = directive(&line.text);
        if own.strip_prefix("</") == Some(name) {
            depth = depth.saturating_sub(1);
        } else if own.strip_prefix('<') == Some(name) {
            depth += 1;
        }
        if depth == 0 {
            end = at;
            break;
        }
    }
    let (inner, after) = lines.split_at_checked(end).unwrap_or((lines, &[]));
    *rest = after.get(1..).unwrap_or_default().iter();
    inner.iter()
}

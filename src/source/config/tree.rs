//! The directives of a configuration with everything that it includes, in one flat list: each
//! directive is followed by what stands in its block, so 50 MB of text stay a few spans each.

use std::{borrow::Cow, sync::Arc};

use crate::observation::{Place, Text};

use super::lexer::{Word, unescape};

/// A file as read. A file that is included twice is held once.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Path as the gateway sees it.
    pub path: Text,
    /// What it holds.
    pub bytes: Arc<Vec<u8>>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub(super) name: Word,
    pub(super) first_arg: u32,
    pub(super) args: u32,
    pub(super) file: u32,
    /// One past the last node inside the block; the own index + 1 without a block.
    pub(super) end: u32,
    pub(super) block: bool,
}

/// A configuration with its includes put in place.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    pub(super) files: Vec<SourceFile>,
    pub(super) nodes: Vec<Node>,
    pub(super) words: Vec<Word>,
}

impl Tree {
    /// The directives of the main context.
    pub fn top(&self) -> Directives<'_> {
        Directives { tree: self, next: 0, end: self.nodes.len() }
    }

    /// The files read, the main one first.
    pub fn files(&self) -> &[SourceFile] {
        &self.files
    }

    /// A directive by its index, which counts in the order in which the gateway reads them.
    pub fn get(&self, index: usize) -> Option<Directive<'_>> {
        let node = self.nodes.get(index)?;
        Some(Directive { tree: self, node, index })
    }

    fn raw(&self, file: u32, word: Word) -> &[u8] {
        self.files
            .get(file as usize)
            .and_then(|f| f.bytes.get(word.start as usize..word.end as usize))
            .unwrap_or_default()
    }
}

/// One directive.
#[derive(Clone, Copy, Debug)]
pub struct Directive<'t> {
    tree: &'t Tree,
    node: &'t Node,
    index: usize,
}

impl<'t> Directive<'t> {
    /// Position in reading order.
    pub const fn index(self) -> usize {
        self.index
    }

    /// One past the position of the last directive inside its block.
    pub const fn end(self) -> usize {
        self.node.end as usize
    }

    /// Name, unescaped.
    pub fn name(self) -> Cow<'t, [u8]> {
        unescape(self.tree.raw(self.node.file, self.node.name))
    }

    /// Number of arguments.
    pub const fn len(self) -> usize {
        self.node.args as usize
    }

    /// Whether it has no arguments.
    pub const fn is_empty(self) -> bool {
        self.node.args == 0
    }

    /// Arguments, unescaped.
    pub fn args(self) -> impl Iterator<Item = Cow<'t, [u8]>> {
        let first = self.node.first_arg as usize;
        let words = self.tree.words.get(first..first + self.node.args as usize);
        let file = self.node.file;
        words.unwrap_or_default().iter().map(move |w| unescape(self.tree.raw(file, *w)))
    }

    /// One argument, counted from 0.
    pub fn arg(self, n: usize) -> Option<Cow<'t, [u8]>> {
        self.args().nth(n)
    }

    /// Line of one argument, counted from 0.
    pub fn arg_line(self, n: usize) -> Option<u32> {
        let first = self.node.first_arg as usize;
        (n < self.len()).then(|| self.tree.words.get(first + n).map(|w| w.line)).flatten()
    }

    /// Arguments joined by spaces, as text.
    pub fn joined(self) -> Text {
        let args: Vec<_> = self.args().collect();
        Text::from_bytes(&args.join(&b' '))
    }

    /// Line of the name.
    pub const fn line(self) -> u32 {
        self.node.name.line
    }

    /// File and line of the name.
    pub fn place(self) -> Place {
        let file = self.tree.files.get(self.node.file as usize);
        Place { file: file.map(|f| f.path.clone()).unwrap_or_default(), line: self.line() }
    }

    /// Whether it has a block of directives.
    pub const fn has_block(self) -> bool {
        self.node.block
    }

    /// The directives directly inside its block, includes put in place.
    pub const fn block(self) -> Directives<'t> {
        Directives { tree: self.tree, next: self.index + 1, end: self.node.end as usize }
    }
}

/// Iterates over the directives of one block.
#[derive(Clone, Debug)]
pub struct Directives<'t> {
    tree: &'t Tree,
    next: usize,
    end: usize,
}

impl<'t> Iterator for Directives<'t> {
    type Item = Directive<'t>;

    fn next(&mut self) -> Option<Directive<'t>> {
        if self.next >= self.end {
            return None;
        }
        let found = self.tree.get(self.next)?;
        self.next = found.end().max(self.next + 1);
        Some(found)
    }
}

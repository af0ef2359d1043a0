//! What a variable in a pass directive can be: every value that the configuration names for it.

use std::{cell::OnceCell, collections::HashMap};

use super::tree::{Directive, Directives, Tree};

/// Variables may stand in the values of variables.
const DEPTH: usize = 8;
/// Values looked at for one variable.
const VALUES: usize = 1_000;
/// Texts that one argument can be; of more, none is told.
const WAYS: usize = 256;

/// What a text can be, and whether nothing unknown follows.
pub(super) type Way = (Vec<u8>, bool);

/// One `set $name value`.
#[derive(Clone, Copy, Debug)]
struct Assignment<'t> {
    directive: Directive<'t>,
    /// Range of the block that holds it.
    block: (usize, usize),
}

/// Everything that can give a variable its value.
#[derive(Debug)]
pub(super) struct Variables<'t> {
    /// `map`, `geo` and `split_clients` blocks by the variable that they define.
    tables: HashMap<Vec<u8>, Vec<Directive<'t>>>,
    tree: &'t Tree,
    /// Whether there are scripts: they may assign any variable.
    scripted: OnceCell<bool>,
}

/// The assignments inside one `server`, collected when the first variable is met there.
#[derive(Debug)]
pub(super) struct ServerVariables<'t> {
    server: Option<Directive<'t>>,
    sets: OnceCell<HashMap<Vec<u8>, Vec<Assignment<'t>>>>,
}

impl<'t> ServerVariables<'t> {
    pub(super) const fn new(server: Option<Directive<'t>>) -> Self {
        Self { server, sets: OnceCell::new() }
    }

    fn sets(&self) -> &HashMap<Vec<u8>, Vec<Assignment<'t>>> {
        self.sets.get_or_init(|| {
            let mut sets = HashMap::new();
            if let Some(server) = self.server {
                collect(server, &mut sets);
            }
            sets
        })
    }
}

fn collect<'t>(block: Directive<'t>, sets: &mut HashMap<Vec<u8>, Vec<Assignment<'t>>>) {
    for directive in block.block() {
        if directive.has_block() {
            collect(directive, sets);
            continue;
        }
        let name = directive.name();
        // Any directive that names a variable first and sets something may assign it.
        let assigns = *name == *b"set" || name.windows(3).any(|w| w == b"set");
        let target = directive.arg(0).filter(|arg| assigns && arg.starts_with(b"$"));
        if let Some(target) = target {
            let block = (block.index(), block.end());
            let target = target.get(1..).unwrap_or_default().to_ascii_lowercase();
            sets.entry(target).or_default().push(Assignment { directive, block });
        }
    }
}

impl<'t> Variables<'t> {
    /// Collects the tables of an `http` or `stream` block.
    pub(super) fn collect(tree: &'t Tree, block: Directives<'t>) -> Self {
        let mut tables: HashMap<Vec<u8>, Vec<Directive<'t>>> = HashMap::new();
        for directive in block.filter(|d| d.has_block()) {
            if !matches!(&*directive.name(), b"map" | b"geo" | b"split_clients") {
                continue;
            }
            let target = directive.args().last().unwrap_or_default();
            if let Some(name) = target.strip_prefix(b"$") {
                tables.entry(name.to_ascii_lowercase()).or_default().push(directive);
            }
        }
        Self { tree, tables, scripted: OnceCell::new() }
    }

    fn scripted(&self) -> bool {
        *self.scripted.get_or_init(|| {
            (0..self.tree.nodes.len()).filter_map(|i| self.tree.get(i)).any(|directive| {
                let name = directive.name();
                name.starts_with(b"js_")
                    || name.starts_with(b"perl")
                    || name.windows(7).any(|w| w == b"_by_lua")
            })
        })
    }

    /// Every text that an argument can be, each up to the first variable that is not sure; the
    /// flag says whether the whole text is known.
    pub(super) fn ways(&self, text: &[u8], server: &ServerVariables<'t>, at: usize) -> Vec<Way> {
        self.ways_deep(text, server, at, 0)
    }

    fn ways_deep(
        &self,
        text: &[u8],
        server: &ServerVariables<'t>,
        at: usize,
        depth: usize,
    ) -> Vec<Way> {
        // Those that may still grow, and those that end in something unknown.
        let (mut open, mut cut): (Vec<Vec<u8>>, Vec<Vec<u8>>) = (vec![Vec::new()], Vec::new());
        let mut rest = text;
        while let Some(dollar) = rest.iter().position(|b| *b == b'$') {
            let (head, tail) = rest.split_at(dollar);
            for way in &mut open {
                way.extend_from_slice(head);
            }
            let Some((name, after)) = split_name(tail) else {
                cut.append(&mut open);
                break;
            };
            // These always start with a slash, which is all that an address needs to know.
            if matches!(name, b"request_uri" | b"uri" | b"document_uri") {
                for way in &mut open {
                    way.push(b'/');
                }
                cut.append(&mut open);
                break;
            }
            let values = self.values(name, server, at, depth);
            let known = std::mem::take(&mut open);
            for way in known {
                for (value, whole) in &values {
                    let joined = [way.as_slice(), value].concat();
                    if *whole { &mut open } else { &mut cut }.push(joined);
                }
            }
            if open.len() + cut.len() > WAYS {
                return vec![(Vec::new(), false)];
            }
            rest = after;
        }
        for way in &mut open {
            way.extend_from_slice(rest);
        }
        let mut ways: Vec<Way> = open.into_iter().map(|way| (way, true)).collect();
        ways.extend(cut.into_iter().map(|way| (way, false)));
        ways.sort_unstable();
        ways.dedup();
        ways
    }

    /// Everything that a variable can be. An empty text that is not whole stands for what cannot be
    /// told.
    fn values(
        &self,
        name: &[u8],
        server: &ServerVariables<'t>,
        at: usize,
        depth: usize,
    ) -> Vec<Way> {
        let unknown = || vec![(Vec::new(), false)];
        if depth >= DEPTH || self.scripted() {
            return unknown();
        }
        let name = name.to_ascii_lowercase();
        let sets = server.sets().get(&name).map(Vec::as_slice).unwrap_or_default();
        let tables = self.tables.get(&name).map(Vec::as_slice).unwrap_or_default();
        let mut values: Vec<Vec<u8>> = Vec::new();
        for set in sets {
            let plain = *set.directive.name() == *b"set" && set.directive.len() == 2;
            let Some(value) = set.directive.arg(1).filter(|_| plain) else { return unknown() };
            values.push(value.into_owned());
        }
        let mut all = true;
        for table in tables {
            let Some(every) = table_values(*table, &mut values) else { return unknown() };
            all &= every;
        }
        // A value that is set only in another location may be empty here.
        let here = |set: &Assignment<'_>| set.block.0 < at && at < set.block.1;
        if values.len() > VALUES || tables.is_empty() && !sets.iter().any(here) {
            return unknown();
        }
        values.sort_unstable();
        values.dedup();
        let mut ways: Vec<Way> =
            values.iter().flat_map(|value| self.ways_deep(value, server, at, depth + 1)).collect();
        ways.extend((!all).then(|| (Vec::new(), false)));
        ways.sort_unstable();
        ways.dedup();
        if ways.len() > WAYS { unknown() } else { ways }
    }
}

/// Adds every value that a table names; `None` when that cannot be told. Says whether these are all:
/// without a default the value may be empty.
fn table_values(table: Directive<'_>, values: &mut Vec<Vec<u8>>) -> Option<bool> {
    let mut has_default = false;
    for entry in table.block() {
        let key = entry.name();
        match (&*key, entry.len()) {
            (b"hostnames" | b"volatile" | b"ranges", 0)
            | (b"include" | b"delete" | b"proxy" | b"proxy_recursive", _) => {}
            (b"default" | b"*", 1) => {
                has_default = true;
                values.push(entry.arg(0)?.into_owned());
            }
            (_, 1) => values.push(entry.arg(0)?.into_owned()),
            _ => return None,
        }
        if values.len() > VALUES {
            return None;
        }
    }
    Some(has_default)
}

/// Splits `$name…` or `${name}…`; `None` when no name follows.
fn split_name(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.strip_prefix(b"$")?;
    if let Some(braced) = text.strip_prefix(b"{") {
        let end = braced.iter().position(|b| *b == b'}')?;
        let (name, after) = braced.split_at_checked(end)?;
        return (!name.is_empty()).then_some((name, after.get(1..)?));
    }
    let is_name = |b: &&u8| b.is_ascii_alphanumeric() || **b == b'_';
    let end = text.iter().take_while(is_name).count();
    (end > 0).then(|| text.split_at_checked(end)).flatten()
}

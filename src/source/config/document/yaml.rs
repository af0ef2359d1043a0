//! YAML, event by event, so that lines are kept and nothing is built without bound.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser};

use super::{DEPTH, NODES, Node, Trouble, Value};

/// A list or map that is still open.
struct Open {
    node: Node,
    anchor: usize,
    /// The name that waits for its value.
    key: Option<String>,
    /// Whether a key comes next.
    wants_key: bool,
}

#[derive(Default)]
struct Builder {
    documents: Vec<Node>,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

pub(super) fn read(text: &str) -> (Vec<Node>, Option<Trouble>) {
    let mut builder = Builder::default();
    let mut trouble = None;
    for event in Parser::new_from_str(text) {
        let (event, span) = match event {
            Ok(found) => found,
            Err(error) => {
                let line = line_of(error.marker().line());
                trouble = Some(Trouble { line, what: error.info().to_lowercase() });
                break;
            }
        };
        let line = line_of(span.start.line());
        if let Err(what) = builder.take(event, line) {
            trouble = Some(Trouble { line, what });
            break;
        }
    }
    builder.close_all();
    (builder.documents, trouble)
}

fn line_of(line: usize) -> u32 {
    u32::try_from(line).unwrap_or(u32::MAX).max(1)
}

impl Builder {
    fn take(&mut self, event: Event<'_>, line: u32) -> Result<(), String> {
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let plain = style == saphyr_parser::ScalarStyle::Plain;
                let value = match &*text {
                    "" | "~" | "null" if plain => Value::Null,
                    text => Value::Text(text.to_owned()),
                };
                self.put(Node { line, value }, anchor)
            }
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned();
                self.put(node.unwrap_or(Node { line, value: Value::Null }), 0)
            }
            Event::SequenceStart(anchor, _) => self.enter(Value::List(Vec::new()), anchor, line),
            Event::MappingStart(anchor, _) => self.enter(Value::Map(Vec::new()), anchor, line),
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            _ => Ok(()),
        }
    }

    fn enter(&mut self, value: Value, anchor: usize, line: u32) -> Result<(), String> {
        if self.open.len() >= DEPTH {
            return Err(format!("lists and maps nest deeper than {DEPTH}"));
        }
        let wants_key = matches!(value, Value::Map(_));
        self.open.push(Open { node: Node { line, value }, anchor, key: None, wants_key });
        Ok(())
    }

    fn close(&mut self) -> Result<(), String> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        // Its parts are counted already.
        self.nodes = self.nodes.saturating_sub(open.node.count() - 1);
        self.put(open.node, open.anchor)
    }

    fn close_all(&mut self) {
        while !self.open.is_empty() {
            if self.close().is_err() {
                self.open.clear();
            }
        }
    }

    fn put(&mut self, node: Node, anchor: usize) -> Result<(), String> {
        self.nodes = self.nodes.saturating_add(node.count());
        if self.nodes > NODES {
            return Err(format!("more than {NODES} values"));
        }
        if anchor > 0 {
            self.nodes = self.nodes.saturating_add(node.count());
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.documents.push(node);
            return Ok(());
        };
        match &mut open.node.value {
            Value::List(list) => list.push(node),
            Value::Map(map) if !open.wants_key => {
                let key = open.key.take().unwrap_or_default();
                if key == "<<" {
                    merge(map, node);
                } else {
                    map.push((key, node));
                }
                open.wants_key = true;
            }
            Value::Map(_) => {
                open.key = Some(node.text().map(Into::into).unwrap_or_default());
                open.wants_key = false;
            }
            Value::Null | Value::Text(_) => {}
        }
        Ok(())
    }
}

/// The `<<` of YAML 1.1: names that are not there yet.
fn merge(map: &mut Vec<(String, Node)>, node: Node) {
    let sources = match node.value {
        Value::List(list) => list,
        _ => vec![node],
    };
    for source in sources {
        if let Value::Map(more) = source.value {
            for (name, value) in more {
                if !map.iter().any(|(known, _)| *known == name) {
                    map.push((name, value));
                }
            }
        }
    }
}

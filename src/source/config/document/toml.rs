//! TOML, with the lines of its values.

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{DEPTH, Node, Trouble, Value};

pub(super) fn read(text: &str) -> (Vec<Node>, Option<Trouble>) {
    let lines = Lines::of(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    let trouble = errors.first().map(|error| Trouble {
        line: lines.at(error.span().map_or(0, |span| span.start)),
        what: error.message().to_lowercase(),
    });
    let line = lines.at(table.span().start);
    (vec![map(table.get_ref(), line, &lines, 0)], trouble)
}

/// Where each line begins.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at).collect())
    }

    fn at(&self, offset: usize) -> u32 {
        u32::try_from(self.0.partition_point(|end| *end < offset) + 1).unwrap_or(u32::MAX)
    }
}

fn map(table: &DeTable<'_>, line: u32, lines: &Lines, depth: usize) -> Node {
    let entries = table
        .iter()
        .filter(|_| depth < DEPTH)
        .map(|(key, value)| (key.get_ref().to_string(), node(value, lines, depth + 1)));
    Node { line, value: Value::Map(entries.collect()) }
}

fn node(value: &Spanned<DeValue<'_>>, lines: &Lines, depth: usize) -> Node {
    let line = lines.at(value.span().start);
    let value = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => Value::Text(number.to_string()),
        DeValue::Float(number) => Value::Text(number.to_string()),
        DeValue::Boolean(on) => Value::Text(on.to_string()),
        DeValue::Datetime(at) => Value::Text(at.to_string()),
        DeValue::Array(list) if depth < DEPTH => {
            Value::List(list.iter().map(|value| node(value, lines, depth + 1)).collect())
        }
        DeValue::Table(table) => return map(table, line, lines, depth),
        DeValue::Array(_) => Value::Null,
    };
    Node { line, value }
}

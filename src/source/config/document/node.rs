//! One value of a document, with its line.

use std::borrow::Cow;

/// A value and the line on which it begins.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::source::config) struct Node {
    /// Line, from 1.
    pub(in crate::source::config) line: u32,
    /// The value.
    pub(in crate::source::config) value: Value,
}

/// What a value is. Numbers and truth values keep the form in which they are written.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::source::config) enum Value {
    /// Nothing.
    Null,
    /// A text, number or truth value.
    Text(String),
    /// Several values.
    List(Vec<Node>),
    /// Values by name, in their order.
    Map(Vec<(String, Node)>),
}

impl Node {
    /// The value under a name of a map; names compare without their case, as Traefik has it.
    pub(in crate::source::config) fn get(&self, name: &str) -> Option<&Self> {
        self.entries().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, node)| node)
    }

    /// The value at the end of a path of names.
    pub(in crate::source::config) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, name| node.get(name))
    }

    /// The text of a value that is one.
    pub(in crate::source::config) fn text(&self) -> Option<Cow<'_, str>> {
        match &self.value {
            Value::Text(text) => Some(Cow::Borrowed(text)),
            _ => None,
        }
    }

    /// The text under a name; empty when there is none.
    pub(in crate::source::config) fn word(&self, name: &str) -> &str {
        match self.get(name).map(|node| &node.value) {
            Some(Value::Text(text)) => text,
            _ => "",
        }
    }

    /// The number under a name.
    pub(in crate::source::config) fn number(&self, name: &str) -> Option<u64> {
        self.word(name).trim().parse().ok()
    }

    /// Whether `true` stands under a name.
    pub(in crate::source::config) fn is_on(&self, name: &str) -> bool {
        self.word(name).eq_ignore_ascii_case("true")
    }

    /// The values of a list; a value that is no list is a list of one.
    pub(in crate::source::config) fn items(&self) -> impl Iterator<Item = &Self> {
        let (list, one) = match &self.value {
            Value::List(list) => (list.as_slice(), None),
            Value::Null => (&[][..], None),
            _ => (&[][..], Some(self)),
        };
        list.iter().chain(one)
    }

    /// The values under a name.
    pub(in crate::source::config) fn list(&self, name: &str) -> impl Iterator<Item = &Self> {
        self.get(name).into_iter().flat_map(Self::items)
    }

    /// The texts under a name.
    pub(in crate::source::config) fn words(&self, name: &str) -> Vec<String> {
        self.list(name).filter_map(Self::text).map(Cow::into_owned).collect()
    }

    /// Names and values of a map.
    pub(in crate::source::config) fn entries(&self) -> impl Iterator<Item = (&str, &Self)> {
        let map = match &self.value {
            Value::Map(map) => map.as_slice(),
            _ => &[],
        };
        map.iter().map(|(name, node)| (name.as_str(), node))
    }

    /// Values below this one, itself included.
    pub(super) fn count(&self) -> usize {
        match &self.value {
            Value::Null | Value::Text(_) => 1,
            Value::List(list) => list.iter().fold(1, |n, node| n + node.count()),
            Value::Map(map) => map.iter().fold(1, |n, (_, node)| n + node.count()),
        }
    }

    /// A JSON value, all of it on one line. `serde_json` bounds its nesting.
    pub(in crate::source::config) fn of_json(value: &serde_json::Value, line: u32) -> Self {
        use serde_json::Value as Json;
        let value = match value {
            Json::Null => Value::Null,
            Json::Bool(on) => Value::Text(on.to_string()),
            Json::Number(number) => Value::Text(number.to_string()),
            Json::String(text) => Value::Text(text.clone()),
            Json::Array(list) => {
                Value::List(list.iter().map(|value| Self::of_json(value, line)).collect())
            }
            Json::Object(map) => Value::Map(
                map.iter()
                    .map(|(name, value)| (name.clone(), Self::of_json(value, line)))
                    .collect(),
            ),
        };
        Self { line, value }
    }
}

//! A recording made fit to be handed on.

use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::observation::Text;

use super::entry::Entry;

/// A mark of a redacted secret that tells equal ones from others.
static TAG: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\[redacted:([0-9a-zA-Z]{1,32})\]").ok());

/// Makes marks of redacted secrets comparable only within one copy, and redacts once more.
#[derive(Clone, Debug)]
pub struct Retag {
    salt: Vec<u8>,
    host: Option<Regex>,
}

impl Retag {
    /// With a salt that is used for this copy alone. A host's name is left out where it is given.
    pub fn new(salt: &[u8], hide_host: Option<&str>) -> Self {
        let host = hide_host.filter(|host| host.len() > 2);
        let host = host.map(|host| format!(r"(?i)\b{}\b", regex::escape(host)));
        Self { salt: salt.to_vec(), host: host.and_then(|host| Regex::new(&host).ok()) }
    }

    /// The entry as it may be handed on; `None` where it cannot be made so.
    pub fn entry(&self, entry: &Entry) -> Option<Entry> {
        let mut value = serde_json::to_value(entry).ok()?;
        self.value(&mut value);
        serde_json::from_value(value).ok()
    }

    fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(all) => all.iter_mut().for_each(|value| self.value(value)),
            Value::Object(all) => {
                let old = std::mem::take(all);
                for (key, mut value) in old {
                    self.value(&mut value);
                    all.insert(self.text(&key), value);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn text(&self, text: &str) -> String {
        let text = Text::new(text);
        let text = match &*TAG {
            Some(tag) => tag.replace_all(text.raw(), |found: &Captures<'_>| {
                let old = found.get(1).map_or("", |tag| tag.as_str());
                let new = Sha256::new().chain_update(&self.salt).chain_update(old).finalize();
                let new: String = new.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
                format!("[redacted:{new}]")
            }),
            None => "[redacted]".into(),
        };
        match &self.host {
            Some(host) => host.replace_all(&text, "host").into_owned(),
            None => text.into_owned(),
        }
    }
}

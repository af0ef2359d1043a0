//! A recording made fit to be handed on.

use std::{borrow::Cow, sync::LazyLock};

use regex::{Captures, Regex};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::observation::Text;

use super::entry::Entry;

/// A mark of a redacted secret that tells equal ones from others.
static TAG: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\[redacted:([0-9a-zA-Z]{1,32})\]").ok());

/// Changes every text in a value, names of members too.
pub(super) fn each_text(value: &mut Value, change: &impl Fn(&str) -> String) {
    match value {
        Value::String(text) => *text = change(text),
        Value::Array(all) => all.iter_mut().for_each(|value| each_text(value, change)),
        Value::Object(all) => {
            let old = std::mem::take(all);
            for (key, mut value) in old {
                each_text(&mut value, change);
                all.insert(change(&key), value);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Makes marks of redacted secrets comparable only within one copy, and redacts once more.
#[derive(Clone, Debug)]
pub struct Retag {
    salt: Vec<u8>,
    hosts: Vec<Regex>,
}

impl Retag {
    /// With a salt that is used for this copy alone.
    pub fn new(salt: &[u8]) -> Self {
        Self { salt: salt.to_vec(), hosts: Vec::new() }
    }

    /// And with the name of a host left out.
    #[must_use]
    pub fn hiding(mut self, host: &str) -> Self {
        if host.len() > 2 {
            self.hosts.extend(Regex::new(&format!(r"(?i)\b{}\b", regex::escape(host))).ok());
        }
        self
    }

    /// The entry as it may be handed on; `None` where it cannot be made so.
    pub fn entry(&self, entry: &Entry) -> Option<Entry> {
        let mut value = serde_json::to_value(entry).ok()?;
        each_text(&mut value, &|text| self.text(text));
        serde_json::from_value(value).ok()
    }

    fn text(&self, text: &str) -> String {
        let text = Text::new(text);
        let text = match &*TAG {
            Some(tag) => tag.replace_all(text.raw(), |found: &Captures<'_>| {
                let old = found.get(1).map_or("", |tag| tag.as_str());
                let new = Sha256::new().chain_update(&self.salt).chain_update(old).finalize();
                let [a, b, c, d, ..] = <[u8; 32]>::from(new);
                format!("[redacted:{:08x}]", u32::from_be_bytes([a, b, c, d]))
            }),
            None => "[redacted]".into(),
        };
        self.hosts.iter().fold(text.into_owned(), |text, host| {
            match host.replace_all(&text, "host") {
                Cow::Owned(hidden) => hidden,
                Cow::Borrowed(_) => text,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{observation::Moment, session::recording::Deed};

    fn words(retag: &Retag, why: &str) -> String {
        let deed = Deed::Lost { why: Text::new(why) };
        let entry = Entry::Deed { at: Moment::default(), who: Text::default(), deed };
        match retag.entry(&entry) {
            Some(Entry::Deed { deed: Deed::Lost { why }, .. }) => why.raw().to_owned(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn equal_marks_stay_equal_within_a_copy_and_differ_between_copies() {
        let text = "a [redacted:7f3a01c2] b [redacted:7f3a01c2] c [redacted:00000000] d [redacted]";
        let (one, two) = (Retag::new(b"1"), Retag::new(b"2"));
        let (first, second) = (words(&one, text), words(&two, text));
        assert!(!first.contains("7f3a01c2") && first.ends_with("d [redacted]"), "{first}");
        assert_ne!(first, second);
        let marks: Vec<&str> = first.split(' ').filter(|word| word.contains(':')).collect();
        assert_eq!(marks[0], marks[1]);
        assert_ne!(marks[0], marks[2]);
    }

    #[test]
    fn a_hosts_name_is_left_out_wherever_it_stands_as_a_word() {
        let retag = Retag::new(b"1").hiding("web1.lan");
        assert_eq!(
            words(&retag, "to WEB1.lan:80, web1-lan, myweb1.lanx"),
            "to host:80, web1-lan, myweb1.lanx"
        );
    }
}

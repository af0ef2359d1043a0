//! The logs that a configuration of Apache names.

use std::collections::HashMap;

use crate::{
    observation::{AccessFormat, AccessSyntax, LogKind, Place, ProblemKind, Text},
    source::config::{include::Problems, logs::Logs},
};

use super::load::Node;

/// Formats by their nicknames, `LogFormat`.
#[derive(Clone, Debug, Default)]
pub(super) struct Formats {
    by_name: HashMap<String, String>,
    /// `LogFormat` without a nickname, for `TransferLog`.
    own: Option<String>,
}

impl Formats {
    pub(super) fn learn(&mut self, node: &Node) {
        let Some(pattern) = node.arg(0) else { return };
        if let Some(name) = node.arg(1) {
            self.by_name.insert(name.to_owned(), pattern.to_owned());
        } else {
            // One nickname alone makes that format the one of TransferLog.
            let named = self.by_name.get(pattern).cloned();
            self.own = Some(named.unwrap_or_else(|| pattern.to_owned()));
        }
    }

    fn named(&self, name: &str) -> AccessFormat {
        let known = self.by_name.get(name);
        // What holds a percent sign is a format itself.
        let written = name.contains('%').then_some(name);
        AccessFormat {
            name: Text::new(if written.is_some() { "custom" } else { name }),
            pattern: Text::new(known.map_or(written.unwrap_or_default(), String::as_str)),
            syntax: AccessSyntax::Apache,
        }
    }
}

/// One `ErrorLog`.
pub(super) fn errors(node: &Node, place: Place, logs: &mut Logs) {
    if let Some(path) = node.arg(0) {
        logs.add(path.as_bytes(), LogKind::Error, place);
    }
}

/// One `CustomLog`, `GlobalLog` or `TransferLog`.
pub(super) fn access(
    node: &Node,
    place: Place,
    formats: &Formats,
    logs: &mut Logs,
    problems: &mut Problems,
) {
    let Some(path) = node.arg(0) else {
        problems.add(ProblemKind::Unknown, place, "a log without a file name");
        return;
    };
    let format = if node.name == "transferlog" {
        AccessFormat {
            name: Text::new(if formats.own.is_some() { "custom" } else { "common" }),
            pattern: Text::new(formats.own.as_deref().unwrap_or_default()),
            syntax: AccessSyntax::Apache,
        }
    } else {
        formats.named(node.arg(1).unwrap_or("common"))
    };
    logs.add(path.as_bytes(), LogKind::Access(format), place);
}

//! Reads the static part, then what it names.

use std::path::Path;

use crate::{
    host::gateways::COMMAND_LINE,
    observation::{Place, ProblemKind, Text},
    source::config::{
        document::{self, Node},
        include::path_text,
        reading::Reading,
        scope::whole,
        setup::{Parsed, Setup},
        start,
    },
};

use super::{
    dynamic::{self, Part},
    statics::{self, Statics},
};

/// Folders inside a folder of dynamic files that are looked into.
const DEPTH: usize = 4;

/// Reads and understands a configuration of Traefik; never fails: what could not be read or
/// understood is among the problems.
pub(in crate::source::config) fn parse(setup: &Setup) -> Parsed {
    let mut reading = Reading::new(setup);
    let (root, file) = statics_of(setup, &mut reading);
    let statics = Statics::read(&root, &file, &mut reading);
    let mut parts = Vec::new();
    // Routes may stand in the static file too, when it is its own provider.
    for (path, place) in &statics.files {
        let path = start::absolute(setup, path);
        gather(&path, place, 0, &mut parts, &mut reading);
    }
    for (name, place) in &statics.others {
        let what = format!("routes of the provider \"{name}\" are not in any file");
        reading.problems.add(ProblemKind::Unknown, place.clone(), what);
    }
    let labels = dynamic::understand(&parts, &statics, &mut reading);
    reading.labels = labels.map(Box::new);
    reading.finish()
}

/// The static part as one document, and what stands for its file.
fn statics_of(setup: &Setup, reading: &mut Reading<'_>) -> (Node, Text) {
    if setup.config != Path::new(COMMAND_LINE) {
        let file = path_text(&setup.config);
        let node = document_of(&setup.config, &whole(file.clone()), reading);
        return (node.unwrap_or_else(|| statics::tree(std::iter::empty())), file);
    }
    reading.found();
    // Arguments and variables exclude each other; arguments come first.
    let arguments = statics::of_arguments(&setup.start.arguments);
    if arguments.entries().next().is_some() {
        return (arguments, Text::new(COMMAND_LINE));
    }
    (statics::of_variables(setup.start.environment.iter()), Text::new("environment"))
}

fn document_of(path: &Path, place: &Place, reading: &mut Reading<'_>) -> Option<Node> {
    let text = reading.file(path, place)?;
    let (nodes, trouble) = document::read(path, &text);
    if let Some(trouble) = trouble {
        let place = Place { file: path_text(path), line: trouble.line };
        reading.problems.add(ProblemKind::Syntax, place, trouble.what);
    }
    let templated = String::from_utf8_lossy(&text).contains("{{");
    if templated {
        let what = "templates in this file are not filled in";
        reading.problems.add(ProblemKind::Unknown, whole(path_text(path)), what);
    }
    nodes.into_iter().next()
}

fn gather(
    path: &Path,
    place: &Place,
    depth: usize,
    parts: &mut Vec<Part>,
    reading: &mut Reading<'_>,
) {
    if !reading.is_folder(path) {
        if let Some(root) = document_of(path, place, reading) {
            parts.push(Part { file: path_text(path), root });
        }
        return;
    }
    // A link to a folder above leads round and round.
    if depth >= DEPTH {
        let what = "folders nest too deep, or form a loop";
        reading.problems.add(ProblemKind::IncludeLoop, whole(path_text(path)), what);
        return;
    }
    for child in reading.folder(path, &[""], place) {
        if statics::is_document(&child) || reading.root().list(&child, 1).is_ok() {
            gather(&child, place, depth + 1, parts, reading);
        }
    }
}

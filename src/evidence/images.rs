//! Containers that were made anew from another image while somebody looked.

use std::collections::BTreeMap;

use crate::observation::{Change, ChangeKind, Container, Origin, Text, Touched, Wall};

use super::ring::Ring;

/// Names remembered.
const NAMES: usize = 4096;
/// Replacements remembered.
const KEPT: usize = 64;

/// The image of each container by its name, and where that changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Images {
    known: BTreeMap<Text, (Text, Text)>,
    /// The replacements seen.
    pub replaced: Ring<Change>,
}

impl Default for Images {
    fn default() -> Self {
        Self { known: BTreeMap::new(), replaced: Ring::new(KEPT) }
    }
}

impl Images {
    /// Takes note of a container that was seen at `now`.
    pub(super) fn note(&mut self, container: &Container, now: Wall) {
        let (name, id, image) = (&container.name, &container.image_id, &container.image);
        if id.raw().is_empty() || name.raw().is_empty() {
            return;
        }
        if let Some((before, called)) = self.known.get(name)
            && before != id
        {
            let (old, new) = (short(before), short(id));
            let what = if called == image {
                format!(
                    "container {name} now runs another image of the name {image}: {old} → {new}"
                )
            } else {
                format!("container {name} now runs image {image} ({new}), before {called} ({old})")
            };
            self.replaced.push(Change {
                at: container.created.unwrap_or(now),
                kind: ChangeKind::Container,
                what: Text::new(what),
                by: Text::default(),
                origin: Origin::Docker(container.id.clone()),
                touches: vec![Touched::Container(container.id.clone())],
            });
        }
        if self.known.len() < NAMES || self.known.contains_key(name) {
            self.known.insert(name.clone(), (id.clone(), image.clone()));
        }
    }
}

/// The first digits of an image's id, as Docker prints it.
fn short(id: &Text) -> String {
    let id = id.to_string();
    id.strip_prefix("sha256:").unwrap_or(&id).chars().take(12).collect()
}

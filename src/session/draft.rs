//! A file that is being edited.

use crate::{
    observation::{GatewayId, Place, Text},
    remedy::Offer,
};

use super::{Effect, Key, Knowledge, Model, keymap::Command};

/// A file that is to be edited.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileAt {
    /// File and line, as its program sees the path.
    pub place: Place,
    /// Prefix under which that path is seen from here: empty, or `/proc/PID/root`.
    pub root: Text,
    /// Whose configuration it is.
    pub gateway: Option<GatewayId>,
}

impl FileAt {
    /// The line that an offer names.
    pub(super) fn new(model: &Model, _offer: &Offer, place: &Place) -> Self {
        let mut configs = model.case.configs.iter();
        let gateway =
            configs.find(|(_, c)| c.files.contains(&place.file)).map(|(id, _)| id.clone());
        let root = gateway.as_ref().and_then(|id| model.case.gateways.get(id));
        let root = root.map(|g| g.root.clone()).unwrap_or_default();
        Self { place: place.clone(), root, gateway }
    }
}

/// A file that is being edited.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draft {
    /// Which.
    pub at: FileAt,
}

impl Model {
    pub(super) fn edit(&mut self, at: FileAt) -> Vec<Effect> {
        vec![Effect::ReadFile(at), Effect::Draw]
    }
    pub(super) fn opened(
        &mut self,
        _file: &Text,
        _content: &Result<String, String>,
    ) -> Vec<Effect> {
        Vec::new()
    }
    pub(super) fn typed(&mut self, _key: Key, _knowledge: Knowledge) -> Vec<Effect> {
        Vec::new()
    }
    pub(super) fn pasted(&mut self, _text: &str, _knowledge: Knowledge) -> Vec<Effect> {
        Vec::new()
    }
    pub(super) fn editing(&mut self, _command: Command, _key: Key) -> Vec<Effect> {
        Vec::new()
    }
}

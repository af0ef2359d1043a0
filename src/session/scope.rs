//! Where the keys go, as far as more than the layers decide it.

use super::{Layer, Model, keymap::Scope, recovery::Stage};

impl Model {
    /// Where the keys go now.
    pub fn scope(&self) -> Scope {
        if let Some(kiosk) = &self.kiosk {
            return if kiosk.way.keys { Scope::Kiosk } else { Scope::Sealed };
        }
        let scope = self.view.scope();
        match (self.view.layers.last(), self.recovery.run.as_ref()) {
            (Some(Layer::Confirm), Some(run)) if run.stage() == Stage::Asking => {
                let named = run.question.as_ref().is_some_and(|q| q.type_name.is_some());
                if named { Scope::Name } else { Scope::Confirm }
            }
            (Some(Layer::Confirm), _) => Scope::Answer,
            (Some(Layer::Run), Some(run)) if run.stage() == Stage::Keeping => Scope::Keeping,
            _ => scope,
        }
    }
}

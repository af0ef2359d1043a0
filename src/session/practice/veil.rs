//! What is hidden while the player looks for the cause. It is taken out of the session itself, not
//! out of what is drawn: no view, footer, list or key can give away what the session does not hold.

use crate::{diagnosis::Diagnosis, remedy::Offer, session::Model};

impl Model {
    /// Takes the causes and their repairs out of what was just diagnosed, while they are hidden.
    pub(in crate::session) fn draw_veil(&mut self) {
        if self.practice.as_ref().is_some_and(|practice| practice.hides()) {
            cover(&mut self.diagnosis, &mut self.offers);
        }
    }

    /// Whether the causes are hidden.
    pub fn is_veiled(&self) -> bool {
        self.practice.as_ref().is_some_and(|practice| practice.hides())
    }
}

/// Leaves the facts and takes away what they amount to.
fn cover(diagnosis: &mut Diagnosis, offers: &mut Vec<Offer>) {
    diagnosis.findings.clear();
    diagnosis.recovered.clear();
    // What it says is that something is no cause.
    diagnosis.outside.clear();
    offers.clear();
}

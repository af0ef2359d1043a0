//! The ledger of what this source cannot see, so that each change is told once.

use std::collections::BTreeMap;

use crate::{
    observation::Seen,
    source::{Closed, Outlet},
};

/// Why a thing is out of sight, what that hides and what would open it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) why: String,
    pub(super) hides: &'static str,
    pub(super) grant: &'static str,
}

/// What is out of sight now, and what was told of it.
#[derive(Debug, Default)]
pub(super) struct Spots {
    now: BTreeMap<String, Spot>,
    told: BTreeMap<String, Spot>,
}

/// Most spots that are told one by one.
const MOST: usize = 32;

impl Spots {
    /// Notes that `what` is out of sight.
    pub(super) fn blind(&mut self, what: impl Into<String>, spot: Spot) {
        if self.now.len() < MOST {
            self.now.insert(what.into(), spot);
        }
    }

    /// Notes that `what` can be seen.
    pub(super) fn sighted(&mut self, what: &str) {
        self.now.remove(what);
    }

    /// Notes that everything can be seen.
    pub(super) fn clear(&mut self) {
        self.now.clear();
    }

    /// Publishes the difference to what was told before.
    pub(super) async fn tell(&mut self, outlet: &Outlet) -> Result<(), Closed> {
        if self.told.keys().any(|what| !self.now.contains_key(what)) {
            outlet.publish(Seen::Sighted).await?;
            self.told.clear();
        }
        for (what, spot) in &self.now {
            if self.told.get(what) != Some(spot) {
                outlet.blind(what, &spot.why, spot.hides, spot.grant).await?;
            }
        }
        self.told.clone_from(&self.now);
        Ok(())
    }
}

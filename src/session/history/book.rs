//! All incidents that are remembered, and which of them are one.

use crate::observation::Wall;

use super::{Incident, State};

/// Incidents that are remembered, whatever the settings say.
pub const MOST: usize = 10_000;

/// The incidents of a host, by their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Book {
    incidents: Vec<Incident>,
}

impl Book {
    /// From what was kept; what is beyond the bound is left out, the oldest first.
    pub fn new(mut incidents: Vec<Incident>) -> Self {
        incidents.sort_by_key(|incident| incident.id);
        incidents.dedup_by_key(|incident| incident.id);
        let excess = incidents.len().saturating_sub(MOST);
        incidents.drain(..excess);
        Self { incidents }
    }

    /// All of them, by number.
    pub fn incidents(&self) -> &[Incident] {
        &self.incidents
    }

    /// Takes an account of an incident in, and gives its number. `known` is the number that it got
    /// before. Whoever else wrote of the same incident, or of one that turns out to be the same,
    /// there is one afterwards; one that nobody watched to its end stays behind as left open.
    pub fn admit(&mut self, known: Option<u64>, told: &Incident) -> u64 {
        let same = |own: &Incident| own.is_that_of(told);
        let named =
            |own: &Incident| Some(own.id) == known && (same(own) || own.first == told.first);
        let place = self.incidents.iter().position(named);
        let place = place.or_else(|| self.incidents.iter().rposition(same));
        let id = if let Some(own) = place.and_then(|place| self.incidents.get_mut(place)) {
            own.merge(told);
            own.id
        } else {
            let last = self.incidents.last().map_or(0, |incident| incident.id);
            let id = last.saturating_add(1);
            self.incidents.push(Incident { id, ..told.clone() });
            id
        };
        let id = self.unite(id);
        self.leave_others(id);
        let excess = self.incidents.len().saturating_sub(MOST);
        self.incidents.drain(..excess);
        id
    }

    /// Joins all that has become the same as one incident; the lowest number stays.
    fn unite(&mut self, mut id: u64) -> u64 {
        loop {
            let Some(own) = self.incidents.iter().find(|own| own.id == id) else { return id };
            let other = |other: &Incident| other.id != id && other.is_that_of(own);
            let Some(place) = self.incidents.iter().position(other) else { return id };
            let other = self.incidents.remove(place);
            let Some(own) = self.incidents.iter_mut().find(|own| own.id == id) else { return id };
            own.absorb(&other);
            id = own.id.min(other.id);
            own.id = id;
            self.incidents.sort_by_key(|incident| incident.id);
        }
    }

    /// An older incident of the same trouble that is still called open was never seen to end.
    fn leave_others(&mut self, id: u64) {
        let Some(own) = self.incidents.iter().find(|own| own.id == id).cloned() else { return };
        if own.state != State::Open {
            return;
        }
        for other in &mut self.incidents {
            let open = other.id != id && other.state == State::Open;
            if open && other.trouble.is_that_of(&own.trouble) {
                other.state = State::LeftOpen;
            }
        }
    }

    /// Forgets what ended before a time, and says how many that were.
    pub fn forget_before(&mut self, time: Wall) -> usize {
        self.forget(|incident| incident.end() < time)
    }

    /// Forgets the oldest eighth, or the last one; `false` when there is none.
    pub fn shrink(&mut self) -> bool {
        let gone = (self.incidents.len() / 8).max(1).min(self.incidents.len());
        self.incidents.drain(..gone);
        gone > 0
    }

    /// Forgets some, and says how many that were.
    pub fn forget(&mut self, which: impl Fn(&Incident) -> bool) -> usize {
        let before = self.incidents.len();
        self.incidents.retain(|incident| !which(incident));
        before - self.incidents.len()
    }
}

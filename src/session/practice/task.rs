//! What the player is given to solve, and what is right about it.

/// One incident to practise on. What happens in it is the world's business; this is what is told,
/// asked and counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Task {
    /// Its name on the command line.
    pub id: String,
    /// Its title.
    pub title: String,
    /// How hard it is, from 1 to 4.
    pub level: u8,
    /// What the player is told at the start: what the phone says.
    pub story: String,
    /// Ids of causes that are right; more than one where two names fit, or two things are broken.
    pub accepted: Vec<String>,
    /// Ids of causes to choose from, the right ones among them; empty for every cause.
    pub choices: Vec<String>,
    /// Hints, in the order in which they are given.
    pub hints: Vec<String>,
    /// What looked like the cause and was not, told at the end.
    pub herrings: Vec<String>,
    /// What somebody with experience would have done, told at the end.
    pub senior: Vec<String>,
    /// Repairs that suffice.
    pub repairs: u32,
    /// Requests that must be answered in a row, on every route that counts.
    pub in_a_row: u64,
    /// What the incident was made from, where it was made by chance.
    pub seed: Option<u64>,
}

impl Task {
    /// Whether a cause is a right one.
    pub fn accepts(&self, cause: &str) -> bool {
        self.accepted.iter().any(|id| id == cause)
    }

    /// What to type to get it again.
    pub fn command(&self) -> String {
        self.seed.map_or_else(
            || format!("gatemedic practice {}", self.id),
            |seed| format!("gatemedic practice --seed {seed} --level {}", self.level),
        )
    }
}

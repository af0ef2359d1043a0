//! Incidents of this host: when one begins and ends, which of them are one and the same, and what
//! is known of a cause from before. Values only; where they are kept is `action::incidents`.

mod book;
mod fold;
mod incident;
mod known;
mod watch;
mod words;

#[cfg(test)]
mod tests;

pub use book::{Book, MOST};
pub use incident::{Incident, MOST_REPAIRS, Repair, State, Ties, Trouble};
pub use known::{Before, History};
pub use watch::{Done, Entry, Watch};
pub use words::{day, lasted, outcome};

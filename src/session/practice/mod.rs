//! Practice: what a game about a small incident adds to a session. It hides the ranking until the
//! player has named a cause or pays for it, gives hints, and counts. It decides nothing else: keys,
//! views, repairs and proofs are those of every session.

mod fold;
mod naming;
mod pages;
mod reading;
mod score;
mod state;
mod task;
mod veil;

pub(super) use fold::{act, after};
pub use naming::causes;
pub(super) use naming::entries;
pub(super) use pages::page;
pub use pages::parting;
pub use reading::Reading;
pub use score::{Mark, Score, score};
pub use state::{Named, Onward, Practice, Sheet, Traffic, Veil};
pub use task::Task;

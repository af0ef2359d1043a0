//! The broker of a kiosk: it runs the sources and folds what they see, so that it alone decides
//! what is looked at, and tells it to the screen's process, which only folds it too. What that
//! process can ask for is two bytes.

mod feed;
mod outbox;
mod serve;
mod words;

pub use feed::{Asks, Feed};
pub use serve::serve;
pub use words::{Ask, Said};

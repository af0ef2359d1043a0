//! The broker of a kiosk: it runs the sources and folds what they see, so that it alone decides
//! what is looked at, and tells it to the screen's process, which only folds it too. What that
//! process can ask is one byte, once.

mod feed;
mod outbox;
mod serve;
mod words;

pub use feed::Feed;
pub use serve::serve;
pub use words::{HELLO, Said};

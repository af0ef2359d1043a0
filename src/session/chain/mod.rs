//! The way of a request through one upstream, link by link, as the view of the chain shows it.

mod behind;
mod front;
mod link;
mod next;
mod should;
mod way;

pub use link::{Link, LinkState};
pub use way::{Way, way};

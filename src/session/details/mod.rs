//! What the page of a row says.

mod cause;
mod dispatch;
mod errors;
mod memory;
mod requests;
mod sources;
mod unit;
mod upstream;

pub use dispatch::{help, page};

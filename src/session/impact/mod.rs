//! What an incident cost: failed requests minute by minute, by status, by upstream and by what was
//! asked for. Everything is counted from logs; what was not measured says why.

mod measure;
mod minutes;
mod share;

pub use measure::{Impact, Measured, Reach, measure};
pub use minutes::Minute;
pub use share::Share;

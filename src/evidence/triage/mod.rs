//! Logs read from their beginning, at the speed of a disk: failed requests and error lines are
//! counted, healthy traffic is only stepped over.
//!
//! Pure: it is given blocks of whole lines. A status is looked for in a block by the few bytes that
//! stand before every status of the format ([`Needle`]); only lines with a 5 behind those are read
//! whole. Every block is sampled, so a format that changes is noticed, and such a block is read
//! line by line.

mod answer;
mod blocks;
mod errors;
mod needle;
mod rank;
mod route;
mod scan;
mod tally;
#[cfg(test)]
mod tests;

pub use answer::{Read, answer};
pub use blocks::{Blocks, LONGEST_LINE};
pub use errors::ErrorTally;
pub use needle::Needle;
pub use scan::{Holds, LogScan, Scanned, Terms};
pub use tally::Tally;

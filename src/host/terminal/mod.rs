//! The terminal of the person: raw mode and back, whole frames out, keys in.
//!
//! Nothing here ever waits for the terminal: it is opened a second time, without blocking, so
//! that a stalled one costs frames and nothing else, and so that the shell's own descriptor keeps
//! its flags.

mod device;
mod input;
mod keeper;
mod keys;
mod pump;
mod rescue;
mod threads;

pub use device::{Terminal, name, size_or_default};
pub use input::Input;
pub use keeper::{Stops, keep, suspend};
pub use keys::Parser;
pub use pump::pump;
pub use rescue::rescue;
pub(super) use threads::THREADS;

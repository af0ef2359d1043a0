//! What a session sees and does, kept on disk while it runs: off the session's own thread, bounded,
//! and never in its way.

mod headless;
mod keeper;
mod pending;
mod queue;
mod session;

pub use headless::{Recorded, record};
pub use session::{FAREWELL, PATIENCE, Place, Recorder, Setup};

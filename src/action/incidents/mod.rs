//! The history of incidents on disk: one `SQLite` file below the state folder.
//!
//! The file is read and written whole: taken into memory, changed there, written beside the old one
//! and put in its place. Incidents are few and short, so this costs little, and much is spared by
//! it: `SQLite` never opens a path, so no link and no journal of its own can lead it astray; a session
//! that only looks leaves no `-wal` and no `-shm`; a full disk or a power cut leaves the old file; and
//! what a hostile file defines besides its rows is not carried over.

mod image;
mod scribe;
mod store;

pub use image::{Damage, VERSION};
pub use scribe::{Kept, Scribe};
pub use store::{Found, find, read};

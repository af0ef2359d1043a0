//! What a session saw, as bytes that outlive it: frames that stand on their own, so that a torn or
//! damaged file loses what was damaged and nothing else.
//!
//! A [`Writer`] turns entries into frames, a [`Reader`] turns bytes from anywhere into entries. What
//! is read is hostile: nothing is trusted to be as long, as well-formed or as true as it says.

mod damage;
mod entry;
mod export;
mod frame;
mod lines;
mod naming;
mod packing;
mod reader;
mod subject;
mod summary;
mod thinning;
mod writer;

pub use damage::{Damage, Refusal};
pub use entry::{Deed, Entry, Header, How, Mark};
pub use export::Retag;
pub use frame::{FRAME_LIMIT, MAGIC, VERSION};
pub use lines::SCHEMA as LINES_SCHEMA;
pub use naming::{SUFFIX, part_of, session_of};
pub use reader::Reader;
pub use subject::subject;
pub use summary::Summary;
pub use writer::Writer;

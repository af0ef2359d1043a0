//! The screen: what the person sees of a session.
//!
//! Floor 8. It reads a [`Snapshot`] and nothing else: no clock, no file, no state of its own.
//! Text reaches a cell through one door, `ink`.

mod colours;
mod draw;
mod editor;
mod footer;
mod header;
mod ink;
mod kiosk;
mod look;
mod paper;
mod picture;
mod replay;
mod screens;
mod svg;
mod theme;
mod widgets;

pub use draw::draw;
pub use editor::edit;
pub use look::{Look, Snapshot};
pub use paper::Paper;
pub use picture::{Picture, picture};
pub use svg::svg;
pub use theme::{Depth, Theme};

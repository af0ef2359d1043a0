//! The kiosk: what a wall screen shows, page by page, without anybody at its keys.

mod alarm;
mod board;
mod broker;
mod mask;
mod pages;
mod state;

pub use alarm::{Alarm, alarm};
pub use board::{Board, boards};
pub use mask::Mask;
pub use pages::page;
pub use state::{Kiosk, LockFact, Turn, Way};

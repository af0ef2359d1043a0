//! The wall screen: one page at a time, large enough to be read across a room.

mod board;
mod frame;
mod requests;
mod state;

pub(super) use board::kiosk;

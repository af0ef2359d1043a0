//! Two processes where rights differ: the one with the screen, which has none, and the broker,
//! this same program, which reads. Between them lies a pair of sockets that has no name.

mod process;
mod wire;

pub use process::{Broker, inherited, start};
pub use wire::{RECORD, Receiver, Sender};

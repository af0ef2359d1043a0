//! Failures that a test asks for: the way back from each is tested by failing.
#![expect(clippy::panic, reason = "that is what it is for")]

use std::{process, thread};

use clap::ValueEnum;

/// How to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Way {
    /// While a frame is drawn.
    Draw,
    /// On the thread that reads the terminal.
    Reader,
    /// On a thread of the sources.
    Source,
    /// Once more while cleaning up, which ends the process at once.
    Twice,
    /// By a stack without an end.
    Overflow,
}

/// Frames until the failure, and its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fuse {
    pub(super) frames: u8,
    pub(super) way: Way,
}

/// Fails when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("asked to fail once more");
    }
}

impl Fuse {
    /// One frame less.
    pub(super) fn burn(&mut self) {
        let left = self.frames.checked_sub(1);
        self.frames = left.unwrap_or(u8::MAX);
        if left.is_some() {
            return;
        }
        match self.way {
            Way::Draw => fail(),
            Way::Reader => elsewhere("terminal"),
            Way::Source => elsewhere("sources"),
            Way::Twice => {
                let _bomb = Bomb;
                fail();
            }
            Way::Overflow => process::exit(i32::from(deeper(1) == 0)),
        }
    }
}

fn fail() {
    panic!("asked to fail after a frame \u{1b}[31m")
}

fn elsewhere(name: &str) {
    let thread = thread::Builder::new().name(name.to_owned()).spawn(fail);
    drop(thread.map(thread::JoinHandle::join));
}

#[expect(unconditional_recursion, reason = "it is to overflow")]
fn deeper(depth: u64) -> u64 {
    let room = std::hint::black_box([depth; 64]);
    deeper(depth.wrapping_add(1)).wrapping_add(room.iter().sum())
}

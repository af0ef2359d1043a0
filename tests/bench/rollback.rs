//! A reload that leaves no worker: how soon it is noticed, and how soon workers answer again. As root,
//! with nginx; the limits are a second and three.
#![allow(
    clippy::cast_precision_loss,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::allow_attributes,
    dead_code,
    unused_imports,
    unused_macros,
    reason = "a bench may fail loudly, prints its figures and runs the program from outside"
)]

#[path = "../repair/stage.rs"]
mod stage;
#[path = "../contract/world.rs"]
mod world;

use std::time::Instant;

use gatemedic::remedy::{Change, Digest, Progress};
use stage::{Executor, stage};

const ROUNDS: usize = 5;

fn main() {
    let (mut noticed, mut answered) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let stage = match stage() {
            Ok(stage) => stage,
            Err(why) => {
                println!("skipped: {why}");
                return;
            }
        };
        let mut executor = Executor::start(&stage);
        let text = stage.file("nginx.conf");
        let content = format!("working_directory /run/nowhere;\n{text}");
        let base = Digest::of(text.as_bytes());
        executor.confirm(stage.plan(Change::Whole { base, content }));
        executor.until(|p| matches!(p, Progress::Done { step: 1, .. }));
        let reloaded = Instant::now();
        executor.until(|p| matches!(p, Progress::Judged { .. }));
        noticed.push(reloaded.elapsed().as_millis());
        executor.until(|p| matches!(p, Progress::RolledBack { .. }));
        while stage.status() == 0 {
            std::thread::yield_now();
        }
        answered.push(reloaded.elapsed().as_millis());
        executor.ending();
        executor.finish();
    }
    noticed.sort_unstable();
    answered.sort_unstable();
    let middle = ROUNDS / 2;
    println!("a reload without workers, {ROUNDS} rounds");
    println!(
        "noticed        median {} ms, worst {} ms, {:.2} of the limit of 1000 ms",
        noticed[middle],
        noticed[ROUNDS - 1],
        noticed[ROUNDS - 1] as f64 / 1000.0
    );
    println!(
        "answers again  median {} ms, worst {} ms, {:.2} of the limit of 3000 ms",
        answered[middle],
        answered[ROUNDS - 1],
        answered[ROUNDS - 1] as f64 / 3000.0
    );
}

//! A program behind the gateway: it really listens, answers, crashes, leaks, hangs, and logs in the
//! words of a usual runtime.

mod answer;
mod run;
mod words;

pub(super) use run::{run, write};

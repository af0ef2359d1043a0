//! Carries one plan out, from the first look to the verdict. It runs in a process of its own; the
//! screen that ordered it may come and go.

mod confine;
mod perform;
mod prepare;
mod run;
mod take_back;
mod watch;

pub use run::{Say, Setup, run};

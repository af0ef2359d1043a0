//! The crank of a console: folds what comes in, and has the screen drawn when there is reason to.

mod begin;
mod crank;
mod fold;
mod lanes;
mod run;
mod screen;
mod vigil;

pub use begin::{Begin, End, Lesson, Watch};
pub use run::{run, watch};
pub use screen::Screen;

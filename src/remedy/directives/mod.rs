//! What is known of the directives that matter when a gateway answers 502: defaults, families,
//! inheritance, and the values that it would refuse or that would hurt.

mod check;
mod explain;
mod statements;
mod table;
mod values;

pub use check::{Host, Problem, problems};
pub use explain::explain;

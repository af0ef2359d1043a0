//! Connects to every upstream the way its gateway makes them: closed at once, never a request,
//! within a budget that all processes of this user share.

mod ground;
mod plan;
mod rounds;

pub use rounds::run;

//! The hands: what carries a plan out. Nothing here runs without a [`Permit`], and a permit is only
//! minted by [`Authority::grant`], which a read-only process never calls.

pub mod audit;
pub mod edit;
mod failure;
pub mod guards;
pub mod hands;
pub mod journal;
pub mod lock;
mod permit;
mod tools;

pub use failure::Failure;
pub use permit::{Authority, Confirmation, Denied, Permit, Question, Unasked, digest_of};
pub use tools::Tools;

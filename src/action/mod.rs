//! The hands: what carries a plan out. Nothing here runs without a [`Permit`], and a permit is only
//! minted by [`Authority::grant`], which a read-only process never calls.

pub mod audit;
pub mod capture;
pub mod edit;
mod failure;
pub mod guards;
pub mod hands;
pub mod history;
pub mod incidents;
pub mod journal;
pub mod lock;
pub mod memory;
mod mutation;
mod permit;
pub mod proof;
pub mod saved_screens;
mod tools;

pub use failure::Failure;
pub use mutation::{
    Applied, BackedUp, Mutation, NeedsHuman, Planned, Preflighted, Recorded, RolledBack, Verified,
};
pub use permit::{Authority, Confirmation, Denied, Permit, Question, Unasked, digest_of};
pub use tools::Tools;

//! The hands: what carries a plan out. Nothing here runs without a [`Permit`], and a permit is only
//! minted by [`Authority::grant`], which a read-only process never calls.

pub mod permit;

pub use permit::{Authority, Confirmation, Denied, Permit, Question, Unasked, digest_of};

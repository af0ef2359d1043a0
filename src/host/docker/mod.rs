//! A container engine's API on its unix socket, read with bounds.
//!
//! Every request has a connection of its own with a byte budget, so that neither an endless body
//! nor an endless line can fill the memory; waiting is the caller's to bound with a deadline.
//! Answers are read as loose JSON: a field or word that is new in an engine hides one fact, never
//! a container. Log frames and events are decoded by bollard over the same connections.

mod connection;
mod dormant;
mod engine;
mod error;
mod manage;

pub use connection::BODY_LIMIT;
pub use engine::{Engine, SOCKETS, engines, find_socket};
pub use error::DockerError;
pub use manage::{Changed, GRACE_SECONDS, Keeper, ManageError};

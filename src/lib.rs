//! gatemedic: from a broken gateway to a named cause.
//!
//! The story, in one direction:
//!
//! ```text
//! source ──▶ observation ──▶ evidence ──▶ diagnosis ──▶ remedy ──▶ action ──▶ (source again) ──▶ verification
//! ```
//!
//! Modules are declared from the pure floors upwards; each leans only on those before it
//! (`tests/architecture.rs` checks that). Nothing below [`host`] reads a file, a socket or a
//! clock.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::disallowed_methods,
        clippy::disallowed_types,
        clippy::allow_attributes,
        reason = "a test may fail loudly and may touch its own files"
    )
)]

pub mod observation;

pub mod evidence;

pub mod diagnosis;

pub mod verification;

pub mod remedy;

pub mod session;

pub mod host;

pub mod source;

pub mod action;

pub mod engine;

pub mod report;

pub mod tui;

pub mod practice;

pub mod cli;

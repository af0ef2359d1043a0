//! The kiosk: two processes, of which the one with the screen can do nothing, however it is started
//! and whatever is done to it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::allow_attributes,
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "a test may fail loudly and starts what it tests"
)]

#[path = "terminal/pty.rs"]
mod pty;
#[path = "contract/trace.rs"]
mod trace;

#[path = "kiosk/broker.rs"]
mod broker;
#[path = "kiosk/ground.rs"]
mod ground;
#[path = "kiosk/lock.rs"]
mod lock;
#[path = "kiosk/monkey.rs"]
mod monkey;
#[path = "kiosk/planted.rs"]
mod planted;
#[path = "kiosk/soak.rs"]
mod soak;
#[path = "kiosk/start.rs"]
mod start;

/// Ends a test that cannot be held here, and says why.
macro_rules! skip {
    ($($why:tt)*) => {{
        eprintln!("skipped: {}", format_args!($($why)*));
        return;
    }};
}
pub(crate) use skip;

//! The hands on real processes, sockets, gateways, units and containers. Units and containers are
//! only touched on the lab's host (`tests/lab/host exec /opt/gatemedic/deps/actions-…`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::allow_attributes,
    clippy::print_stdout,
    missing_docs,
    unreachable_pub,
    reason = "a test may fail loudly and may make what is acted on"
)]

#[path = "actions/ground.rs"]
mod ground;

#[path = "actions/capture.rs"]
mod capture;
#[path = "actions/containers.rs"]
mod containers;
#[path = "actions/gateway.rs"]
mod gateway;
#[path = "actions/guards.rs"]
mod guards;
#[path = "actions/processes.rs"]
mod processes;
#[path = "actions/proof.rs"]
mod proof;
#[path = "actions/sockets.rs"]
mod sockets;
#[path = "actions/units.rs"]
mod units;

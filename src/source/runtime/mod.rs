//! What gateways say of their own state: HAProxy over its stats socket, Envoy and Caddy over their
//! admin ports.

mod caddy;
mod envoy;
mod haproxy;
mod run;

pub use run::run;

/// Servers kept of one gateway.
const SERVERS: usize = 50_000;

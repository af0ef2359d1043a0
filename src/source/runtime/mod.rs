//! What gateways say of their own state: HAProxy over its stats socket, Envoy and Caddy over their
//! admin ports.

mod caddy;
mod envoy;
mod haproxy;
mod run;

use run::SERVERS;
pub use run::run;

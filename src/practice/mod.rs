//! A small incident on loopback, made of real processes of this same program, found by the ordinary
//! discovery of the console that stands on top.
//!
//! [`World::start`] makes a private folder and links this program into it under the names of its
//! parts: `sbin/nginx`, `bin/supervisord`, `bin/clients` and one for each program behind the gateway.
//! Started from there, [`entry`] gives each its part before anything else of gatemedic runs. Links
//! and not options, because discovery and the tests before a reload go by the program file of a
//! process (`/proc/PID/exe`), as they do with the real ones; nothing in `source`, `host` or `action`
//! knows of practice but the [`Scope`] that confines them to it.
//!
//! The supervisor is also the custodian: everything is its descendant, and it holds one end of a pipe
//! whose other end the console holds. When that closes, however the console ended, it kills what it
//! started, removes the folder and ends. When it is killed itself its children die with it
//! (`PR_SET_PDEATHSIG`), and the next start sweeps the folder.

mod app;
mod custodian;
pub mod entry;
mod fastcgi;
mod folder;
pub mod game;
mod gateway;
mod net;
mod places;
mod pulse;
mod setup;
mod title;
mod traffic;
mod world;

pub use crate::host::scope::Scope;
pub use folder::{scope, sweep};
pub use places::Places;
pub use pulse::{ProgramPulse, Pulse, RoutePulse};
pub use setup::{
    App, Asked, Autorestart, Behaviour, Event, GatewayText, Happening, OldFile, Runtime, Setup,
    SetupError, SocketAccess, Speaks,
};
pub use world::{How, World, WorldError};

//! What a person sets once: theme, keys, times. Read from `/etc/gatemedic/config.toml` and from the
//! person's own folder; what cannot be used is said, and the rest holds.

mod load;
mod parse;

pub(super) use load::{HOST, Loaded, load};
pub(super) use parse::{Settings, parse};

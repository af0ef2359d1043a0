//! Traefik's configuration: the static part, and the dynamic files that it names.

mod dynamic;
mod labels;
mod parse;
mod statics;
#[cfg(test)]
mod tests;
mod transport;

pub(super) use parse::parse;

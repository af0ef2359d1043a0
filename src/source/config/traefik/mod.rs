//! Traefik's configuration: the static part, and the dynamic files that it names.

mod dynamic;
mod parse;
mod rule;
mod statics;
#[cfg(test)]
mod tests;

pub(super) use parse::parse;

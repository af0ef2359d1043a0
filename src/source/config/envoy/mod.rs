//! Envoy's configuration.

mod clusters;
mod listeners;
mod parse;
#[cfg(test)]
mod tests;

pub(super) use parse::parse;

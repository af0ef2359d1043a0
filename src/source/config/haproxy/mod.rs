//! HAProxy's configuration.

mod acl;
mod address;
mod conditional;
mod logs;
mod meaning;
mod sections;
mod server;
#[cfg(test)]
mod tests;
mod words;

pub(super) use address::at;
pub(super) use meaning::parse;

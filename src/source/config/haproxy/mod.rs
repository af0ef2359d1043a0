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

pub(super) use meaning::parse;

/// A host with its port, as an address.
pub(super) fn at(host: &str, port: u16) -> Option<crate::observation::Address> {
    match address::named(host, port) {
        address::Place::At(address) => Some(address),
        _ => None,
    }
}

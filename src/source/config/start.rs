//! What a gateway was started with, as the readers of configurations ask for it.

use std::path::{Path, PathBuf};

use super::nginx::Setup;

/// The files and folders of a configuration in their order.
pub(super) fn configs(setup: &Setup) -> Vec<PathBuf> {
    vec![setup.config.clone()]
}

/// A variable of the gateway's environment.
pub(super) fn variable(_setup: &Setup, _name: &str) -> Option<String> {
    None
}

/// All variables of the gateway's environment that begin so.
pub(super) fn variables(_setup: &Setup, _prefix: &str) -> Vec<(String, String)> {
    Vec::new()
}

/// Words of the command line behind the program.
pub(super) const fn arguments(_setup: &Setup) -> &[String] {
    &[]
}

/// A path as the gateway resolves it.
pub(super) fn absolute(setup: &Setup, path: &str) -> PathBuf {
    let base = if setup.prefix.is_absolute() { setup.prefix.as_path() } else { Path::new("/") };
    base.join(path)
}

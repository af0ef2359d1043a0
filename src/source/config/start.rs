//! What a gateway was started with, as the readers of configurations ask for it.

use std::path::{Path, PathBuf};

use crate::host::gateways::COMMAND_LINE;

use super::setup::Setup;

/// The files and folders of a configuration in their order.
pub(super) fn configs(setup: &Setup) -> Vec<PathBuf> {
    let main = (setup.config != Path::new(COMMAND_LINE)).then(|| setup.config.clone());
    main.into_iter().chain(setup.start.more.iter().cloned()).collect()
}

/// A variable of the gateway's environment.
pub(super) fn variable(setup: &Setup, name: &str) -> Option<String> {
    setup.start.environment.get(name).map(str::to_owned)
}

/// A path as the gateway resolves it.
pub(super) fn absolute(setup: &Setup, path: &str) -> PathBuf {
    let own = setup.start.directory.as_path();
    let folder = if own.is_absolute() { own } else { setup.prefix.as_path() };
    Path::new("/").join(folder).join(path)
}

//! The host's own name.

use crate::observation::Clean;

/// The host's name (uname(2)), safe to show.
pub fn hostname() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    Clean::new(&name).as_str().to_owned()
}

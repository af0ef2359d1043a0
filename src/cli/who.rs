//! Who gives the orders, for the record.

use crate::{action::audit::Who, host::executor, observation::Text};

use super::environment;

/// The person behind this process, as far as it can be told.
pub(super) fn who() -> Who {
    Who {
        uid: rustix::process::getuid().as_raw(),
        login_uid: executor::login_uid(),
        user: environment::user().as_str().into(),
        sudo_user: environment::text("SUDO_USER").map(Text::new),
        ssh_client: environment::text("SSH_CONNECTION").map(Text::new),
    }
}

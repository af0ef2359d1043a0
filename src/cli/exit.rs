//! Exit codes: monitoring plugins' for the state of the host, sysexits' for ourselves,
//! and 128 plus the number of a signal that ended us, as shells have it.

use crate::{diagnosis::Status, remedy::Ending};

/// How the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0.
    Success,
    /// 0 to 3, by the state of the host.
    Status(Status),
    /// 1: `doctor` found something out of sight.
    Blind,
    /// 3: `explain` does not know what it was asked; there is no such recording.
    NotKnown,
    /// How a repair ended: 0 only when it is proven.
    Ended(Ending),
    /// 77: refused: read-only, not permitted, or it would do no good; what was named is no recording.
    Refused,
    /// 2: `audit` found a chain that is broken, `history` a file that cannot be used.
    Broken,
    /// 3: `audit` found nothing that it could read, `history` no such incident.
    NoRecords,
    /// 64: wrong usage.
    Usage,
    /// 69: what the program needs is gone: the process that reads for a kiosk.
    Unavailable,
    /// 70: our own fault.
    Internal,
    /// 74: reading or writing failed.
    Output,
    /// 129: SIGHUP, or the terminal is gone.
    HungUp,
    /// 130: SIGINT.
    Interrupted,
    /// 131: SIGQUIT.
    Quit,
    /// 141: the reader of the output went away.
    BrokenPipe,
    /// 143: SIGTERM.
    Terminated,
}

impl Exit {
    /// The number.
    pub const fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Status(status) => status.exit_code(),
            Self::Blind => 1,
            Self::Broken => 2,
            Self::NotKnown | Self::NoRecords => 3,
            Self::Ended(ending) => match ending {
                Ending::Verified | Ending::Rehearsed => 0,
                Ending::NotFixed | Ending::RolledBack | Ending::NeedsHuman => 2,
                Ending::CannotTell => 3,
                Ending::Refused => 77,
            },
            Self::Refused => 77,
            Self::Usage => 64,
            Self::Unavailable => 69,
            Self::Internal => 70,
            Self::Output => 74,
            Self::HungUp => 129,
            Self::Interrupted => 130,
            Self::Quit => 131,
            Self::BrokenPipe => 141,
            Self::Terminated => 143,
        }
    }
}

impl From<&std::io::Error> for Exit {
    fn from(error: &std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe { Self::BrokenPipe } else { Self::Output }
    }
}

//! Where the hands reach: the system bus, Docker's socket, the folders of this program.

use std::path::PathBuf;

/// Addresses and folders, decided once at the start and never by what is read from the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tools {
    /// D-Bus address of the system bus; empty where nothing of the machine is reached, in practice.
    pub bus: String,
    /// Docker's socket, when one was found.
    pub docker: Option<PathBuf>,
    /// State that outlives a reboot: audit, backups, interrupted edits. Root's is
    /// `/var/lib/gatemedic`.
    pub state: PathBuf,
    /// What a reboot clears: the lock. Root's is `/run/gatemedic`.
    pub runtime: PathBuf,
}

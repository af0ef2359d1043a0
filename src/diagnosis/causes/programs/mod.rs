//! Causes that units and managed programs have in common, for managed programs. What they are called
//! is the same; what proves them is another manager's word.

mod boot_window;
mod by_log;
mod ended;
mod exec_missing;
mod memory_kill;
mod port_in_use;
mod restart_loop;

use crate::diagnosis::{Finding, Scene};

/// Everything that is found about managed programs beside the causes of their own.
pub(super) fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    if scene.programs().is_empty() {
        return Vec::new();
    }
    let rules =
        [boot_window::judge, by_log::judge, ended::judge, exec_missing::judge, memory_kill::judge];
    let more = [port_in_use::judge, restart_loop::judge];
    rules.into_iter().chain(more).flat_map(|judge| judge(scene)).collect()
}

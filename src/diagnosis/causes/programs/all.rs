//! All of them.

use crate::diagnosis::{Finding, Scene};

use super::{boot_window, by_log, ended, exec_missing, memory_kill, port_in_use, restart_loop};

/// Everything that is found about managed programs beside the causes of their own.
pub(in crate::diagnosis::causes) fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    if scene.programs().is_empty() {
        return Vec::new();
    }
    let rules = [
        boot_window::judge,
        by_log::judge,
        ended::judge,
        exec_missing::judge,
        memory_kill::judge,
        port_in_use::judge,
        restart_loop::judge,
    ];
    rules.into_iter().flat_map(|judge| judge(scene)).collect()
}

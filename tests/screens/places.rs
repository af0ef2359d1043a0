//! The views that fill the screen.

use super::{pictures::pictures, *};

#[test]
fn the_chain() {
    pictures("the_chain_of_a_memory_kill", oom, "2");
    pictures("the_chain_of_a_restart_loop", restart_loop, "2");
    pictures("the_chain_of_a_healthy_host", healthy, "2");
}

#[test]
fn the_causes() {
    pictures("the_causes_of_a_memory_kill", oom, "3");
    pictures("the_causes_seen_with_little_rights", unprivileged, "3");
}

#[test]
fn the_timeline() {
    pictures("the_timeline_of_a_memory_kill", oom, "5");
    pictures("the_timeline_of_a_restart_loop", restart_loop, "5-");
}

#[test]
fn memory() {
    pictures("memory_after_a_kill", oom, "6");
}

#[test]
fn units() {
    pictures("units_after_a_memory_kill", oom, "7");
    pictures("units_in_a_restart_loop", restart_loop, "7");
}

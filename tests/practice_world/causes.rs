//! Every behaviour is diagnosed as what it is.

use crate::bench::{failures, first_finding, setup, shop, start};

/// Starts a world with one broken program and says what is found first.
fn found(more: &str, wanted: &[&str]) -> String {
    let world = start(&shop(more));
    failures(&world, 1);
    first_finding(&world, wanted)
}

fn happens(what: &str) -> String {
    format!("[[happens]]\nafter_ms = 100\nwhat = {what}\n")
}

#[test]
fn a_program_that_was_stopped() {
    found(&happens("{ kind = 'stop', app = 'shop' }"), &["app-unit-stopped", "app-stopped"]);
}

#[test]
fn a_program_that_was_killed_and_not_restarted() {
    found(&happens("{ kind = 'kill', app = 'shop', signal = 9 }"), &["app-killed-not-restarted"]);
}

#[test]
fn a_program_that_crashes_at_its_start() {
    found("does = { kind = 'crash-at-start' }", &["app-boot-failure"]);
}

#[test]
fn a_program_that_hangs() {
    found(
        &happens("{ kind = 'behave', app = 'shop', does = { kind = 'hang' } }"),
        &["proxy-read-timeout", "app-"],
    );
}

#[test]
fn an_answer_whose_header_is_too_big() {
    found("does = { kind = 'big-header' }", &["response-header-too-big"]);
}

#[test]
fn an_error_that_the_program_answers_itself() {
    found("does = { kind = 'serve', status = 503 }", &["upstream-sent-5xx", "app-exception"]);
}

#[test]
fn the_setup_that_other_tests_use_is_well() {
    setup(&shop(""));
}

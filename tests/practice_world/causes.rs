//! Every behaviour is diagnosed as what it is.

use crate::bench::{failures, first_finding, shop, start};

/// Starts a world and says what is found first.
fn found_in(text: &str, wanted: &[&str]) -> String {
    let world = start(text);
    failures(&world, 1);
    first_finding(&world, wanted)
}

/// The same for one broken program.
fn found(more: &str, wanted: &[&str]) -> String {
    found_in(&shop(more), wanted)
}

fn happens(what: &str) -> String {
    format!("[[happens]]\nafter_ms = 100\nwhat = {what}\n")
}

/// A program `shop` behind a socket.
fn behind_a_socket(app: &str, more: &str) -> String {
    format!(
        "[gateway]\nserver = '''\nlocation / {{\n    fastcgi_read_timeout 1s;\n    \
         fastcgi_pass unix:@sock.shop@;\n}}\n'''\n[[routes]]\npath = '/'\nevery_ms = 100\n\
         [[apps]]\nname = 'shop'\nspeaks = 'fastcgi'\nruntime = 'php'\nlisten = 'unix:@sock.shop@'\n\
         {app}\n{more}"
    )
}

#[test]
fn a_program_that_was_stopped() {
    found(&happens("{ kind = 'stop', app = 'shop' }"), &["app-stopped-by-operator confirmed"]);
}

#[test]
fn a_program_that_was_killed_and_not_restarted() {
    let kill = happens("{ kind = 'kill', app = 'shop', signal = 9 }");
    found(&kill, &["app-unit-failed-exit confirmed", "app-killed-not-restarted confirmed"]);
}

#[test]
fn a_program_that_crashes_at_its_start() {
    found("does = { kind = 'crash-at-start' }", &["app-boot-failure confirmed"]);
}

#[test]
fn a_program_that_a_request_ends_by_a_signal() {
    let does = "does = { kind = 'crash-at-request', after = 3, signal = 11 }";
    found(does, &["supervisor-fatal confirmed", "app-crash-signal"]);
}

#[test]
fn a_program_that_loops_because_every_request_is_its_last() {
    let does =
        "autorestart = 'always'\nruntime = 'node'\ndoes = { kind = 'crash-at-request', after = 2 }";
    found(does, &["app-uncaught-exception", "app-restart-loop", "app-unit-failed-exit"]);
}

#[test]
fn a_program_that_hangs() {
    let hang = happens("{ kind = 'behave', app = 'shop', does = { kind = 'hang' } }");
    found(&hang, &["proxy-read-timeout"]);
}

#[test]
fn a_program_that_is_slower_than_the_gateway_waits() {
    found("does = { kind = 'serve', slow_ms = 3000 }", &["proxy-read-timeout"]);
}

#[test]
fn an_answer_whose_header_is_too_big() {
    found("does = { kind = 'big-header' }", &["response-header-too-big confirmed"]);
}

#[test]
fn an_error_that_the_program_answers_itself() {
    found("does = { kind = 'serve', status = 503 }", &["upstream-sent-5xx", "app-exception"]);
}

#[test]
fn an_answer_that_is_cut() {
    found("does = { kind = 'truncated' }", &["response-truncated"]);
}

#[test]
fn an_answer_that_is_not_http() {
    found("does = { kind = 'garbage' }", &["response-not-http", "protocol-", "tls-"]);
}

#[test]
fn a_program_that_listens_on_another_port() {
    let text =
        shop("").replacen("listen = '127.0.0.1:@port.shop@'", "listen = '127.0.0.1:@port.new@'", 1);
    found_in(&text, &["upstream-port-wrong"]);
}

#[test]
fn a_program_that_listens_on_the_other_family() {
    let text =
        shop("").replacen("listen = '127.0.0.1:@port.shop@'", "listen = '[::1]:@port.shop@'", 1);
    found_in(&text, &["upstream-addr-family confirmed"]);
}

/// The one that belongs there starts when the other one listens: which of two that start at once gets
/// the port is anybody's guess.
#[test]
fn a_twin_that_took_the_port_is_named_beside_the_one_that_wants_it() {
    let start = happens("{ kind = 'start', app = 'shop' }");
    let text = shop(&format!(
        "autostart = false\n[[apps]]\nname = 'old-shop'\nlisten = '127.0.0.1:@port.shop@'\n\
         does = {{ kind = 'hang' }}\n{start}"
    ));
    found_in(&text, &["app-port-in-use confirmed"]);
}

#[test]
fn a_socket_that_was_left_behind() {
    let kill = happens("{ kind = 'kill', app = 'shop', signal = 9 }");
    let wanted = ["app-unit-failed-exit", "app-killed-not-restarted", "unix-socket-stale"];
    found_in(&behind_a_socket("", &kill), &wanted);
}

#[test]
fn a_socket_that_the_workers_may_not_use() {
    found_in(&behind_a_socket("socket = 'closed'", ""), &["unix-socket-permission confirmed"]);
}

#[test]
fn a_socket_that_was_taken_away() {
    let unlink = happens("{ kind = 'unlink', path = 'run/shop.sock' }");
    found_in(&behind_a_socket("", &unlink), &["unix-socket-unlinked confirmed"]);
}

#[test]
fn a_program_that_speaks_another_protocol() {
    let text = behind_a_socket("", "").replacen("speaks = 'fastcgi'", "speaks = 'http'", 1);
    found_in(&text, &["protocol-", "response-"]);
}

#[test]
fn a_change_that_was_never_loaded_is_no_cause_by_itself() {
    let edit = "[[happens]]\nafter_ms = 50\nwhat = { kind = 'config', find = 'timeout 1s', replace = 'timeout 2s' }\n";
    let text = shop(&format!("{edit}{}", happens("{ kind = 'stop', app = 'shop' }")));
    found_in(&text, &["app-stopped-by-operator confirmed"]);
}

#[test]
fn a_leak_ends_its_program_and_no_other() {
    let app = "memory_limit_mib = 60\nautorestart = 'never'\ndoes = { kind = 'leak', mib_per_request = 16 }";
    found(app, &["app-unit-failed-exit", "app-killed-not-restarted"]);
}

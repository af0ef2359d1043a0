//! The executor's side of a repair: orders on stdin, progress on stdout.

use std::{
    ffi::OsString,
    io::{self, BufRead, Write},
};

use tokio::sync::mpsc;

use crate::{
    action::Authority,
    engine::recovery::{self, Setup},
    host::executor,
    remedy::{Order, Progress},
};

use super::{
    Arguments, Exit,
    diagnose::options,
    output,
    tools::{tools, who},
};

/// Orders that wait at most.
const ORDERS: usize = 8;
/// Longest order in bytes: a plan that holds a whole configuration file.
const LINE: u64 = 16 << 20;

/// The words of the executor's command line.
pub(super) fn words(arguments: &Arguments) -> Vec<OsString> {
    let mut words: Vec<OsString> = Vec::new();
    if arguments.readonly {
        words.push("--readonly".into());
    }
    for config in &arguments.config {
        words.extend(["--config".into(), config.clone().into_os_string()]);
    }
    if let Some(socket) = &arguments.docker_socket {
        words.extend(["--docker-socket".into(), socket.clone().into_os_string()]);
    }
    if let Some(state) = &arguments.state {
        words.extend(["--state".into(), state.clone().into_os_string()]);
    }
    words.extend(arguments.stable_words());
    words.push("carry-out".into());
    words
}

/// Runs it.
pub(super) fn run(arguments: &Arguments) -> Exit {
    executor::leave_terminal();
    let permit = Authority { readonly: arguments.readonly, setuid: executor::is_setuid() }.grant();
    let runtime =
        match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                output::note(&format!("failed to start: {error}"));
                return Exit::Internal;
            }
        };
    let (lane, orders) = mpsc::channel(ORDERS);
    std::thread::spawn(move || read(&lane));
    let setup = Setup {
        options: options(arguments),
        tools: tools(arguments),
        who: who(),
        permit: permit.ok(),
        stable_secs: arguments.stable_secs(),
    };
    let mut say = |progress: Progress| tell(&progress);
    let ending = runtime.block_on(recovery::run(setup, orders, &mut say));
    // A source may hang in a call that cannot be cancelled: the process does not wait for it.
    std::mem::forget(runtime);
    Exit::Ended(ending)
}

/// Reads orders until whoever gives them is gone; then the lane closes.
fn read(lane: &mpsc::Sender<Order>) {
    let mut input = io::stdin().lock();
    loop {
        let mut line = Vec::new();
        let read = io::Read::take(&mut input, LINE).read_until(b'\n', &mut line);
        if !matches!(read, Ok(n) if n > 0) {
            return;
        }
        // What is no order is no yes either.
        let Ok(order) = serde_json::from_slice(&line) else { return };
        if lane.blocking_send(order).is_err() {
            return;
        }
    }
}

/// Says it to whoever listens. When nobody does, what was begun goes on.
fn tell(progress: &Progress) {
    let Ok(mut line) = serde_json::to_vec(progress) else { return };
    line.push(b'\n');
    let mut out = io::stdout().lock();
    drop(out.write_all(&line).and_then(|()| out.flush()));
}

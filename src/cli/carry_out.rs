//! The executor's side of a repair: orders on stdin, progress on stdout.

use std::{
    ffi::OsString,
    io::{self, BufRead},
};

use tokio::sync::mpsc;

use crate::{
    action::Authority,
    engine::recovery::{self, Setup},
    host::{executor, hardening, signals::Signals},
    remedy::Order,
};

use super::{
    Arguments, Exit,
    diagnose::options,
    output,
    tools::{tools, who},
    voice::Voice,
};

/// Orders that wait at most.
const ORDERS: usize = 8;
/// Longest order in bytes: a plan that holds a whole configuration file.
const LINE: u64 = 16 << 20;

/// The words of the executor's command line.
pub(super) fn words(arguments: &Arguments) -> Vec<OsString> {
    let mut words = arguments.handed_on();
    if arguments.readonly {
        words.push("--readonly".into());
    }
    words.extend(arguments.stable_words());
    words.push("carry-out".into());
    words
}

/// Runs it.
pub(super) fn run(arguments: &Arguments) -> Exit {
    executor::leave_terminal();
    let permit = Authority { readonly: arguments.readonly, setuid: hardening::is_raised() }.grant();
    let runtime =
        match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                output::note(&format!("failed to start: {error}"));
                return Exit::Internal;
            }
        };
    let signals = {
        let _inside = runtime.enter();
        Signals::catch()
    };
    let signals = match signals {
        Ok(signals) => signals,
        Err(error) => {
            output::note(&format!("failed to start: {error}"));
            return Exit::Internal;
        }
    };
    let (given, taken) = mpsc::channel(ORDERS);
    let (lane, orders) = mpsc::channel(ORDERS);
    std::thread::spawn(move || read(&given));
    runtime.spawn(pass_on(taken, lane, signals));
    let setup = Setup {
        options: options(arguments),
        tools: tools(arguments),
        who: who(),
        permit: permit.ok(),
        stable_secs: arguments.stable_secs(),
    };
    let mut voice = Voice::new();
    let ending = runtime.block_on(recovery::run(setup, orders, &mut voice));
    voice.finish();
    // A source may hang in a call that cannot be cancelled: the process does not wait for it.
    std::mem::forget(runtime);
    Exit::Ended(ending)
}

/// Passes orders on until whoever gives them is gone, or this process is told to end. That is the
/// same to what is under way: no yes will come, and nobody will say keep. What was begun is brought
/// to its end by its own rule.
async fn pass_on(
    mut taken: mpsc::Receiver<Order>,
    lane: mpsc::Sender<Order>,
    mut signals: Signals,
) {
    loop {
        let order = tokio::select! {
            signal = signals.next() => {
                if signal.fatal().is_some() {
                    return;
                }
                continue;
            }
            order = taken.recv() => order,
        };
        let Some(order) = order else { return };
        if lane.send(order).await.is_err() {
            return;
        }
    }
}

/// Reads orders until whoever gives them is gone; then the lane closes.
fn read(given: &mpsc::Sender<Order>) {
    let mut input = io::stdin().lock();
    loop {
        let mut line = Vec::new();
        let read = io::Read::take(&mut input, LINE).read_until(b'\n', &mut line);
        if !matches!(read, Ok(n) if n > 0) {
            return;
        }
        // What is no order is no yes either.
        let Ok(order) = serde_json::from_slice(&line) else { return };
        if given.blocking_send(order).is_err() {
            return;
        }
    }
}

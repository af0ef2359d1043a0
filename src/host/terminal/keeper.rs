//! One thread that answers signals whatever the rest of the program does.

use std::{io, process, thread, time::Duration};

use rustix::process::{Signal as Number, getpid, kill_current_process_group, kill_process};
use tokio::sync::mpsc::Sender;

use super::{Input, Terminal, threads::KEEPER};
use crate::host::{
    proc,
    signals::{Signal, Signals},
    starting,
};

/// How long the session may take to leave before it is left.
const GRACE: Duration = Duration::from_millis(250);
/// The thread needs little.
const STACK: usize = 256 * 1_024;

/// What SIGTSTP does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stops {
    /// Stops the job, where a shell could continue it.
    WithShell,
    /// Nothing: behind the screen is somebody's shell, or nobody.
    Never,
}

/// Starts it. SIGTERM, SIGINT, SIGHUP and SIGQUIT are handed to the session; when it does not
/// end in time, the terminal is given back and the process ends with 128 plus the number.
///
/// # Errors
/// When the thread or its runtime cannot be started.
pub fn keep(terminal: Terminal, session: Sender<Input>, stops: Stops) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let signals = {
        let _inside = runtime.enter();
        Signals::catch()?
    };
    thread::Builder::new()
        .name(KEEPER.to_owned())
        .stack_size(STACK)
        .spawn(move || runtime.block_on(watch(signals, terminal, session, stops)))?;
    Ok(())
}

async fn watch(mut signals: Signals, terminal: Terminal, session: Sender<Input>, stops: Stops) {
    loop {
        let signal = signals.next().await;
        if let Some(number) = signal.fatal() {
            // A full lane means that the session hangs; then the grace below is for nothing.
            drop(session.try_send(Input::Signal(signal)));
            tokio::time::sleep(GRACE).await;
            terminal.end();
            process::exit(128 + i32::from(number));
        }
        match signal {
            Signal::Suspend if stops == Stops::Never => {}
            Signal::Suspend => stop(&terminal),
            Signal::Continue => {
                drop(terminal.enter());
                drop(session.try_send(Input::Resumed));
            }
            Signal::Resize => drop(session.try_send(Input::Resized)),
            Signal::Hangup | Signal::Interrupt | Signal::Quit | Signal::Terminate => {}
        }
    }
}

/// Stops the whole job, as the terminal would on Ctrl-Z, had raw mode not taken that from it.
/// Without a shell that could continue it, nothing happens.
pub fn suspend() {
    if has_a_shell() {
        let _ = starting::between_starts(|| kill_current_process_group(Number::TSTP));
    }
}

/// Gives the terminal back and stops; SIGCONT takes it again.
fn stop(terminal: &Terminal) {
    if has_a_shell() {
        terminal.leave();
        let _ = kill_process(getpid(), Number::STOP);
    }
}

/// Whether somebody in our session would continue us: the kernel's rule for orphaned groups,
/// whose members SIGTSTP does not stop either (POSIX.1-2017, 2.4.3). Asked of `/proc`: the numbers
/// are 0 where a leader is outside our namespace, which the calls' wrappers do not expect.
fn has_a_shell() -> bool {
    let Ok(ours) = proc::stat(process::id()) else { return false };
    let Ok(parents) = proc::stat(ours.parent) else { return false };
    parents.session == ours.session && parents.group != ours.group
}

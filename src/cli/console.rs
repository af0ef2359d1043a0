//! The console: what runs when no verb is given and a person sits at a terminal.

use std::{
    io::{self, IsTerminal},
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use jiff::tz::TimeZone;
use tokio::{runtime, sync::mpsc};

use crate::{
    action::{Authority, journal, memory},
    engine::{
        self,
        crew::Crew,
        desk::Desk,
        live::{self, Begin, End},
    },
    host::{
        console_mark, failure, hardening,
        hostname::hostname,
        signals::Signal,
        sys,
        terminal::{self, Stops, Terminal},
    },
    session::Setup,
    tui::Look,
};

use super::{
    Arguments, Exit,
    arguments::DiagnoseArguments,
    carry_out::words as executor_words,
    diagnose::{self, options},
    environment,
    fuse::Fuse,
    output, playbooks,
    screen::TerminalScreen,
    settings::{self, Loaded},
    tools::tools,
};

/// Keys and signals that wait at most; the rest waits in the terminal.
pub(super) const INPUTS: usize = 64;
/// Threads that sources compute on. They mostly wait, and each costs memory.
const WORKERS: usize = 2;
/// Threads for calls that block. Some sources keep one for good.
const BLOCKING: usize = 24;
/// A thread that had something to do ends soon after: an idle one keeps memory.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// Stack of each of these threads.
const STACK: usize = 1_024 * 1_024;

/// Shows the console, or a report where none can be shown.
pub(super) fn run(arguments: &Arguments) -> Exit {
    let at_terminal = io::stdout().is_terminal();
    let hindrance = if !at_terminal {
        Some("stdout is not a terminal")
    } else if !io::stdin().is_terminal() {
        Some("stdin is not a terminal")
    } else if !environment::has_cursor() {
        Some("TERM names no terminal with a cursor")
    } else {
        None
    };
    match hindrance {
        None => show(arguments).unwrap_or_else(|error| {
            output::note(&format!("failed to use the terminal: {error}"));
            Exit::Output
        }),
        Some(why) => {
            // Whoever reads a pipe asked for no console.
            if at_terminal {
                output::note(&format!("{why}: a report instead of the console"));
            }
            diagnose::run(&DiagnoseArguments::default(), arguments)
        }
    }
}

fn show(arguments: &Arguments) -> io::Result<Exit> {
    let terminal = Terminal::open()?;
    sys::keep_heap_small();
    let ours = terminal.clone();
    failure::tell_and_end(move || ours.end());
    sys::catch_fatal_signals();
    let (lane, inputs) = mpsc::channel(INPUTS);
    terminal::keep(terminal.clone(), lane.clone(), Stops::WithShell)?;
    let loaded = settings::load(arguments);
    let screen = TerminalScreen::new(terminal.clone(), look(arguments, &loaded), fuse(arguments))?;
    let parting = screen.parting();
    let _guard = Guard(&terminal);
    terminal.enter()?;
    terminal::pump(terminal.clone(), lane)?;
    let end = catch_unwind(AssertUnwindSafe(|| session(arguments, loaded.setup, inputs, screen)));
    let width = usize::from(terminal.size().0);
    terminal.end();
    let words = parting.borrow();
    if !words.is_empty() {
        // It stands on the person's screen: where that is gone nothing is lost.
        let _ = output::data(&format!("{}\n", output::cut(&words, width)));
    }
    // The words of a panic have been said by its hook.
    end.map_or(Ok(Exit::Internal), |end| end.map(exit))
}

/// Gives the terminal back on every way out.
pub(super) struct Guard<'a>(pub(super) &'a Terminal);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// The session runs on this thread with a clock of its own: no source can hold it up.
fn session(
    arguments: &Arguments,
    setup: Setup,
    inputs: mpsc::Receiver<terminal::Input>,
    screen: TerminalScreen,
) -> io::Result<End> {
    let sources = sources()?;
    let own = runtime::Builder::new_current_thread().enable_time().build()?;
    let options = options(arguments);
    let launch = || {
        let _inside = sources.enter();
        // Once there is one such thread, work waits where no other can be had. Without it sources
        // would fail one by one; it is said at once instead.
        drop(sources.spawn_blocking(|| ()));
        engine::start(&options)
    };
    let permitted = Authority { readonly: arguments.readonly, setuid: hardening::is_raised() };
    let tools = tools(arguments);
    let (playbooks, playbook_flaws) = playbooks::load();
    let crew = permitted
        .grant()
        .ok()
        .map(|_| Crew::new(sources.handle().clone(), executor_words(arguments)));
    // A session that only looks leaves nothing behind, not even that it was here.
    let unfinished = crew.as_ref().map(|_| console_mark::unfinished(&tools.runtime));
    let _mark = crew.as_ref().map(|_| console_mark::leave(&tools.runtime, &terminal::name()));
    let begin = Begin {
        playbooks,
        playbook_flaws,
        kept: memory::recall(&tools),
        host: hostname(),
        setup,
        zone: TimeZone::system(),
        broken_off: journal::interrupted(&tools).into_iter().map(|edit| edit.words).collect(),
        // A session that only looks holds nothing that could act.
        crew,
        unfinished: unfinished.unwrap_or_default(),
        clipboard_needs: environment::clipboard_needs(),
        lesson: None,
        desk: Desk::new(sources.handle().clone(), tools),
    };
    let end = own.block_on(live::run(launch, inputs, screen, begin));
    // A source may hang in a call that cannot be cancelled: the process does not wait for it, and
    // a runtime that is taken away under a running source would make it panic.
    std::mem::forget(sources);
    Ok(end)
}

/// What the sources run on.
pub(super) fn sources() -> io::Result<runtime::Runtime> {
    runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .max_blocking_threads(BLOCKING)
        .thread_keep_alive(KEEP_ALIVE)
        .thread_stack_size(STACK)
        .thread_name("sources")
        .enable_all()
        .build()
}

pub(super) const fn exit(end: End) -> Exit {
    match end {
        // A game that goes on has gone on before anybody asks.
        End::Quit | End::Onward(_) => Exit::Success,
        End::Severed => Exit::Unavailable,
        End::Lost | End::Signal(Signal::Hangup) => Exit::HungUp,
        End::Signal(Signal::Quit) => Exit::Quit,
        End::Signal(Signal::Terminate) => Exit::Terminated,
        End::Signal(_) => Exit::Interrupted,
    }
}

pub(super) fn look(arguments: &Arguments, loaded: &Loaded) -> Look {
    let settings = &loaded.settings;
    Look {
        ascii: arguments.ascii || settings.ascii.unwrap_or_else(|| !environment::unicode()),
        // What the environment of this very start says stands over what was set once.
        colour: !arguments.no_color && environment::colour() && settings.colour.unwrap_or(true),
        depth: loaded.depth,
        themes: loaded.themes.clone().into(),
        zone: TimeZone::system(),
        host: hostname(),
        user: environment::user(),
    }
}

#[cfg(debug_assertions)]
fn fuse(arguments: &Arguments) -> Option<Fuse> {
    arguments.panic_after_frame.map(|frames| Fuse { frames, way: arguments.panic_way })
}

#[cfg(not(debug_assertions))]
const fn fuse(_: &Arguments) -> Option<Fuse> {
    None
}

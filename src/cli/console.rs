//! The console: what runs when no verb is given and a person sits at a terminal.

use std::{
    cell::RefCell,
    io::{self, IsTerminal},
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
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
        live::{self, Begin, End, Lesson},
    },
    host::{
        console_mark, failure, hardening,
        hostname::hostname,
        signals::Signal,
        sys,
        terminal::{self, Stops, Terminal},
    },
    session::{Setup, recording::How},
    tui::Look,
};

use super::{
    Arguments, Exit,
    arguments::DiagnoseArguments,
    carry_out::words as executor_words,
    diagnose::{self, options},
    environment,
    fuse::Fuse,
    history::scribe,
    output, playbooks, record,
    screen::TerminalScreen,
    settings::{self, Loaded, Settings},
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

/// What a person's terminal lends to a session, or to one after the other.
pub(super) struct Seat {
    pub(super) terminal: Terminal,
    pub(super) inputs: mpsc::Receiver<terminal::Input>,
    pub(super) look: Look,
    pub(super) setup: Setup,
    pub(super) settings: Settings,
    /// What is said when the terminal is given back.
    pub(super) parting: Rc<RefCell<String>>,
    fuse: Option<Fuse>,
}

impl Seat {
    /// A screen on the terminal.
    pub(super) fn screen(&self) -> io::Result<TerminalScreen> {
        let (terminal, look) = (self.terminal.clone(), self.look.clone());
        TerminalScreen::new(terminal, look, self.fuse, Rc::clone(&self.parting))
    }
}

/// Why no console can be shown here; none where one can.
pub(super) fn hindrance() -> Option<&'static str> {
    if !io::stdout().is_terminal() {
        Some("stdout is not a terminal")
    } else if !io::stdin().is_terminal() {
        Some("stdin is not a terminal")
    } else if !environment::has_cursor() {
        Some("TERM names no terminal with a cursor")
    } else {
        None
    }
}

/// Shows the console, or a report where none can be shown.
pub(super) fn run(arguments: &Arguments) -> Exit {
    match hindrance() {
        None => show(arguments, |seat| {
            let (screen, mut inputs) = (seat.screen()?, seat.inputs);
            let host = hostname();
            let (setup, settings) = (seat.setup, seat.settings);
            let played = Played { setup, settings, host, lesson: None };
            session(arguments, played, &mut inputs, screen)
        }),
        Some(why) => {
            // Whoever reads a pipe asked for no console.
            if io::stdout().is_terminal() {
                output::note(&format!("{why}: a report instead of the console"));
            }
            diagnose::run(&DiagnoseArguments::default(), arguments)
        }
    }
}

/// Takes the terminal, and gives it back when what is played on it is over.
pub(super) fn show(arguments: &Arguments, play: impl FnOnce(Seat) -> io::Result<End>) -> Exit {
    seated(arguments, play).unwrap_or_else(|error| {
        output::note(&format!("failed to use the terminal: {error}"));
        Exit::Output
    })
}

fn seated(arguments: &Arguments, play: impl FnOnce(Seat) -> io::Result<End>) -> io::Result<Exit> {
    let terminal = Terminal::open()?;
    sys::keep_heap_small();
    let ours = terminal.clone();
    failure::tell_and_end(move || ours.end());
    sys::catch_fatal_signals();
    let (lane, inputs) = mpsc::channel(INPUTS);
    terminal::keep(terminal.clone(), lane.clone(), Stops::WithShell)?;
    let loaded = settings::load(arguments);
    let seat = Seat {
        terminal: terminal.clone(),
        inputs,
        look: look(arguments, &loaded),
        setup: loaded.setup,
        settings: loaded.settings,
        parting: Rc::default(),
        fuse: fuse(arguments),
    };
    let parting = Rc::clone(&seat.parting);
    let _guard = Guard(&terminal);
    terminal.enter()?;
    terminal::pump(terminal.clone(), lane)?;
    let end = catch_unwind(AssertUnwindSafe(|| play(seat)));
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

/// What a session is told of itself.
pub(super) struct Played {
    pub(super) setup: Setup,
    pub(super) settings: Settings,
    /// Name of the host, as it is shown.
    pub(super) host: String,
    /// What is practised.
    pub(super) lesson: Option<Lesson>,
}

/// The session runs on this thread with a clock of its own: no source can hold it up.
pub(super) fn session(
    arguments: &Arguments,
    played: Played,
    inputs: &mut mpsc::Receiver<terminal::Input>,
    screen: TerminalScreen,
) -> io::Result<End> {
    let Played { setup, settings, host, lesson } = played;
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
    let scribe = permitted.grant().ok().map(|permit| scribe(&permit, arguments, &settings));
    let (playbooks, playbook_flaws) = playbooks::load();
    let crew = permitted
        .grant()
        .ok()
        .map(|_| Crew::new(sources.handle().clone(), executor_words(arguments)));
    // A session that only looks leaves nothing behind, not even that it was here.
    let unfinished = crew.as_ref().map(|_| console_mark::unfinished(&tools.runtime));
    let _mark = crew.as_ref().map(|_| console_mark::leave(&tools.runtime, &terminal::name()));
    // A session that only looks leaves nothing behind: it records only where it was told to.
    let how = if lesson.is_some() { How::Practice } else { How::Console };
    let recorder =
        crew.as_ref().and_then(|_| record::of_session(arguments, &settings, &tools.state, how));
    let begin = Begin {
        recorder,
        playbooks,
        playbook_flaws,
        kept: memory::recall(&tools),
        host,
        setup,
        zone: TimeZone::system(),
        broken_off: journal::interrupted(&tools).into_iter().map(|edit| edit.words).collect(),
        // A session that only looks holds nothing that could act.
        crew,
        unfinished: unfinished.unwrap_or_default(),
        clipboard_needs: environment::clipboard_needs(),
        lesson,
        desk: Desk::new(sources.handle().clone(), tools).with(scribe),
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

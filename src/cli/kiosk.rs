//! `gatemedic kiosk`: a screen on a wall. Two processes: the broker reads, the one with the screen
//! can do nothing any more by the time it draws.

use std::{
    ffi::OsString,
    io::{self, IsTerminal},
    os::unix::ffi::OsStrExt,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
};

use tokio::{runtime, sync::mpsc};

use crate::{
    engine::{
        broker::{self, Feed},
        live::{self, End, Watch},
    },
    host::{
        broker::{Broker, inherited, start},
        failure, hardening,
        hostname::hostname,
        lockdown::{Identity, lock, try_everything},
        sys,
        terminal::{self, Input, Stops, Terminal},
    },
    session::{
        Setup,
        kiosk::{LockFact, Way},
    },
};

use super::{
    Arguments, Exit,
    console::{Guard, INPUTS, exit, look},
    diagnose::options,
    environment, output,
    screen::TerminalScreen,
    settings,
};

/// The name under which this program is a login shell, and nothing else.
const LOGIN: &[u8] = b"gatemedic-kiosk";

/// Options of `kiosk`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct KioskArguments {
    /// Refuse to start (exit 77) unless every part of the lock holds and each try is refused
    #[arg(long)]
    pub strict: bool,

    /// Look at no key, paste or mouse
    #[arg(long)]
    pub no_keys: bool,

    /// Ring the terminal's bell when it gets worse
    #[arg(long)]
    pub bell: bool,

    /// Turn the page after so many seconds [default: what the settings say, else 15]
    #[arg(long, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u64).range(3..=3_600))]
    pub page_secs: Option<u64>,

    /// Whom the screen's process becomes when root starts it [default: nobody]
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
}

/// The command line that stands for one that is ignored: as a login shell or a forced command under
/// the name `gatemedic-kiosk`, nobody can ask for anything else, nor for less of the lock.
pub(super) fn login(words: impl IntoIterator<Item = OsString>) -> Option<[&'static str; 3]> {
    let first = words.into_iter().next()?;
    let name = first.as_bytes().rsplit(|byte| *byte == b'/').next()?;
    // login(1) puts a dash before the name.
    let name = name.strip_prefix(b"-").unwrap_or(name);
    (name == LOGIN).then_some(["gatemedic", "kiosk", "--strict"])
}

/// Runs it.
pub(super) fn run(own: &KioskArguments, arguments: &Arguments) -> Exit {
    let hindrance = if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        Some("a kiosk needs a terminal on stdin and stdout")
    } else if !environment::has_cursor() {
        Some("a kiosk needs a terminal with a cursor (TERM)")
    } else {
        None
    };
    if let Some(why) = hindrance {
        output::note(why);
        return Exit::Usage;
    }
    if hardening::is_raised() {
        output::note("refused: the program has more rights than whoever started it");
        return Exit::Refused;
    }
    let identity = match Identity::find(own.user.as_deref()) {
        Ok(identity) => identity,
        Err(error) => {
            output::note(&format!("refused: {error}"));
            return Exit::Refused;
        }
    };
    let closed = sys::close_inherited();
    show(own, arguments, &identity, closed.map_err(Into::into)).unwrap_or_else(|error| {
        output::note(&format!("failed to start the kiosk: {error}"));
        Exit::Output
    })
}

/// Its name in the list.
const INHERITED: &str = "what was open at its start";
/// How long a page stands where nobody says.
const PAGE_SECS: u64 = 15;

fn show(
    own: &KioskArguments,
    arguments: &Arguments,
    identity: &Identity,
    closed: io::Result<()>,
) -> io::Result<Exit> {
    // Whatever is read or opened is read and opened here: later nothing can be.
    let terminal = Terminal::open()?;
    let loaded = settings::load(arguments);
    let (look, host) = (look(arguments, &loaded), hostname());
    sys::keep_heap_small();
    let broker = start(&broker_words(arguments))?;
    let mut facts = vec![match closed {
        Ok(()) => LockFact::held(INHERITED, "closed, but for the three standard streams"),
        Err(error) => LockFact::missing(INHERITED, error),
    }];
    facts.extend(lock(identity));
    facts.extend(try_everything(broker.pid()));
    let whole = facts.iter().all(|fact| fact.holds);
    let page_secs = own.page_secs.or(loaded.settings.rotate).unwrap_or(PAGE_SECS);
    let way = Way { page_secs, bell: own.bell, keys: !own.no_keys, lock: facts };
    say(&way);
    if own.strict && !whole {
        output::note("refused: --strict, and the lock is not whole");
        return Ok(Exit::Refused);
    }
    let ours = terminal.clone();
    failure::tell(move || ours.end());
    sys::catch_fatal_signals();
    let (lane, inputs) = mpsc::channel(INPUTS);
    terminal::keep(terminal.clone(), lane.clone(), Stops::Never)?;
    let screen = TerminalScreen::new(terminal.clone(), look, None, Rc::default())?;
    let _guard = Guard(&terminal);
    terminal.enter()?;
    terminal::pump(terminal.clone(), lane)?;
    let begin = (way, loaded.setup, host);
    let end = catch_unwind(AssertUnwindSafe(|| session(broker, begin, inputs, screen)));
    terminal.end();
    // The words of a panic have been said by its hook.
    let Ok(end) = end else { return Ok(Exit::Internal) };
    let end = end?;
    if end == End::Severed {
        output::note("the broker is gone: nothing could be seen any more");
    }
    Ok(exit(end))
}

fn session(
    broker: Broker,
    (way, setup, host): (Way, Setup, String),
    inputs: mpsc::Receiver<Input>,
    screen: TerminalScreen,
) -> io::Result<End> {
    // The clock is all that it needs: a runtime that waits for sockets would ask for more.
    let own = runtime::Builder::new_current_thread().enable_time().build()?;
    let feed = Feed::open(broker.words, &broker.asks)?;
    Ok(own.block_on(live::watch(inputs, screen, Watch { feed, way, setup, host })))
}

/// The self-test, where whoever starts a kiosk or reads its unit's journal sees it.
fn say(way: &Way) {
    for LockFact { what, came, holds } in &way.lock {
        let mark = if *holds { "ok  " } else { "FAIL" };
        output::note(&format!("kiosk: {mark} {what}: {came}"));
    }
    output::note(&format!("kiosk: {}", way.lock_line()));
}

/// The words of the broker's command line.
fn broker_words(arguments: &Arguments) -> Vec<OsString> {
    let mut words = arguments.handed_on();
    words.extend(["--readonly".into(), "kiosk-broker".into()]);
    words
}

/// Runs the broker.
pub(super) fn run_broker(arguments: &Arguments) -> Exit {
    sys::keep_heap_small();
    let (words, asks) = match inherited() {
        Ok(ends) => ends,
        Err(error) => {
            output::note(&format!("refused: {error}"));
            return Exit::Refused;
        }
    };
    let Ok(runtime) = super::console::sources() else { return Exit::Internal };
    let options = options(arguments);
    let served = runtime.block_on(broker::serve(&options, asks, words));
    // A source may hang in a call that cannot be cancelled: the process does not wait for it.
    std::mem::forget(runtime);
    served.map_or(Exit::Internal, |()| Exit::Success)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    #[test]
    fn under_its_own_name_it_is_a_strict_kiosk_whatever_else_is_said() {
        let asked = |words: &[&str]| login(words.iter().map(|word| OsStr::new(word).to_owned()));
        let kiosk = Some(["gatemedic", "kiosk", "--strict"]);
        assert_eq!(asked(&["-gatemedic-kiosk"]), kiosk);
        assert_eq!(asked(&["/usr/local/bin/gatemedic-kiosk", "-c", "id; sh"]), kiosk);
        assert_eq!(asked(&["gatemedic-kiosk", "fix", "--yes"]), kiosk);
        assert_eq!(asked(&["gatemedic", "diagnose"]), None);
        assert_eq!(asked(&["/tmp/gatemedic-kiosk/gatemedic"]), None);
        assert_eq!(asked(&[]), None);
    }
}

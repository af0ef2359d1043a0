//! `gatemedic history`: the incidents of this host, what fixed them, and how to forget them.

use std::io::{self, BufRead, IsTerminal, Write};

use jiff::tz::TimeZone;

use crate::{
    action::{
        Authority, Permit,
        incidents::{Found, Kept, Scribe, find},
    },
    host::{clock, hardening, hostname::hostname},
    observation::{Clean, Text, Wall},
    report::{self, history::Frame},
    session::{
        history::{Book, Incident},
        logs::moment,
    },
};

use super::{
    Arguments, Exit,
    arguments::Format,
    output,
    settings::{self, Settings},
    tools::{tools, who},
};

/// Rows of a list, when nobody says how many.
const ROWS: usize = 50;

/// Options of `history`.
#[derive(Clone, Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct HistoryArguments {
    #[command(subcommand)]
    what: Option<What>,

    #[command(flatten)]
    which: Which,

    /// How to print it; json is one object
    #[arg(long, short, value_enum, default_value_t, value_name = "FORMAT")]
    output: Format,

    /// Forget the incident with this number
    #[arg(long, value_name = "N", conflicts_with_all = ["cause", "since", "until", "limit"])]
    forget: Option<u64>,

    /// Forget all that ended before this time
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    #[arg(conflicts_with_all = ["forget", "cause", "since", "until", "limit"])]
    before: Option<String>,

    /// Do not ask before something is forgotten
    #[arg(long, short)]
    yes: bool,
}

/// Which incidents.
#[derive(Clone, Debug, clap::Args)]
struct Which {
    /// Only this cause
    #[arg(long, value_name = "ID")]
    cause: Option<String>,

    /// Only what ended after this time: -30d, "2 h ago" or 2026-11-20
    #[arg(long, short = 'S', value_name = "TIME", allow_hyphen_values = true)]
    since: Option<String>,

    /// Only what began before this time
    #[arg(long, short = 'U', value_name = "TIME", allow_hyphen_values = true)]
    until: Option<String>,

    /// At most so many, the newest; 50 unless said, all of them in json
    #[arg(long, short = 'n', value_name = "N")]
    limit: Option<usize>,
}

/// What is asked about one.
#[derive(Clone, Debug, clap::Subcommand)]
enum What {
    /// Everything that is known of one incident
    Show {
        /// Its number
        #[arg(value_name = "N")]
        id: u64,

        /// How to print it; json is an object with this one incident
        #[arg(long, short, value_enum, default_value_t, value_name = "FORMAT")]
        output: Format,
    },
}

/// Who writes the history of a session that may act.
pub(super) fn scribe(permit: &Permit, arguments: &Arguments, settings: &Settings) -> Scribe {
    let usual = Kept::default();
    let kept = Kept {
        days: settings.history_days.unwrap_or(usual.days),
        mib: settings.history_mb.unwrap_or(usual.mib),
    };
    let who = who();
    let user = who.sudo_user.unwrap_or(who.user);
    let name = if user.is_empty() { Text::new(format!("uid {}", who.uid)) } else { user };
    Scribe::new(permit, tools(arguments), name, kept)
}

/// Runs it.
pub(super) fn run(own: &HistoryArguments, arguments: &Arguments) -> Exit {
    let now = clock::now().wall;
    let zone = TimeZone::system();
    let time = |text: &Option<String>| match text {
        Some(text) => moment(text, now, &zone)
            .map(Some)
            .map_err(|why| usage(&format!("{text:?} is no time: {why}"))),
        None => Ok(None),
    };
    let times = time(&own.which.since)
        .and_then(|since| Ok((since, time(&own.which.until)?, time(&own.before)?)));
    let (since, until, before) = match times {
        Ok(times) => times,
        Err(exit) => return exit,
    };
    let book = match find(&tools(arguments)) {
        Found::Book(book) => book,
        Found::Nothing => Book::default(),
        Found::Broken(why) | Found::Alone(why) => {
            output::note(&why);
            return Exit::Broken;
        }
    };
    if own.forget.is_some() || before.is_some() {
        let goes = |incident: &Incident| {
            own.forget.is_none_or(|id| incident.id == id)
                && before.is_none_or(|before| incident.end() < before)
        };
        return forget(own, arguments, &book, goes, now);
    }
    let (limit, format) = match &own.what {
        Some(What::Show { output, .. }) => (1, *output),
        None if own.output == Format::Json => (own.which.limit.unwrap_or(usize::MAX), own.output),
        None => (own.which.limit.unwrap_or(ROWS), own.output),
    };
    let meant = |incident: &&Incident| match &own.what {
        Some(What::Show { id, .. }) => incident.id == *id,
        None => own.which.admits(incident, since, until),
    };
    let mut all: Vec<&Incident> = book.incidents().iter().filter(meant).collect();
    all.sort_by_key(|incident| std::cmp::Reverse((incident.first, incident.id)));
    let more = all.len().saturating_sub(limit);
    all.truncate(limit);
    let frame = Frame { now, zone: &zone, layout: output::layout(arguments) };
    let text = match (format, all.as_slice()) {
        (Format::Json, all) => {
            let document = report::history::document(all, &hostname(), now);
            match serde_json::to_string_pretty(&document) {
                Ok(text) => text + "\n",
                Err(_) => return Exit::Internal,
            }
        }
        (Format::Text, []) => String::new(),
        (Format::Text, [one]) if own.what.is_some() => report::history::one(one, &frame),
        (Format::Text, all) => report::history::list(all, &frame),
    };
    if all.is_empty() {
        output::note(if book.incidents().is_empty() {
            "no incident has been kept here yet"
        } else {
            "there is no such incident"
        });
    }
    if let Err(exit) = output::data(&text) {
        return exit;
    }
    if more > 0 && format == Format::Text {
        output::note(&format!("{more} older ones: --limit {}", limit.saturating_add(more)));
    }
    if all.is_empty() { Exit::NoRecords } else { Exit::Success }
}

impl Which {
    fn admits(&self, incident: &Incident, since: Option<Wall>, until: Option<Wall>) -> bool {
        self.cause.as_ref().is_none_or(|cause| incident.trouble.cause.raw() == cause)
            && since.is_none_or(|since| incident.end() >= since)
            && until.is_none_or(|until| incident.first < until)
    }
}

fn forget(
    own: &HistoryArguments,
    arguments: &Arguments,
    book: &Book,
    goes: impl Fn(&Incident) -> bool,
    now: Wall,
) -> Exit {
    let authority = Authority { readonly: arguments.readonly, setuid: hardening::is_raised() };
    let permit = match authority.grant() {
        Ok(permit) => permit,
        Err(denied) => {
            output::note(&denied.to_string());
            return Exit::Refused;
        }
    };
    let doomed = book.incidents().iter().filter(|incident| goes(incident)).count();
    if doomed == 0 {
        output::note("there is no such incident");
        return Exit::NoRecords;
    }
    let asked = match (own.yes, io::stdin().is_terminal() && io::stderr().is_terminal()) {
        (true, _) => true,
        (false, true) => says_yes(doomed),
        (false, false) => {
            return usage(&format!("{} would be forgotten: say --yes", incidents(doomed)));
        }
    };
    if !asked {
        output::note("nothing is forgotten");
        return Exit::Refused;
    }
    let loaded = settings::load(arguments);
    let mut scribe = scribe(&permit, arguments, &loaded.settings);
    match scribe.forget(now, |book| book.forget(goes)) {
        Ok(gone) => output::data(&format!("forgot {}\n", incidents(gone)))
            .map_or_else(|exit| exit, |()| Exit::Success),
        Err(why) => {
            output::note(&why);
            Exit::Output
        }
    }
}

/// Asks; only a yes is one.
fn says_yes(doomed: usize) -> bool {
    /// Longest answer.
    const LONGEST: u64 = 64;
    let mut said = io::stderr().lock();
    let asked = write!(said, "forget {}? [y/N] ", incidents(doomed)).and_then(|()| said.flush());
    let mut answer = String::new();
    let read = io::Read::take(io::stdin().lock(), LONGEST).read_line(&mut answer);
    asked.is_ok() && read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
}

fn incidents(n: usize) -> String {
    if n == 1 { "1 incident".to_owned() } else { format!("{n} incidents") }
}

fn usage(text: &str) -> Exit {
    output::note(Clean::new(text).as_str());
    Exit::Usage
}

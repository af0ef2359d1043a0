//! The command line.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Parser, Subcommand, ValueEnum, error::ErrorKind};

use crate::{
    host::{scope::Scope, visit::Target},
    observation::{Text, tag_secrets},
    practice,
};

use super::{
    Exit, audit, carry_out, completions, console, diagnose, doctor, explain, fix,
    fix_target::TargetArguments,
    history::{self, HistoryArguments},
    kiosk::{self, KioskArguments},
    manual, output, paths,
    practice::PracticeArguments,
    record::{self, RecordArguments},
    replay::{self, ReplayArguments},
    report::{self, ReportArguments},
    triage::{self, TriageArguments},
};

/// Finds why a gateway answers 502 Bad Gateway.
#[derive(Clone, Debug, Parser)]
#[command(name = "gatemedic", version, about, long_about = None, max_term_width = 100)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Arguments {
    #[command(subcommand)]
    verb: Option<Verb>,

    /// Never offer anything that changes the machine
    #[arg(long, global = true, alias = "read-only")]
    pub readonly: bool,

    /// Read this gateway configuration too
    #[arg(long, short = 'c', global = true, value_name = "FILE")]
    pub config: Vec<PathBuf>,

    /// Plain ASCII, no line drawing
    #[arg(long, global = true)]
    pub ascii: bool,

    /// No colours
    #[arg(long, global = true)]
    pub no_color: bool,

    /// Look of the console: default, dark, light, high-contrast, deuteranopia, tritanopia, monochrome
    #[arg(long, global = true, value_name = "NAME")]
    pub theme: Option<String>,

    /// Read keys, theme and the like from this file instead of your own
    #[arg(long, global = true, value_name = "FILE")]
    pub settings: Option<PathBuf>,

    /// Docker's socket, when it is not /var/run/docker.sock
    #[arg(long, global = true, value_name = "PATH")]
    pub docker_socket: Option<PathBuf>,

    /// Write every event to this file, one JSON object a line
    #[arg(long, global = true, value_name = "FILE", hide = true)]
    pub record: Option<PathBuf>,

    /// Look at the practice world in this folder, and at nothing else
    #[arg(long, global = true, value_name = "FOLDER", hide = true, value_parser = practice_world)]
    pub practice: Option<Scope>,

    /// Do not record this session
    #[arg(long, global = true)]
    pub no_record: bool,

    /// Keep audit, copies and locks below this folder
    #[cfg(debug_assertions)]
    #[arg(long, global = true, value_name = "FOLDER", hide = true)]
    pub state: Option<PathBuf>,

    /// Watch a repair for so many seconds
    #[cfg(debug_assertions)]
    #[arg(long, global = true, hide = true, value_name = "SECONDS")]
    pub watch_secs: Option<u64>,

    /// Fail after so many frames
    #[cfg(debug_assertions)]
    #[arg(long, hide = true, value_name = "FRAMES")]
    pub panic_after_frame: Option<u8>,

    /// How to fail
    #[cfg(debug_assertions)]
    #[arg(long, hide = true, value_name = "WAY", default_value = "draw")]
    pub(super) panic_way: super::fuse::Way,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum Verb {
    /// Look once, name the cause, exit 0 healthy, 1 degraded, 2 failing, 3 unknown
    Diagnose(DiagnoseArguments),
    /// Say what a cause or a log line means, offline: exit 0 known, 3 not known
    Explain(ExplainArguments),
    /// Say what can be seen here and how to open the rest: exit 0 all, 1 something is out of sight
    Doctor(DoctorArguments),
    /// Repair what is found, and prove it: exit 0 verified, 2 not fixed, 3 cannot tell, 77 refused
    Fix(FixArguments),
    /// Say from logs since when, how many, where: exit 0 none failed, 1 over, 2 failing, 3 unknown
    Triage(TriageArguments),
    /// Write the post-mortem of the present incident, or of a recorded one: Markdown or one HTML page
    Report(ReportArguments),
    /// Show a recording on the console, or print what was known at one moment of it
    Replay(ReplayArguments),
    /// Show the state on a wall screen: nothing to press that acts, and a process that cannot
    Kiosk(KioskArguments),
    /// Practise on a small incident on this machine: nothing else of it is touched, nothing is left
    Practice(PracticeArguments),
    /// Read for a kiosk
    #[command(hide = true)]
    KioskBroker,
    /// Carry out what is ordered on stdin
    #[command(hide = true)]
    CarryOut,
    /// Print what a shell needs to complete a command line
    Completions(CompletionsArguments),
    /// Print the manual page, for man(1)
    Man,
    /// Print where settings, state and records stand
    Paths(PathsArguments),
    /// Record without a screen, list what sessions recorded, or make one file of one to hand on
    Record(RecordArguments),
    /// Print who changed what, and verify that no record was changed: exit 0 whole, 2 broken, 3 none
    Audit(AuditArguments),
    /// Tell the incidents of this host and what fixed them: exit 0 some, 2 damaged, 3 none
    History(HistoryArguments),
}

/// How a report is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    #[default]
    Text,
    /// For scripts: one JSON object
    Json,
}

/// Options of `diagnose`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct DiagnoseArguments {
    /// How to print it
    #[arg(long, short, value_enum, default_value_t, value_name = "FORMAT")]
    pub output: Format,

    /// Give what is known after this time, e.g. 3s or 500ms
    #[arg(long, value_name = "TIME", default_value = "3s", value_parser = duration)]
    pub deadline: Duration,

    /// Ask this URL once (GET), from outside and at the gateway here, and say whose answer it is
    #[arg(long, value_name = "URL", value_parser = url)]
    pub url: Option<Target>,
}

/// Options of `explain`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct ExplainArguments {
    /// List every cause with its title
    #[arg(long, conflicts_with = "asked", alias = "list-causes")]
    pub list: bool,

    /// The id of a cause, or a log line (quotes are not needed); - reads one line from stdin
    #[arg(value_name = "ID|LINE", trailing_var_arg = true, allow_hyphen_values = true)]
    #[arg(required_unless_present = "list")]
    pub asked: Vec<OsString>,
}

/// Options of `doctor`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct DoctorArguments {
    /// How to print it
    #[arg(long, short, value_enum, default_value_t, value_name = "FORMAT")]
    pub output: Format,

    /// Wait for the sources at most this long, e.g. 3s or 500ms
    #[arg(long, value_name = "TIME", default_value = "3s", value_parser = duration)]
    pub deadline: Duration,
}

/// Options of `fix`.
#[derive(Clone, Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("mode").required(true).args(["dry_run", "yes"]))]
pub(super) struct FixArguments {
    /// Print the plan with every command, check, risk and promise; change nothing
    #[arg(long)]
    pub dry_run: bool,

    /// Carry the plan out
    #[arg(long, short = 'y')]
    pub yes: bool,

    /// Take the last repair back that can be
    #[arg(long, conflicts_with_all = ["cause", "plan"])]
    pub undo: bool,

    /// Repair this cause, instead of the first one found
    #[arg(long, value_name = "ID")]
    pub cause: Option<String>,

    /// Repair it this way, instead of the best one
    #[arg(long, value_name = "ID")]
    pub plan: Option<String>,

    #[command(flatten)]
    pub target: TargetArguments,

    /// The name that must be typed when much is at stake
    #[arg(long, value_name = "NAME")]
    pub confirm: Option<String>,

    /// Look at most so long for the cause, e.g. 3s or 500ms
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub deadline: Duration,
}

/// Options of `audit`.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct AuditArguments {
    /// How to print it; json is one record a line, as it is stored
    #[arg(long, short, value_enum, default_value_t, value_name = "FORMAT")]
    pub output: Format,
}

/// Options of `completions`.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct CompletionsArguments {
    /// Which shell
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

/// Options of `paths`.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct PathsArguments {
    /// How to print it
    #[arg(long, short, value_enum, default_value_t, value_name = "FORMAT")]
    pub output: Format,
}

impl Default for DiagnoseArguments {
    fn default() -> Self {
        Self { output: Format::Text, deadline: Duration::from_secs(3), url: None }
    }
}

impl Arguments {
    /// Runs the verb that was asked for, or the console, and says how it ended.
    pub fn run(&self) -> Exit {
        if self.looks_at_the_host() {
            tag_secrets();
        }
        match &self.verb {
            Some(verb) => verb.run(self),
            None => console::run(self),
        }
    }

    /// The same, on top of a practice world: what is looked at and touched is that world alone.
    #[must_use]
    pub fn practising(&self, scope: Scope) -> Self {
        Self { verb: None, practice: Some(scope), ..self.clone() }
    }

    /// Whether what is shown was seen now, by this very process. What reads recordings, records or
    /// whole logs gives the same bytes each time; what is ordered has its tags already.
    const fn looks_at_the_host(&self) -> bool {
        use Verb::{Diagnose, Doctor, Fix, Kiosk, KioskBroker, Practice, Record};
        matches!(
            self.verb,
            None | Some(
                Diagnose(_) | Doctor(_) | Fix(_) | Kiosk(_) | Practice(_) | Record(_) | KioskBroker
            )
        )
    }

    /// Seconds that a repair is watched for, when a test says so.
    #[cfg(debug_assertions)]
    pub(super) const fn stable_secs(&self) -> Option<u64> {
        self.watch_secs
    }

    /// Seconds that a repair is watched for: the plan's own.
    #[cfg(not(debug_assertions))]
    pub(super) const fn stable_secs(&self) -> Option<u64> {
        None
    }

    /// Where a test keeps audit, copies and locks.
    #[cfg(debug_assertions)]
    pub(super) fn state(&self) -> Option<&Path> {
        self.state.as_deref()
    }

    /// Where audit, copies and locks are kept: whoever acts for root through sudo has no say in it.
    #[cfg(not(debug_assertions))]
    pub(super) const fn state(&self) -> Option<&Path> {
        None
    }

    /// Where to look, as words for another process of this program.
    pub(super) fn handed_on(&self) -> Vec<OsString> {
        let mut words: Vec<OsString> = Vec::new();
        for config in &self.config {
            words.extend(["--config".into(), config.clone().into_os_string()]);
        }
        if let Some(socket) = &self.docker_socket {
            words.extend(["--docker-socket".into(), socket.clone().into_os_string()]);
        }
        if let Some(scope) = &self.practice {
            words.extend(["--practice".into(), scope.folder.clone().into_os_string()]);
        }
        if let Some(state) = self.state() {
            words.extend(["--state".into(), state.as_os_str().to_owned()]);
        }
        words
    }

    /// How long a repair is watched, as words for another process.
    pub(super) fn stable_words(&self) -> Vec<OsString> {
        let secs = self.stable_secs().map(|secs| secs.to_string());
        secs.map_or_else(Vec::new, |secs| vec!["--watch-secs".into(), secs.into()])
    }
}

impl Verb {
    pub(super) fn run(&self, arguments: &Arguments) -> Exit {
        match self {
            Self::Diagnose(own) => diagnose::run(own, arguments),
            Self::Explain(own) => explain::run(own),
            Self::Doctor(own) => doctor::run(own, arguments),
            Self::Fix(own) => fix::run(own, arguments),
            Self::Triage(own) => triage::run(own, arguments),
            Self::Report(own) => report::run(own, arguments),
            Self::Replay(own) => replay::run(own, arguments),
            Self::Kiosk(own) => kiosk::run(own, arguments),
            Self::Practice(own) => own.run(arguments),
            Self::KioskBroker => kiosk::run_broker(arguments),
            Self::CarryOut => carry_out::run(arguments),
            Self::Record(own) => record::run(own, arguments),
            Self::Audit(own) => audit::run(*own, arguments),
            Self::History(own) => history::run(own, arguments),
            Self::Completions(own) => completions::run(own.shell),
            Self::Man => manual::run(),
            Self::Paths(own) => paths::run(*own, arguments),
        }
    }
}

/// Reads the command line. Help and version are printed here.
///
/// # Errors
/// The exit that the process should end with: success after help, usage with one line otherwise.
pub fn parse() -> Result<Arguments, Exit> {
    let parsed = match kiosk::login(std::env::args_os()) {
        Some(words) => Arguments::try_parse_from(words),
        None => Arguments::try_parse(),
    };
    parsed.map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            output::data(&error.render().to_string()).err().unwrap_or(Exit::Success)
        }
        _ => {
            output::note(&one_line(&error.render().to_string()));
            Exit::Usage
        }
    })
}

/// What is wrong and what to type, from clap's lines: the complaint, tips, a usage line.
fn one_line(text: &str) -> String {
    let mut said = String::new();
    let mut help = "gatemedic".to_owned();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    for line in lines.filter(|line| !line.starts_with("For more information, try")) {
        if let Some(usage) = line.strip_prefix("Usage: ") {
            let words = usage.split(' ').take_while(|word| !word.starts_with(['[', '<', '-']));
            help = words.collect::<Vec<_>>().join(" ");
            break;
        }
        if said.ends_with(':') {
            said.push(' ');
        } else if !said.is_empty() {
            said.push_str("; ");
        }
        said.push_str(line.trim_start_matches("error: "));
    }
    // What was typed may hold a password, and notes go to logs.
    let said = Text::new(&said);
    format!("{said}; try '{help} --help'")
}

/// A practice world that is ours and runs.
fn practice_world(text: &str) -> Result<Scope, String> {
    practice::scope(Path::new(text))
        .ok_or_else(|| "no practice world of yours runs there".to_owned())
}

/// A URL that can be asked.
fn url(text: &str) -> Result<Target, String> {
    Target::parse(text).map_err(|error| error.to_string())
}

/// `500ms`, `3s`, `2m` or a plain number of seconds, from 50 ms to one hour.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let (digits, scale) = match text {
        t if t.ends_with("ms") => (t.trim_end_matches("ms"), 1),
        t if t.ends_with('s') => (t.trim_end_matches('s'), 1_000),
        t if t.ends_with('m') => (t.trim_end_matches('m'), 60_000),
        t => (t, 1_000),
    };
    let number: u64 = digits.parse().map_err(|_| "write it as 3s, 500ms or 2m".to_owned())?;
    let millis = number.saturating_mul(scale);
    if (50..=3_600_000).contains(&millis) {
        Ok(Duration::from_millis(millis))
    } else {
        Err("between 50ms and 60m".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(arguments: &[&str]) -> String {
        let error = Arguments::try_parse_from(arguments).unwrap_err();
        one_line(&error.render().to_string())
    }

    #[test]
    fn a_wrong_command_line_is_answered_in_one_line_that_says_what_to_type() {
        assert_eq!(
            complaint(&["gatemedic", "diagnose", "--outptu", "json"]),
            "unexpected argument '--outptu' found; tip: a similar argument exists: '--output'; \
             try 'gatemedic diagnose --help'"
        );
        assert_eq!(
            complaint(&["gatemedic", "explain"]),
            "the following required arguments were not provided: <ID|LINE>...; \
             try 'gatemedic explain --help'"
        );
        assert!(complaint(&["gatemedic", "diagnos"]).contains("'diagnose'"));
        let hostile = complaint(&["gatemedic", "diagnose", "--deadline", "\u{1b}[2J\n"]);
        assert!(!hostile.chars().any(char::is_control), "{hostile}");
    }

    #[test]
    fn a_name_that_is_none_gets_no_further_than_the_command_line() {
        let fix = |more: &[&str]| {
            let all = ["gatemedic", "fix", "--yes"].into_iter().chain(more.iter().copied());
            Arguments::try_parse_from(all).map_err(|e| one_line(&e.render().to_string()))
        };
        for bad in ["*.service", "../x.service", "nginx", "a b.service", "-x.service"] {
            let said = fix(&[&format!("--unit={bad}"), "--do", "restart"]).unwrap_err();
            assert!(said.contains("name") && !said.contains("For more"), "{said}");
        }
        assert!(fix(&["--unit", "nginx.service", "--do", "restart"]).is_ok());
        assert!(fix(&["--unit", "nginx.service"]).is_err(), "nothing is to be done");
        assert!(fix(&["--unit", "nginx.service", "--gateway", "--do", "reload"]).is_err());
        assert!(fix(&["--gateway", "--do", "reload", "--cause", "x"]).is_err());
        assert!(fix(&["--gateway", "--do", "explode"]).is_err());
    }

    #[test]
    fn a_time_is_written_as_people_write_it() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("3"), Ok(Duration::from_secs(3)));
        assert_eq!(duration("2m"), Ok(Duration::from_mins(2)));
        for bad in ["", "s", "-1s", "1h", "49ms", "61m", "18446744073709551615m"] {
            assert!(duration(bad).is_err(), "{bad:?}");
        }
    }
}

//! `gatemedic replay`: a recording on the console, or what was known at one moment of it.

use std::{
    io::{self, IsTerminal},
    path::{Path, PathBuf},
};

use jiff::tz::TimeZone;
use tokio::{runtime, sync::mpsc};

use crate::{
    engine::{
        live::End,
        replay::{self, Begin},
    },
    host::{replay_file::Growing, terminal},
    observation::Clean,
    report,
    session::{
        Knowledge, Model,
        logs::moment,
        replay::{Ask, Reel, Speed, Tape},
    },
};

use super::{
    Arguments, Exit, arguments::Format, console, environment, output, playbooks,
    record::{self, Named},
    screen::TerminalScreen,
};

/// Options of `replay`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct ReplayArguments {
    /// A recording: a file, - for stdin, or one that is kept, by its name or the latest. Without one,
    /// those that are kept are listed
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,

    /// Go to a moment: start, end, first-failure, 14:02, -10m or "2026-11-20 14:02"
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub at: Option<String>,

    /// Print what was known at that moment (default: at the end) instead of showing the console
    #[arg(long, short, value_enum, value_name = "FORMAT")]
    pub output: Option<Format>,

    /// Go along with a recording that is still being made
    #[arg(long, short, conflicts_with = "output")]
    pub follow: bool,

    /// Play so many times as fast as it happened: 0.25, 0.5, 1, 2, 4, 10, 25, 50 or 100
    #[arg(long, value_name = "N", value_parser = speed)]
    pub speed: Option<Speed>,
}

fn speed(text: &str) -> Result<Speed, String> {
    let times = text.trim_start_matches('×').trim_end_matches('x');
    Speed::times(times).ok_or_else(|| "0.25, 0.5, 1, 2, 4, 10, 25, 50 or 100".to_owned())
}

/// Runs it.
pub(super) fn run(own: &ReplayArguments, arguments: &Arguments) -> Exit {
    let Some(file) = &own.file else { return list(own, arguments) };
    let stdin = file.as_os_str() == "-";
    let screen = io::stdout().is_terminal() && io::stdin().is_terminal() && !stdin;
    let screen = screen && own.output.is_none() && environment::has_cursor();
    match opened(own, arguments, file, screen) {
        Ok((reel, growing)) if screen => show(own, arguments, reel, growing),
        Ok((reel, _)) => print(own, arguments, reel),
        Err(exit) => exit,
    }
}

/// The recording, read until it has shown itself as one, and what is added to it where somebody goes
/// along.
fn opened(
    own: &ReplayArguments,
    arguments: &Arguments,
    file: &Path,
    screen: bool,
) -> Result<(Reel, Option<Growing>), Exit> {
    let mut named = Named::find(file, arguments)?;
    let (bytes, growing) = named.take()?;
    let follow = own.follow && screen && growing.is_some();
    let tape = if follow { Tape::growing(bytes) } else { Tape::whole(bytes) };
    let mut reel = Reel::new(tape);
    // Whether it is a recording at all is known before a screen is taken.
    while reel.is_empty() && reel.refusal().is_none() && reel.read_on(Knowledge::embedded()) {}
    match reel.refusal() {
        Some(refusal) => Err(named.refused(&refusal)),
        None => Ok((reel, growing.filter(|_| follow))),
    }
}

/// What is kept on this host.
fn list(own: &ReplayArguments, arguments: &Arguments) -> Exit {
    record::list(own.output == Some(Format::Json), arguments).unwrap_or_else(|exit| exit)
}

/// Where `--at` leads.
fn place(at: Option<&str>, reel: &mut Reel, model: &mut Model) -> Result<Ask, String> {
    let ask = match at {
        None | Some("end") => Ask::End,
        Some("start") => Ask::Start,
        Some("first-failure") => Ask::FirstFailure,
        Some(text) => {
            let knowledge = Knowledge::embedded();
            reel.read_all(knowledge);
            reel.ask(model, Ask::End, knowledge);
            let now = model.case.now.wall;
            let zone = TimeZone::system();
            let at = moment(text, now, &zone);
            Ask::To(at.map_err(|why| format!("{text:?} is no time: {why}"))?)
        }
    };
    Ok(ask)
}

/// Prints what was known at one moment.
fn print(own: &ReplayArguments, arguments: &Arguments, mut reel: Reel) -> Exit {
    let knowledge = Knowledge::embedded();
    let mut model = Model::of_recording();
    let ask = match place(own.at.as_deref(), &mut reel, &mut model) {
        Ok(ask) => ask,
        Err(why) => {
            output::note(&Clean::new(&why).to_string());
            return Exit::Usage;
        }
    };
    reel.read_all(knowledge);
    if let Some(refusal) = reel.refusal() {
        output::note(&format!("refused: {refusal}"));
        return Exit::Refused;
    }
    model.said.clear();
    reel.ask(&mut model, ask, knowledge);
    if !model.said.is_empty() {
        output::note(&model.said);
        return Exit::NotKnown;
    }
    let (text, status) = (told(own, arguments, &model), model.diagnosis.status);
    let Some(text) = text else { return Exit::Internal };
    output::data(&text).err().unwrap_or(Exit::Status(status))
}

fn told(own: &ReplayArguments, arguments: &Arguments, model: &Model) -> Option<String> {
    let axis = model.replay.as_deref()?;
    let (diagnosis, offers) = (&model.diagnosis, &model.offers);
    let incomplete = model.unfinished_sources();
    let now = model.case.now.wall;
    match own.output.unwrap_or_default() {
        Format::Json => {
            let mut document = report::json::document(diagnosis, offers, &axis.host, &incomplete);
            report::triage::add(&mut document, model.case.triage.as_deref());
            document.as_object_mut()?.insert("replay".to_owned(), report::replay::json(axis, now));
            serde_json::to_string_pretty(&document).ok().map(|text| text + "\n")
        }
        Format::Text => {
            let zone = TimeZone::system();
            let host = if axis.host.is_empty() { "recorded host" } else { &axis.host };
            let layout = output::layout(arguments);
            // What befell this host is no part of a recording.
            let (incomplete, history, zone) = (&incomplete, &model.history, &zone);
            let frame = report::text::Frame { host, incomplete, history, zone, layout };
            let head = report::replay::head(axis, now, zone);
            let mut text = head + &report::text::report(diagnosis, offers, &frame);
            if let Some(triage) = &model.case.triage {
                let as_of = diagnosis.as_of;
                text.push_str(&report::triage::paragraph(triage, as_of, frame.zone, layout));
            }
            Some(text)
        }
    }
}

fn show(
    own: &ReplayArguments,
    arguments: &Arguments,
    mut reel: Reel,
    growing: Option<Growing>,
) -> Exit {
    let first = match own.at.as_deref() {
        None if growing.is_some() => Some(Ask::End),
        None => None,
        at => match place(at, &mut reel, &mut Model::of_recording()) {
            Ok(ask) => Some(ask),
            Err(why) => {
                output::note(&Clean::new(&why).to_string());
                return Exit::Usage;
            }
        },
    };
    reel.set_speed(own.speed.unwrap_or_default());
    console::show(arguments, |mut seat| {
        let growth = growing.map(Growing::follow).transpose()?;
        // The screen is about the host of the recording, and whoever looked at it then.
        let host = reel.header().map(|header| header.host.to_string()).unwrap_or_default();
        seat.look.host = if host.is_empty() { "a recording".to_owned() } else { host };
        seat.look.user = String::new();
        let screen = seat.screen()?;
        let begin = Begin {
            reel,
            growth,
            first,
            setup: seat.setup,
            playbooks: playbooks::load().0,
            zone: TimeZone::system(),
            clipboard_needs: environment::clipboard_needs(),
        };
        session(seat.inputs, screen, begin)
    })
}

/// The clock is all that it needs.
fn session(
    inputs: mpsc::Receiver<terminal::Input>,
    screen: TerminalScreen,
    begin: Begin,
) -> io::Result<End> {
    let own = runtime::Builder::new_current_thread().enable_time().build()?;
    Ok(own.block_on(replay::replay(inputs, screen, begin)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speed_is_one_of_those_that_the_keys_go_through() {
        assert_eq!(speed("×100").map(Speed::words), Ok("×100"));
        assert_eq!(speed("0.5").map(Speed::words), Ok("×½"));
        assert!(speed("3").is_err() && speed("-1").is_err() && speed("fast").is_err());
    }
}

//! Recording while something is looked at.

use std::path::Path;

use jiff::tz::TimeZone;

use crate::{
    engine::recorder::{self, Place, Setup},
    host::{files, recordings::Limits, signals::Signals},
    observation::Text,
    session::recording::How,
};

use super::arguments::{RecordArguments, refuse};
use crate::cli::{
    Arguments, Exit, console, diagnose::options, environment, output, settings::Settings,
};

/// What a session that may act records of itself; nothing where the person does not want it.
pub(in crate::cli) fn of_session(
    arguments: &Arguments,
    settings: &Settings,
    state: &Path,
    how: How,
) -> Option<Setup> {
    if arguments.no_record || !settings.record.unwrap_or(true) {
        return None;
    }
    let (megabytes, days) = (settings.recordings_mb, settings.recordings_days);
    let limits = Limits::new(megabytes.unwrap_or(200), days.unwrap_or(14));
    Some(setup(Place::Folder(state.to_owned(), limits), how, true))
}

fn setup(place: Place, how: How, acts: bool) -> Setup {
    let name = environment::user();
    let who = match environment::ssh_client() {
        Some(client) => format!("{name} from {client}"),
        None => name,
    };
    let zone = TimeZone::system().iana_name().map(Text::new).unwrap_or_default();
    Setup { place, how, acts, who: Text::new(who), zone }
}

/// `record FILE`.
pub(super) fn run(own: &RecordArguments, arguments: &Arguments) -> Result<Exit, Exit> {
    let Some(path) = &own.file else { return Err(Exit::Usage) };
    let file = files::create_new(path).map_err(|error| {
        refuse(Exit::Output, &format!("failed to create {}: {error}", path.display()))
    })?;
    let setup = setup(Place::File(file, path.clone()), How::Record, false);
    let failed =
        |error: std::io::Error| refuse(Exit::Internal, &format!("failed to start: {error}"));
    let runtime = console::sources().map_err(failed)?;
    let options = options(arguments);
    let until =
        own.span.map_or_else(|| "it is interrupted".to_owned(), |s| format!("{s:?} have passed"));
    output::note(&format!("recording into {} until {until}", path.display()));
    let recorded = runtime.block_on(async {
        let stop = async {
            match Signals::catch() {
                Ok(mut signals) => while signals.next().await.fatal().is_none() {},
                Err(_) => std::future::pending().await,
            }
        };
        recorder::record(&options, setup, own.span, stop).await
    });
    // A source may hang in a call that cannot be cancelled: the process does not wait for it.
    std::mem::forget(runtime);
    match recorded {
        Some(recorded) => match recorded.place {
            Ok(_) => Ok(Exit::Success),
            Err(why) => Err(refuse(Exit::Output, &format!("failed to record: {why}"))),
        },
        None => Err(refuse(Exit::Internal, "failed to start: no thread can be had")),
    }
}

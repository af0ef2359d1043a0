//! `gatemedic diagnose`: look once, name the cause.

use std::{
    io::{BufWriter, Write},
    path::Path,
    time::Duration,
};

use jiff::tz::TimeZone;

use crate::{
    action::incidents,
    diagnosis::url::{Sight, judge},
    engine::{self, Options, Outcome},
    host::{self, visit::Target},
    report,
    session::{Event, Knowledge, update},
};

use super::{
    Arguments, Exit,
    arguments::{DiagnoseArguments, Format},
    output,
    tools::tools,
};

/// Runs it.
pub(super) fn run(own: &DiagnoseArguments, arguments: &Arguments) -> Exit {
    let (mut outcome, sight) = match look_and_ask(own.deadline, arguments, own.url.clone(), None) {
        Ok(found) => found,
        Err(exit) => return exit,
    };
    recall(&mut outcome, arguments);
    let whose = sight.map(|sight| {
        let leads_to = engine::visit::leads_to(sight.host.raw(), &outcome.model.case);
        let whose = judge(&sight, &outcome.model.diagnosis, &leads_to);
        (sight, whose)
    });
    let whose = whose.as_ref();
    let (diagnosis, offers) = (&outcome.model.diagnosis, &outcome.model.offers);
    let text = match own.output {
        Format::Text => {
            let frame = report::text::Frame {
                host: &host::hostname::hostname(),
                incomplete: &outcome.incomplete,
                history: &outcome.model.history,
                zone: &TimeZone::system(),
                layout: output::layout(arguments),
            };
            let asked = whose
                .map(|(sight, whose)| report::url::text(sight, whose, diagnosis, &frame) + "\n");
            let mut text =
                asked.unwrap_or_default() + &report::text::report(diagnosis, offers, &frame);
            if let Some(triage) = &outcome.model.case.triage {
                let layout = frame.layout;
                text.push_str(&report::triage::paragraph(
                    triage,
                    diagnosis.as_of,
                    frame.zone,
                    layout,
                ));
            }
            text
        }
        Format::Json => {
            let host = host::hostname::hostname();
            let mut document =
                report::json::document(diagnosis, offers, &host, &outcome.incomplete);
            if let (Some((sight, whose)), Some(members)) = (whose, document.as_object_mut()) {
                let asked = report::url::json(sight, whose, diagnosis, &host);
                members.insert("url".to_owned(), asked);
            }
            report::history::add(&mut document, &outcome.model.history, diagnosis);
            report::triage::add(&mut document, outcome.model.case.triage.as_deref());
            match serde_json::to_string_pretty(&document) {
                Ok(text) => text + "\n",
                Err(_) => return Exit::Internal,
            }
        }
    };
    match output::data(&text) {
        Ok(()) => Exit::Status(diagnosis.status),
        Err(exit) => exit,
    }
}

/// Reads what is known from before, where there is a finding to tell it of.
fn recall(outcome: &mut Outcome, arguments: &Arguments) {
    if outcome.model.diagnosis.findings.is_empty() {
        return;
    }
    let history = incidents::read(&tools(arguments));
    if let Some(notice) = &history.notice {
        output::note(&notice.to_string());
    }
    update(&mut outcome.model, &Event::History(Box::new(history)), Knowledge::embedded());
}

/// Looks once, and records it when that was asked for.
pub(super) fn look(deadline: Duration, arguments: &Arguments) -> Result<Outcome, Exit> {
    look_and_ask(deadline, arguments, None, None).map(|(outcome, _)| outcome)
}

/// As [`look`], for a session that records itself.
pub(super) fn look_recorded(
    deadline: Duration,
    arguments: &Arguments,
    session: Option<&mut engine::recorder::Recorder>,
) -> Result<Outcome, Exit> {
    look_and_ask(deadline, arguments, None, session).map(|(outcome, _)| outcome)
}

/// As [`look`]; a URL is asked at the same time, and then at the gateways that were found.
fn look_and_ask(
    deadline: Duration,
    arguments: &Arguments,
    url: Option<Target>,
    mut session: Option<&mut engine::recorder::Recorder>,
) -> Result<(Outcome, Option<Sight>), Exit> {
    let options = options(arguments);
    let mut recorder = match &arguments.record {
        Some(path) => Some(Recorder::create(path)?),
        None => None,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| {
            output::note(&format!("failed to start: {error}"));
            Exit::Internal
        })?;
    let looked = engine::diagnose_once(&options, deadline, |event| {
        if let Some(recorder) = &mut recorder {
            recorder.write(event);
        }
        if let Some(session) = &mut session {
            session.event(event);
        }
    });
    let (outcome, sight) = runtime.block_on(async {
        match url {
            None => (looked.await, None),
            Some(url) => {
                let (outcome, asked) = tokio::join!(looked, engine::visit::ask(url));
                let sight = engine::visit::compare(asked, &outcome.model.case).await;
                (outcome, Some(sight))
            }
        }
    });
    // A source may hang in a call that cannot be cancelled: the process does not wait for it, and
    // does not shut down what such a call may still use.
    std::mem::forget(runtime);
    match recorder {
        Some(recorder) => recorder.finish().map(|()| (outcome, sight)),
        None => Ok((outcome, sight)),
    }
}

/// Where to look, from the command line.
pub(super) fn options(arguments: &Arguments) -> Options {
    Options {
        configs: arguments.config.clone(),
        docker: arguments.docker_socket.clone(),
        scope: arguments.practice.clone(),
    }
}

/// Writes observations as they are folded: a header line, then one event a line.
struct Recorder {
    out: BufWriter<std::fs::File>,
    failed: Option<std::io::Error>,
}

impl Recorder {
    fn create(path: &Path) -> Result<Self, Exit> {
        let file = host::files::create_new(path).map_err(|error| {
            output::note(&format!("failed to create {}: {error}", path.display()));
            Exit::Output
        })?;
        let mut recorder = Self { out: BufWriter::new(file), failed: None };
        recorder.line(r#"{"schema":"gatemedic.events/1"}"#);
        Ok(recorder)
    }

    fn write(&mut self, event: &Event) {
        if let Event::Seen(observation) = event
            && let Ok(line) = serde_json::to_string(observation)
        {
            self.line(&line);
        }
    }

    fn line(&mut self, line: &str) {
        if self.failed.is_none() {
            self.failed = writeln!(self.out, "{line}").err();
        }
    }

    fn finish(mut self) -> Result<(), Exit> {
        let flushed = self.out.flush();
        match self.failed.map_or(flushed, Err) {
            Ok(()) => Ok(()),
            Err(error) => {
                output::note(&format!("failed to write the recording: {error}"));
                Err(Exit::from(&error))
            }
        }
    }
}

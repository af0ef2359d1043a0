//! `gatemedic doctor`: what can be seen on this host, and how to open the rest.

use crate::{host, observation::Clean, report::doctor};

use super::{
    Arguments, Exit,
    arguments::{DoctorArguments, Format},
    diagnose, output, settings,
};

/// Runs it.
pub(super) fn run(own: &DoctorArguments, arguments: &Arguments) -> Exit {
    for notice in settings::load(arguments).setup.notices {
        output::note(Clean::new(&notice).as_str());
    }
    let outcome = match diagnose::look(own.deadline, arguments) {
        Ok(outcome) => outcome,
        Err(exit) => return exit,
    };
    let checkup = doctor::examine(&outcome.model.case, &outcome.asked, &outcome.incomplete);
    let text = match own.output {
        Format::Text => doctor::text(&checkup),
        Format::Json => {
            match serde_json::to_string_pretty(&doctor::document(
                &checkup,
                &host::hostname::hostname(),
            )) {
                Ok(text) => text + "\n",
                Err(_) => return Exit::Internal,
            }
        }
    };
    match output::data(&text) {
        Ok(()) if checkup.sees_everything() => Exit::Success,
        Ok(()) => Exit::Blind,
        Err(exit) => exit,
    }
}

//! `gatemedic audit`: who changed what, and whether the records are whole.

use std::path::Path;

use jiff::tz::TimeZone;

use crate::{
    action::audit::{Ledger, ReadError, read},
    host::audit_journal::{Anchor, anchors},
    observation::Text,
    report,
};

use super::{
    Arguments, Exit,
    arguments::{AuditArguments, Format},
    output,
    tools::tools,
};

/// Runs it.
pub(super) fn run(own: AuditArguments, arguments: &Arguments) -> Exit {
    let tools = tools(arguments);
    let mut ledger = match read(&tools) {
        Ok(ledger) => ledger,
        Err(error @ (ReadError::None(_) | ReadError::Unreadable(_))) => {
            output::note(&error.to_string());
            return Exit::NoRecords;
        }
    };
    ledger.compare(remembered(&tools.state));
    let text = match own.output {
        Format::Text => report::audit::text(&ledger, &TimeZone::system()),
        Format::Json => lines(&ledger),
    };
    for line in &ledger.torn {
        output::note(&format!("line {line} was never finished; nothing was done by it"));
    }
    for fault in &ledger.faults {
        output::note(&format!("the chain is broken at line {}: {}", fault.line, fault.why));
    }
    match output::data(&text) {
        Ok(()) if ledger.is_whole() => Exit::Success,
        Ok(()) => Exit::Broken,
        Err(exit) => exit,
    }
}

/// What the journal remembers of the records.
fn remembered(state: &Path) -> Result<Vec<Anchor>, Text> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Text::new(error.to_string()))?;
    let uid = rustix::process::geteuid().as_raw();
    runtime.block_on(anchors(state, uid))
}

fn lines(ledger: &Ledger) -> String {
    ledger.records.iter().fold(String::new(), |text, record| text + &record.line + "\n")
}

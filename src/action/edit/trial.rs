//! What the daemon itself says to a configuration, before and after it is changed.

use std::time::Duration;

use crate::{
    evidence::CaseFile,
    host::{
        private_mount::{self, Candidate, TrialError},
        run::{Limits, Output, RunError},
    },
    observation::{Place, Text},
    remedy::ConfigTest,
};

use super::{
    Rehearsal,
    command::{TestCommand, find_test, sees_host},
    refusal,
};

/// Longest wait for one test: nginx alone waits 10 s for a name server that does not answer.
pub const TRIAL_DEADLINE: Duration = Duration::from_secs(15);

/// Bytes kept of what a test says.
const OUTPUT: usize = 32 * 1024;

/// What came of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trial {
    /// The daemon accepts it.
    Accepted {
        /// In a sentence.
        words: String,
        /// What it warns of.
        warnings: Vec<Text>,
    },
    /// The daemon refuses it.
    Rejected {
        /// In a sentence, with the daemon's own words.
        words: String,
        /// The line that it means.
        place: Option<Place>,
    },
    /// It did not say anything in time: whatever reads this configuration would hang as well.
    Late {
        /// In a sentence.
        words: String,
    },
    /// It was not tested.
    Untested {
        /// Why.
        why: String,
    },
}

/// Has a daemon test its configuration as it would be with these files written; without any, as it
/// stands on disk. Nothing on the machine is changed by it: see
/// [`private_mount`](crate::host::private_mount). Dropping the future kills the test.
pub async fn try_candidates(
    test: &ConfigTest,
    files: &[&Rehearsal],
    case: &CaseFile,
    deadline: Duration,
) -> Trial {
    let command = match find_test(test, case) {
        Ok(command) => command,
        Err(why) => return Trial::Untested { why },
    };
    let host = sees_host(command.world);
    // A file that is held on the host stands at the same path in the daemon's world, or nowhere.
    if !host && files.iter().any(|file| file.held.root().as_os_str().is_empty()) {
        let inside = format!("/proc/{}/root", command.world.map_or(0, |(pid, _)| pid));
        let seen = |file: &&&Rehearsal| is_seen(file, &inside);
        if !files.iter().all(|file| seen(&file)) {
            let why = "the file is not where the daemon reads it".to_owned();
            return Trial::Untested { why };
        }
    }
    let candidate = |file: &&Rehearsal| Candidate {
        path: file.held.path().to_owned(),
        bytes: file.new.clone(),
    };
    let trial = private_mount::Trial {
        world: command.world,
        program: command.program.clone(),
        arguments: command.arguments.clone(),
        candidates: files.iter().map(candidate).collect(),
    };
    let limits = Limits { deadline, max_output: OUTPUT };
    match private_mount::run(trial, limits).await {
        Ok(output) => judge(&command, &output),
        Err(TrialError::Run(RunError::Deadline(time))) => Trial::Late {
            words: format!(
                "{} did not end within {} s: a name in the configuration does not resolve, or its \
                 name server does not answer",
                command.words,
                time.as_secs()
            ),
        },
        Err(error) => {
            let why = Text::new(error.to_string());
            Trial::Untested { why: format!("{} was not run: {why}", command.words) }
        }
    }
}

/// Whether a file that is held on the host is the one that the daemon sees at that path.
fn is_seen(file: &Rehearsal, inside: &str) -> bool {
    if !file.held.root().as_os_str().is_empty() {
        return true;
    }
    let root = crate::host::files::Root::new(inside);
    root.stat(file.held.path(), true)
        .is_ok_and(|stat| (stat.st_dev, stat.st_ino) == file.held.identity())
}

fn judge(command: &TestCommand, output: &Output) -> Trial {
    let said = refusal::read(&output.stderr);
    let name = &command.words;
    if output.status.success() {
        return Trial::Accepted { words: format!("{name} accepts it"), warnings: said.warnings };
    }
    let Some(words) = said.refusal else {
        let first = Text::from_bytes(&output.stderr);
        let first =
            Text::new(first.raw().lines().find(|line| !line.trim().is_empty()).unwrap_or(""));
        let words = format!("{name} refuses it ({}): {first}", output.status);
        return Trial::Rejected { words, place: None };
    };
    if words.raw().contains("Read-only file system") {
        let why = format!("{name} was to write where nothing can be written: {words}");
        return Trial::Untested { why };
    }
    let resolves = !words.raw().contains("host not found");
    let lead = if resolves { "" } else { "a name in the configuration does not resolve: " };
    Trial::Rejected { words: format!("{lead}{name} refuses it: {words}"), place: said.place }
}

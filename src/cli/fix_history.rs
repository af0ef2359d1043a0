//! What `gatemedic fix` adds to the history: the incident that it found, and what came of it.

use crate::{
    action::{Authority, incidents::Scribe},
    diagnosis::Diagnosis,
    host::{clock, hardening},
    observation::Text,
    remedy::{Ending, Plan, Progress},
    session::{
        history::{Done, Watch},
        recording::session_of,
    },
    verification::Verdict,
};

use super::{Arguments, arguments::FixArguments, history::scribe, output, settings};

/// Follows a repair for the history.
pub(super) struct Chronicle {
    watch: Watch,
    scribe: Scribe,
    diagnosis: Diagnosis,
    plan: Plan,
    verdict: Option<Verdict>,
    record: Option<u64>,
}

impl Chronicle {
    /// Of a plan that is carried out; nothing is kept of one that is only looked at.
    pub(super) fn new(
        own: &FixArguments,
        arguments: &Arguments,
        diagnosis: Diagnosis,
        plan: &Plan,
    ) -> Option<Self> {
        let authority = Authority { readonly: arguments.readonly, setuid: hardening::is_raised() };
        let permit = authority.grant().ok().filter(|_| !own.dry_run)?;
        let loaded = settings::load(arguments);
        Some(Self {
            watch: Watch::default(),
            scribe: scribe(&permit, arguments, &loaded.settings),
            diagnosis,
            plan: plan.clone(),
            verdict: None,
            record: None,
        })
    }

    /// It was said yes to.
    pub(super) fn confirmed(&mut self) {
        self.watch.begin_repair(clock::now(), &self.plan, &self.diagnosis);
    }

    /// Takes one word of the process that carries it out.
    pub(super) fn heard(&mut self, progress: &Progress) {
        match progress {
            Progress::Recorded { sequence } => self.record = Some(*sequence),
            Progress::Judged { verdict, .. } => {
                self.verdict = Some(*verdict);
                self.watch.judged(clock::now());
            }
            _ => {}
        }
    }

    /// It is over: what is known is kept, with the file in which it was recorded.
    pub(super) fn ended(mut self, ending: Ending, recorded: Option<&str>) {
        let now = clock::now();
        let (action, verdict, record) = (self.plan.words(), self.verdict, self.record);
        // What was refused left nothing behind, and no incident was watched.
        if !self.watch.is_acting() || ending == Ending::Refused {
            return;
        }
        self.watch.end_repair(now, Done { action, verdict, ending, record });
        let mut entries = self.watch.leave(now);
        for entry in &mut entries {
            entry.incident.recording = recorded.map(|path| Text::new(session_of(path)));
        }
        if !entries.is_empty()
            && let Some(notice) = self.scribe.keep(&entries, now.wall).notice
        {
            output::note(&notice.to_string());
        }
    }
}

//! Units: start, restart, reload, stop, reset, enable.

use std::time::Duration;

use crate::{
    action::{Failure, Tools},
    host::{
        systemd_manage::{JobEnd, Manager, Verb},
        unit_facts::UnitFacts,
    },
    observation::UnitName,
    remedy::Action,
};

use super::{Done, Undo, words};

/// Longest wait for a job: systemd's own `DefaultTimeoutStartSec=`.
const JOB: Duration = Duration::from_secs(90);

/// One unit, one order, one connection.
pub(super) struct Hand<'a> {
    manager: Manager,
    unit: &'a UnitName,
    command: String,
}

impl<'a> Hand<'a> {
    pub(super) async fn on(
        unit: &'a UnitName,
        command: String,
        tools: &Tools,
    ) -> Result<Self, Failure> {
        // systemd would not even load it.
        if is_template(unit) {
            return Err(Failure::Refused(template(unit)));
        }
        let manager = Manager::connect(&tools.bus).await;
        let manager = manager.map_err(|e| words::from_systemd(&e, unit.as_str(), &command))?;
        Ok(Self { manager, unit, command })
    }

    pub(super) const fn manager(&self) -> &Manager {
        &self.manager
    }

    pub(super) fn failure(&self, error: &crate::host::systemd_manage::ManageError) -> Failure {
        words::from_systemd(error, self.unit.as_str(), &self.command)
    }

    pub(super) async fn facts(&self) -> Result<UnitFacts, Failure> {
        let facts = UnitFacts::ask(self.manager.read(), self.unit).await;
        facts.map_err(|error| self.failure(&error.into()))
    }

    pub(super) async fn job(&self, verb: Verb) -> Result<(), Failure> {
        let end = self.manager.job(verb, self.unit, JOB).await.map_err(|e| self.failure(&e))?;
        let unit = self.unit;
        match end {
            JobEnd::Done => Ok(()),
            JobEnd::Failed => Err(Failure::Refused(format!(
                "{unit} did not do it: {}; its log: journalctl -u {unit} -n 50",
                self.facts().await.map_or_else(|_| "unknown".to_owned(), |f| f.end())
            ))),
            JobEnd::Timeout => Err(Failure::Refused(format!(
                "{unit} did not become ready within its own time limit (TimeoutStartSec=)"
            ))),
            JobEnd::Canceled => Err(Failure::Refused(format!(
                "somebody else's job took the place of this one for {unit}"
            ))),
            JobEnd::Dependency => Err(Failure::Refused(format!(
                "a unit that {unit} needs did not start: systemctl list-dependencies {unit}"
            ))),
            JobEnd::Skipped => Err(Failure::Refused(format!(
                "systemd skipped it: it does not apply to {unit} as it stands, or a condition in \
                 its file is not met"
            ))),
            JobEnd::Late => Err(Failure::Late(format!(
                "{unit} was not ready after {} s; the job has been cancelled",
                JOB.as_secs()
            ))),
            JobEnd::Other(word) => {
                Err(Failure::Refused(format!("the job for {unit} ended as \"{word}\"")))
            }
        }
    }
}

/// Why nothing can be asked of a unit, if so. `foo@.service` is a mould and no unit.
pub(crate) fn unfit(unit: &UnitName, facts: &UnitFacts) -> Option<String> {
    if is_template(unit) {
        return Some(template(unit));
    }
    match facts.load.as_str() {
        "masked" => Some(format!(
            "{unit} is masked: somebody forbade to start it; if that is over: sudo systemctl \
             unmask {unit}"
        )),
        "not-found" => Some(format!("there is no unit file for {unit}")),
        "loaded" | "merged" | "stub" => None,
        other => Some(format!("{unit} could not be loaded ({other}): {}", facts.load_error)),
    }
}

pub(crate) fn template(unit: &UnitName) -> String {
    format!("{unit} is a template: name an instance of it")
}

pub(crate) fn is_template(unit: &UnitName) -> bool {
    unit.as_str().rsplit_once('.').is_some_and(|(stem, _)| stem.ends_with('@'))
}

fn fit(unit: &UnitName, facts: &UnitFacts) -> Result<(), Failure> {
    unfit(unit, facts).map_or(Ok(()), |why| Err(Failure::Refused(why)))
}

pub(super) async fn start(
    unit: &UnitName,
    action: &Action,
    tools: &Tools,
) -> Result<Done, Failure> {
    let hand = Hand::on(unit, words::by_hand(action), tools).await?;
    let facts = hand.facts().await?;
    fit(unit, &facts)?;
    if facts.is_active() {
        return Ok(Done { words: format!("{unit} runs already"), undo: None });
    }
    hand.job(Verb::Start).await?;
    let undo = Some(Undo::StopUnit { unit: unit.clone() });
    Ok(Done { words: format!("systemd started {unit}"), undo })
}

pub(super) async fn restart(
    unit: &UnitName,
    action: &Action,
    tools: &Tools,
) -> Result<Done, Failure> {
    let hand = Hand::on(unit, words::by_hand(action), tools).await?;
    fit(unit, &hand.facts().await?)?;
    hand.job(Verb::Restart).await?;
    Ok(Done { words: format!("systemd restarted {unit}"), undo: None })
}

pub(super) async fn reload(
    unit: &UnitName,
    action: &Action,
    tools: &Tools,
) -> Result<Done, Failure> {
    let hand = Hand::on(unit, words::by_hand(action), tools).await?;
    let facts = hand.facts().await?;
    fit(unit, &facts)?;
    if !facts.can.reload {
        return Err(Failure::Refused(format!(
            "{unit} has no ExecReload=: it can only be restarted"
        )));
    }
    if !facts.is_active() {
        return Err(Failure::Changed(format!("{unit} does not run: there is nothing to reload")));
    }
    hand.job(Verb::Reload).await?;
    Ok(Done { words: format!("systemd reloaded {unit}"), undo: None })
}

pub(super) async fn stop(unit: &UnitName, action: &Action, tools: &Tools) -> Result<Done, Failure> {
    let hand = Hand::on(unit, words::by_hand(action), tools).await?;
    let facts = hand.facts().await?;
    if facts.active == "inactive" || facts.active == "failed" {
        return Ok(Done { words: format!("{unit} does not run"), undo: None });
    }
    hand.job(Verb::Stop).await?;
    let undo = Some(Undo::StartUnit { unit: unit.clone() });
    Ok(Done { words: format!("systemd stopped {unit}"), undo })
}

pub(super) async fn reset_failed(
    unit: &UnitName,
    action: &Action,
    tools: &Tools,
) -> Result<Done, Failure> {
    use crate::host::systemd_manage::ManageError;
    let hand = Hand::on(unit, words::by_hand(action), tools).await?;
    let facts = hand.facts().await?;
    fit(unit, &facts)?;
    match hand.manager().reset_failed(unit).await {
        Ok(()) => Ok(Done { words: format!("the failed state of {unit} is cleared"), undo: None }),
        // A unit that systemd has forgotten has neither a failed state nor a counter.
        Err(ManageError::NoSuchUnit) => {
            Ok(Done { words: format!("{unit} has no failed state"), undo: None })
        }
        Err(error) => Err(hand.failure(&error)),
    }
}

pub(super) async fn enable(
    unit: &UnitName,
    action: &Action,
    tools: &Tools,
) -> Result<Done, Failure> {
    let hand = Hand::on(unit, words::by_hand(action), tools).await?;
    let facts = hand.facts().await?;
    fit(unit, &facts)?;
    if facts.file_state == "enabled" {
        return Ok(Done { words: format!("{unit} is started at boot already"), undo: None });
    }
    let enabled = hand.manager().enable(unit).await.map_err(|e| hand.failure(&e))?;
    if !enabled.installable {
        return Err(Failure::Refused(format!(
            "the file of {unit} has no [Install] section: it says by nothing that it is wanted"
        )));
    }
    hand.manager().reload().await.map_err(|e| hand.failure(&e))?;
    let undo = Some(Undo::DisableUnit { unit: unit.clone() });
    Ok(Done { words: format!("{unit} is started at boot from now on"), undo })
}

pub(super) async fn disable(unit: &UnitName, tools: &Tools) -> Result<String, Failure> {
    let hand = Hand::on(unit, format!("sudo systemctl disable {unit}"), tools).await?;
    hand.manager().disable(unit).await.map_err(|e| hand.failure(&e))?;
    hand.manager().reload().await.map_err(|e| hand.failure(&e))?;
    Ok(format!("{unit} is no longer started at boot"))
}

//! Programs of PM2 and Supervisor, one at a time.

use std::path::PathBuf;

use crate::{
    action::Failure,
    host::managers::{
        self, Door, Pm2Order, SupervisorOrder, TalkError, pm2_order, supervisor_order,
    },
    observation::{ManagerKind, Text},
    remedy::{Action, ProgramCall},
};

use super::{Done, Undo, words};

/// What is done with a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    Start,
    Restart,
    Reload,
}

pub(super) async fn carry_out(
    deed: Deed,
    call: &ProgramCall,
    action: &Action,
) -> Result<Done, Failure> {
    let hand = words::by_hand(action);
    let failed = |error: TalkError| refused(&error, call, &hand);
    let name = &call.program.name;
    match call.program.manager {
        ManagerKind::Pm2 => {
            let order = match deed {
                Deed::Start => Pm2Order::Start,
                Deed::Restart => Pm2Order::Restart,
                Deed::Reload => Pm2Order::Reload,
            };
            still_theirs(call).await?;
            for number in &call.numbers {
                match pm2_order(&door(call), order, *number).await {
                    // Of several processes some may run.
                    Err(TalkError::Said(words)) if words.contains("already") => {}
                    other => other.map_err(failed)?,
                }
            }
        }
        ManagerKind::Supervisor => {
            if deed != Deed::Start {
                match supervisor_order(&door(call), SupervisorOrder::Stop, name.raw()).await {
                    Err(TalkError::Said(words)) if words.contains("NOT_RUNNING") => {}
                    other => other.map_err(failed)?,
                }
            }
            match supervisor_order(&door(call), SupervisorOrder::Start, name.raw()).await {
                Err(TalkError::Said(words)) if words.contains("ALREADY_STARTED") => {}
                Err(TalkError::Said(words)) if deed != Deed::Start => {
                    return Err(Failure::Refused(format!(
                        "Supervisor stopped {name} and could not start it: {}",
                        Text::new(words)
                    )));
                }
                other => other.map_err(failed)?,
            }
        }
        other => return Err(Failure::Human(format!("{other} is told by hand: {hand}"))),
    }
    let done = match deed {
        Deed::Start => "started",
        Deed::Restart => "restarted",
        Deed::Reload => "reloaded",
    };
    let undo = (deed == Deed::Start).then(|| Undo::StopProgram { call: call.clone() });
    Ok(Done { words: format!("{} {done} {name}", call.program.manager), undo })
}

pub(super) async fn stop(call: &ProgramCall) -> Result<String, Failure> {
    let hand = format!("sudo {}", crate::remedy::spoken(&call.stop_command()));
    let failed = |error: TalkError| refused(&error, call, &hand);
    let name = &call.program.name;
    match call.program.manager {
        ManagerKind::Pm2 => {
            still_theirs(call).await?;
            for number in &call.numbers {
                pm2_order(&door(call), Pm2Order::Stop, *number).await.map_err(failed)?;
            }
        }
        ManagerKind::Supervisor => {
            supervisor_order(&door(call), SupervisorOrder::Stop, name.raw())
                .await
                .map_err(failed)?;
        }
        other => return Err(Failure::Human(format!("{other} is told by hand: {hand}"))),
    }
    Ok(format!("{name} was stopped again"))
}

pub(in crate::action) fn door(call: &ProgramCall) -> Door {
    Door { path: PathBuf::from(call.socket.raw()), uid: Some(call.uid) }
}

/// PM2 counts its numbers anew when its daemon is started: they must still mean this program.
async fn still_theirs(call: &ProgramCall) -> Result<(), Failure> {
    let hand = "pm2 ls shows them";
    let list = managers::pm2_programs(&door(call), |_| false, managers::ANSWER).await;
    let list = list.map_err(|error| refused(&error, call, hand))?;
    let name = call.program.name.raw();
    for number in &call.numbers {
        let is = list.iter().any(|entry| entry.number == Some(*number) && entry.name == name);
        if !is {
            return Err(Failure::Changed(format!(
                "number {number} of PM2 is not {} any more; {hand}",
                call.program.name
            )));
        }
    }
    Ok(())
}

fn refused(error: &TalkError, call: &ProgramCall, hand: &str) -> Failure {
    let (manager, name) = (call.program.manager, &call.program.name);
    match error {
        TalkError::Denied => {
            Failure::Denied(format!("{manager} of {} refuses this user; type: {hand}", call.user))
        }
        TalkError::Missing | TalkError::Refused => {
            Failure::Gone(format!("{manager} of {} does not run any more; type: {hand}", call.user))
        }
        TalkError::Stranger(_) | TalkError::NotASocket => {
            Failure::Changed(format!("{}: {error}", call.socket))
        }
        TalkError::Late(limit) => Failure::Late(format!(
            "{manager} did not answer about {name} within {} s; it may still do it",
            limit.as_secs()
        )),
        TalkError::Said(words) if words.contains("BAD_NAME") || words.contains("id unknown") => {
            Failure::Gone(format!("{manager} does not know {name} any more"))
        }
        TalkError::Said(words) => {
            Failure::Refused(format!("{manager} refused: {}", Text::new(words)))
        }
        other => Failure::Refused(format!("{manager}: {}", Text::new(other.to_string()))),
    }
}

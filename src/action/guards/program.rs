//! Whether the manager still knows the program, and how it stands now.

use crate::{
    action::hands::programs::door,
    host::managers::{self, TalkError},
    observation::ManagerKind,
    remedy::{Action, Check, Guard, ProgramCall},
};

use super::Ground;

const GUARD: Guard = Guard::Program;

pub(super) async fn look(action: &Action, _ground: Ground<'_>) -> Vec<Check> {
    let Some(call) = action.program() else { return Vec::new() };
    match standing(call).await {
        Ok(Some(standing)) => judge(action, call, &standing),
        Ok(None) => vec![Check::refused(
            GUARD,
            format!("{} does not know {} any more", call.program.manager, call.program.name),
        )],
        Err(error) => vec![Check::refused(
            GUARD,
            format!(
                "{} cannot be asked about {}: {error}",
                call.program.manager, call.program.name
            ),
        )],
    }
}

/// How a program stands, in its manager's words.
struct Standing {
    words: String,
    runs: bool,
    /// Whether its manager gave it up.
    given_up: bool,
}

async fn standing(call: &ProgramCall) -> Result<Option<Standing>, TalkError> {
    let door = door(call);
    let name = call.program.name.raw();
    if call.program.manager == ManagerKind::Pm2 {
        let list = managers::pm2_programs(&door, |_| false, managers::ANSWER).await?;
        let mut ours = list
            .iter()
            .filter(|e| e.name == name && e.number.is_some_and(|n| call.numbers.contains(&n)));
        let Some(first) = ours.next() else { return Ok(None) };
        let words = std::iter::once(first).chain(ours).map(|e| e.status.as_str());
        let words: Vec<&str> = words.collect();
        return Ok(Some(Standing {
            runs: words.iter().all(|word| matches!(*word, "online" | "launching")),
            given_up: words.contains(&"errored"),
            words: words.join(", "),
        }));
    }
    let list = managers::all_processes(&door, managers::ANSWER).await?;
    let full = |group: &str, short: &str| {
        name == format!("{group}:{short}") || (group == short && name == short)
    };
    let found = list.iter().find(|value| full(value.text("group"), value.text("name")));
    Ok(found.map(|value| {
        let words = value.text("statename").to_owned();
        Standing {
            runs: matches!(words.as_str(), "RUNNING" | "STARTING"),
            given_up: words == "FATAL",
            words,
        }
    }))
}

fn judge(action: &Action, call: &ProgramCall, standing: &Standing) -> Vec<Check> {
    let (manager, name) = (call.program.manager, &call.program.name);
    let word = crate::observation::Text::new(&standing.words);
    let words = format!("{name} is {word} in {manager}");
    if let Action::StartProgram { .. } = action
        && standing.runs
    {
        return vec![Check::note(GUARD, format!("{name} runs already: nothing will happen"))];
    }
    if standing.given_up {
        let more = "it ended each time it was started; one more start helps only when what its log \
                    names was cured";
        return vec![Check::note(GUARD, format!("{words}: {more}"))];
    }
    vec![Check::clear(GUARD, words)]
}

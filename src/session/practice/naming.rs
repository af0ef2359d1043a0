//! The causes from which the player chooses one.

use crate::{
    diagnosis::words::CauseText,
    session::{Entry, Goal, Model},
};

use super::Task;

/// Ids and titles of the causes that can be named, in the order of their titles.
pub fn causes(task: &Task) -> Vec<(&'static str, &'static str)> {
    let chosen = |text: &&CauseText| {
        text.rule && (task.choices.is_empty() || task.choices.contains(&text.id))
    };
    let all = CauseText::all().iter().filter(chosen);
    let mut all: Vec<_> = all.map(|text| (text.id.as_str(), text.title.as_str())).collect();
    all.sort_by_key(|(_, title)| *title);
    all
}

/// The same as entries of the list; those that were named in vain are left out.
pub(in crate::session) fn entries(model: &Model) -> Vec<Entry> {
    let Some(practice) = &model.practice else { return Vec::new() };
    let wrong = |id: &str| practice.named.iter().any(|named| !named.right && named.cause == id);
    causes(&practice.task)
        .into_iter()
        .filter(|(id, _)| !wrong(id))
        .map(|(id, title)| Entry {
            words: title.to_owned(),
            note: id.to_owned(),
            goal: Goal::Cause(id),
        })
        .collect()
}

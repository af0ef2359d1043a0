//! One incident as a file says it.

use serde::Deserialize;

use crate::{
    diagnosis::words::CauseText,
    practice::{Setup, SetupError},
    session::practice::Task,
};

/// Levels, the hardest last.
pub(super) const LEVELS: std::ops::RangeInclusive<u8> = 1..=4;
/// Longest title and story in characters: they are read before anything is looked at.
const TITLE: usize = 48;
const STORY: usize = 700;
/// Requests in a row that suffice at most; more would only be waiting.
const IN_A_ROW: u64 = 60;

/// An incident to practise on: what is told and counted, and the world in which it happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// What the player is given.
    pub task: Task,
    /// The world.
    pub world: Setup,
}

/// What is wrong with a scenario.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioError {
    /// It is no TOML, or has other fields.
    #[error("{0}")]
    File(String),
    /// Its world cannot be built.
    #[error("its world: {0}")]
    World(#[from] SetupError),
    /// A cause that no rule names.
    #[error("{0} is no cause that can be found")]
    Cause(String),
    /// Something is missing or out of bounds.
    #[error("{0}")]
    Content(&'static str),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    title: String,
    level: u8,
    story: String,
    accepted: Vec<String>,
    #[serde(default)]
    choices: Vec<String>,
    hints: Vec<String>,
    #[serde(default)]
    herrings: Vec<String>,
    senior: Vec<String>,
    repairs: u32,
    in_a_row: u64,
    world: Setup,
}

impl Scenario {
    /// Reads a file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(id: &str, text: &str) -> Result<Self, ScenarioError> {
        let file: File =
            toml::from_str(text).map_err(|error| ScenarioError::File(error.to_string()))?;
        let task = Task {
            id: id.to_owned(),
            title: file.title,
            level: file.level,
            story: file.story.trim().to_owned(),
            accepted: file.accepted,
            choices: file.choices,
            hints: file.hints,
            herrings: file.herrings,
            senior: file.senior,
            repairs: file.repairs,
            in_a_row: file.in_a_row,
            seed: None,
        };
        let scenario = Self { task, world: file.world };
        scenario.check()?;
        Ok(scenario)
    }

    /// Looks for what would make it unfair or impossible.
    ///
    /// # Errors
    /// The first that is found.
    pub fn check(&self) -> Result<(), ScenarioError> {
        let task = &self.task;
        let bad = ScenarioError::Content;
        let ensure = |holds: bool, why| if holds { Ok(()) } else { Err(bad(why)) };
        ensure(LEVELS.contains(&task.level), "levels go from 1 to 4")?;
        let title = task.title.chars().count();
        ensure((1..=TITLE).contains(&title), "a title has 1 to 48 characters")?;
        let story = task.story.chars().count();
        ensure((1..=STORY).contains(&story), "a story has 1 to 700 characters")?;
        ensure(!task.accepted.is_empty(), "no cause is right")?;
        for id in task.accepted.iter().chain(&task.choices) {
            let found = CauseText::get(id).is_some_and(|text| text.rule);
            found.then_some(()).ok_or_else(|| ScenarioError::Cause(id.clone()))?;
        }
        let offered = task.accepted.iter().any(|id| task.choices.contains(id));
        ensure(task.choices.is_empty() || offered, "no right cause is offered")?;
        ensure(task.choices.is_empty() || task.choices.len() >= 4, "too few to choose from")?;
        ensure((2..=5).contains(&task.hints.len()), "there are 2 to 5 hints")?;
        ensure((2..=6).contains(&task.senior.len()), "there are 2 to 6 steps of experience")?;
        ensure((1..=4).contains(&task.repairs), "1 to 4 repairs suffice")?;
        ensure((5..=IN_A_ROW).contains(&task.in_a_row), "5 to 60 requests in a row suffice")?;
        ensure(
            self.world.routes.iter().any(|route| route.must_answer),
            "no request decides whether it is solved",
        )?;
        Ok(self.world.check()?)
    }
}

//! The incidents that are built in.

use std::sync::LazyLock;

use super::Scenario;

macro_rules! scenarios {
    ($($id:literal),* $(,)?) => {
        [$(($id, include_str!(concat!("../../../assets/practice/", $id, ".toml")))),*]
    };
}

/// Every file of `assets/practice/`, the easiest first.
const FILES: &[(&str, &str)] = &scenarios![
    "quiet-after-lunch",
    "gone-without-a-word",
    "fell-over",
    "typo-after-deploy",
    "saved-not-loaded",
    "locked-socket",
    "two-names",
    "the-other-door",
    "old-ghost",
    "gave-up",
    "frozen",
    "too-much-to-say",
    "moving-day",
    "always-hungry",
    "swept-away",
    "wrong-language",
    "two-at-once",
    "busy-neighbour",
];

static ALL: LazyLock<Vec<Scenario>> = LazyLock::new(|| {
    // A test holds that every one of them can be read.
    let mut all: Vec<Scenario> =
        FILES.iter().filter_map(|(id, text)| Scenario::parse(id, text).ok()).collect();
    all.sort_by_key(|scenario| scenario.task.level);
    all
});

/// The incidents that are built in.
#[derive(Clone, Copy, Debug)]
pub struct Library;

impl Library {
    /// All of them, the easiest first.
    pub fn all() -> &'static [Scenario] {
        &ALL
    }

    /// The one with this name.
    pub fn get(id: &str) -> Option<&'static Scenario> {
        ALL.iter().find(|scenario| scenario.task.id == id)
    }

    /// The name that is most like this one.
    pub fn near(id: &str) -> Option<&'static str> {
        let names: Vec<&'static str> = ALL.iter().map(|one| one.task.id.as_str()).collect();
        similar::get_close_matches(id, &names, 1, 0.5).first().copied()
    }

    /// The first one of a level.
    pub fn first(level: u8) -> Option<&'static Scenario> {
        ALL.iter().find(|scenario| scenario.task.level >= level)
    }

    /// The one after this one; none after the last.
    pub fn after(id: &str) -> Option<&'static Scenario> {
        let at = ALL.iter().position(|scenario| scenario.task.id == id)?;
        ALL.get(at + 1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_scenario_can_be_read_and_is_fair() {
        for (id, text) in FILES {
            Scenario::parse(id, text).unwrap_or_else(|error| panic!("{id}: {error}"));
        }
        assert_eq!(Library::all().len(), FILES.len());
    }

    #[test]
    fn every_file_is_listed_and_every_level_has_some() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/practice");
        let found: BTreeSet<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let listed = FILES.iter().map(|(id, _)| format!("{id}.toml")).collect();
        assert_eq!(found, listed);
        for level in 1..=4 {
            let of_level = Library::all().iter().filter(|one| one.task.level == level).count();
            assert!(of_level >= 2, "level {level}");
        }
    }

    #[test]
    fn no_hint_and_no_story_names_the_cause() {
        for one in Library::all() {
            let task = &one.task;
            let told = task.hints.iter().chain([&task.story, &task.title]);
            for text in told {
                for id in &task.accepted {
                    assert!(!text.contains(id.as_str()), "{}: {text}", task.id);
                }
            }
        }
    }

    #[test]
    fn one_follows_the_other_to_the_end() {
        let mut seen = vec![Library::first(1).unwrap().task.id.as_str()];
        while let Some(next) = Library::after(seen.last().unwrap()) {
            seen.push(&next.task.id);
        }
        assert_eq!(seen.len(), Library::all().len());
        assert_eq!(Library::near("froze"), Some("frozen"));
    }
}

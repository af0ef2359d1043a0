//! Playbooks: what a person is led through, as data. They select and explain; code acts. A playbook
//! names looks and remedies that exist, and shows commands; it holds none that is run.

use std::{collections::BTreeSet, sync::LazyLock};

use serde::Deserialize;

use crate::diagnosis::words::CauseText;

use super::{CheckId, REMEDIES};

/// Longest file of a playbook, bytes.
pub(super) const LARGEST: usize = 64 * 1_024;
/// Steps of one playbook.
const STEPS: usize = 40;
/// Names between braces that stand for what the finding concerns.
pub const PLACEHOLDERS: [&str; 9] =
    ["unit", "container", "address", "path", "port", "file", "line", "pid", "host"];

/// A playbook.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Playbook {
    /// Its id; also the name of its file.
    pub id: String,
    /// What it is about.
    pub title: String,
    /// Causes that it is for; empty for the checklist.
    #[serde(default)]
    pub causes: Vec<String>,
    /// Its steps, the first first.
    #[serde(rename = "step")]
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Step {
    /// Its id within the playbook.
    pub id: String,
    /// What is done, in a few words.
    pub title: String,
    /// What is measured.
    #[serde(default)]
    pub look: Option<String>,
    /// The remedy that is offered.
    #[serde(default)]
    pub act: Option<String>,
    /// A command that is shown and never run, word by word, with placeholders.
    #[serde(default)]
    pub show: Vec<String>,
    /// Whether a person does something here: then only what is found good closes it.
    #[serde(default)]
    pub by_hand: bool,
    /// For somebody who meets it for the first time.
    pub junior: String,
    /// For somebody who knows the parts.
    pub normal: String,
    /// For somebody who only needs to be reminded.
    pub expert: String,
    /// Why this is next.
    pub why: String,
    /// Where it goes on, by what came of the step; else at the next one.
    #[serde(default)]
    pub after: After,
}

/// Where a playbook goes on after a step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct After {
    /// It was found in order.
    pub good: Option<String>,
    /// It was found out of order.
    pub bad: Option<String>,
    /// The action was verified.
    pub fixed: Option<String>,
    /// The action did not help.
    pub not_fixed: Option<String>,
}

/// What is wrong with a playbook.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// It is longer than a playbook may be.
    #[error("{file}: longer than {LARGEST} bytes")]
    TooLong {
        /// File.
        file: String,
    },
    /// It is not what a playbook looks like.
    #[error("{file}: {what}")]
    Form {
        /// File.
        file: String,
        /// What the reader said.
        what: String,
    },
    /// A part of it names what does not exist.
    #[error("{file}, step {step}: {what}")]
    Step {
        /// File.
        file: String,
        /// Id of the step, or its number where it has none.
        step: String,
        /// What is wrong.
        what: String,
    },
}

impl Playbook {
    /// Reads one file; `file` is its name for messages, and without `.toml` its id.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read(file: &str, text: &str) -> Result<Self, Vec<Flaw>> {
        let name = file.to_owned();
        if text.len() > LARGEST {
            return Err(vec![Flaw::TooLong { file: name }]);
        }
        let book: Self = toml::from_str(text).map_err(|error| {
            vec![Flaw::Form { file: name.clone(), what: error.message().to_owned() }]
        })?;
        let flaws = book.flaws(file);
        if flaws.is_empty() { Ok(book) } else { Err(flaws) }
    }

    /// The step with an id.
    pub fn step(&self, id: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.id == id)
    }

    fn flaws(&self, file: &str) -> Vec<Flaw> {
        let form = |what: String| Flaw::Form { file: file.to_owned(), what };
        let mut flaws = Vec::new();
        let stem = file.rsplit('/').next().unwrap_or(file);
        if stem.strip_suffix(".toml") != Some(self.id.as_str()) {
            flaws.push(form(format!("its id is {}, not the name of the file", self.id)));
        }
        if self.steps.is_empty() || self.steps.len() > STEPS {
            flaws.push(form(format!(
                "it has {} steps; 1 to {STEPS} are possible",
                self.steps.len()
            )));
        }
        for cause in &self.causes {
            if CauseText::get(cause).is_none() {
                flaws.push(form(format!("there is no cause {cause}")));
            }
        }
        let mut seen = BTreeSet::new();
        for (at, step) in self.steps.iter().enumerate() {
            let name = if step.id.is_empty() { (at + 1).to_string() } else { step.id.clone() };
            let mut add = |what: String| {
                flaws.push(Flaw::Step { file: file.to_owned(), step: name.clone(), what });
            };
            if step.id.is_empty() || !seen.insert(&step.id) {
                add("it needs an id of its own".to_owned());
            }
            for what in step.flaws(self) {
                add(what);
            }
        }
        flaws
    }
}

impl Step {
    fn flaws(&self, book: &Playbook) -> Vec<String> {
        let mut flaws = Vec::new();
        match (&self.look, &self.act) {
            (Some(look), None) => {
                if CheckId::parse(look).is_none() {
                    flaws.push(format!("there is no look {look}"));
                }
            }
            (None, Some(act)) => {
                if !REMEDIES.contains(&act.as_str()) {
                    flaws.push(format!("there is no remedy {act}"));
                }
                if !self.show.is_empty() {
                    flaws.push("a step that acts shows its own command".to_owned());
                }
            }
            (Some(_), Some(_)) => flaws.push("it looks or it acts, not both".to_owned()),
            (None, None) => {
                flaws.push("nothing would close it: it needs a look or an act".to_owned());
            }
        }
        if self.by_hand && self.look.is_none() {
            flaws.push("what is done by hand is closed by a look".to_owned());
        }
        flaws.extend(self.show.iter().filter_map(|word| strange(word)));
        if self.show.first().is_some_and(|word| word.contains('{') || word.contains('/')) {
            flaws.push("the command is a name, not a path or a placeholder".to_owned());
        }
        for field in [&self.title, &self.junior, &self.normal, &self.expert, &self.why] {
            if field.trim().is_empty() || field.chars().any(char::is_control) {
                flaws.push("it has words that are empty or hold control characters".to_owned());
                break;
            }
        }
        for next in self.after.all() {
            if book.step(next).is_none() {
                flaws.push(format!("it goes on at {next}, which does not exist"));
            }
        }
        flaws
    }
}

/// What makes a word of a shown command no plain word.
fn strange(word: &str) -> Option<String> {
    const SHELL: [char; 12] = ['|', ';', '&', '>', '<', '`', '$', '\n', '\\', '\'', '"', '*'];
    if let Some(c) = word.chars().find(|c| SHELL.contains(c) || c.is_control()) {
        return Some(format!("the command holds {c:?}: it is shown as words, not as a shell line"));
    }
    let mut rest = word;
    while let Some((_, after)) = rest.split_once('{') {
        let Some((name, tail)) = after.split_once('}') else {
            return Some(format!("{word} opens a brace and does not close it"));
        };
        if !PLACEHOLDERS.contains(&name) {
            return Some(format!("there is no placeholder {{{name}}}"));
        }
        rest = tail;
    }
    None
}

impl After {
    fn all(&self) -> impl Iterator<Item = &str> {
        let all = [&self.good, &self.bad, &self.fixed, &self.not_fixed];
        all.into_iter().filter_map(Option::as_deref)
    }
}

/// Every playbook that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Playbooks {
    all: Vec<Playbook>,
}

macro_rules! books {
    ($($id:literal),* $(,)?) => {
        [$((concat!($id, ".toml"), include_str!(concat!("../../assets/playbooks/", $id, ".toml")))),*]
    };
}

/// Id of the walk through everything.
pub const CHECKLIST: &str = "checklist";

const FILES: &[(&str, &str)] = &books![
    "app-config",
    "app-crash",
    "app-start",
    "app-stopped",
    "buffers",
    "checklist",
    "container-network",
    "container-state",
    "firewall",
    "gateway-config",
    "gateway-down",
    "limits",
    "managed-program",
    "memory",
    "names",
    "not-the-gateway",
    "pm2-boot",
    "port-taken",
    "saturation",
    "socket",
    "timeouts",
    "tls",
    "wrong-address",
];

/// A file with a flaw is left out; a test keeps that from happening.
static EMBEDDED: LazyLock<Playbooks> = LazyLock::new(|| Playbooks {
    all: FILES.iter().filter_map(|(file, text)| Playbook::read(file, text).ok()).collect(),
});

impl Default for &Playbooks {
    fn default() -> Self {
        Playbooks::embedded()
    }
}

impl Playbooks {
    /// Those that are built in.
    pub fn embedded() -> &'static Self {
        &EMBEDDED
    }

    /// These and those of the user, file by file as name and text. A playbook of the user stands
    /// before one that is built in for the same cause, and in the place of one with the same id; of
    /// two files with the same id the first counts.
    /// What is wrong with the user's is told, and left out.
    pub fn with<'a>(
        &self,
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> (Self, Vec<Flaw>) {
        let mut all: Vec<Playbook> = Vec::new();
        let mut flaws = Vec::new();
        for (file, text) in files {
            match Playbook::read(file, text) {
                Ok(book) if all.iter().any(|other| other.id == book.id) => {}
                Ok(book) => all.push(book),
                Err(found) => flaws.extend(found),
            }
        }
        let own: BTreeSet<String> = all.iter().map(|book| book.id.clone()).collect();
        all.extend(self.all.iter().filter(|book| !own.contains(&book.id)).cloned());
        (Self { all }, flaws)
    }

    /// All of them.
    pub fn all(&self) -> &[Playbook] {
        &self.all
    }

    /// The one with this id.
    pub fn get(&self, id: &str) -> Option<&Playbook> {
        self.all.iter().find(|book| book.id == id)
    }

    /// The first one for a cause.
    pub fn for_cause(&self, cause: &str) -> Option<&Playbook> {
        self.all.iter().find(|book| book.causes.iter().any(|id| id == cause))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_playbook_that_is_built_in_is_sound() {
        for (file, text) in FILES {
            let read = Playbook::read(file, text);
            assert!(read.is_ok(), "{:#?}", read.err());
        }
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/playbooks");
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), FILES.len(), "one is not listed");
    }

    #[test]
    fn every_cause_with_a_rule_has_a_playbook_or_says_why_there_is_no_remedy() {
        for cause in CauseText::all().iter().filter(|cause| cause.rule) {
            let known = Playbooks::embedded().for_cause(&cause.id).is_some();
            assert!(known || cause.no_remedy.is_some(), "{}", cause.id);
        }
    }

    #[test]
    fn a_playbook_acts_only_where_its_causes_have_that_remedy() {
        for book in Playbooks::embedded().all().iter().filter(|book| !book.causes.is_empty()) {
            for act in book.steps.iter().filter_map(|step| step.act.as_ref()) {
                let fits =
                    |id: &String| CauseText::get(id).is_some_and(|c| c.remedies.contains(act));
                let general = ["restart-policy", "enable-unit"].contains(&act.as_str());
                assert!(general || book.causes.iter().any(fits), "{}: {act}", book.id);
            }
        }
    }

    #[test]
    fn every_step_speaks_to_all_three() {
        for book in Playbooks::embedded().all() {
            for step in &book.steps {
                let at = format!("{}, {}", book.id, step.id);
                let longest = [(&step.junior, 700), (&step.normal, 360), (&step.expert, 180)];
                for (words, most) in longest {
                    assert!(words.chars().count() <= most, "{at}: {words}");
                    assert!(words.ends_with(['.', '?', ':']), "{at}: {words}");
                }
                assert!(step.junior.len() >= step.expert.len(), "{at}");
                assert!(step.title.chars().count() <= 48, "{at}: {}", step.title);
            }
        }
    }

    const GOOD: &str = r#"
        id = "mine"
        title = "Mine"
        causes = ["app-unit-stopped"]
        [[step]]
        id = "a"
        title = "Start it"
        act = "start-unit"
        junior = "A."
        normal = "A."
        expert = "A."
        why = "A."
    "#;

    fn flaw(from: &str, to: &str) -> String {
        let text = GOOD.replace(from, to);
        assert_ne!(text, GOOD);
        let flaws = Playbook::read("mine.toml", &text).unwrap_err();
        flaws.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_does_not_exist_is_named_with_file_and_step() {
        Playbook::read("mine.toml", GOOD).unwrap();
        let act = "act = \"start-unit\"";
        let said = flaw(act, "act = \"delete-everything\"");
        assert_eq!(said, "mine.toml, step a: there is no remedy delete-everything");
        assert!(flaw(act, "look = \"x\"").contains("step a: there is no look x"));
        assert!(flaw(act, "").contains("nothing would close it"));
        assert!(flaw("app-unit-stopped", "x").contains("mine.toml: there is no cause x"));
        assert!(flaw("id = \"mine\"", "id = \"other\"").contains("not the name of the file"));
        assert!(
            flaw(act, "act = \"start-unit\"\nafter = {fixed = \"b\"}").contains("goes on at b")
        );
        assert!(flaw(act, "act = \"start-unit\"\nrun = \"rm\"").contains("unknown field"));
    }

    #[test]
    fn a_shown_command_is_words_and_never_a_line_for_a_shell() {
        let act = "act = \"start-unit\"";
        let show = |words: &str| flaw(act, &format!("look = \"disk\"\nshow = {words}"));
        assert!(show(r#"["sh", "-c", "df | sort"]"#).contains("'|'"));
        assert!(show(r#"["rm", "{home}"]"#).contains("no placeholder {home}"));
        assert!(show(r#"["{unit}"]"#).contains("not a path or a placeholder"));
        assert!(show(r#"["df", "{unit"]"#).contains("does not close"));
    }

    #[test]
    fn the_users_playbook_stands_before_the_built_in_one() {
        let (all, flaws) = Playbooks::embedded().with([("mine.toml", GOOD), ("bad.toml", "x")]);
        assert_eq!(all.for_cause("app-unit-stopped").unwrap().id, "mine");
        assert_eq!(flaws.len(), 1);
        assert!(flaws[0].to_string().starts_with("bad.toml: "));
        let own = GOOD.replace("id = \"mine\"", "id = \"memory\"");
        let (all, _) = Playbooks::embedded().with([("/etc/x/memory.toml", own.as_str())]);
        assert_eq!(all.get("memory").unwrap().title, "Mine");
        assert_eq!(all.all().len(), Playbooks::embedded().all().len());
    }
}

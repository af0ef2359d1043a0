//! The daemon's own test, before it is asked to read what stands on disk.

use crate::{
    action::edit::{self, Rehearsal, TRIAL_DEADLINE, Trial, rehearse_all, test_of_unit},
    observation::Text,
    remedy::{Action, Check, ConfigTest, Daemon, FileEdit, Guard},
};

use super::Ground;

const GUARD: Guard = Guard::ConfigTest;

/// Looks at one action. A plan that edits files is tested as it will be when all of them are
/// written, once for each daemon: the first action that it concerns speaks for the others.
pub(super) async fn look(action: &Action, ground: Ground<'_>) -> Vec<Check> {
    let Some(test) = test_of(action, ground) else {
        // A start that fails leaves it as it was.
        if matches!(action, Action::StartUnit { .. }) {
            return Vec::new();
        }
        return vec![Check::note(GUARD, no_test(action, ground))];
    };
    let first = ground.plan.steps.iter().find(|step| {
        step.guards().contains(&GUARD) && test_of(step, ground).as_ref() == Some(&test)
    });
    if first.is_some_and(|first| first != action) {
        return Vec::new();
    }
    let edits = edits_of(ground, &test);
    // When they cannot be, the guard of the file says why.
    let Ok(files) = rehearse_all(&edits) else { return Vec::new() };
    let files: Vec<&Rehearsal> = files.iter().collect();
    let trial = edit::try_candidates(&test, &files, ground.case, TRIAL_DEADLINE).await;
    checks(trial, &consequence(ground, &test, !files.is_empty()))
}

/// Every edit whose files this daemon reads.
fn edits_of<'a>(ground: Ground<'a>, test: &ConfigTest) -> Vec<&'a FileEdit> {
    let edit = |step: &'a Action| match step {
        Action::EditFile(edit) if edit.test.as_ref() == Some(test) => Some(edit),
        _ => None,
    };
    ground.plan.steps.iter().filter_map(edit).collect()
}

fn test_of(action: &Action, ground: Ground<'_>) -> Option<ConfigTest> {
    match action {
        Action::EditFile(edit) => edit.test.clone(),
        Action::ReloadGateway { gateway, .. } | Action::RestartGateway { gateway, .. } => {
            Some(ConfigTest::of_gateway(gateway))
        }
        Action::ReloadUnit { unit } | Action::RestartUnit { unit } | Action::StartUnit { unit } => {
            test_of_unit(unit, ground.case)
        }
        _ => None,
    }
}

fn no_test(action: &Action, ground: Ground<'_>) -> String {
    let what = match action {
        Action::EditFile(edit) => edit.file.to_string(),
        _ => action.unit().map_or_else(|| ground.plan.whom.clone(), ToString::to_string),
    };
    format!("{}: it has no test that is known here", Text::new(what))
}

/// What a refusal means for the step that follows.
fn consequence(ground: Ground<'_>, test: &ConfigTest, edited: bool) -> String {
    let concerned = |step: &&Action| {
        !matches!(step, Action::EditFile(_)) && test_of(step, ground).as_ref() == Some(test)
    };
    let step = ground.plan.steps.iter().find(concerned);
    let row = match test {
        ConfigTest::Nginx { .. } => Daemon::of_program("nginx"),
        ConfigTest::Gateway { gateway } => {
            gateway.kind().and_then(|kind| Daemon::of_program(kind.as_str()))
        }
        ConfigTest::PhpFpm { .. } => Daemon::of_program("php-fpm"),
        ConfigTest::Apache => Daemon::of_program("apache2"),
        ConfigTest::Haproxy => Daemon::of_program("haproxy"),
    };
    let atomic = row.is_some_and(|row| row.reload_is_atomic);
    match step {
        Some(Action::RestartUnit { .. } | Action::RestartGateway { .. }) => {
            "a restart would not come back".to_owned()
        }
        Some(Action::StartUnit { .. }) => "it would end again at once".to_owned(),
        Some(_) if !atomic => "a reload would end it".to_owned(),
        Some(_) if edited => "nothing is written".to_owned(),
        Some(_) => "a reload would change nothing".to_owned(),
        None => "nothing is written".to_owned(),
    }
}

fn checks(trial: Trial, consequence: &str) -> Vec<Check> {
    match trial {
        Trial::Accepted { words, warnings } => {
            let warned = warnings.iter().map(|warning| {
                Check::note(GUARD, format!("it is accepted, with a warning: {warning}"))
            });
            [Check::clear(GUARD, words)].into_iter().chain(warned).collect()
        }
        Trial::Rejected { words, place } => {
            let place = place.map(|place| place.to_string());
            let at = place.filter(|place| !words.contains(place.as_str()));
            let at = at.map(|place| format!(" ({place})")).unwrap_or_default();
            vec![Check::refused(GUARD, format!("{words}{at}: {consequence}"))]
        }
        Trial::Late { words } => vec![Check::refused(GUARD, format!("{words}; {consequence}"))],
        Trial::Untested { why } => vec![Check::note(GUARD, format!("it was not tested: {why}"))],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{observation::Place, remedy::Regard};

    #[test]
    fn a_refusal_names_the_line_once_and_what_would_have_come_of_it() {
        let place = || Some(Place { file: Text::new("/etc/x.conf"), line: 3 });
        let words = "php-fpm8.2 -t refuses it: [/etc/x.conf:3] unknown entry 'garbage'";
        let trial = Trial::Rejected { words: words.to_owned(), place: place() };
        let said = checks(trial, "a restart would not come back");
        assert_eq!(said[0].regard, Regard::Refused);
        assert_eq!(said[0].words, format!("{words}: a restart would not come back"));
        let trial = Trial::Rejected { words: "no".to_owned(), place: place() };
        assert_eq!(checks(trial, "x")[0].words, "no (/etc/x.conf:3): x");
    }

    #[test]
    fn what_cannot_be_tested_is_said_and_what_hangs_is_refused() {
        let untested = checks(Trial::Untested { why: "only root can".into() }, "x");
        assert_eq!(untested[0].regard, Regard::Note);
        assert_eq!(checks(Trial::Late { words: "late".into() }, "x")[0].regard, Regard::Refused);
    }
}

//! What a program's own log names as the reason why it ended.

use crate::{
    diagnosis::{Confidence, Finding, Scene, words::CauseText},
    observation::{Origin, ProgramState},
};

use super::super::program_rule::{about_program, facts_of_program, log_command, missed_programs};

/// Signatures after which a program ends, and that say why.
const REASONS: [&str; 7] = [
    "app-bind-address-missing",
    "app-bind-failed",
    "app-boot-failure",
    "app-config-invalid",
    "app-workdir-or-user-missing",
    "disk-full-app",
    "node-heap-oom",
];

pub(super) fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    missed_programs(scene)
        .filter(|b| !matches!(b.who.state, ProgramState::Stopped | ProgramState::Absent))
        .filter_map(|backing| {
            let program = backing.who;
            let own = |fact: &&crate::evidence::LogFact| {
                matches!(&fact.origin, Origin::File(path) if program.logs.contains(path))
            };
            let fact = facts_of_program(scene, program, &REASONS).rfind(own)?;
            let text = CauseText::get(fact.signature.as_str())?;
            // Of one that runs again the line may be older than its last start.
            let sure = match program.state {
                ProgramState::Running | ProgramState::Starting => Confidence::Likely,
                _ => Confidence::Confirmed,
            };
            let summary = format!("{}: {}", program.id.name, lower(&text.title));
            let next = format!("read what its log says: {}", log_command(scene, program));
            Some(
                about_program(scene, backing, text.id.as_str(), sure, summary)
                    .with_some(Some(Scene::quote(fact)))
                    .check(next),
            )
        })
        .collect()
}

fn lower(title: &str) -> String {
    let mut chars = title.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{Confidence, testing::Host, testing_programs::supervisor},
        observation::ProgramState,
    };

    const AT: &str = "127.0.0.1:3000";

    #[test]
    fn a_folder_that_a_deploy_took_away_explains_what_supervisor_gave_up() {
        let log = "/var/log/supervisor/shop.err";
        let shop = supervisor("shop").claims(AT).state(ProgramState::GaveUp, "FATAL");
        let shop = shop.with(|p| p.logs = vec![log.into()]);
        let host = Host::passing_to(AT)
            .programs(shop)
            .refused(10, AT)
            .program_said(log, "supervisor: couldn't chdir to /srv/shop/current: ENOENT");
        let found = host.root("app-workdir-or-user-missing");
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.explains.contains(&"supervisor-fatal"), "{:?}", found.explains);
    }
}

//! A process manager replaced a worker because it grew over its limit.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    evidence::LogFact,
};

use super::{
    program_rule::{about_program, facts_of_program, fails_near},
    rule::{Rule, about_unit},
};

pub(super) const RULE: Rule = Rule { cause: "app-recycled-memory", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let ids = [RULE.cause];
    let mut found = Vec::new();
    for backing in scene.programs() {
        let lines: Vec<&LogFact> = facts_of_program(scene, backing.who, &ids).collect();
        let name = backing.who.id.name.to_string();
        let Some((sure, summary)) = weigh(scene, &lines, &backing.chains, backing.missing, &name)
        else {
            continue;
        };
        let finding = about_program(scene, backing, RULE.cause, sure, summary);
        found.push(finish(finding, &lines));
    }
    for backing in scene.units() {
        let lines: Vec<&LogFact> = scene.facts_of_unit(backing.who, &ids).collect();
        let name = backing.who.name.to_string();
        let Some((sure, summary)) = weigh(scene, &lines, &backing.chains, backing.missing, &name)
        else {
            continue;
        };
        let finding = about_unit(scene, backing, RULE.cause, sure, summary);
        found.push(finish(finding, &lines));
    }
    found
}

/// How sure it is, and in words; `None` when nothing was replaced, or nobody was hurt by it.
fn weigh(
    scene: &Scene<'_>,
    lines: &[&LogFact],
    chains: &[usize],
    missing: bool,
    name: &str,
) -> Option<(Confidence, String)> {
    let hurt = lines.iter().any(|line| fails_near(scene, chains, line.at));
    if lines.is_empty() || !(hurt || missing || scene.failing_lately(chains)) {
        return None;
    }
    let times = match lines.len() {
        1 => "once".to_owned(),
        n => format!("{n} times"),
    };
    let summary =
        format!("{name} was restarted {times} because it grew over the memory that it is given");
    Some((if hurt { Confidence::Confirmed } else { Confidence::Likely }, summary))
}

fn finish(finding: Finding, lines: &[&LogFact]) -> Finding {
    finding
        .with_some(lines.last().map(|line| Scene::quote(line)))
        .since(lines.first().map(|line| line.at))
        .check("how often, and how fast does it grow? a leak comes back at a steady pace")
}

#[cfg(test)]
mod tests {
    use crate::diagnosis::{
        Confidence,
        testing::Host,
        testing_programs::{PM2_LOG, pm2},
    };

    const AT: &str = "127.0.0.1:3000";
    const LINE: &str = "2026-11-20T13:59:50: PM2 log: [PM2][WORKER] Process 0 restarted because it \
                        exceeds --max-memory-restart value (current_memory=524288000 \
                        max_memory_limit=314572800 [octets])";

    fn serving() -> Host {
        Host::passing_to(AT).programs(pm2("shop").claims(AT).runs(100)).listens(AT, 100)
    }

    #[test]
    fn a_restart_for_memory_that_cut_a_request_off_is_why_it_failed() {
        let host = serving().closed(10, AT).program_said(PM2_LOG, LINE);
        let found = host.root("app-recycled-memory");
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.subject.program.is_some());
        host.incident("app-recycled-memory", Confidence::Confirmed, r"shop");
    }

    #[test]
    fn one_that_hurt_nobody_or_another_program_is_silent() {
        serving().program_said(PM2_LOG, LINE).traffic(1, 200, 9).spares("app-recycled-memory");
        let other = LINE.replace("Process 0", "Process 7");
        serving().closed(10, AT).program_said(PM2_LOG, &other).spares("app-recycled-memory");
    }
}

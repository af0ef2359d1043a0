//! What a game is worth: a hundred points, and why each is missing.

use crate::{
    session::{figures::span, recovery::Past},
    verification::Verdict,
};

use super::{Practice, Veil};

/// Points for naming the cause.
const CAUSE: u32 = 35;
/// Of these for each wrong one.
pub(super) const WRONG: u32 = 10;
/// Of these for being shown the ranking.
pub(super) const BOUGHT: u32 = 20;
/// Points for naming it soon.
const TIME: u32 = 15;
/// Points for reading before acting.
const EVIDENCE: u32 = 15;
/// Points for doing no more than needed.
const REPAIR: u32 = 20;
/// Of these for each repair that was not needed.
const NEEDLESS: u32 = 10;
/// Points for a proof.
const PROOF: u32 = 15;
/// For each hint.
pub(super) const HINT: u32 = 5;
/// Seconds for which naming is soon, at level 1; each level adds as many.
const SOON: u64 = 60;

/// One part of the score.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// What it is for.
    pub what: &'static str,
    /// Points that were got; negative for what was taken away.
    pub got: i32,
    /// Points that can be got; 0 where there are none to get.
    pub of: u32,
    /// Why.
    pub why: String,
}

/// The score.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Score {
    /// Points, from 0 to 100.
    pub points: u32,
    /// What they are made of.
    pub marks: Vec<Mark>,
}

impl Score {
    /// What it amounts to, in a few words.
    pub const fn words(&self) -> &'static str {
        match self.points {
            90.. => "calm and right: as somebody does who has seen it before",
            70..=89 => "well done",
            45..=69 => "solved; the next one goes better",
            _ => "it answers again, and that is what counts",
        }
    }
}

/// Counts a game with the repairs that were carried out in it.
pub fn score(practice: &Practice, past: &[Past]) -> Score {
    let mut marks = vec![
        cause(practice),
        time(practice),
        evidence(practice),
        repair(practice, past),
        proof(past),
    ];
    if practice.hints > 0 {
        let lost = HINT.saturating_mul(u32::try_from(practice.hints).unwrap_or(u32::MAX));
        let why = format!("{} of {}", practice.hints, practice.task.hints.len());
        marks.push(Mark { what: "hints", got: -signed(lost), of: 0, why });
    }
    let sum: i32 = marks.iter().map(|mark| mark.got).fold(0, i32::saturating_add);
    Score { points: u32::try_from(sum.clamp(0, 100)).unwrap_or(0), marks }
}

fn signed(points: u32) -> i32 {
    i32::try_from(points).unwrap_or(i32::MAX)
}

fn mark(what: &'static str, got: u32, of: u32, why: String) -> Mark {
    Mark { what, got: signed(got), of, why }
}

fn cause(practice: &Practice) -> Mark {
    let wrong = practice.wrong();
    let lost = WRONG.saturating_mul(u32::try_from(wrong).unwrap_or(u32::MAX));
    let (full, how) = match practice.veil {
        Veil::Named => (CAUSE, "you named it".to_owned()),
        Veil::Bought => (CAUSE - BOUGHT, "the ranking was shown to you".to_owned()),
        Veil::Hidden => return mark("cause", 0, CAUSE, "not named".to_owned()),
    };
    let after = match wrong {
        0 => String::new(),
        1 => ", after another one".to_owned(),
        n => format!(", after {n} others"),
    };
    mark("cause", full.saturating_sub(lost), CAUSE, how + &after)
}

fn time(practice: &Practice) -> Mark {
    let Some(secs) = practice.cause_secs() else {
        return mark("time", 0, TIME, "no cause was named".to_owned());
    };
    let soon = SOON.saturating_mul(u64::from(practice.task.level.max(1)));
    // All of them until it is no longer soon, none at five times that.
    let late = secs.saturating_sub(soon).min(soon * 4);
    let lost = u64::from(TIME) * late / (soon * 4);
    let got = TIME.saturating_sub(u32::try_from(lost).unwrap_or(TIME));
    mark("time", got, TIME, format!("{} to the cause", short(secs)))
}

/// A time as people say it.
pub(super) fn short(secs: u64) -> String {
    if secs < 60 {
        return format!("{secs} s");
    }
    span(i64::try_from(secs).unwrap_or(i64::MAX))
}

fn evidence(practice: &Practice) -> Mark {
    let wanted = if practice.task.level <= 1 { 1 } else { 2 };
    let read = u32::try_from(practice.read.len()).unwrap_or(u32::MAX);
    let got = EVIDENCE * read.min(wanted) / wanted;
    let words: Vec<&str> = practice.read.iter().map(|reading| reading.words()).collect();
    let why = if words.is_empty() {
        "nothing was opened before the first repair".to_owned()
    } else {
        format!("you read {} before acting", words.join(", "))
    };
    mark("evidence", got, EVIDENCE, why)
}

fn repair(practice: &Practice, past: &[Past]) -> Mark {
    let done = past.iter().filter(|past| past.sequence.is_some() && !past.undo).count();
    let all = u32::try_from(done).unwrap_or(u32::MAX);
    // Whatever did not help stands beside those that were needed all the same.
    let needless = all.saturating_sub(practice.task.repairs);
    let got = REPAIR.saturating_sub(NEEDLESS.saturating_mul(needless));
    let why = match (all, needless) {
        (0, _) => return mark("repair", REPAIR, REPAIR, "done by hand".to_owned()),
        (_, 0) if all == 1 => "one, and it was the right one".to_owned(),
        (_, 0) => format!("{all}, each of them needed"),
        _ => format!("{all}, {needless} of them not needed"),
    };
    mark("repair", got, REPAIR, why)
}

fn proof(past: &[Past]) -> Mark {
    let fixed = past.iter().any(|past| past.verdict == Some(Verdict::Fixed) && !past.undo);
    if fixed {
        mark("proof", PROOF, PROOF, "requests proved it".to_owned())
    } else {
        mark("proof", 0, PROOF, "no repair was proved by requests".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::session::practice::{Named, Reading, Task};

    fn game(level: u8) -> Practice {
        let task = Task { level, repairs: 1, hints: vec![String::new(); 3], ..Task::default() };
        Practice::new(task)
    }

    fn named(right: bool, secs: u64) -> Named {
        Named { cause: format!("c{secs}"), right, secs }
    }

    #[test]
    fn whoever_reads_names_and_proves_has_all_points() {
        let mut practice = game(1);
        practice.veil = Veil::Named;
        practice.named = vec![named(true, 40)];
        practice.read.insert(Reading::Logs);
        let score = score(&practice, &[]);
        // Done by hand there is nothing that was proved.
        assert_eq!(score.points, 100 - PROOF, "{:?}", score.marks);
    }

    #[test]
    fn the_same_wrong_name_costs_once() {
        let mut practice = game(1);
        practice.named = vec![named(false, 4), named(false, 4), named(true, 9)];
        practice.veil = Veil::Named;
        let cause = score(&practice, &[]).marks.remove(0);
        assert_eq!(cause.got, signed(CAUSE - WRONG));
    }

    proptest! {
        #[test]
        fn points_stay_in_bounds_and_help_never_earns_any(
            level in 0_u8..9, hints in 0_usize..9, secs in proptest::collection::vec(any::<(bool, u64)>(), 0..6),
            bought in any::<bool>(),
        ) {
            let mut practice = game(level);
            practice.named = secs.into_iter().map(|(right, secs)| named(right, secs)).collect();
            if practice.named.iter().any(|named| named.right) {
                practice.veil = Veil::Named;
            }
            let alone = score(&practice, &[]).points;
            practice.hints = hints;
            let helped = score(&practice, &[]).points;
            prop_assert!(alone <= 100 && helped <= alone);
            if bought && practice.veil == Veil::Named {
                practice.veil = Veil::Bought;
                prop_assert!(score(&practice, &[]).points <= helped);
            }
        }
    }
}

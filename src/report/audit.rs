//! Records of what was done, for people.

use std::fmt::Write as _;

use jiff::{Timestamp, tz::TimeZone};

use crate::{
    action::audit::{Intent, Journal, Ledger, Outcome, Phase, Record},
    observation::Text,
    remedy::spoken,
};

/// Every record, oldest first, in local time with its offset.
pub fn text(ledger: &Ledger, zone: &TimeZone) -> String {
    let mut out = String::new();
    for record in &ledger.records {
        one(&mut out, record, zone);
    }
    let journal = match &ledger.journal {
        Journal::Names(same) if *same > 0 => format!("; the journal names {same} of them so"),
        Journal::Names(_) => "; the journal names none of them".to_owned(),
        Journal::Silent(why) => format!("; the journal was not asked: {why}"),
        Journal::Unasked => String::new(),
    };
    let _ = match ledger.faults.first() {
        None => writeln!(out, "{} records, the chain is whole{journal}", ledger.records.len()),
        Some(fault) => writeln!(
            out,
            "{} records, and the chain is BROKEN at line {}: {}",
            ledger.records.len(),
            fault.line,
            fault.why
        ),
    };
    out
}

fn one(out: &mut String, record: &Record, zone: &TimeZone) {
    let body = &record.body;
    let at = body
        .at
        .parse::<Timestamp>()
        .ok()
        .map(|at| at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string());
    // Only a stamp of ours can be read; another one is a text from outside.
    let at = at.unwrap_or_else(|| Text::new(&body.at).to_string());
    match &body.phase {
        Phase::Intent(intent) => {
            let _ = writeln!(out, "#{} {at}  {}", body.sequence, intent.who.words());
            self::intent(out, intent);
        }
        Phase::Result { of, outcome } => {
            let _ = writeln!(out, "#{} {at}  result of #{of}: {}", body.sequence, ended(outcome));
        }
    }
}

fn intent(out: &mut String, intent: &Intent) {
    let _ = writeln!(out, "    what  {}", intent.what.title());
    for command in &intent.what.commands {
        let words: Vec<String> = command.iter().map(ToString::to_string).collect();
        // A single word is a line as it stands.
        let line = if let [line] = words.as_slice() { line.clone() } else { spoken(&words) };
        let _ = writeln!(out, "          {line}");
    }
    if let Some(diff) = &intent.what.diff {
        let _ = writeln!(out, "    diff  sha256 {diff}");
    }
    let (cause, whom) = (Text::new(&intent.why.cause), &intent.why.whom);
    let _ = if intent.why.cause.is_empty() {
        writeln!(out, "    why   {whom}: {}", intent.why.finding)
    } else {
        writeln!(out, "    why   {cause} of {whom}: {}", intent.why.finding)
    };
    for evidence in &intent.why.evidence {
        let _ = writeln!(out, "          {evidence}");
    }
}

fn ended(outcome: &Outcome) -> String {
    let verdict = outcome.verdict.map_or("not judged", crate::verification::Verdict::words);
    format!("{verdict}. {}", outcome.words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        action::audit::{Body, What, Who, Why},
        remedy::Ending,
        verification::Verdict,
    };

    fn record(sequence: u64, phase: Phase) -> Record {
        Record {
            body: Body {
                version: 1,
                sequence,
                previous: String::new(),
                at: "2026-11-25T21:00:00Z".to_owned(),
                boot_us: 1,
                boot: Text::default(),
                torn: None,
                phase,
            },
            hash: String::new(),
            line: String::new(),
        }
    }

    #[test]
    fn a_junior_reads_who_did_what_why_and_what_came_of_it() {
        let who = Who {
            uid: 0,
            user: Text::new("root"),
            sudo_user: Some(Text::new("anna\u{1b}[2J")),
            login_uid: Some(1000),
            ssh_client: Some(Text::new("10.0.0.7")),
        };
        let what = What {
            steps: vec![Text::new("start php8.2-fpm.service")],
            commands: vec![vec![Text::new("systemctl"), Text::new("start")]],
            ..What::default()
        };
        let why = Why {
            cause: "app-unit-stopped".to_owned(),
            whom: Text::new("php8.2-fpm.service"),
            finding: Text::new("it was stopped"),
            evidence: vec![Text::new("inactive since 20:59")],
        };
        let words = Text::new("3 of 3 answers");
        let outcome = Outcome { ending: Ending::Verified, verdict: Some(Verdict::Fixed), words };
        let records = vec![
            record(1, Phase::Intent(Box::new(Intent { who, what, why }))),
            record(2, Phase::Result { of: 1, outcome }),
        ];
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        let shown = text(&Ledger { records, ..Ledger::default() }, &zone);
        let expected = "\
#1 2026-11-25 22:00:00 +01:00  anna␛[2J by sudo, logged in as uid 1000, from 10.0.0.7
    what  start php8.2-fpm.service
          systemctl start
    why   app-unit-stopped of php8.2-fpm.service: it was stopped
          inactive since 20:59
#2 2026-11-25 22:00:00 +01:00  result of #1: fixed. 3 of 3 answers
2 records, the chain is whole
";
        assert_eq!(shown, expected);
    }
}

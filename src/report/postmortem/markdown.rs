//! The document as Markdown.

use std::fmt::Write as _;

use crate::session::figures::count;

use super::{
    chart,
    document::{Bar, Cause, Deed, Evidence, PostMortem, Precaution, Share},
    escape::{block, code, own, prose},
};

/// Rows of the curve, and the width of its longest bar.
const ROWS: usize = 36;
const WIDTH: u64 = 40;

/// Writes it. `ascii` draws bars of plain characters.
pub fn markdown(report: &PostMortem, ascii: bool) -> String {
    let mut out = String::new();
    head(&mut out, report);
    impact(&mut out, report);
    timeline(&mut out, report, ascii);
    cause(&mut out, report);
    deeds(&mut out, report);
    changes(&mut out, report);
    prevention(&mut out, report);
    unseen(&mut out, report);
    appendix(&mut out, report);
    out
}

/// One paragraph.
fn paragraph(out: &mut String, text: &str) {
    if !text.is_empty() {
        let _ = writeln!(out, "{text}\n");
    }
}

fn heading(out: &mut String, text: &str) {
    let _ = writeln!(out, "## {text}\n");
}

fn head(out: &mut String, report: &PostMortem) {
    let _ = writeln!(out, "# {}\n", prose(&report.title));
    paragraph(out, &format!("**{}**", prose(&report.headline)));
    paragraph(
        out,
        &format!("Written from {}. Times are {}.", prose(&report.written_from), report.zone),
    );
    let _ = writeln!(out, "| Figure | | |\n|---|---|---|");
    for figure in &report.figures {
        let (name, value, note) = (prose(&figure.name), prose(&figure.value), prose(&figure.note));
        let _ = writeln!(out, "| {name} | **{value}** | {note} |");
    }
    out.push('\n');
}

fn impact(out: &mut String, report: &PostMortem) {
    heading(out, "Impact");
    paragraph(out, &prose(&report.impact.counted));
    for (title, list) in [
        ("Status", &report.impact.statuses),
        ("Upstream", &report.impact.upstreams),
        ("Asked for", &report.impact.urls),
        ("Host", &report.impact.hosts),
    ] {
        shares(out, title, list);
    }
}

fn shares(out: &mut String, title: &str, list: &[Share]) {
    if list.is_empty() {
        return;
    }
    let _ = writeln!(out, "| {title} | Failed | Share |\n|---|--:|--:|");
    for one in list {
        let _ =
            writeln!(out, "| {} | {} | {} % |", prose(&one.name), count(one.failures), one.percent);
    }
    out.push('\n');
}

fn timeline(out: &mut String, report: &PostMortem, ascii: bool) {
    heading(out, "Timeline");
    let rows = chart::rows(&report.timeline.bars, ROWS);
    if !rows.is_empty() {
        paragraph(out, &format!("Failed requests, {}:", report.timeline.day));
        block(out, &curve(&rows, ascii), 0);
        out.push('\n');
    }
    if report.timeline.marks.is_empty() {
        return paragraph(out, "Nothing else is known of this time.");
    }
    let _ = writeln!(out, "| Time | | What | Read from |\n|---|---|---|---|");
    for mark in &report.timeline.marks {
        let (what, source) = (prose(&mark.what), prose(&mark.source));
        let _ = writeln!(out, "| {} | {} {} | {what} | {source} |", mark.at, mark.shape, mark.kind);
    }
    out.push('\n');
    if report.timeline.more > 0 {
        paragraph(
            out,
            &format!(
                "And {} more, which no request depends on or for which there is no room.",
                count(report.timeline.more as u64)
            ),
        );
    }
}

/// `14:02  ██████████  41 of 52  502`.
fn curve(rows: &[Bar], ascii: bool) -> Vec<String> {
    let most = rows.iter().map(Bar::failures).max().unwrap_or(1).max(1);
    let times = rows.iter().map(|bar| bar.at.chars().count()).max().unwrap_or(0);
    let numbers = rows.iter().map(|bar| count(bar.failures()).len()).max().unwrap_or(0);
    let sign = if ascii { "#" } else { "█" };
    rows.iter()
        .map(|bar| {
            let n = bar.failures();
            let wide =
                usize::try_from((u128::from(n) * u128::from(WIDTH)).div_ceil(u128::from(most)));
            let drawn = sign.repeat(wide.unwrap_or(0));
            let statuses: Vec<String> = bar
                .by_status
                .iter()
                .filter(|(status, _)| *status != 0)
                .map(|(s, _)| s.to_string())
                .collect();
            let of = bar.requests.map(|all| format!(" of {}", count(all))).unwrap_or_default();
            let said = match (n, bar.known) {
                (0, false) => "not known".to_owned(),
                (0, true) => String::new(),
                _ => format!("{:>numbers$}{of}  {}", count(n), statuses.join(" ")),
            };
            let pad = usize::try_from(WIDTH).unwrap_or(0).saturating_sub(wide.unwrap_or(0));
            format!("{:<times$}  {drawn}{}  {said}", bar.at, " ".repeat(pad)).trim_end().to_owned()
        })
        .collect()
}

fn piece(sign: &str, one: &Evidence) -> String {
    let mut said = Vec::new();
    if !one.at.is_empty() {
        said.push(one.at.clone());
    }
    if !one.origin.is_empty() {
        said.push(prose(&one.origin));
    }
    let source = if said.is_empty() { String::new() } else { format!(" ({})", said.join(", ")) };
    format!("- **{sign}** {}{source}", prose(&one.what))
}

fn cause(out: &mut String, report: &PostMortem) {
    heading(out, "Cause");
    match &report.cause {
        Some(cause) => the_cause(out, cause),
        None => paragraph(out, &prose(&report.cause_note)),
    }
    if !report.others.is_empty() {
        paragraph(out, "Beside it:");
        for other in &report.others {
            let over = if other.over { ", over" } else { "" };
            let _ = writeln!(
                out,
                "- {} ({}, {}{over})",
                prose(&other.summary),
                code(&other.id),
                other.confidence
            );
        }
        out.push('\n');
    }
}

fn the_cause(out: &mut String, cause: &Cause) {
    let mut said = vec![code(&cause.id)];
    if !cause.confidence.is_empty() {
        said.push(cause.confidence.clone());
    }
    if !cause.since.is_empty() {
        said.push(format!("since {}", cause.since));
    }
    let _ = writeln!(out, "**{}** ({})\n", prose(&cause.summary), said.join(", "));
    for text in [&cause.note, &cause.what, &cause.why] {
        paragraph(out, &own(text));
    }
    let mut any = false;
    for one in &cause.evidence {
        let _ = writeln!(out, "{}", piece("for", one));
        any = true;
    }
    for one in &cause.against {
        let _ = writeln!(out, "{}", piece("against", one));
        any = true;
    }
    for one in &cause.missing {
        let _ = writeln!(out, "- **missing** {}", prose(one));
        any = true;
    }
    if any {
        out.push('\n');
    }
    if !cause.changed_before.is_empty() {
        paragraph(out, &format!("Changed before: {}", prose(&cause.changed_before)));
    }
    if !cause.explains.is_empty() {
        let ids: Vec<String> = cause.explains.iter().map(|id| code(id)).collect();
        paragraph(out, &format!("It explains {}.", ids.join(", ")));
    }
    for (word, text) in [("What cures it", &cause.fix), ("What does not", &cause.do_not)] {
        if !text.is_empty() {
            paragraph(out, &format!("{word}: {}", own(text)));
        }
    }
}

fn prose_or_nothing(text: &str) -> String {
    if text.is_empty() { String::new() } else { prose(text) }
}

fn deeds(out: &mut String, report: &PostMortem) {
    heading(out, "What was done");
    paragraph(out, &prose_or_nothing(&report.deeds_note));
    for deed in &report.deeds {
        one_deed(out, deed);
    }
    if !report.deeds.is_empty() {
        out.push('\n');
    }
}

fn one_deed(out: &mut String, deed: &Deed) {
    let _ = writeln!(
        out,
        "- {} **{}**: {}, by {}",
        deed.at,
        deed.verdict,
        prose(&deed.what),
        prose(&deed.by)
    );
    if !deed.against.is_empty() {
        let _ = writeln!(out, "  - against {}", prose(&deed.against));
    }
    for command in &deed.commands {
        let _ = writeln!(out, "  - {}", code(command));
    }
    if !deed.result.is_empty() {
        let took =
            if deed.took.is_empty() { String::new() } else { format!(" (after {})", deed.took) };
        let _ = writeln!(out, "  - result: {}{took}", prose(&deed.result));
    }
}

fn changes(out: &mut String, report: &PostMortem) {
    heading(out, "What changed before");
    for change in &report.changes {
        let distance = if change.distance.is_empty() {
            String::new()
        } else {
            format!(", {}", prose(&change.distance))
        };
        let _ = writeln!(
            out,
            "- {}{distance}: {} ({})",
            change.at,
            prose(&change.what),
            prose(&change.source)
        );
    }
    if !report.changes.is_empty() {
        out.push('\n');
    }
    paragraph(out, &report.changes_note);
}

fn prevention(out: &mut String, report: &PostMortem) {
    heading(out, "What would have prevented it, or shown it earlier");
    if report.prevention.is_empty() {
        return paragraph(out, "Nothing can be judged: no gateway was found.");
    }
    paragraph(
        out,
        "Judged by what was seen on this host. **!** marks what would have mattered this time.",
    );
    for row in &report.prevention {
        one_row(out, row);
    }
    out.push('\n');
}

fn one_row(out: &mut String, row: &Precaution) {
    let tick = if row.standing == "present" { "x" } else { " " };
    let mark = if row.this_time { " **!**" } else { "" };
    let _ = writeln!(
        out,
        "- [{tick}]{mark} **{}**: {}, for {}",
        row.title,
        row.standing,
        prose(&row.whom)
    );
    for one in &row.evidence {
        let origin = if one.origin.is_empty() {
            String::new()
        } else {
            format!(" ({})", prose(&one.origin))
        };
        let _ = writeln!(out, "  - {}{origin}", prose(&one.what));
    }
    if row.standing == "present" || row.add.is_empty() {
        return;
    }
    let _ = writeln!(out, "  - {} Add in {}:\n", row.why, prose(&row.place));
    block(out, &row.add, 4);
    if !row.then.is_empty() {
        let _ = writeln!(out, "\n    then\n");
        block(out, &row.then, 4);
    }
    if !row.mind.is_empty() {
        let _ = writeln!(out, "\n    {}", own(row.mind));
    }
    out.push('\n');
}

fn unseen(out: &mut String, report: &PostMortem) {
    heading(out, "What could not be seen");
    for spot in &report.unseen {
        let why =
            if spot.why.is_empty() { String::new() } else { format!(": {}", prose(&spot.why)) };
        let _ = writeln!(out, "- **{}** {}{why}", spot.source, prose(&spot.what));
        for (word, text) in [("hides", &spot.hides), ("to open it:", &spot.grant)] {
            if !text.is_empty() {
                let _ = writeln!(out, "  - {word} {}", prose(text));
            }
        }
    }
    for lost in &report.lost {
        let _ = writeln!(out, "- **lost** {}", prose(lost));
    }
    if report.unseen.is_empty() && report.lost.is_empty() {
        let _ = writeln!(out, "Nothing was out of sight and nothing was lost.");
    }
    out.push('\n');
}

fn appendix(out: &mut String, report: &PostMortem) {
    heading(out, "Appendix");
    for line in &report.lines {
        let times = if line.count > 1 {
            format!(", {} times, this one last", count(line.count))
        } else {
            String::new()
        };
        let meaning = if line.meaning.is_empty() {
            String::new()
        } else {
            format!(": {}", prose(&line.meaning))
        };
        let _ = writeln!(out, "- {}, {}{times}{meaning}\n", line.at, prose(&line.origin));
        block(out, std::slice::from_ref(&line.text), 2);
        out.push('\n');
    }
    let _ = writeln!(out, "| Source | | |\n|---|---|---|");
    for source in &report.sources {
        let _ = writeln!(
            out,
            "| {} | {} | {} |",
            prose(&source.name),
            prose(&source.value),
            prose(&source.note)
        );
    }
}

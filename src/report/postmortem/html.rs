//! The document as one HTML page: no script, no font and no picture from elsewhere. Its policy for
//! browsers allows nothing but its own style. maud escapes every text and every attribute.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::session::figures::count;

use super::{
    document::{
        Cause, Deed, Evidence, Figure, Impact, Line, Mark, PostMortem, Precaution, Share, Timeline,
        Unseen,
    },
    svg::{chart, class},
};

const STYLE: &str = include_str!("../../../assets/report/page.css");
/// What a browser may load for it: nothing. `style-src` is for the style in the page.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/// Sections with their names in the page.
const SECTIONS: [(&str, &str); 8] = [
    ("impact", "Impact"),
    ("timeline", "Timeline"),
    ("cause", "Cause"),
    ("done", "What was done"),
    ("changed", "What changed before"),
    ("prevention", "Prevention"),
    ("unseen", "Out of sight"),
    ("appendix", "Appendix"),
];

/// Writes it.
pub fn html(report: &PostMortem) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                meta name="generator" content={ "gatemedic " (env!("CARGO_PKG_VERSION")) };
                title { (report.title) }
                link rel="icon" href="data:,";
                style { (PreEscaped(STYLE)) }
            }
            body {
                (head(report))
                main {
                    section #impact { h2 { "Impact" } (impact(&report.impact)) }
                    section #timeline { h2 { "Timeline" } (timeline(&report.timeline)) }
                    section #cause { h2 { "Cause" } (cause(report)) }
                    section #done { h2 { "What was done" } (deeds(report)) }
                    section #changed { h2 { "What changed before" } (changes(report)) }
                    section #prevention {
                        h2 { "What would have prevented it, or shown it earlier" }
                        (prevention(&report.prevention))
                    }
                    section #unseen { h2 { "What could not be seen" } (unseen(report)) }
                    section #appendix { h2 { "Appendix" } (appendix(report)) }
                }
                footer { p { "Written by gatemedic " (env!("CARGO_PKG_VERSION")) " from " (report.written_from) "." } }
            }
        }
    };
    page.into_string() + "\n"
}

fn head(report: &PostMortem) -> Markup {
    let (tone, word) = match report.state {
        "failing" => ("bad", "Requests fail"),
        "over" => ("good", "Over"),
        _ => ("plain", "No failed requests"),
    };
    html! {
        header {
            span class={ "pill " (tone) } { (word) }
            h1 { (report.title) }
            p.soft { (report.host) " · written from " (report.written_from) " · times are " (report.zone) }
            p.lead { (report.headline) }
            dl.figures {
                @for figure in &report.figures {
                    div {
                        dt { (figure.name) }
                        dd.value { (figure.value) }
                        @if !figure.note.is_empty() { dd.soft { (figure.note) } }
                    }
                }
            }
            nav { @for (id, name) in SECTIONS { a href={ "#" (id) } { (name) } } }
        }
    }
}

fn impact(impact: &Impact) -> Markup {
    html! {
        p.soft { (impact.counted) }
        div.tables {
            @for (title, list) in [
                ("Status", &impact.statuses),
                ("Upstream", &impact.upstreams),
                ("Asked for", &impact.urls),
                ("Host", &impact.hosts),
            ] { (shares(title, list)) }
        }
    }
}

fn shares(title: &str, list: &[Share]) -> Markup {
    html! {
        @if !list.is_empty() {
            table {
                thead { tr { th { (title) } th.n { "Failed" } th.n { "Share" } } }
                tbody {
                    @for one in list {
                        tr {
                            td { (one.name) span.meter { i style={ "width:" (one.percent.min(100)) "%" } {} } }
                            td.n { (count(one.failures)) }
                            td.n { (one.percent) " %" }
                        }
                    }
                }
            }
        }
    }
}

fn timeline(timeline: &Timeline) -> Markup {
    let mut statuses: Vec<u16> = timeline
        .bars
        .iter()
        .flat_map(|bar| bar.by_status.iter().map(|(status, _)| *status))
        .collect();
    statuses.sort_unstable();
    statuses.dedup();
    let each =
        if timeline.step == 1 { "minute".to_owned() } else { format!("{} minutes", timeline.step) };
    html! {
        p.soft { "Failed requests in each " (each) ", " (timeline.day) "." }
        ul.legend {
            @for status in statuses {
                li { i class=(class(status)) {} @if status == 0 { "failed tries" } @else { (status) } }
            }
            @if timeline.bars.iter().any(|bar| !bar.known) { li { i.hole {} "not known" } }
        }
        (chart(timeline))
        ol.moments {
            @for (at, mark) in timeline.marks.iter().enumerate() { (moment(at + 1, mark)) }
        }
        @if timeline.marks.is_empty() { p.soft { "Nothing else is known of this time." } }
        @if timeline.more > 0 {
            p.soft { "And " (count(timeline.more as u64)) " more, which no request depends on or for which there is no room." }
        }
    }
}

fn moment(number: usize, mark: &Mark) -> Markup {
    html! {
        li id={ "m" (number) } {
            span.n { (number) }
            time { (mark.at) }
            span class={ "kind " (mark.tone) } { (mark.shape) " " (mark.kind) }
            span.text { (mark.what) " " span.soft { (mark.source) } }
        }
    }
}

fn cause(report: &PostMortem) -> Markup {
    html! {
        @match &report.cause {
            Some(cause) => (the_cause(cause)),
            None => p { (report.cause_note) },
        }
        @if !report.others.is_empty() {
            h3 { "Beside it" }
            ul {
                @for other in &report.others {
                    li { (other.summary) " " span.soft { code { (other.id) } " " (other.confidence) @if other.over { ", over" } } }
                }
            }
        }
    }
}

fn the_cause(cause: &Cause) -> Markup {
    let tone = match cause.confidence.as_str() {
        "confirmed" => "good",
        "possible" => "warn",
        _ => "plain",
    };
    html! {
        p.summary { (cause.summary) }
        p {
            @if !cause.confidence.is_empty() { span class={ "pill " (tone) } { (cause.confidence) } " " }
            code { (cause.id) }
            @if !cause.since.is_empty() { span.soft { " since " (cause.since) } }
        }
        @if !cause.note.is_empty() { p.note { (cause.note) } }
        @if !cause.what.is_empty() { p { (own(&cause.what)) " " (own(&cause.why)) } }
        @if !(cause.evidence.is_empty() && cause.against.is_empty() && cause.missing.is_empty()) {
            h3 { "Evidence" }
            ul.pieces {
                @for one in &cause.evidence { (piece("for", "good", one)) }
                @for one in &cause.against { (piece("against", "bad", one)) }
                @for one in &cause.missing { li { b.warn { "missing" } span { (one) } } }
            }
        }
        @if !cause.changed_before.is_empty() { p { b { "Changed before: " } (cause.changed_before) } }
        @if !cause.explains.is_empty() {
            p.soft { "It explains " @for id in &cause.explains { code { (id) } " " } }
        }
        @if !cause.fix.is_empty() { p { b { "What cures it: " } (own(&cause.fix)) } }
        @if !cause.do_not.is_empty() { p { b { "What does not: " } (own(&cause.do_not)) } }
    }
}

/// A text of this program, which marks what is to be typed with backticks.
fn own(text: &str) -> Markup {
    html! {
        @for (at, part) in text.split('`').enumerate() {
            @if at % 2 == 0 { (part) } @else { code { (part) } }
        }
    }
}

fn piece(word: &str, tone: &str, one: &Evidence) -> Markup {
    html! {
        li {
            b class=(tone) { (word) }
            span {
                (one.what) " "
                span.soft { (one.at) @if !one.at.is_empty() && !one.origin.is_empty() { ", " } (one.origin) }
            }
        }
    }
}

fn deeds(report: &PostMortem) -> Markup {
    html! {
        @if !report.deeds_note.is_empty() { p.soft { (report.deeds_note) } }
        @for deed in &report.deeds { (one_deed(deed)) }
    }
}

fn one_deed(deed: &Deed) -> Markup {
    html! {
        div class={ "deed " (deed.tone) } {
            p { span class={ "pill " (deed.tone) } { (deed.verdict) } " " b { (deed.what) } }
            p.soft { (deed.at) " by " (deed.by) @if !deed.against.is_empty() { ", against " (deed.against) } }
            @for command in &deed.commands { pre { code { (command) } } }
            @if !deed.result.is_empty() {
                p { (deed.result) @if !deed.took.is_empty() { span.soft { " after " (deed.took) } } }
            }
        }
    }
}

fn changes(report: &PostMortem) -> Markup {
    html! {
        @if !report.changes.is_empty() {
            table {
                thead { tr { th { "When" } th { "What" } th { "Read from" } } }
                tbody {
                    @for change in &report.changes {
                        tr {
                            td { (change.at) @if !change.distance.is_empty() { br; span.soft { (change.distance) } } }
                            td { @if change.near { b { (change.what) } } @else { (change.what) } }
                            td.soft { (change.source) }
                        }
                    }
                }
            }
        }
        @if !report.changes_note.is_empty() { p.soft { (report.changes_note) } }
    }
}

fn prevention(list: &[Precaution]) -> Markup {
    html! {
        @if list.is_empty() { p { "Nothing can be judged: no gateway was found." } }
        @else { p.soft { "Judged by what was seen on this host, what is lacking first." } }
        div.check { @for row in list { (one_row(row)) } }
    }
}

fn one_row(row: &Precaution) -> Markup {
    let (tone, sign) = match row.standing {
        "present" => ("good", "✓"),
        "lacking" => ("bad", "✗"),
        _ => ("warn", "?"),
    };
    html! {
        div.row {
            div { span class={ "pill " (tone) } { (sign) " " (row.standing) } }
            div {
                p { span.title { (row.title) } " " span.soft { "for " (row.whom) } @if row.this_time { " " span.pill.accent { "would have mattered" } } }
                @for one in &row.evidence {
                    p { (one.what) @if !one.origin.is_empty() { " " span.soft { (one.origin) } } }
                }
                @if row.standing != "present" && !row.add.is_empty() {
                    p.soft { (row.why) " Add in " (row.place) ":" }
                    pre { code { (row.add.join("\n")) } }
                    @if !row.then.is_empty() { p.soft { "then" } pre { code { (row.then.join("\n")) } } }
                    @if !row.mind.is_empty() { p.soft { (own(row.mind)) } }
                }
            }
        }
    }
}

fn unseen(report: &PostMortem) -> Markup {
    html! {
        @if report.unseen.is_empty() && report.lost.is_empty() {
            p { "Nothing was out of sight and nothing was lost." }
        }
        @if !report.unseen.is_empty() { ul { @for spot in &report.unseen { (blind(spot)) } } }
        @if !report.lost.is_empty() {
            h3 { "Lost" }
            ul { @for lost in &report.lost { li { (lost) } } }
        }
    }
}

fn blind(spot: &Unseen) -> Markup {
    html! {
        li {
            b { (spot.source) } " " (spot.what)
            @if !spot.why.is_empty() { ": " (spot.why) }
            @if !spot.hides.is_empty() { br; span.soft { "hides " (spot.hides) } }
            @if !spot.grant.is_empty() { br; span.soft { "to open it: " (spot.grant) } }
        }
    }
}

fn appendix(report: &PostMortem) -> Markup {
    html! {
        @if !report.lines.is_empty() { h3 { "Log lines" } }
        @for line in &report.lines { (log_line(line)) }
        h3 { "Sources" }
        table { tbody { @for source in &report.sources { (source_row(source)) } } }
    }
}

fn log_line(line: &Line) -> Markup {
    html! {
        p.soft {
            (line.at) ", " (line.origin)
            @if line.count > 1 { ", " (count(line.count)) " times, this one last" }
            @if !line.meaning.is_empty() { br; (line.meaning) }
        }
        pre { code { (line.text) } }
    }
}

fn source_row(source: &Figure) -> Markup {
    html! { tr { td { (source.name) } td { (source.value) } td.soft { (source.note) } } }
}

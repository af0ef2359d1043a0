//! The diagnosis as plain text for people: the answer first, then what it rests on.

use jiff::{Timestamp, tz::TimeZone};

use crate::{
    diagnosis::{Confidence, Diagnosis, Evidence, Finding, Status, UpstreamRow},
    observation::{BlindSpot, SourceId, Wall},
    remedy::{Action, Offer, spoken},
    session::history::History,
};

use super::{
    changed,
    page::{Ink, Layout, Page},
};

/// Evidence lines shown per finding.
const SHOWN: usize = 8;
/// Upstreams shown.
const ROWS: usize = 40;
/// Columns of the labels below a finding, and of times.
const LABELS: usize = 11;

/// Everything that a report needs besides the diagnosis.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The host's name, sanitised.
    pub host: &'a str,
    /// Sources that had not finished.
    pub incomplete: &'a [SourceId],
    /// The history of this host's incidents, as far as it was read.
    pub history: &'a History,
    /// The zone in which times are told.
    pub zone: &'a TimeZone,
    /// Columns and colours.
    pub layout: Layout,
}

/// The report.
///
/// `offers` are what can be done about the findings, in their order.
pub fn report(diagnosis: &Diagnosis, offers: &[Offer], frame: &Frame<'_>) -> String {
    let mut page = Page::new(frame.layout);
    let times = Times { zone: frame.zone, now: diagnosis.as_of };
    headline(&mut page, diagnosis, frame, &times);
    for (at, finding) in diagnosis.findings.iter().enumerate() {
        let before = frame.history.before(finding, diagnosis);
        let before = before.map(|before| before.words(frame.zone, diagnosis.as_of));
        one_finding(&mut page, at + 1, finding, (offers.get(at), before.as_deref()), &times);
    }
    if !diagnosis.recovered.is_empty() {
        page.blank();
        page.text("Over");
        for finding in &diagnosis.recovered {
            page.labelled(
                ("", Ink::Plain),
                0,
                &format!("{} ({})", finding.summary, finding.cause),
                Ink::Faint,
            );
        }
    }
    upstreams(&mut page, diagnosis);
    changed::list(&mut page, diagnosis);
    let outside = diagnosis.outside.iter().map(String::as_str);
    list(&mut page, "Outside this incident", outside);
    out_of_sight(&mut page, &diagnosis.blind_spots);
    let late = frame.incomplete.iter().map(|id| id.as_str());
    list(&mut page, "Not finished before the deadline", late);
    page.finish()
}

/// Tells times in the person's zone, with the date where it is not today's.
struct Times<'a> {
    zone: &'a TimeZone,
    now: Wall,
}

impl Times<'_> {
    fn format(&self, at: Wall, form: &str) -> String {
        let at = Timestamp::from_microsecond(at.0).unwrap_or_default();
        at.to_zoned(self.zone.clone()).strftime(form).to_string()
    }

    fn short(&self, at: Wall) -> String {
        let day = "%Y-%m-%d";
        if self.format(at, day) == self.format(self.now, day) {
            at.clock(self.zone)
        } else {
            self.format(at, "%b %d %H:%M")
        }
    }
}

fn headline(page: &mut Page, diagnosis: &Diagnosis, frame: &Frame<'_>, times: &Times<'_>) {
    let since = match (diagnosis.incident.first, diagnosis.incident.present) {
        (Some(first), true) => format!(
            "since {}, {} failed requests seen",
            times.short(first),
            diagnosis.incident.failures
        ),
        _ => String::new(),
    };
    let ink = match diagnosis.status {
        Status::Healthy => Ink::Good,
        Status::Failing => Ink::Bad,
        Status::Degraded | Status::Unknown => Ink::Warning,
    };
    page.headline(&diagnosis.status.as_str().to_uppercase(), ink, &since);
    let as_of = times.format(diagnosis.as_of, "%Y-%m-%d %H:%M:%S %:z");
    page.text(&format!("{}, {as_of}", frame.host));
    if diagnosis.gateways.is_empty() {
        page.text("no gateway was found on this host");
    }
    for gateway in &diagnosis.gateways {
        let version = gateway.version.as_ref().map(|v| format!(" {v}")).unwrap_or_default();
        let state = if gateway.running { "running" } else { "not running" };
        page.text(&format!("{}{version} {}, {state}", gateway.kind.as_str(), gateway.config));
    }
    if let Some(words) = diagnosis.without_requests() {
        page.text(words);
    }
    if diagnosis.findings.is_empty() && diagnosis.status != Status::Healthy {
        page.blank();
        page.text("There is not enough evidence to name a cause.");
    }
}

fn one_finding(
    page: &mut Page,
    rank: usize,
    finding: &Finding,
    (offer, before): (Option<&Offer>, Option<&str>),
    times: &Times<'_>,
) {
    page.blank();
    page.marked(&format!("{rank}."), &finding.summary, Ink::Strong);
    let sure = match finding.confidence {
        Confidence::Confirmed => Ink::Good,
        Confidence::Likely => Ink::Plain,
        Confidence::Possible => Ink::Warning,
    };
    page.labelled((finding.confidence.as_str(), sure), LABELS, finding.cause, Ink::Plain);
    for (sign, list) in [("+", &finding.evidence), ("-", &finding.against)] {
        for evidence in list.iter().take(SHOWN) {
            one_piece(page, sign, evidence, times);
        }
        let more = list.len().saturating_sub(SHOWN);
        if more > 0 {
            page.labelled((sign, Ink::Plain), LABELS, &format!("{more} more"), Ink::Plain);
        }
    }
    for missing in &finding.missing {
        let text = format!("{} ({} is out of sight)", missing.what, missing.source);
        page.labelled(("?", Ink::Warning), LABELS, &text, Ink::Plain);
    }
    if !finding.explains.is_empty() {
        page.labelled(("explains", Ink::Faint), LABELS, &finding.explains.join(", "), Ink::Faint);
    }
    if let Some(changed) = &finding.changed_before {
        page.labelled(("changed", Ink::Strong), LABELS, &changed.sentence(), Ink::Plain);
    }
    if let Some(before) = before {
        page.labelled(("before", Ink::Strong), LABELS, before, Ink::Plain);
    }
    if let Some(next) = &finding.next_check {
        page.labelled(("check next", Ink::Strong), LABELS, next, Ink::Plain);
    }
    if let Some(offer) = offer {
        repairs(page, offer);
    }
}

fn repairs(page: &mut Page, offer: &Offer) {
    for plan in &offer.plans {
        let mut label = ("to repair", Ink::Strong);
        for step in &plan.steps {
            let commands = step.commands();
            if commands.is_empty() {
                page.labelled(label, LABELS, &step.words(), Ink::Plain);
                label = ("then", Ink::Strong);
            }
            for command in &commands {
                page.whole(label, LABELS, &spoken(command), Ink::Plain);
                label = ("then", Ink::Strong);
            }
        }
        let main = plan.steps.iter().find(|step| !matches!(step, Action::ResetFailed { .. }));
        if let Some(main) = main.or(plan.steps.first()) {
            page.labelled(("risk", Ink::Faint), LABELS, main.risk(), Ink::Faint);
        }
    }
    if let Some(refusal) = &offer.refusal {
        page.labelled(("no remedy", Ink::Strong), LABELS, &refusal.why, Ink::Plain);
    }
}

fn one_piece(page: &mut Page, sign: &str, evidence: &Evidence, times: &Times<'_>) {
    let at = evidence.at.map(|at| times.short(at)).unwrap_or_default();
    let ink = if sign == "+" { Ink::Good } else { Ink::Bad };
    let said = format!("{} ({})", evidence.what, evidence.origin);
    // A time with its date does not fit the label.
    let (label, text) = match at.len() {
        0 => (sign.to_owned(), said),
        1..=8 => (format!("{sign} {at}"), said),
        _ => (sign.to_owned(), format!("{at}: {said}")),
    };
    page.labelled((&label, ink), LABELS, &text, Ink::Plain);
}

fn upstreams(page: &mut Page, diagnosis: &Diagnosis) {
    const STATES: usize = 8;
    if diagnosis.upstreams.is_empty() {
        return;
    }
    page.blank();
    page.text("Upstreams");
    let mut rows: Vec<_> = diagnosis.upstreams.iter().collect();
    rows.sort_by_key(|row| (row.state == "up", row.id.clone()));
    rows.truncate(ROWS);
    let widest = |cell: fn(&UpstreamRow) -> String, most: usize| {
        rows.iter().map(|row| cell(row).chars().count()).max().unwrap_or_default().min(most)
    };
    let protocols = widest(|row| row.protocol.as_str().to_owned(), 12);
    let addresses = widest(|row| row.address.clone(), 40);
    let owners = widest(behind, 32);
    for row in &rows {
        let ink = match row.state {
            "up" => Ink::Good,
            "down" => Ink::Bad,
            _ => Ink::Warning,
        };
        let behind = behind(row);
        let cells = [
            (row.state, STATES),
            (row.protocol.as_str(), protocols),
            (row.address.as_str(), addresses),
            (behind.as_str(), owners),
        ];
        page.cells(&cells, ink, &row.reason);
    }
    let more = diagnosis.upstreams.len().saturating_sub(ROWS);
    if more > 0 {
        page.labelled(("", Ink::Plain), 0, &format!("and {more} more"), Ink::Plain);
    }
}

/// Who answers there.
fn behind(row: &UpstreamRow) -> String {
    match (&row.container, &row.unit, &row.process) {
        (Some((_, name)), _, _) => format!("container {name}"),
        (None, Some(unit), _) => unit.to_string(),
        _ if row.program.is_some() => {
            row.program.as_ref().map(ToString::to_string).unwrap_or_default()
        }
        (None, None, Some(process)) => process.to_string(),
        _ => "nobody known".to_owned(),
    }
}

fn out_of_sight(page: &mut Page, spots: &[BlindSpot]) {
    const SOURCES: usize = 14;
    if spots.is_empty() {
        return;
    }
    page.blank();
    page.text("Out of sight");
    for spot in spots {
        // Some sources begin their reason with what it is about.
        let why = spot.why.to_string();
        let what = spot.what.to_string();
        let said = if why.starts_with(&what) { why } else { format!("{what}: {why}") };
        page.labelled((spot.source.as_str(), Ink::Warning), SOURCES, &said, Ink::Plain);
        for (word, text) in [("hides", &spot.hides), ("to open it:", &spot.grant)] {
            if !text.is_empty() {
                page.labelled(("", Ink::Plain), SOURCES, &format!("{word} {text}"), Ink::Faint);
            }
        }
    }
}

fn list<'a>(page: &mut Page, title: &str, items: impl Iterator<Item = &'a str>) {
    let mut items = items.peekable();
    if items.peek().is_none() {
        return;
    }
    page.blank();
    page.text(title);
    for item in items {
        page.labelled(("", Ink::Plain), 0, item, Ink::Plain);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::{Origin, Text, UnitName};

    fn told(diagnosis: &Diagnosis, columns: usize) -> String {
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        let layout = Layout { columns, colour: false };
        let offers = crate::remedy::offers(diagnosis, &crate::evidence::CaseFile::new());
        let history = &History::default();
        let frame = Frame { host: "web1", incomplete: &[], history, zone: &zone, layout };
        report(diagnosis, &offers, &frame)
    }

    fn stopped() -> Diagnosis {
        let mut finding = Finding::new(
            "app-start-limit-hit",
            Confidence::Confirmed,
            "systemd gave up starting php\\x2dfpm.service after five failures in ten seconds",
        )
        .with("Start request repeated too quickly", Origin::KernelLog, Some(Wall::from_secs(60)))
        .with("an older line", Origin::KernelLog, Some(Wall::from_secs(-86_400)));
        finding.subject.unit = Some(UnitName::new("php\\x2dfpm.service").unwrap());
        let spot = BlindSpot {
            source: SourceId::Docker,
            what: Text::new("/var/run/docker.sock"),
            why: Text::new("permission denied"),
            hides: Text::new("containers"),
            grant: Text::new("join the group docker"),
        };
        Diagnosis {
            as_of: Wall::from_secs(90),
            status: Status::Failing,
            findings: vec![finding],
            blind_spots: vec![spot],
            ..Diagnosis::default()
        }
    }

    #[test]
    fn times_are_local_and_another_day_is_told_with_its_date() {
        let text = told(&stopped(), 80);
        for words in
            ["1970-01-01 01:01:30 +01:00", "+ 01:01:00 Start request", "Dec 31 01:00: an older"]
        {
            assert!(text.contains(words), "{text}");
        }
    }

    #[test]
    fn a_command_can_be_pasted_and_nothing_else_is_wider_than_the_page() {
        for columns in [40, 80, 100] {
            let text = told(&stopped(), columns);
            assert!(
                text.contains("to repair  systemctl reset-failed 'php\\x2dfpm.service'\n"),
                "{text}"
            );
            assert!(text.contains("then       systemctl start 'php\\x2dfpm.service'\n"), "{text}");
            let wide = |line: &&str| !line.contains("systemctl") && line.chars().count() > columns;
            assert_eq!(text.lines().filter(wide).count(), 0, "{text}");
        }
    }

    #[test]
    fn what_is_out_of_sight_says_how_to_open_it() {
        let text = told(&stopped(), 80);
        for words in [
            "docker        /var/run/docker.sock: permission denied",
            "hides containers",
            "to open it: join",
        ] {
            assert!(text.contains(words), "{text}");
        }
    }
}

//! What common guides advise about a 502, and what is true of it: `gatemedic explain advice`.
//!
//! The words come from `assets/advice/`. Advice that does harm stands there to be spoken against,
//! and nowhere else.

use std::sync::LazyLock;

use serde::Deserialize;

use super::page::Page;

/// Columns of an id in the list.
const ID_COLUMNS: usize = 24;

/// What is to be thought of a piece of advice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is true and helps.
    Right,
    /// It is true in one case, and taken for all.
    Partly,
    /// It does neither good nor harm.
    Useless,
    /// It is not true.
    Wrong,
    /// It does harm.
    Dangerous,
}

impl Verdict {
    /// In one word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Partly => "only partly right",
            Self::Useless => "useless",
            Self::Wrong => "wrong",
            Self::Dangerous => "dangerous",
        }
    }
}

/// One piece of advice.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advice {
    /// Its id, such as `raise-timeouts`.
    pub id: String,
    /// What guides say, without a full stop.
    pub says: String,
    /// What is to be thought of it.
    pub verdict: Verdict,
    /// Why.
    pub why: String,
    /// What to do instead, or as well.
    pub instead: String,
    /// Causes for which it is given, or which it makes.
    pub causes: Vec<String>,
    /// Directives, programs and other words under which somebody looks for it.
    pub words: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    advice: Vec<Advice>,
}

/// A file that cannot be read is empty; a test keeps that from happening.
static ALL: LazyLock<Vec<Advice>> = LazyLock::new(|| {
    let text = include_str!("../../assets/advice/guides.toml");
    toml::from_str::<File>(text).map(|file| file.advice).unwrap_or_default()
});

/// Every piece of advice, in the order of its file.
pub fn all() -> &'static [Advice] {
    &ALL
}

/// The page for `advice`, for `advice ID`, or for the id, directive or word of one; `None` when
/// nothing is known under it.
pub(super) fn page(asked: &str) -> Option<String> {
    let asked = asked.trim();
    if asked.eq_ignore_ascii_case("advice") || asked.eq_ignore_ascii_case("guides") {
        return Some(list());
    }
    let topic = asked.strip_prefix("advice ").unwrap_or(asked).trim();
    let same = |word: &String| word.eq_ignore_ascii_case(topic);
    let by_id = ALL.iter().filter(|advice| same(&advice.id));
    let mut found: Vec<&Advice> = by_id.collect();
    if found.is_empty() {
        found = ALL.iter().filter(|advice| advice.words.iter().any(same)).collect();
    }
    if found.is_empty() {
        return None;
    }
    let mut page = Page::default();
    for (at, advice) in found.iter().enumerate() {
        if at > 0 {
            page.blank();
        }
        tell(&mut page, advice);
    }
    Some(page.finish())
}

/// Adds what guides advise where this cause is at work.
pub(super) fn add_to_cause(page: &mut Page, cause: &str) {
    let of = |advice: &&Advice| advice.causes.iter().any(|id| id == cause);
    let found: Vec<&Advice> = ALL.iter().filter(of).collect();
    if found.is_empty() {
        return;
    }
    page.heading("What guides say, and what is true (gatemedic explain advice)");
    for advice in found {
        page.item(&format!("\"{}\": {}. {}", advice.says, advice.verdict.as_str(), advice.why));
    }
}

fn list() -> String {
    let mut page = Page::default();
    page.title("What guides advise about a 502, and what is true of it");
    page.text("`gatemedic explain advice ID` tells why; a directive works too.");
    for verdict in
        [Verdict::Dangerous, Verdict::Wrong, Verdict::Partly, Verdict::Useless, Verdict::Right]
    {
        let of: Vec<&Advice> = ALL.iter().filter(|advice| advice.verdict == verdict).collect();
        if of.is_empty() {
            continue;
        }
        page.heading(&capitalised(verdict.as_str()));
        for advice in of {
            page.row(&advice.id, ID_COLUMNS, &advice.says);
        }
    }
    page.finish()
}

fn tell(page: &mut Page, advice: &Advice) {
    page.title(&format!("{}: {}", advice.id, advice.verdict.as_str()));
    page.section("What guides say", &advice.says);
    page.section("What is true", &advice.why);
    page.section("Do this", &advice.instead);
    if !advice.causes.is_empty() {
        page.section("It is given for (gatemedic explain ID)", &advice.causes.join(", "));
    }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().collect::<String>() + letters.as_str()
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::diagnosis::words::CauseText;

    #[test]
    fn every_piece_is_read_with_all_its_words() {
        let file: File = toml::from_str(include_str!("../../assets/advice/guides.toml")).unwrap();
        assert_eq!(file.advice.len(), ALL.len());
        let ids: BTreeSet<&str> = ALL.iter().map(|advice| advice.id.as_str()).collect();
        assert_eq!(ids.len(), ALL.len());
        for advice in all() {
            let id = &advice.id;
            assert!(!advice.says.ends_with('.'), "{id}");
            for words in [&advice.why, &advice.instead] {
                assert!((30..=420).contains(&words.chars().count()), "{id}: {words}");
                assert!(words.ends_with(['.', '?']), "{id}: {words}");
            }
            assert!(!advice.causes.is_empty() && !advice.words.is_empty(), "{id}");
            for cause in &advice.causes {
                assert!(CauseText::get(cause).is_some(), "{id}: {cause}");
            }
        }
    }

    #[test]
    fn a_directive_a_cause_and_a_visitor_find_their_advice() {
        assert!(page("proxy_read_timeout").unwrap().contains("raise-timeouts: wrong"));
        assert!(page("advice chmod-777").unwrap().contains("listen.owner"));
        assert!(page("visitor").unwrap().contains("clear-cache: useless"));
        assert!(page("ADVICE").unwrap().contains("Dangerous:"));
        assert!(page("no-such-advice").is_none());
        let cause = super::super::explain::explain_cause("response-header-too-big").unwrap();
        assert!(cause.contains("only partly right"), "{cause}");
    }

    #[test]
    fn every_page_fits_80_columns() {
        let wide =
            |text: &str| text.lines().any(|line| unicode_width::UnicodeWidthStr::width(line) > 80);
        assert!(!wide(&list()));
        for advice in all() {
            assert!(!wide(&page(&advice.id).unwrap()), "{}", advice.id);
        }
    }

    /// What must never be advised: wherever words of a cause or a playbook say it, they say not to.
    #[test]
    fn no_cause_repeats_advice_that_does_harm() {
        const HARM: [&str; 14] = [
            "chmod 777",
            "chmod -R 777",
            "chmod 666",
            "setenforce 0",
            "ufw disable",
            "iptables -F",
            "nft flush ruleset",
            "proxy_ssl_verify off",
            "tcp_abort_on_overflow",
            "pm2 restart all",
            "supervisorctl reload",
            "tcp_tw_recycle",
            "kill -9",
            "rm -rf",
        ];
        let helpful = |cause: &CauseText| {
            [&cause.next_check, &cause.fix, cause.no_remedy.as_ref().unwrap_or(&cause.fix)]
                .map(Clone::clone)
        };
        for cause in CauseText::all() {
            for text in helpful(cause) {
                let bad = HARM.iter().find(|words| text.contains(**words));
                assert!(bad.is_none(), "{} advises {bad:?}: {text}", cause.id);
            }
        }
        for advice in all() {
            let bad = HARM.iter().find(|words| advice.instead.contains(**words));
            assert!(bad.is_none(), "{} advises {bad:?}", advice.id);
        }
        for file in std::fs::read_dir("assets/playbooks").unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            for line in text.lines().filter(|line| line.starts_with("show")) {
                let bad = HARM.iter().find(|words| line.replace(['"', ','], "").contains(**words));
                assert!(bad.is_none(), "a playbook shows {bad:?}: {line}");
            }
        }
    }
}

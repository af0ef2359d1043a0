//! Any text in any field leaves the structure of both documents as it is.

use html5gum::{Token, Tokenizer};
use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag};

use super::{document::*, html, markdown, shown};

/// A document with a text in every field that may hold one from outside.
fn full(text: &str) -> PostMortem {
    let s = || shown(text);
    let share = || Share { name: s(), failures: 3, percent: 100 };
    let figure = || Figure { name: s(), value: s(), note: s() };
    let piece = || Evidence { what: s(), origin: s(), at: "14:02:09".into() };
    let bar =
        |n| Bar { at: "14:02".into(), by_status: vec![(502, n)], requests: Some(9), known: true };
    let cause = Cause {
        id: s(),
        title: s(),
        confidence: "likely".into(),
        summary: s(),
        since: "14:02".into(),
        what: s().replace('`', "'"),
        why: s().replace('`', "'"),
        fix: s().replace('`', "'"),
        do_not: s().replace('`', "'"),
        evidence: vec![piece()],
        against: vec![piece()],
        missing: vec![s()],
        explains: vec![s()],
        changed_before: s(),
        note: s().replace('`', "'"),
    };
    let row = |standing| Precaution {
        id: "restart",
        title: "a",
        why: "b",
        whom: s(),
        standing,
        this_time: true,
        evidence: vec![piece()],
        place: s(),
        add: vec![s(), s()],
        then: vec![s()],
        mind: "c",
    };
    PostMortem {
        schema: "x",
        host: s(),
        written_from: s(),
        zone: "+01:00".into(),
        title: s(),
        state: "over",
        headline: s(),
        figures: vec![figure()],
        impact: Impact {
            counted: s(),
            statuses: vec![share()],
            upstreams: vec![share()],
            urls: vec![share()],
            hosts: vec![share()],
        },
        timeline: Timeline {
            day: "2026-11-20".into(),
            step: 1,
            bars: vec![bar(1), bar(2)],
            ticks: vec![(10, "14:02".into())],
            marks: vec![Mark {
                at: "14:02".into(),
                place: Some(5),
                kind: "change",
                shape: "●",
                tone: "bad",
                what: s(),
                source: s(),
            }],
            more: 1,
        },
        cause: Some(cause),
        cause_note: s(),
        others: vec![Other { id: s(), confidence: "possible".into(), summary: s(), over: true }],
        deeds: vec![Deed {
            at: "14:05".into(),
            by: s(),
            what: s(),
            against: s(),
            commands: vec![s()],
            verdict: "fixed".into(),
            tone: "good",
            result: s(),
            took: "3 s".into(),
        }],
        deeds_note: s(),
        changes: vec![Change {
            at: "14:00".into(),
            distance: s(),
            what: s(),
            source: s(),
            near: true,
        }],
        changes_note: String::new(),
        prevention: vec![row("lacking"), row("present")],
        unseen: vec![Unseen { source: "docker", what: s(), why: s(), hides: s(), grant: s() }],
        lost: vec![s()],
        lines: vec![Line { at: "14:02".into(), origin: s(), count: 2, meaning: s(), text: s() }],
        sources: vec![figure()],
    }
}

/// What a reader of Markdown makes of a document, without its words.
fn bones(document: &str) -> Vec<String> {
    let mut options = Options::all();
    options.remove(Options::ENABLE_SMART_PUNCTUATION);
    Parser::new_ext(document, options)
        .filter_map(|event| match event {
            Event::Text(_) => None,
            Event::Code(_) => Some("code".to_owned()),
            Event::Start(Tag::CodeBlock(_)) => Some("block".to_owned()),
            other => Some(format!("{other:?}")),
        })
        .collect()
}

fn words(document: &str) -> String {
    let mut all = String::new();
    for event in Parser::new_ext(document, Options::ENABLE_TABLES) {
        if let Event::Text(text) | Event::Code(text) = event {
            all.push_str(&text);
        }
    }
    all
}

/// The tags of a page with the names of their attributes, in their order.
fn tags(page: &str) -> Vec<String> {
    let mut all = Vec::new();
    for token in Tokenizer::new(page) {
        match token.expect("a string cannot fail to be read") {
            Token::StartTag(tag) => {
                let names: Vec<String> =
                    tag.attributes.keys().map(|name| format!("{name:?}")).collect();
                all.push(format!("{:?} {names:?}", tag.name));
            }
            Token::EndTag(tag) => all.push(format!("/{:?}", tag.name)),
            Token::Comment(_) => all.push("comment".to_owned()),
            _ => {}
        }
    }
    all
}

fn holds(text: &str) {
    let (plain, hostile) = (full("x"), full(text));
    let written = markdown(&hostile, false);
    assert_eq!(bones(&written), bones(&markdown(&plain, false)), "{written}");
    assert!(words(&written).contains(&shown(text)), "{text:?} is lost in {written}");
    let page = html(&hostile);
    assert_eq!(tags(&page), tags(&html(&plain)), "{text:?}");
    assert!(!written.contains('\u{1b}') && !page.contains('\u{1b}'));
}

#[test]
fn what_is_known_to_break_out_stays_a_text() {
    for text in [
        "<script>alert(1)</script>",
        "</style><img src=x onerror=alert(1)>",
        "\"><svg onload=alert(1)>",
        "<!-- a",
        "-->",
        "[a](javascript:alert(1))",
        "![a](http://x/y.png)",
        "http://evil.example/a www.evil.example a@evil.example",
        "<http://a.b>",
        "# a",
        "- a",
        "+ a",
        "1. a",
        "12) a",
        "> a",
        "| a | b |",
        "a | b",
        "\\| a",
        "\\",
        "a\\",
        "```",
        "`a``b`",
        "~~~",
        "---",
        "===",
        "* * *",
        "[ ] a",
        "[x] a",
        "[^1]: a",
        "[a]: b",
        "&lt;b&gt; &#60;b&#62;",
        "$a$",
        "^a^",
        "~~a~~",
        ": a",
        "a\n\n# b",
        "\u{1b}[2J\u{1b}]8;;http://x\u{7}a",
        "\u{202e}abc",
        "{#id .class}",
        "a {#b}",
        "==a==",
        "||a||",
        "mailto:a@b.c",
        "[!NOTE]",
        "<details>",
        "[[wiki]]",
        "    indented",
        "+++",
        "%%%",
        "_a_ __b__ *c* **d**",
    ] {
        holds(text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_text_in_any_field_leaves_the_structure_as_it_is(
        text in prop_oneof![
            any::<String>(),
            "[-#*_`\\[\\]()<>|!\\\\~=+:.&{}$^@ a1\n]{0,40}",
        ]
    ) {
        holds(&text);
    }
}

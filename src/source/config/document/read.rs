//! Which of the three languages a document is written in.

use std::path::Path;

use super::{Node, toml, yaml};

/// Values of one document that are kept.
pub(super) const NODES: usize = 1_000_000;
/// Nesting of lists and maps.
pub(super) const DEPTH: usize = 64;

/// Why a document could not be read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::source::config) struct Trouble {
    /// Line, from 1.
    pub(in crate::source::config) line: u32,
    /// What, as a lowercase fragment.
    pub(in crate::source::config) what: String,
}

/// Reads a document by the ending of its file name: `.toml` is TOML, all else YAML, of which JSON
/// is a part. What was read before a fault is kept where the language allows that.
pub(in crate::source::config) fn read(path: &Path, text: &[u8]) -> (Vec<Node>, Option<Trouble>) {
    let text = String::from_utf8_lossy(text);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("toml")) {
        return toml::read(text);
    }
    let begins = text.trim_start();
    // YAML knows tabs only in some places, JSON everywhere.
    if begins.starts_with('{')
        && (text.contains('\t') || text.lines().count() < 2)
        && let Ok(value) = serde_json::from_str::<serde_json::Value>(text)
    {
        return (vec![Node::of_json(&value, 1)], None);
    }
    yaml::read(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one(path: &str, text: &str) -> Node {
        let (mut nodes, trouble) = read(Path::new(path), text.as_bytes());
        assert_eq!(trouble, None, "{text}");
        nodes.pop().unwrap()
    }

    #[test]
    fn the_three_languages_give_the_same_values_with_their_lines() {
        let yaml = one("a.yml", "a:\n  b:\n    - c: 1\n      d: \"x y\"\n");
        let json = one("a.json", "{\"a\": {\n\"b\": [\n{\"c\": 1,\n\"d\": \"x y\"}]}}");
        let toml = one("a.toml", "[a]\n\n[[a.b]]\nc = 1\nd = \"x y\"\n");
        for node in [&yaml, &json, &toml] {
            let item = node.at(&["a", "b"]).unwrap().items().next().unwrap();
            assert_eq!(item.get("c").and_then(Node::text).as_deref(), Some("1"));
            assert_eq!(item.get("d").and_then(Node::text).as_deref(), Some("x y"));
        }
        assert_eq!(yaml.at(&["a", "b"]).unwrap().items().next().unwrap().get("d").unwrap().line, 4);
        assert_eq!(toml.at(&["a", "b"]).unwrap().items().next().unwrap().get("d").unwrap().line, 5);
    }

    #[test]
    fn a_fault_is_told_with_its_line_and_what_stood_before_it_is_kept() {
        let (nodes, trouble) = read(Path::new("a.yml"), b"a:\n  - b\n  - c: [\nd: }\n");
        assert!(trouble.is_some_and(|t| t.line >= 3));
        assert!(nodes.first().and_then(|n| n.get("a")).is_some());
    }

    #[test]
    fn aliases_are_followed_and_a_bomb_of_them_is_cut() {
        let same = one("a.yml", "a: &x {b: 1}\nc: *x\nd:\n  <<: *x\n  e: 2\n");
        assert_eq!(same.at(&["c", "b"]).and_then(Node::text).as_deref(), Some("1"));
        assert_eq!(same.at(&["d", "b"]).and_then(Node::text).as_deref(), Some("1"));
        let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for n in 1..12 {
            let all = vec![format!("*a{}", n - 1); 10].join(",");
            bomb.push_str(&format!("a{n}: &a{n} [{all}]\n"));
        }
        let (_, trouble) = read(Path::new("a.yml"), bomb.as_bytes());
        assert!(trouble.is_some_and(|t| t.what.contains("more than")));
    }

    #[test]
    fn json_with_tabs_or_on_one_line_is_read() {
        let tabs = one("caddy.json", "{\n\t\"a\":\t{\n\t\t\"b\": 7}}");
        assert_eq!(tabs.at(&["a", "b"]).and_then(Node::text).as_deref(), Some("7"));
        let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
        let (_, trouble) = read(Path::new("a.json"), deep.as_bytes());
        assert!(trouble.is_some());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), kind in 0_usize..3) {
            let path = ["a.yml", "a.json", "a.toml"][kind];
            let _ = read(Path::new(path), &bytes);
        }

        #[test]
        fn no_document_panics(text in "[-a-c:\\[\\]{}&*<!|>\"'\n #=0-9 ,]{0,200}", toml: bool) {
            let _ = read(Path::new(if toml { "a.toml" } else { "a.yml" }), text.as_bytes());
        }
    }
}

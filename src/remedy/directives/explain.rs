//! What is known of the directive under the cursor.

use super::{
    statements::{Statements, statements},
    table::{FAMILIES, Kind, known},
};

/// What is known of the line at a row, from 0: what the directive is, its default, where it is
/// inherited from, and what requests are passed on with here.
pub fn explain(lines: &[String], row: usize) -> Vec<String> {
    let read = statements(lines);
    let here = read.all.iter().rev().find(|s| s.row <= row && row <= s.end);
    let Some(here) = here else { return around(&read, row) };
    let mut out = Vec::new();
    if let Some((directive, _)) = known(here.name()) {
        out.push(format!("{}: {}", here.name(), directive.words));
        if directive.kind != Kind::Pass {
            out.push(format!("default: {}", directive.default));
        }
        let outer = here.parent.and_then(|at| read.all.get(at)).map(|head| head.parent);
        match outer.and_then(|outer| read.effective(outer, here.name())) {
            Some(inherited) => out.push(format!(
                "overrides line {}: {}",
                inherited.row + 1,
                inherited.words.join(" ")
            )),
            None if directive.kind != Kind::Pass => {
                out.push("not set in a block around, in this file".to_owned());
            }
            None => {}
        }
        if directive.kind == Kind::Pass {
            out.extend(in_force(&read, here.parent, here.name()));
        }
    }
    out.extend(passed(&read, here.parent));
    out
}

/// Between statements: the block that one stands in.
fn around(read: &Statements, row: usize) -> Vec<String> {
    let before = read.all.iter().rev().find(|s| s.row <= row);
    before.map(|s| passed(read, s.parent)).unwrap_or_default()
}

/// What requests are passed on with in a block, and so which family counts.
fn passed(read: &Statements, block: Option<usize>) -> Vec<String> {
    let pass = FAMILIES.iter().find_map(|family| {
        let name = format!("{family}_pass");
        read.within(block).find(|s| s.name() == name).map(|s| (*family, s.words.join(" ")))
    });
    match pass {
        Some((family, words)) => vec![format!("{words}: here {family}_ directives count")],
        None => Vec::new(),
    }
}

/// The settings of a pass directive's family that are in force where it stands.
fn in_force(read: &Statements, block: Option<usize>, pass: &str) -> Vec<String> {
    let Some(family) = pass.strip_suffix("_pass") else { return Vec::new() };
    let names = ["connect_timeout", "read_timeout", "buffer_size"];
    let say = |name: &str| {
        let whole = format!("{family}_{name}");
        if let Some(set) = read.effective(block, &whole) {
            return format!("{} (line {})", set.words.join(" "), set.row + 1);
        }
        let default = known(&whole).map_or("", |(directive, _)| directive.default);
        format!("{whole} {default} (default, unless another file sets it)")
    };
    names.iter().map(|name| say(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_under_the_cursor_is_explained_with_what_it_overrides() {
        let text = "http {\n proxy_read_timeout 5s;\n location / {\n  proxy_pass http://a;\n  \
                    proxy_read_timeout 9s;\n }\n}";
        let lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
        let said = explain(&lines, 4).join("\n");
        for word in ["504", "default: 60s", "overrides line 2", "proxy_ directives count"] {
            assert!(said.contains(word), "{word} in {said}");
        }
        let said = explain(&lines, 3).join("\n");
        assert!(said.contains("proxy_read_timeout 9s (line 5)"), "{said}");
        assert!(said.contains("proxy_connect_timeout 60s (default"), "{said}");
        assert_eq!(explain(&[], 9), Vec::<String>::new());
    }
}

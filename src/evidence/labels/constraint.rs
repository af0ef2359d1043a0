//! Which containers are taken (<https://doc.traefik.io/traefik/providers/docker/#constraints>).

/// Nesting of parentheses and negations that is followed.
const DEPTH: u8 = 32;

/// Whether a container fulfils an expression of `Label(a, b)`, `LabelRegex(a, b)`, `&&`, `||`, `!`
/// and parentheses; `None` when that cannot be told. `label` gives a label's value (`Some(None)`
/// where there is none), `None` for one that is not looked at.
pub(super) fn holds(
    expression: &str,
    label: &dyn Fn(&str) -> Option<Option<String>>,
) -> Option<bool> {
    if expression.trim().is_empty() {
        return Some(true);
    }
    let mut reader = Reader { rest: expression, label };
    let verdict = reader.any(0);
    // What is left over is not understood.
    if reader.rest.trim().is_empty() { verdict } else { None }
}

struct Reader<'e> {
    rest: &'e str,
    label: &'e dyn Fn(&str) -> Option<Option<String>>,
}

impl Reader<'_> {
    fn takes(&mut self, word: &str) -> bool {
        let rest = self.rest.trim_start();
        let found = rest.strip_prefix(word);
        self.rest = found.unwrap_or(rest);
        found.is_some()
    }

    fn any(&mut self, depth: u8) -> Option<bool> {
        let mut all = vec![self.each(depth)];
        while self.takes("||") {
            all.push(self.each(depth));
        }
        if all.contains(&Some(true)) {
            return Some(true);
        }
        if all.contains(&None) { None } else { Some(false) }
    }

    fn each(&mut self, depth: u8) -> Option<bool> {
        let mut all = vec![self.one(depth)];
        while self.takes("&&") {
            all.push(self.one(depth));
        }
        if all.contains(&Some(false)) {
            return Some(false);
        }
        if all.contains(&None) { None } else { Some(true) }
    }

    fn one(&mut self, depth: u8) -> Option<bool> {
        if depth >= DEPTH {
            return None;
        }
        if self.takes("!") {
            return self.one(depth + 1).map(|is| !is);
        }
        // The longer names first: one begins like the other.
        let regex = ["LabelRegexp(", "LabelRegex("].iter().any(|word| self.takes(word));
        if regex || self.takes("Label(") {
            let name = self.quoted()?;
            self.takes(",");
            let wanted = self.quoted()?;
            if !self.takes(")") {
                return None;
            }
            let own = (self.label)(&name)?;
            return match own {
                None => Some(false),
                Some(own) if regex => Some(pattern(&wanted)?.is_match(&own)),
                Some(own) => Some(own == wanted),
            };
        }
        if self.takes("(") {
            let inside = self.any(depth + 1);
            return if self.takes(")") { inside } else { None };
        }
        None
    }

    fn quoted(&mut self) -> Option<String> {
        let rest = self.rest.trim_start();
        let quote = rest.chars().next().filter(|c| matches!(c, '`' | '"' | '\''))?;
        let (value, rest) = rest.get(1..)?.split_once(quote)?;
        self.rest = rest;
        Some(value.to_owned())
    }
}

fn pattern(text: &str) -> Option<regex::Regex> {
    regex::RegexBuilder::new(text).size_limit(1 << 16).build().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(expression: &str) -> Option<bool> {
        holds(expression, &|name| match name {
            "traefik.tags" => Some(Some("public".to_owned())),
            "traefik.none" => Some(None),
            _ => None,
        })
    }

    #[test]
    fn an_expression_is_judged_as_far_as_its_labels_are_known() {
        for (expression, expected) in [
            ("", Some(true)),
            ("Label(`traefik.tags`,`public`)", Some(true)),
            ("Label(`traefik.tags`, 'private')", Some(false)),
            ("!Label(`traefik.tags`,`private`)", Some(true)),
            ("LabelRegex(`traefik.tags`,`^pub`)", Some(true)),
            ("LabelRegexp(`traefik.tags`,`^x`)", Some(false)),
            ("Label(`traefik.none`,``)", Some(false)),
            ("Label(`other`,`x`)", None),
            ("Label(`other`,`x`) || Label(`traefik.tags`,`public`)", Some(true)),
            ("Label(`other`,`x`) && Label(`traefik.tags`,`no`)", Some(false)),
            ("(Label(`traefik.tags`,`public`) && !(Label(`traefik.none`,`x`)))", Some(true)),
            ("Label(`traefik.tags`,`public`", None),
            ("Label(`traefik.tags`,`public`) nonsense", None),
            ("LabelRegex(`traefik.tags`,`(`)", None),
        ] {
            assert_eq!(of(expression), expected, "{expression}");
        }
        assert_eq!(of(&"!(".repeat(10_000)), None);
    }

    proptest! {
        #[test]
        fn no_expression_panics(text in "[Labelregx()!&|`', a-zé.]{0,120}") {
            let _ = of(&text);
        }
    }
}

//! `<IfModule>`, `<IfDefine>`, `<IfVersion>` and `<IfFile>`: decided while the file is read.

use std::collections::HashSet;

/// Modules of Debian's and Fedora's binaries that no `LoadModule` names.
const BUILT_IN: [&str; 16] = [
    "core.c",
    "core_module",
    "http_core.c",
    "http_module",
    "mod_so.c",
    "so_module",
    "mod_log_config.c",
    "log_config_module",
    "mod_logio.c",
    "logio_module",
    "mod_version.c",
    "version_module",
    "mod_unixd.c",
    "unixd_module",
    "mod_watchdog.c",
    "watchdog_module",
];

/// The modules that are loaded, by both of their names.
#[derive(Clone, Debug, Default)]
pub(super) struct Modules {
    names: HashSet<String>,
}

impl Modules {
    /// `LoadModule proxy_module modules/mod_proxy.so`.
    pub(super) fn load(&mut self, name: &str, file: &str) {
        self.names.insert(name.to_ascii_lowercase());
        let stem = file.rsplit('/').next().unwrap_or(file).trim_end_matches(".so");
        self.names.insert(format!("{}.c", stem.to_ascii_lowercase()));
    }

    /// Whether one is there. A program without any `LoadModule` has its modules built in, and then
    /// each counts as there.
    pub(super) fn has(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        self.names.is_empty() || self.names.contains(&name) || BUILT_IN.contains(&name.as_str())
    }

    /// Whether it is known that one is missing.
    pub(super) fn lacks(&self, name: &str) -> bool {
        !self.has(name)
    }
}

/// `<IfVersion [op] version>` (`mod_version`). What cannot be told counts as true: half a
/// configuration hides more than one too many.
pub(super) fn version_fits(args: &[String], version: Option<&str>) -> bool {
    let Some(own) = version.and_then(numbers) else { return true };
    let (operator, wanted) = match args {
        [one] => ("=", one.as_str()),
        [operator, wanted, ..] => (operator.as_str(), wanted.as_str()),
        [] => return true,
    };
    if operator.contains('~') || wanted.starts_with('/') {
        return true;
    }
    let (negated, operator) = operator.strip_prefix('!').map_or((false, operator), |o| (true, o));
    let Some(wanted) = numbers(wanted) else { return true };
    let order = own.cmp(&wanted);
    let fits = match operator {
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        ">" => order.is_gt(),
        ">=" => order.is_ge(),
        _ => order.is_eq(),
    };
    fits != negated
}

fn numbers(text: &str) -> Option<[u32; 3]> {
    let mut out = [0; 3];
    for (slot, part) in out.iter_mut().zip(text.split('.')) {
        let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
        *slot = digits.parse().ok()?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_mod_version_does() {
        let fits = |text: &str| {
            let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
            version_fits(&words, Some("2.4.62"))
        };
        assert!(fits(">= 2.4") && fits("2.4.62") && fits("!< 2.4") && fits("> 2.4.9"));
        assert!(!fits("< 2.4") && !fits("= 2.2.0"));
        assert!(version_fits(&["< 2.4".to_owned()], None));
    }

    #[test]
    fn a_module_is_known_by_its_file_and_its_name() {
        let mut modules = Modules::default();
        assert!(modules.has("mod_proxy.c"), "a program with everything built in");
        modules.load("rewrite_module", "modules/mod_rewrite.so");
        assert!(modules.has("mod_rewrite.c") && modules.has("rewrite_module"));
        assert!(modules.has("mod_so.c") && modules.lacks("proxy_module"));
    }
}

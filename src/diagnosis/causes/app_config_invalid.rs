//! The application refuses its own configuration.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::UnitExit,
};

use super::rule::{Rule, about_unit, last_words, missed_units};

pub(super) const RULE: Rule = Rule { cause: "app-config-invalid", judge };

/// `EX_CONFIG` of sysexits.h; systemd shows it as 78/CONFIG.
const EX_CONFIG: i32 = 78;

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    missed_units(scene)
        .filter(|b| !b.who.is_up())
        .filter_map(|backing| {
            let unit = backing.who;
            let lines: Vec<_> = scene.facts_of_unit(unit, &["app-config-invalid"]).collect();
            let by_code = unit.exit == UnitExit::Exited(EX_CONFIG);
            if lines.is_empty() && !by_code {
                return None;
            }
            let place = lines.iter().rev().find_map(|fact| {
                let file = fact.captures.get("f2").or_else(|| fact.captures.get("file"))?;
                let line = fact.captures.get("line").map(|l| format!(":{l}")).unwrap_or_default();
                Some(format!("{file}{line}"))
            });
            let at = place.map(|p| format!(" ({p})")).unwrap_or_default();
            let summary = format!("{} refuses its configuration{at} and is not running", unit.name);
            let mut finding =
                about_unit(scene, backing, RULE.cause, Confidence::Confirmed, summary)
                    .check("test the configuration with the program's own check before any start");
            for fact in lines.iter().rev().take(3) {
                finding = finding.with_some(Some(Scene::quote(fact)));
            }
            if lines.is_empty() {
                finding = finding.with_some(last_words(scene, unit));
            }
            Some(finding)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::diagnosis::{
        Confidence,
        testing::{Host, name, unit},
    };

    const AT: &str = "unix:/run/php/php8.2-fpm.sock";

    #[test]
    fn a_configuration_that_php_fpm_refuses_is_named_with_its_place() {
        let host = Host::fastcgi(AT)
            .unit(unit("php8.2-fpm.service").claims(AT).exited(78, 60))
            .fpm(60, "[20-Nov-2026 13:59:00] ERROR: [/etc/php/8.2/fpm/pool.d/www.conf:7] unknown entry 'pmm'")
            .fpm(60, "[20-Nov-2026 13:59:00] ERROR: failed to load configuration file '/etc/php/8.2/fpm/php-fpm.conf'")
            .no_such_socket(10, AT);
        let found = host.root("app-config-invalid");
        assert_eq!(found.subject.unit, Some(name("php8.2-fpm.service")));
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.explains.contains(&"app-unit-failed-exit"), "{:?}", found.explains);
    }

    #[test]
    fn exit_status_78_alone_says_it() {
        Host::fastcgi(AT)
            .unit(unit("php8.2-fpm.service").claims(AT).exited(78, 60))
            .no_such_socket(10, AT)
            .root("app-config-invalid");
    }

    #[test]
    fn an_ordinary_exit_status_says_nothing_of_the_configuration() {
        let host = Host::fastcgi(AT)
            .unit(unit("php8.2-fpm.service").claims(AT).exited(1, 60))
            .no_such_socket(10, AT);
        host.spares("app-config-invalid");
        host.root("app-unit-failed-exit");
    }

    #[test]
    fn a_configuration_that_was_mended_before_this_start_is_not_blamed() {
        let host = Host::fastcgi(AT)
            .unit(unit("php8.2-fpm.service").claims(AT).up_since(7_000).stopped(60))
            .fpm(9_000, "[20-Nov-2026 11:30:00] ERROR: FPM initialization failed")
            .no_such_socket(10, AT);
        host.spares("app-config-invalid");
    }
}

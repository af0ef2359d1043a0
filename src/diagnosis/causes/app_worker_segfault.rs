//! A worker of the application crashes while its master lives on.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::Origin,
};

use super::rule::{Rule, about_unit, kernel_fault};

pub(super) const RULE: Rule = Rule { cause: "app-worker-segfault", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    scene
        .units()
        .iter()
        .filter(|b| b.missing || scene.failing_lately(&b.chains))
        .filter_map(|backing| {
            let unit = backing.who;
            let crashes: Vec<_> = scene
                .facts_of_unit(unit, &["app-worker-segfault"])
                .filter(|fact| fact.origin != Origin::KernelLog)
                .collect();
            let last = crashes.last()?;
            let summary = format!("workers of {} crash ({} times)", unit.name, crashes.len());
            let mut finding =
                about_unit(scene, backing, RULE.cause, Confidence::Confirmed, summary)
                    .with_some(Some(Scene::quote(last)))
                    .since(crashes.first().map(|f| f.at))
                    .check("does one URL repeat among the failed requests? coredumpctl list");
            finding.evidence.extend(kernel_fault(scene, unit));
            Some(finding)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence,
            testing::{Host, ago, name},
        },
        observation::{Seen, Segfault, SourceId},
    };

    const AT: &str = "unix:/run/php/php8.2-fpm.sock";

    fn fpm() -> Host {
        Host::fastcgi(AT)
            .serves("php8.2-fpm.service", AT, 100)
            .process(101, "php-fpm8.2", "php8.2-fpm.service")
            .reset(30, AT)
    }

    #[test]
    fn children_that_crash_are_told_with_the_kernels_line() {
        let fault = Segfault {
            at: ago(30),
            sequence: 1,
            pid: 16_046,
            name: "php-fpm8.2".into(),
            text: "php-fpm8.2[16046]: segfault at 0 ip 00 sp 00 error 4 in imagick.so".into(),
        };
        let host = fpm()
            .fpm(30, "[20-Nov-2026 13:59:30] WARNING: [pool www] child 16046 exited on signal 11 (SIGSEGV) after 0.337477 seconds from start")
            .sees(SourceId::Kernel, Seen::Segfault(fault));
        let found = host.root("app-worker-segfault");
        assert_eq!(found.subject.unit, Some(name("php8.2-fpm.service")));
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.evidence.iter().any(|e| e.what.contains("imagick")));
    }

    #[test]
    fn a_child_ended_by_signal_9_did_not_crash() {
        fpm()
            .fpm(30, "[20-Nov-2026 13:59:30] WARNING: [pool www] child 16046 exited on signal 9 (SIGKILL) after 0.337477 seconds from start")
            .spares("app-worker-segfault");
    }

    #[test]
    fn a_segfault_of_a_foreign_program_is_not_this_unit() {
        let fault = Segfault {
            at: ago(30),
            sequence: 1,
            pid: 1,
            name: "chrome".into(),
            text: "chrome[1]: segfault at 0 ip 00 sp 00 error 4 in chrome".into(),
        };
        fpm().sees(SourceId::Kernel, Seen::Segfault(fault)).spares("app-worker-segfault");
    }
}

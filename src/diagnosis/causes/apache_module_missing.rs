//! Apache has no module for the scheme of a backend.

use crate::{
    diagnosis::{Finding, Scene},
    observation::{GatewayKind, Origin},
};

use super::{by_gateway_line, rule::Rule};

pub(super) const RULE: Rule = Rule { cause: "apache-module-missing", judge };

/// Schemes with the module that speaks them and what Debian calls it.
const MODULES: [(&str, &str, &str); 10] = [
    ("http", "proxy_http_module", "proxy_http"),
    ("https", "proxy_http_module", "proxy_http"),
    ("fcgi", "proxy_fcgi_module", "proxy_fcgi"),
    ("ajp", "proxy_ajp_module", "proxy_ajp"),
    ("uwsgi", "proxy_uwsgi_module", "proxy_uwsgi"),
    ("scgi", "proxy_scgi_module", "proxy_scgi"),
    ("ws", "proxy_wstunnel_module", "proxy_wstunnel"),
    ("wss", "proxy_wstunnel_module", "proxy_wstunnel"),
    ("h2", "proxy_http2_module", "proxy_http2"),
    ("balancer", "proxy_balancer_module", "proxy_balancer"),
];

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let kind = GatewayKind::Apache;
    let mut found = by_gateway_line::judge(scene, kind, RULE.cause, &[RULE.cause], |_, n| {
        format!("Apache has no module that speaks to this backend ({n} requests)")
    });
    for finding in &mut found {
        let Some(gateway) = &finding.subject.gateway else { continue };
        let scheme = scene
            .facts(&[RULE.cause])
            .filter(|fact| fact.gateway.as_ref() == Some(gateway))
            .filter_map(|fact| fact.captures.get("scheme"))
            .next_back();
        let Some(scheme) = scheme else { continue };
        let module = MODULES.iter().find(|(own, ..)| *own == scheme.raw());
        let (word, check) = match module {
            Some((_, module, name)) => (
                format!("no LoadModule names {module}, which speaks {scheme}://"),
                format!("a2enmod {name}, then restart Apache"),
            ),
            None => (
                format!("no module of Apache speaks {scheme}://"),
                "is the scheme in the ProxyPass a slip of the pen?".to_owned(),
            ),
        };
        let told = scene.case.configs.get(gateway).and_then(|config| {
            config.problems.iter().find(|problem| {
                let text = problem.what.raw();
                module.map_or_else(
                    || text.contains(&format!("\"{}\"", scheme.raw())),
                    |(_, module, _)| text.contains(module),
                )
            })
        });
        if let Some(problem) = told {
            finding.evidence.push(crate::diagnosis::Evidence {
                what: word,
                origin: Origin::Config(problem.place.clone()),
                at: None,
            });
        }
        finding.next_check = Some(check);
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{Confidence, testing::Host},
        observation::{ConfigProblem, Place, ProblemKind},
    };

    const AT: &str = "127.0.0.1:9000";
    const LINE: &str = "[proxy:warn] [pid 11:tid 11] [client 127.0.0.1:4] AH01144: No protocol handler was valid for the URL /x.php (scheme 'fcgi'). If you are using a DSO version of mod_proxy, make sure the proxy submodules are included in the configuration using LoadModule.";

    #[test]
    fn the_module_of_the_scheme_is_named() {
        let host = Host::apache().upstream(AT).serves("php.service", AT, 100).config(|config| {
            config.problems.push(ConfigProblem {
                kind: ProblemKind::Unknown,
                place: Place { file: "/etc/apache2/sites-enabled/shop.conf".into(), line: 7 },
                what: "fastcgi needs proxy_fcgi_module, which is not loaded".into(),
            });
        });
        let host = host.apache_said(10, LINE);
        let found = host.root("apache-module-missing");
        assert_eq!(found.next_check.as_deref(), Some("a2enmod proxy_fcgi, then restart Apache"));
        assert_eq!(found.evidence.len(), 2);
        host.incident("apache-module-missing", Confidence::Confirmed, "apache");
    }

    #[test]
    fn a_scheme_that_nobody_speaks_is_a_slip_of_the_pen() {
        let line = LINE.replace("fcgi", "htp");
        let found =
            Host::apache().upstream(AT).apache_said(10, &line).root("apache-module-missing");
        assert!(found.next_check.unwrap_or_default().contains("slip"));
    }
}

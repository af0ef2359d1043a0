//! Mandatory access control refuses what the permission bits allow: SELinux by its log of refusals
//! while it enforces, AppArmor by a profile that confines the gateway.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    evidence::{
        LogFact,
        topology::{Chain, Peer},
    },
    observation::{Access, Address, Gateway, GatewayKind, Origin, RouteOutcome, SourceId, Text},
};

use super::rule::Rule;

pub(super) const NAME_CONNECT: Rule = Rule { cause: "selinux-name-connect", judge: name_connect };
pub(super) const UNIX_CONNECT: Rule = Rule { cause: "selinux-unix-connectto", judge: unix_connect };
pub(super) const APPARMOR: Rule = Rule { cause: "apparmor-denied", judge: apparmor };

/// What a gateway's log says when a connect is refused for want of a right.
const REFUSED: [&str; 2] = ["sym-tcp-eacces", "sym-unix-eacces"];

fn name_connect(scene: &Scene<'_>) -> Vec<Finding> {
    let by_port = |fact: &LogFact, peer: &Peer<'_>| {
        fact.captures
            .get("port")
            .is_some_and(|p| peer.address.port().is_some_and(|port| p.raw() == port.to_string()))
    };
    selinux(scene, NAME_CONNECT.cause, by_port, |peer| match peer.address {
        // A route that prohibits is refused with the same number.
        Address::Tcp(to) => !is_prohibited(scene, to.ip()),
        _ => false,
    })
}

fn unix_connect(scene: &Scene<'_>) -> Vec<Finding> {
    let by_path = |fact: &LogFact, peer: &Peer<'_>| {
        let (Some(told), Some(path)) = (fact.captures.get("path"), peer.address.path()) else {
            return false;
        };
        // A label check on the file names only its last part.
        told.raw() == path || path.rsplit('/').next() == Some(told.raw())
    };
    selinux(scene, UNIX_CONNECT.cause, by_path, |peer| {
        peer.address.path().is_some()
            && peer.socket.is_some_and(|socket| socket.access == Access::Allowed)
    })
}

fn is_prohibited(scene: &Scene<'_>, to: std::net::IpAddr) -> bool {
    let routes = scene.case.ways.values().flat_map(|ways| &ways.routes);
    routes.into_iter().any(|(ip, outcome)| *ip == to && *outcome == RouteOutcome::Prohibited)
}

fn selinux(
    scene: &Scene<'_>,
    cause: &'static str,
    about: impl Fn(&LogFact, &Peer<'_>) -> bool,
    fits: impl Fn(&Peer<'_>) -> bool,
) -> Vec<Finding> {
    let settings = scene.case.settings.as_ref();
    let enforces = settings.and_then(|s| s.selinux_enforces);
    // Without SELinux, or while it only warns, nothing is refused by it.
    if enforces != Some(true) {
        return Vec::new();
    }
    let ids = [cause];
    let mut found = Vec::new();
    for (chain, peer) in scene.peers().filter(|(_, peer)| fits(peer)) {
        let refused = scene.facts_on(chain, &REFUSED).next_back();
        let denied = scene
            .facts(&ids)
            .rfind(|f| is_of_gateway(f, chain.gateway) && about(f, peer) && !is_permissive(f));
        let sure = match (denied, refused) {
            (Some(_), Some(_)) => Confidence::Confirmed,
            // The gateway was refused, nothing else refuses, and the log of refusals is unread.
            (None, Some(_)) => Confidence::Likely,
            _ => continue,
        };
        let kind = chain.gateway.kind.as_str();
        let mut finding = Finding::new(
            cause,
            sure,
            format!("SELinux does not let {kind} connect to {}", peer.address),
        )
        .about(scene.subject_of(chain))
        .with_some(refused.map(Scene::quote))
        .with_some(denied.map(Scene::quote))
        .with("SELinux is enforcing", Origin::Path(Text::new("/sys/fs/selinux/enforce")), None)
        .since(refused.map(|f| f.at).or(scene.incident.first))
        .check("ausearch -m AVC -ts recent; ls -Z on the socket, or semanage port -l for the port");
        if denied.is_none() {
            finding = finding.unseen("SELinux's own log of what it refused", SourceId::Kernel);
        }
        finding.subject.path = peer.address.path().map(Text::new);
        found.push(finding);
    }
    found
}

/// Whether a refusal is of a gateway's own process. Its pid may be one of a worker that is gone.
fn is_of_gateway(fact: &LogFact, gateway: &Gateway) -> bool {
    let part = |key: &str| fact.captures.get(key).map(Text::raw);
    let pid = part("pid").and_then(|pid| pid.parse::<u32>().ok());
    let ours = pid.is_some_and(|pid| gateway.master == Some(pid) || gateway.workers.contains(&pid));
    let comm = part("comm").or_else(|| quoted(fact.text.raw(), "comm"));
    ours || comm.is_some_and(|comm| programs(gateway.kind).contains(&comm))
}

/// Names of a gateway's processes.
const fn programs(kind: GatewayKind) -> &'static [&'static str] {
    match kind {
        GatewayKind::Nginx => &["nginx", "openresty", "angie", "freenginx", "tengine"],
        GatewayKind::Apache => &["httpd", "apache2"],
        GatewayKind::Haproxy => &["haproxy"],
        GatewayKind::Caddy => &["caddy"],
        GatewayKind::Traefik => &["traefik"],
        GatewayKind::Envoy => &["envoy"],
    }
}

/// A domain that is permissive is not held to what it is refused.
fn is_permissive(fact: &LogFact) -> bool {
    fact.text.raw().contains("permissive=1")
}

/// The value of `key="value"` in a line of the audit log.
fn quoted<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(&format!(" {key}=\""))?;
    rest.split_once('"').map(|(value, _)| value)
}

fn apparmor(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    if scene.facts(&[APPARMOR.cause]).next().is_none() {
        return found;
    }
    for (chain, peer) in scene.peers() {
        let Some(refused) = scene.facts_on(chain, &REFUSED).next_back() else { continue };
        // What the permission bits refuse needs no profile.
        let allowed = peer.socket.is_none_or(|socket| socket.access == Access::Allowed);
        let denied = scene.facts(&[APPARMOR.cause]).rfind(|fact| is_denied_to(fact, scene, chain));
        let Some(denied) = denied.filter(|_| allowed) else { continue };
        let path = quoted(denied.text.raw(), "name");
        let this = match (path, peer.address.path()) {
            (Some(told), Some(path)) => told == path,
            (None, None) => true,
            _ => false,
        };
        let sure = if this { Confidence::Confirmed } else { Confidence::Likely };
        let profile = denied.captures.get("profile").map(ToString::to_string).unwrap_or_default();
        let mut finding = Finding::new(
            APPARMOR.cause,
            sure,
            format!(
                "AppArmor's profile {profile} does not let {} use {}",
                chain.gateway.kind.as_str(),
                peer.address
            ),
        )
        .about(scene.subject_of(chain))
        .with_some(Some(Scene::quote(refused)))
        .with_some(Some(Scene::quote(denied)))
        .since(Some(refused.at))
        .check(format!("aa-status; what does the profile {profile} allow?"));
        finding.subject.path = peer.address.path().map(Text::new);
        found.push(finding);
    }
    found
}

fn is_denied_to(fact: &LogFact, scene: &Scene<'_>, chain: &Chain<'_>) -> bool {
    let confined = scene.case.settings.iter().flat_map(|s| &s.confined);
    let own = confined.filter(|(id, _)| *id == chain.gateway.id);
    let profile = fact.captures.get("profile").map(Text::raw).unwrap_or_default();
    let mut named = own.map(|(_, label)| label.raw().split(" (").next().unwrap_or_default());
    is_of_gateway(fact, chain.gateway) || named.any(|label| label == profile && !profile.is_empty())
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence,
            testing::{Host, gateway_id},
        },
        observation::{Access, Origin, Program, RouteOutcome, SocketFileKind},
    };

    const AT: &str = "10.0.0.9:3000";
    const SOCKET: &str = "unix:/run/shop.sock";
    const AVC: &str = r#"audit: type=1400 audit(1795183190.123:456): avc:  denied  { name_connect } for  pid=11 comm="nginx" dest=3000 scontext=system_u:system_r:httpd_t:s0 tcontext=system_u:object_r:unreserved_port_t:s0 tclass=tcp_socket permissive=0"#;
    const TO_SOCKET: &str = r#"audit: type=1400 audit(1795183190.123:456): avc:  denied  { connectto } for  pid=11 comm="nginx" path="/run/shop.sock" scontext=system_u:system_r:httpd_t:s0 tcontext=system_u:system_r:unconfined_service_t:s0 tclass=unix_stream_socket permissive=0"#;
    const PROFILE: &str = r#"audit: type=1400 audit(1795183190.1:2): apparmor="DENIED" operation="connect" class="file" profile="/usr/sbin/nginx" name="/run/shop.sock" pid=11 comm="nginx" requested_mask="wr" denied_mask="wr""#;

    fn tcp() -> Host {
        let line = format!(
            "connect() to {AT} failed (13: Permission denied) while connecting to upstream"
        );
        Host::passing_to(AT).nginx(10, &line, AT)
    }

    fn unix(access: Access) -> Host {
        let line = format!(
            "connect() to {SOCKET} failed (13: Permission denied) while connecting to upstream"
        );
        Host::passing_to(SOCKET)
            .serves("shop.service", SOCKET, 100)
            .socket("/run/shop.sock", SocketFileKind::Socket, |s| s.access = access)
            .nginx(10, &line, SOCKET)
    }

    fn kernel(host: Host, line: &str) -> Host {
        host.line(Program::Kernel, Origin::KernelLog, 10, line)
    }

    #[test]
    fn a_port_that_selinux_refuses_is_told_by_its_own_log() {
        let host = kernel(tcp().settings(|s| s.selinux_enforces = Some(true)), AVC);
        host.incident("selinux-name-connect", Confidence::Confirmed, "10.0.0.9:3000");
        let unread = tcp().settings(|s| s.selinux_enforces = Some(true));
        assert_eq!(unread.root("selinux-name-connect").confidence, Confidence::Likely);
    }

    #[test]
    fn without_enforcement_selinux_refuses_nothing() {
        kernel(tcp().settings(|s| s.selinux_enforces = Some(false)), AVC)
            .spares("selinux-name-connect");
        kernel(tcp(), AVC).spares("selinux-name-connect");
    }

    #[test]
    fn a_route_that_prohibits_is_not_selinux() {
        let host = tcp()
            .settings(|s| s.selinux_enforces = Some(true))
            .route("10.0.0.9", RouteOutcome::Prohibited);
        host.spares("selinux-name-connect");
        host.root("net-route-prohibit");
    }

    #[test]
    fn a_refusal_of_another_program_or_port_convicts_nobody() {
        let host = || tcp().settings(|s| s.selinux_enforces = Some(true));
        let other = AVC.replace("comm=\"nginx\"", "comm=\"postfix\"").replace("pid=11", "pid=99");
        assert_eq!(
            kernel(host(), &other).root("selinux-name-connect").confidence,
            Confidence::Likely
        );
        let port = AVC.replace("dest=3000", "dest=25");
        assert_eq!(
            kernel(host(), &port).root("selinux-name-connect").confidence,
            Confidence::Likely
        );
        let warned = AVC.replace("permissive=0", "permissive=1");
        assert_eq!(
            kernel(host(), &warned).root("selinux-name-connect").confidence,
            Confidence::Likely
        );
    }

    #[test]
    fn a_socket_that_selinux_refuses_is_not_a_matter_of_its_mode() {
        let allowed = unix(Access::Allowed).settings(|s| s.selinux_enforces = Some(true));
        kernel(allowed, TO_SOCKET).incident(
            "selinux-unix-connectto",
            Confidence::Confirmed,
            r"/run/shop\.sock",
        );
        let denied = unix(Access::SocketDenied).settings(|s| s.selinux_enforces = Some(true));
        kernel(denied, TO_SOCKET).root("unix-socket-permission");
    }

    #[test]
    fn a_profile_that_lacks_the_socket_is_named() {
        let host = unix(Access::Allowed).settings(|s| {
            s.confined = vec![(gateway_id(), "/usr/sbin/nginx (enforce)".into())];
        });
        kernel(host, PROFILE).incident(
            "apparmor-denied",
            Confidence::Confirmed,
            r"/run/shop\.sock",
        );
        let another = PROFILE.replace("/run/shop.sock", "/etc/ssl/private");
        let found = kernel(unix(Access::Allowed), &another).root("apparmor-denied");
        assert_eq!(found.confidence, Confidence::Likely);
    }

    #[test]
    fn a_profile_of_another_program_is_none_of_the_gateways() {
        let other = PROFILE
            .replace("/usr/sbin/nginx", "/usr/sbin/cupsd")
            .replace("comm=\"nginx\"", "comm=\"cupsd\"")
            .replace("pid=11", "pid=99");
        kernel(unix(Access::Allowed), &other).spares("apparmor-denied");
    }
}

//! Which labels are looked at: those that say where requests go. All others may hold secrets.

/// Labels whose name has more parts than this are none of those that are read.
const DEPTH: usize = 10;
/// Endings of what is read of a router.
const ROUTER: [&str; 4] = ["rule", "service", "entrypoints", "tls"];
/// Endings of what is read of a service, below `loadbalancer`.
const SERVICE: [&str; 10] = [
    "server.port",
    "server.scheme",
    "server.url",
    "server.tls",
    "serverstransport",
    "healthcheck.path",
    "healthcheck.port",
    "healthcheck.status",
    "healthcheck.method",
    "proxyprotocol.version",
];

/// Whether a label tells where requests go. Middlewares, which hold users and their passwords, are
/// never among them; tags that constraints ask for (`traefik.NAME`) are.
pub fn is_wanted(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let parts: Vec<&str> = name.split('.').take(DEPTH + 1).collect();
    match parts.as_slice() {
        ["traefik", _] | ["traefik", "docker", "network"] => true,
        ["traefik", "http" | "tcp", "routers", _, rest @ ..] => match rest {
            [one] => ROUTER.contains(one),
            ["tls", _, ..] => rest.len() <= 2,
            _ => false,
        },
        ["traefik", "http" | "tcp", "services", _, "loadbalancer", rest @ ..] => {
            SERVICE.contains(&rest.join(".").as_str())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_and_servers_are_read_and_what_holds_secrets_is_not() {
        for name in [
            "traefik.enable",
            "traefik.tags",
            "traefik.docker.network",
            "traefik.http.routers.shop.rule",
            "traefik.http.routers.Shop.entryPoints",
            "traefik.http.routers.shop.tls.certresolver",
            "traefik.tcp.routers.db.service",
            "traefik.http.services.shop.loadBalancer.server.port",
            "traefik.http.services.shop.loadbalancer.healthcheck.path",
        ] {
            assert!(is_wanted(name), "{name}");
        }
        for name in [
            "traefik.http.middlewares.auth.basicauth.users",
            "traefik.http.middlewares.h.headers.customrequestheaders.Authorization",
            "traefik.http.routers.shop.middlewares",
            "traefik.http.services.shop.loadbalancer.healthcheck.headers.X-Key",
            "traefik.http.services.shop.loadbalancer.sticky.cookie.name",
            "com.example.token",
            "traefik",
            "",
        ] {
            assert!(!is_wanted(name), "{name}");
        }
    }
}

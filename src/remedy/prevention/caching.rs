//! Whether the last good answer is given while the server is away.

use crate::{
    diagnosis::Scene,
    observation::{Gateway, GatewayKind},
};

use super::{
    item::{Precaution, Row},
    route::family,
};

pub(super) const ROW: Row = Row {
    id: "caching",
    title: "The last good answer while the server is away",
    why: "Pages that are the same for everybody stay up through a short outage.",
    against: &[],
};

/// Gateways that are judged.
const MOST: usize = 12;

pub(super) fn judge(scene: &Scene<'_>) -> Vec<Precaution> {
    scene.case.gateways.values().take(MOST).filter_map(|gateway| one(scene, gateway)).collect()
}

/// Caches are not among what is read of a configuration: nothing is called lacking.
fn one(scene: &Scene<'_>, gateway: &Gateway) -> Option<Precaution> {
    let config = scene.case.configs.get(&gateway.id)?;
    let passed = config.upstreams.first()?;
    let line = match gateway.kind {
        GatewayKind::Nginx => format!(
            "{}_cache_use_stale error timeout updating http_502 http_503 http_504;",
            family(passed.protocol)
        ),
        GatewayKind::Apache => "CacheStaleOnError on".to_owned(),
        // They have no such cache of their own.
        GatewayKind::Haproxy | GatewayKind::Caddy | GatewayKind::Traefik | GatewayKind::Envoy => {
            return None;
        }
    };
    let row = ROW.unseen(
        gateway.id.to_string(),
        "which answers it keeps is not among what is read of its configuration",
    );
    Some(row.add(passed.place.to_string(), vec![line]).mind(
        "It needs a cache, and is only for what every visitor may see; jobs that take long belong in a queue instead.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{diagnosis::testing::Host, remedy::prevention::Standing};

    #[test]
    fn caching_is_never_called_lacking_and_the_line_fits_the_protocol() {
        let rows = Host::fastcgi("unix:/run/php.sock").look(judge);
        assert_eq!(rows[0].standing, Standing::Unknown);
        assert!(rows[0].add.as_ref().unwrap().lines[0].starts_with("fastcgi_cache_use_stale"));
        assert_eq!(Host::new().look(judge), []);
    }
}

//! How a gateway is asked to read its configuration again.

use crate::observation::{Gateway, GatewayKind};

use super::Action;

/// The step that does it: a signal to nginx's master, and the reload of the unit for the others,
/// whose packages test the configuration first. Traefik follows its files by itself, and Envoy does
/// not read them again; neither is asked.
pub fn reload(gateway: &Gateway) -> Option<Action> {
    let master = gateway.master.filter(|_| gateway.running)?;
    match gateway.kind {
        GatewayKind::Nginx => Some(Action::ReloadGateway { gateway: gateway.id.clone(), master }),
        GatewayKind::Apache | GatewayKind::Haproxy | GatewayKind::Caddy => {
            gateway.unit.clone().map(|unit| Action::ReloadUnit { unit })
        }
        GatewayKind::Traefik | GatewayKind::Envoy => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{diagnosis::testing::Host, observation::UnitName};

    #[test]
    fn each_kind_is_reloaded_in_its_own_way_or_not_at_all() {
        let of = |kind| {
            let mut gateway = Host::new().gateway;
            gateway.kind = kind;
            gateway.unit = UnitName::new("front.service").ok();
            reload(&gateway).map(|action| action.kind())
        };
        assert_eq!(of(GatewayKind::Nginx), Some("reload-gateway"));
        for kind in [GatewayKind::Apache, GatewayKind::Haproxy, GatewayKind::Caddy] {
            assert_eq!(of(kind), Some("reload-unit"));
        }
        assert_eq!(of(GatewayKind::Traefik), None);
        assert_eq!(of(GatewayKind::Envoy), None);
    }
}

//! The provider of containers, as the static part sets it up.

use crate::{
    observation::{LabelProvider, Place, Text},
    source::config::document::Node,
};

/// Reads `providers.docker`; `None` where it is off, or asks a swarm, whose labels are those of
/// services and not of containers.
pub(super) fn read(provider: &Node, place: Place) -> Option<LabelProvider> {
    let off = provider.text().is_some_and(|text| text.eq_ignore_ascii_case("false"));
    if off || provider.is_on("swarmMode") {
        return None;
    }
    let word = |name: &str| Text::new(provider.word(name));
    Some(LabelProvider {
        place,
        endpoint: word("endpoint"),
        exposed_by_default: !provider.word("exposedByDefault").eq_ignore_ascii_case("false"),
        network: word("network"),
        default_rule: word("defaultRule"),
        constraints: word("constraints"),
        binds_host_port: provider.is_on("useBindPortIP"),
        entry_points: Vec::new(),
        transports: Vec::new(),
        routes: Vec::new(),
    })
}

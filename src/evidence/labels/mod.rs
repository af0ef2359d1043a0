//! Routes that containers carry as labels: what Traefik makes of them, as upstreams beside those
//! of its files (<https://doc.traefik.io/traefik/routing/providers/docker/>).

mod constraint;
mod container;
mod join;
mod place;
mod rule;
mod wanted;

pub use join::read_labels;
pub use rule::{read as read_rule, without_values};
pub use wanted::is_wanted;

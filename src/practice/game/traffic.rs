//! What a world's pulse means to the player.

use crate::{practice::Pulse, session::practice::Traffic};

/// Only the routes that count decide; the one that was answered least is the measure.
pub fn traffic(pulse: &Pulse) -> Traffic {
    let counted = || pulse.routes.iter().filter(|route| route.must_answer);
    Traffic {
        in_a_row: counted().map(|route| u64::from(route.in_a_row)).min().unwrap_or(0),
        answered: counted().map(|route| route.answered).sum(),
        failed: counted().map(|route| route.failed).sum(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::practice::RoutePulse;

    #[test]
    fn the_worst_route_that_counts_decides_and_a_neighbour_does_not() {
        let route = |in_a_row, must_answer| RoutePulse {
            in_a_row,
            must_answer,
            answered: 10,
            failed: 1,
            ..RoutePulse::default()
        };
        let routes = vec![route(20, true), route(4, true), route(0, false)];
        let seen = traffic(&Pulse { routes, ..Pulse::default() });
        assert_eq!((seen.in_a_row, seen.answered, seen.failed), (4, 20, 2));
        assert_eq!(traffic(&Pulse::default()).in_a_row, 0, "no route is no proof");
    }
}

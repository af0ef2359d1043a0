//! Whose turn it is, and who is set aside for a while because it failed
//! (`ngx_http_upstream_round_robin.c`).

use std::{collections::BTreeMap, sync::Mutex};

use crate::host::clock;

use super::plan::{Backend, Pass};

/// What is remembered of one peer of one place.
#[derive(Clone, Copy, Debug, Default)]
struct Memory {
    fails: u32,
    /// Seconds since boot of the last failure.
    failed: u64,
}

/// What is remembered, by the name of the place and the peer's number.
type Memories = BTreeMap<(String, usize), Memory>;

/// What a worker remembers of all peers.
#[derive(Debug, Default)]
pub(super) struct Balance {
    turn: Mutex<(usize, Memories)>,
}

fn seconds() -> u64 {
    clock::now().boot.0 / 1_000_000
}

impl Balance {
    /// The next peer to be asked, as its place in the group; `tried` were asked already.
    pub(super) fn next(&self, pass: &Pass, tried: &[usize]) -> Option<usize> {
        let Ok(mut state) = self.turn.lock() else { return None };
        let single = pass.peers.len() == 1;
        let now = seconds();
        let usable = |at: usize, peer: &Backend, memory: &Memories| {
            let known = memory.get(&(pass.name.clone(), at)).copied().unwrap_or_default();
            let rests = peer.max_fails > 0
                && known.fails >= peer.max_fails
                && now.saturating_sub(known.failed) <= peer.fail_secs;
            // A single peer is never set aside.
            !tried.contains(&at) && (single || !peer.down && !rests)
        };
        let begin = state.0;
        let count = pass.peers.len();
        for backup in [false, true] {
            for step in 0..count {
                let at = (begin + step) % count;
                let fits = pass
                    .peers
                    .get(at)
                    .is_some_and(|peer| peer.backup == backup && usable(at, peer, &state.1));
                if fits {
                    state.0 = at + 1;
                    return Some(at);
                }
            }
        }
        None
    }

    /// Remembers how an attempt ended.
    pub(super) fn ended(&self, pass: &Pass, at: usize, well: bool) {
        let Ok(mut state) = self.turn.lock() else { return };
        let memory = state.1.entry((pass.name.clone(), at)).or_default();
        if well {
            memory.fails = 0;
        } else {
            memory.fails = memory.fails.saturating_add(1);
            memory.failed = seconds();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::practice::net::Peer;

    fn pass(peers: usize) -> Pass {
        let backend = |n: usize| Backend {
            peer: Peer::Unix(format!("/{n}").into()),
            max_fails: 1,
            fail_secs: 10,
            backup: false,
            down: false,
        };
        Pass {
            fastcgi: false,
            name: "g".into(),
            uri: None,
            peers: (0..peers).map(backend).collect(),
            connect_ms: 1,
            send_ms: 1,
            read_ms: 1,
            header_bytes: 1,
        }
    }

    #[test]
    fn peers_take_turns_and_who_failed_rests_unless_it_is_the_only_one() {
        let (balance, pair) = (Balance::default(), pass(2));
        assert_eq!((balance.next(&pair, &[]), balance.next(&pair, &[])), (Some(0), Some(1)));
        balance.ended(&pair, 0, false);
        assert_eq!((balance.next(&pair, &[]), balance.next(&pair, &[])), (Some(1), Some(1)));
        balance.ended(&pair, 1, false);
        assert_eq!(balance.next(&pair, &[]), None, "none is alive");
        let (balance, single) = (Balance::default(), pass(1));
        balance.ended(&single, 0, false);
        assert_eq!(balance.next(&single, &[]), Some(0));
        assert_eq!(balance.next(&single, &[0]), None);
        assert_eq!(balance.next(&pass(0), &[]), None);
    }
}

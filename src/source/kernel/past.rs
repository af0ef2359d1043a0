//! What the ring held before this program started, bounded.

use std::collections::VecDeque;

use crate::observation::{Gap, Seen, SourceId, Text};

/// Most kills, and most other records, kept of the past; the newest stay.
const KEPT: usize = 500;

/// The newest part of the past, in order.
#[derive(Debug, Default)]
pub(super) struct Past {
    kills: VecDeque<(u64, Seen)>,
    others: VecDeque<(u64, Seen)>,
    cut: u64,
    count: u64,
}

impl Past {
    /// Takes the next in order.
    pub(super) fn push(&mut self, seen: Seen) {
        let list = if matches!(seen, Seen::Kill(_)) { &mut self.kills } else { &mut self.others };
        if list.len() == KEPT {
            list.pop_front();
            self.cut += 1;
        }
        list.push_back((self.count, seen));
        self.count += 1;
    }

    /// All of it in order, led by a [`Gap`] when something was cut.
    pub(super) fn into_vec(self) -> Vec<Seen> {
        let mut all: Vec<(u64, Seen)> = self.kills.into_iter().chain(self.others).collect();
        all.sort_by_key(|(order, _)| *order);
        let gap = (self.cut > 0).then(|| {
            gap(self.cut, format!("only the newest {KEPT} kills and other records are kept"))
        });
        gap.into_iter().chain(all.into_iter().map(|(_, seen)| seen)).collect()
    }
}

/// Records of the kernel log that were lost.
pub(super) fn gap(lines: u64, why: impl AsRef<str>) -> Seen {
    Seen::Gap(Gap {
        source: SourceId::Kernel,
        what: Text::new("kernel log"),
        lines,
        bytes: 0,
        why: Text::new(why),
    })
}

#[cfg(test)]
mod tests {
    use crate::observation::{LogLine, Origin, Program};

    use super::*;

    #[test]
    fn the_newest_stay_in_order_and_the_cut_is_told() {
        let mut past = Past::default();
        for n in 0..KEPT + 2 {
            past.push(Seen::Log(LogLine {
                program: Program::Kernel,
                origin: Origin::KernelLog,
                gateway: None,
                at: None,
                text: Text::new(n.to_string()),
            }));
        }
        let all = past.into_vec();
        assert!(matches!(&all[0], Seen::Gap(gap) if gap.lines == 2));
        assert!(matches!(&all[1], Seen::Log(line) if line.text.raw() == "2"));
        assert_eq!(all.len(), KEPT + 1);
    }
}

//! What an observation amounts to, for the recorder: a sample that moved by less than one part in
//! sixteen says what the last one said.

use crate::observation::{Seen, Text};

/// A copy in which what trembles from look to look is rounded; `None` where nothing trembles.
/// Counters of events, limits and everything that a rule asks for exactly stay as they are.
pub(super) fn rounded(seen: &Seen) -> Option<Seen> {
    let mut seen = match seen {
        Seen::Probe(_)
        | Seen::Processes(_)
        | Seen::Limits(_)
        | Seen::Ports(_)
        | Seen::Cgroup(_)
        | Seen::Memory(_)
        | Seen::Cpu(_)
        | Seen::Pressure(_)
        | Seen::Disk(_) => seen.clone(),
        _ => return None,
    };
    match &mut seen {
        Seen::Probe(probe) => probe.micros = magnitude(probe.micros),
        Seen::Processes(all) => {
            for process in all {
                process.rss = sixteenth(process.rss);
            }
        }
        Seen::Limits(limits) => limits.open_files = limits.open_files.map(sixteenth),
        Seen::Ports(ports) => {
            ports.in_use = small(ports.in_use);
            ports.time_wait = small(ports.time_wait);
        }
        Seen::Cgroup(group) => {
            group.path = Text::default();
            for sample in [
                &mut group.memory,
                &mut group.pids,
                &mut group.throttled_periods,
                &mut group.throttled_us,
                &mut group.cpu_periods,
            ] {
                *sample = sample.map(sixteenth);
            }
        }
        Seen::Memory(memory) => {
            memory.available = sixteenth(memory.available);
            memory.swap_free = sixteenth(memory.swap_free);
        }
        Seen::Cpu(cpu) => {
            cpu.busy = steps(cpu.busy, 10.0);
            cpu.load = cpu.load.map(|load| steps(load, 4.0));
        }
        Seen::Pressure(pressure) => {
            let all = [&mut pressure.cpu, &mut pressure.memory, &mut pressure.io];
            for stall in all.into_iter().flatten() {
                stall.some = steps(stall.some, 0.5);
                stall.full = steps(stall.full, 0.5);
                stall.some_60 = stall.some_60.map(|share| steps(share, 0.5));
                stall.full_60 = stall.full_60.map(|share| steps(share, 0.5));
            }
        }
        Seen::Disk(disk) => {
            disk.available = sixteenth(disk.available);
            disk.inodes_free = sixteenth(disk.inodes_free);
        }
        _ => {}
    }
    Some(seen)
}

/// The four leading bits of a number.
const fn sixteenth(n: u64) -> u64 {
    let below = (u64::BITS - n.leading_zeros()).saturating_sub(4);
    n >> below << below
}

fn small(n: u32) -> u32 {
    u32::try_from(sixteenth(u64::from(n))).unwrap_or(n)
}

/// A time to within a factor of four; below a millisecond all are alike.
const fn magnitude(micros: u64) -> u64 {
    let bits = u64::BITS - (micros | 1_023).leading_zeros();
    1 << ((bits - 1) / 2 * 2)
}

fn steps(n: f64, per_one: f64) -> f64 {
    (n * per_one).round() / per_one
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::{CgroupSample, CpuSample, DiskSample, MemorySample, Owner, UnitName};

    fn same(a: Seen, b: Seen) -> bool {
        rounded(&a).unwrap() == rounded(&b).unwrap()
    }

    #[test]
    fn a_sample_that_trembles_is_the_same_and_one_that_moves_is_not() {
        let memory = |available| {
            Seen::Memory(MemorySample { total: 8 << 30, available, ..Default::default() })
        };
        assert!(same(memory(4 << 30), memory((4 << 30) + (100 << 20))));
        assert!(!same(memory(4 << 30), memory(3 << 30)));
        let cpu = |busy| Seen::Cpu(CpuSample { busy, load: [0.1; 3], cpus: 2 });
        assert!(same(cpu(0.01), cpu(0.03)) && !same(cpu(0.01), cpu(0.5)));
    }

    #[test]
    fn the_last_bytes_of_a_disk_and_a_kill_in_a_group_are_never_rounded_away() {
        let disk = |available| {
            Seen::Disk(DiskSample {
                mount: Text::from("/"),
                total: 1 << 40,
                available,
                inodes: 0,
                inodes_free: 0,
                read_only: false,
            })
        };
        assert!(!same(disk(4_096), disk(0)) && !same(disk(1 << 30), disk(1 << 28)));
        let group = |oom_kills| {
            Seen::Cgroup(CgroupSample {
                owner: Owner::Unit(UnitName::new("app.service").unwrap()),
                path: Text::default(),
                memory: Some(5 << 20),
                memory_max: None,
                oom_kills: Some(oom_kills),
                pids: None,
                pids_max: None,
                throttled_periods: None,
                throttled_us: None,
                cpu_periods: None,
            })
        };
        assert!(!same(group(100), group(101)));
    }

    #[test]
    fn numbers_keep_their_four_leading_bits() {
        assert_eq!([0, 1, 15, 16, 17, 31, 255].map(sixteenth), [0, 1, 15, 16, 16, 30, 240]);
        assert_eq!(sixteenth(u64::MAX), 0xf << 60);
        assert_eq!(magnitude(80), magnitude(900));
        assert!(magnitude(500) < magnitude(1_000_000));
        let _ = magnitude(u64::MAX);
    }
}

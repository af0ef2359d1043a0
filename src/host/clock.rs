//! The clocks of the machine.

use std::time::SystemTime;

use rustix::time::{ClockId, clock_gettime};

use crate::observation::{Boot, Moment, Wall};

/// Both clocks, read together.
pub fn now() -> Moment {
    let wall = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .ok()
        .and_then(|d| i64::try_from(d.as_micros()).ok())
        .unwrap_or_default();
    let boot = clock_gettime(ClockId::Boottime);
    let micros = |t: rustix::time::Timespec| {
        u64::try_from(t.tv_sec).unwrap_or(0).saturating_mul(1_000_000)
            + u64::try_from(t.tv_nsec).unwrap_or(0) / 1_000
    };
    Moment { wall: Wall(wall), boot: Boot(micros(boot)) }
}

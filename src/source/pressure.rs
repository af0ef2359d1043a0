//! Memory, CPU and pressure of the host.

use std::time::Duration;

use crate::{
    host::{
        clock,
        files::Root,
        meminfo::{self, Meter},
    },
    observation::{Boot, CpuSample, MemorySample, PressureSample, Seen, Stall},
};

use super::{
    AttentionWatch, Closed, Outlet,
    sweep::{Blindness, pause, sweep},
};

/// How often the host is measured.
const INTERVAL: Duration = Duration::from_secs(2);

/// Between the first two looks: enough to tell how busy the CPU is.
const FIRST_INTERVAL: Duration = Duration::from_millis(250);

/// After this many seconds what has not changed is published again, so that its age stays young.
const AGAIN_SECS: u64 = 10;

/// Measures until the session ends.
pub async fn run(outlet: Outlet, attention: AttentionWatch) {
    let _ = watch(outlet, attention).await;
}

async fn watch(outlet: Outlet, mut attention: AttentionWatch) -> Result<(), Closed> {
    let mut told = Blindness::default();
    let mut host = Host::default();
    let mut interval = FIRST_INTERVAL;
    let mut swept = None;
    loop {
        let generation = attention.borrow_and_update().generation;
        let (state, (news, blind)) =
            sweep(&outlet, &mut told, generation, host, Host::measure).await?;
        host = state;
        for seen in news {
            outlet.publish(seen).await?;
        }
        told.replace(blind, &outlet).await?;
        if swept.replace(generation) != Some(generation) {
            outlet.swept(generation).await?;
        }
        // Nothing here depends on the attention: a change of it only wants its sweep.
        if !pause(&outlet, &mut attention, interval).await? {
            interval = INTERVAL;
        }
    }
}

/// A value with the moment at which it was published.
type Told<T> = Option<(Boot, T)>;

/// What was told about the host.
#[derive(Debug, Default)]
struct Host {
    meter: Option<Meter>,
    memory: Told<MemorySample>,
    cpu: Told<CpuSample>,
    pressure: Told<PressureSample>,
}

impl Host {
    fn measure(&mut self) -> (Vec<Seen>, Blindness) {
        let now = clock::now().boot;
        let mut blind = Blindness::default();
        let mut news = Vec::new();
        if self.meter.is_none() {
            match Meter::new() {
                Ok(meter) => self.meter = Some(meter),
                Err(why) => blind.add("memory and CPU", &why, "memory and CPU of the host", ""),
            }
        }
        if let Some(meter) = &mut self.meter {
            if let Some(memory) = meter.memory() {
                news.extend(tell(&mut self.memory, now, memory, memory_differs).map(Seen::Memory));
            } else {
                let grant = "mount /proc";
                blind.add("/proc/meminfo", "not readable", "free memory of the host", grant);
            }
            if let Some(cpu) = meter.cpu() {
                news.extend(tell(&mut self.cpu, now, cpu, cpu_differs).map(Seen::Cpu));
            }
        }
        let (pressure, refused) = meminfo::pressure(&Root::default());
        if let Some(error) = refused {
            let hides = "how long tasks wait for CPU, memory and disks";
            blind.add("/proc/pressure", &error.to_string(), hides, "");
        }
        let pressure = tell(&mut self.pressure, now, pressure, pressure_differs);
        news.extend(pressure.map(Seen::Pressure));
        (news, blind)
    }
}

/// Gives the value back when it has to be published.
fn tell<T: Copy>(told: &mut Told<T>, now: Boot, new: T, differs: fn(&T, &T) -> bool) -> Option<T> {
    let news = match told {
        Some((at, old)) => now.secs_since(*at) >= AGAIN_SECS || differs(old, &new),
        None => true,
    };
    news.then(|| {
        *told = Some((now, new));
        new
    })
}

fn memory_differs(old: &MemorySample, new: &MemorySample) -> bool {
    let moved = |old: u64, new: u64, total: u64| old.abs_diff(new) > total / 100;
    old.total != new.total
        || old.swap_total != new.swap_total
        || moved(old.available, new.available, new.total)
        || moved(old.swap_free, new.swap_free, new.swap_total)
}

fn cpu_differs(old: &CpuSample, new: &CpuSample) -> bool {
    let load = old.load.iter().zip(&new.load).any(|(old, new)| (old - new).abs() >= 0.5);
    load || old.cpus != new.cpus || (old.busy - new.busy).abs() >= 0.1
}

fn pressure_differs(old: &PressureSample, new: &PressureSample) -> bool {
    let moved = |old: Option<Stall>, new: Option<Stall>| match (old, new) {
        (Some(old), Some(new)) => {
            (old.some - new.some).abs() >= 2.0 || (old.full - new.full).abs() >= 2.0
        }
        (old, new) => old.is_some() != new.is_some(),
    };
    moved(old.cpu, new.cpu) || moved(old.memory, new.memory) || moved(old.io, new.io)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::{mpsc, watch as channel};

    use crate::{
        observation::SourceId,
        session::{Attention, Event},
    };

    use super::*;

    #[test]
    fn what_has_not_moved_is_told_again_only_to_stay_young() {
        let mut told = None;
        let sample = MemorySample { total: 1_000, available: 500, ..MemorySample::default() };
        let at = |secs: u64| Boot(secs * 1_000_000);
        assert!(tell(&mut told, at(1), sample, memory_differs).is_some());
        assert!(tell(&mut told, at(3), sample, memory_differs).is_none());
        let moved = MemorySample { available: 480, ..sample };
        assert!(tell(&mut told, at(5), moved, memory_differs).is_some());
        assert!(tell(&mut told, at(16), moved, memory_differs).is_some());
    }

    #[test]
    fn a_kernel_without_pressure_is_said_once() {
        let mut told = None;
        let none = PressureSample::default();
        assert!(tell(&mut told, Boot(0), none, pressure_differs).is_some());
        assert!(tell(&mut told, Boot(1), none, pressure_differs).is_none());
    }

    #[tokio::test]
    async fn the_first_sweep_makes_no_claim_about_the_cpu() {
        let (queue, mut events) = mpsc::channel(64);
        let (attend, attention) = channel::channel(Arc::new(Attention::default()));
        let task = tokio::spawn(run(Outlet::new(SourceId::Pressure, queue), attention));
        loop {
            let Some(Event::Seen(seen)) = events.recv().await else { panic!("ended") };
            match seen.seen {
                Seen::Swept { generation } => break assert_eq!(generation, 0),
                Seen::Cpu(cpu) => panic!("{cpu:?}"),
                _ => {}
            }
        }
        drop(attend);
        task.await.unwrap();
    }
}

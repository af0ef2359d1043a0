//! What going through an hour of a recording costs: reading ahead, memory, going back.
//!
//! `cargo bench --bench replay`. The hour is that of a host with 100 upstreams of which each is
//! probed every five seconds and one fails for ten minutes.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    missing_docs,
    unreachable_pub,
    reason = "a bench prints and may fail loudly"
)]

#[path = "../replay/tapes.rs"]
mod tapes;

use std::time::Instant;

use gatemedic::{
    observation::{
        Address, GatewayId, MemorySample, Observation, Probe, ProbeOutcome, Seen, SourceId, Text,
    },
    session::{
        Knowledge, Model,
        recording::Entry,
        replay::{Ask, Reel, Tape},
    },
};

const SECS: u64 = 3_600;
const UPSTREAMS: u64 = 100;

fn seen(millis: u64, source: SourceId, seen: Seen) -> Entry {
    Entry::Seen(Box::new(Observation { at: tapes::moment(millis), source, seen }))
}

fn hour() -> Vec<Entry> {
    let mut all = tapes::stretched("oom-cgroup-unit", 10);
    for second in 10..SECS {
        let now = second * 1_000;
        let memory = MemorySample {
            total: 8 << 30,
            available: (4 << 30) + (second << 22),
            ..MemorySample::default()
        };
        all.push(seen(now, SourceId::Pressure, Seen::Memory(memory)));
        for n in (0..UPSTREAMS).filter(|n| n % 5 == second % 5) {
            let address = Address::Tcp(format!("127.0.0.1:{}", 9_000 + n).parse().unwrap());
            let down = n == 7 && (1_200..1_800).contains(&second);
            let outcome = if down { ProbeOutcome::Refused } else { ProbeOutcome::Connected };
            all.push(seen(
                now + n,
                SourceId::Probes,
                Seen::Probe(Probe {
                    gateway: GatewayId(Text::new("nginx:/etc/nginx/nginx.conf")),
                    target: address.clone(),
                    tried: address,
                    same_namespace: true,
                    outcome,
                    micros: 80 + n,
                    tls: None,
                    tls_facts: None,
                }),
            ));
        }
        let line = format!("worker {} took {} ms", second % 8, second % 37);
        all.push(tapes::line(now + 500, &line));
    }
    all
}

/// Memory of this process in MiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1_024
}

fn main() {
    let knowledge = Knowledge::embedded();
    let entries = hour();
    let count = entries.len();
    let mut bytes = Vec::new();
    for frames in tapes::framed_together(&entries, 200) {
        bytes.extend(frames);
    }
    drop(entries);
    let size = bytes.len();
    let before = resident();
    let (mut reel, mut model) = (Reel::new(Tape::whole(bytes)), Model::of_recording());
    let began = Instant::now();
    reel.read_all(knowledge);
    let read = began.elapsed();
    println!("{count} entries in {} KiB, read ahead in {read:.2?}", size >> 10);
    let mut worst = std::time::Duration::ZERO;
    let mut sum = worst;
    reel.ask(&mut model, Ask::End, knowledge);
    for n in 0..60_u64 {
        // To and fro, to places that nothing was kept for.
        let at = tapes::moment((n * 977) % SECS * 1_000 + 321).wall;
        let began = Instant::now();
        reel.ask(&mut model, Ask::To(at), knowledge);
        let took = began.elapsed();
        (worst, sum) = (worst.max(took), sum + took);
    }
    println!("a jump: {:.2?} on average, {worst:.2?} at worst (limit 250 ms)", sum / 60);
    // What the entries occupied is used again: the whole process is told.
    println!("memory: {} MiB resident, {before} MiB of it before (limit 300 MiB)", resident());
}

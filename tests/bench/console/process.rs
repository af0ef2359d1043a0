//! What a process costs, as `/proc` tells.

use std::fs;

/// Hundredths of a second of processor time, so per second they are percent (`proc_pid_stat(5)`,
/// fields 14 and 15; `USER_HZ` is 100 on all Linux that this runs on).
pub fn cpu_ticks(pid: i32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat[stat.rfind(')').unwrap() + 2..].split(' ').collect();
    fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()
}

/// What it keeps in memory.
pub fn resident_mib(pid: i32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1_024.0
}

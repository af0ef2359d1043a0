//! Memory, CPU and pressure of the host.

use sysinfo::{MINIMUM_CPU_UPDATE_INTERVAL, MemoryRefreshKind, System};

use crate::observation::{Boot, CpuSample, MemorySample, PressureSample, Stall};

use super::{
    clock,
    files::{FileError, Root},
};

/// Longest pressure file that is read, in bytes.
const FILE_LIMIT: u64 = 4 * 1024;

/// A meter of memory and CPU. The system crate reads `/proc/meminfo`, `/proc/stat` and
/// `/proc/loadavg`; pressure it does not know.
#[derive(Debug)]
pub struct Meter {
    system: System,
    last: Option<Boot>,
}

impl Meter {
    /// A meter whose first CPU reading is still to come.
    ///
    /// # Errors
    /// The words of the system crate.
    pub fn new() -> Result<Self, String> {
        Ok(Self { system: System::new().map_err(|error| error.to_string())?, last: None })
    }

    /// Memory now; `None` when `/proc/meminfo` is not readable.
    pub fn memory(&mut self) -> Option<MemorySample> {
        self.system.refresh_memory_specifics(MemoryRefreshKind::everything());
        let total = self.system.total_memory();
        (total > 0).then(|| MemorySample {
            total,
            available: self.system.available_memory().min(total),
            swap_total: self.system.total_swap(),
            swap_free: self.system.free_swap(),
        })
    }

    /// CPU use since the previous reading. `None` for the first one, which has nothing to be
    /// compared with (the average since boot would be a wrong answer), and when too little time
    /// has passed to tell.
    pub fn cpu(&mut self) -> Option<CpuSample> {
        let now = clock::now().boot;
        let pause = u64::try_from(MINIMUM_CPU_UPDATE_INTERVAL.as_micros()).unwrap_or(200_000);
        if self.last.is_some_and(|last| now.0.saturating_sub(last.0) <= pause) {
            return None;
        }
        self.system.refresh_cpu_usage();
        self.last.replace(now)?;
        let load = System::load_average().ok()?;
        let busy = f64::from(self.system.global_cpu_usage()) / 100.0;
        Some(CpuSample {
            busy: if busy.is_finite() { busy.clamp(0.0, 1.0) } else { 0.0 },
            load: [load.one, load.five, load.fifteen],
            cpus: u32::try_from(self.system.cpus().len()).unwrap_or(u32::MAX),
        })
    }
}

/// Pressure stall information; a resource is `None` where the kernel does not tell (built or
/// booted without it). The error is that of a file that is there and may not be read.
pub fn pressure(root: &Root) -> (PressureSample, Option<FileError>) {
    let mut refused = None;
    let mut resource =
        |name: &str| match root.read_text(format!("/proc/pressure/{name}"), FILE_LIMIT) {
            Ok(text) => stall(&text),
            Err(FileError::Missing) => None,
            Err(FileError::Io(error))
                if error.raw_os_error() == Some(rustix::io::Errno::OPNOTSUPP.raw_os_error()) =>
            {
                None
            }
            Err(error) => {
                refused = Some(error);
                None
            }
        };
    let sample =
        PressureSample { cpu: resource("cpu"), memory: resource("memory"), io: resource("io") };
    (sample, refused)
}

/// Reads `some avg10=0.00 …` and `full avg10=0.00 …`; older kernels have no `full` for the CPU.
fn stall(text: &str) -> Option<Stall> {
    let average = |kind: &str, over: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(kind))?;
        let value = line.split(' ').find_map(|field| field.strip_prefix(over))?;
        value.parse::<f64>().ok().filter(|value| (0.0..=100.0).contains(value))
    };
    Some(Stall {
        some: average("some ", "avg10=")?,
        full: average("full ", "avg10=").unwrap_or(0.0),
        some_60: average("some ", "avg60="),
        full_60: average("full ", "avg60="),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pressure_is_read_and_its_absence_is_not_an_error() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("proc/pressure")).unwrap();
        let memory = "some avg10=12.50 avg60=1.0 avg300=0.0 total=7\nfull avg10=3.25 avg60=0.0\n";
        std::fs::write(dir.path().join("proc/pressure/memory"), memory).unwrap();
        std::fs::write(dir.path().join("proc/pressure/cpu"), "some avg10=1.00 total=0\n").unwrap();
        let (sample, refused) = pressure(&Root::new(dir.path()));
        let memory = Stall { some: 12.5, full: 3.25, some_60: Some(1.0), full_60: Some(0.0) };
        assert_eq!(sample.memory, Some(memory));
        assert_eq!(sample.cpu, Some(Stall { some: 1.0, ..Stall::default() }));
        assert!(sample.io.is_none() && refused.is_none());
    }

    #[test]
    fn the_first_look_claims_nothing_about_the_cpu() {
        let mut meter = Meter::new().unwrap();
        assert_eq!(meter.cpu(), None);
        assert_eq!(meter.cpu(), None);
    }

    #[test]
    fn the_memory_of_this_machine_is_plausible() {
        if let Some(memory) = Meter::new().unwrap().memory() {
            assert!(memory.available <= memory.total && memory.swap_free <= memory.swap_total);
        }
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in ".{0,100}", number in "[0-9.eE+naif-]{0,12}") {
            let _ = stall(&text);
            let read = stall(&format!("some avg10={number} x"));
            prop_assert!(read.is_none_or(|s| (0.0..=100.0).contains(&s.some)));
        }
    }
}

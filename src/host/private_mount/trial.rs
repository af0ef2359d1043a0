//! One test run.

use std::{io, path::PathBuf, time::Duration};

use rustix::io::Errno;
use tokio::{sync::oneshot, time::timeout};

use super::{Candidate, enter::World, scene::Scene};
use crate::host::{
    run::{Limits, Output, RootOwnedExe, RunError, run_tied},
    sys,
};

/// How long it may take to lay out the mounts.
const MOUNTING: Duration = Duration::from_secs(2);

/// A program that tests a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// The process in whose world it runs, and its start in ticks since boot; `None` for ours.
    pub world: Option<(u32, u64)>,
    /// The program, by an absolute path in that world.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// What lies over which file.
    pub candidates: Vec<Candidate>,
}

/// Why a test could not be run.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// We may not have mounts of our own: that takes `CAP_SYS_ADMIN`.
    #[error("only root can test a configuration without touching what it would write")]
    NotPermitted,
    /// It cannot be done here.
    #[error("{0}")]
    Unsupported(String),
    /// The process in whose world it was to run is gone.
    #[error("the process whose files it reads is gone")]
    Gone,
    /// The program did not run to its end.
    #[error("{0}")]
    Run(#[from] RunError),
    /// Anything else.
    #[error("{0}")]
    Io(io::Error),
}

impl From<Errno> for TrialError {
    fn from(errno: Errno) -> Self {
        match errno {
            Errno::PERM | Errno::ACCESS => Self::NotPermitted,
            Errno::SRCH => Self::Gone,
            other => Self::Io(other.into()),
        }
    }
}

/// Runs a test. Nothing that it writes stays; what it binds, it binds for the moment of the test.
/// When this is cancelled, the program is killed.
///
/// # Errors
/// [`TrialError`]; [`RunError::Deadline`] when it did not end in time. A non-zero exit is none.
pub async fn run(trial: Trial, limits: Limits) -> Result<Output, TrialError> {
    let (mut answer, result) = oneshot::channel();
    std::thread::Builder::new()
        .name("trial".to_owned())
        .spawn(move || {
            let output = match stage(&trial) {
                Ok(()) => perform(&trial, limits, &mut answer),
                Err(error) => Err(error),
            };
            let _ = answer.send(output);
        })
        .map_err(TrialError::Io)?;
    // A dead file server may hold up even the mounts.
    match timeout(limits.deadline.saturating_add(MOUNTING), result).await {
        Ok(Ok(output)) => output,
        Ok(Err(_)) => Err(TrialError::Io(io::Error::other("the test broke off"))),
        Err(_) => Err(RunError::Deadline(limits.deadline).into()),
    }
}

/// Takes this thread into a copy of the world that is asked for.
fn stage(trial: &Trial) -> Result<(), TrialError> {
    if !rustix::process::geteuid().is_root() {
        return Err(TrialError::NotPermitted);
    }
    let world = match trial.world {
        Some((pid, ticks)) => World::of(pid, ticks)?,
        None => World::own()?,
    };
    sys::leave_file_system()?;
    world.enter()?;
    sys::leave_mounts()?;
    let scene = Scene::build(&world.mounts)?;
    for (number, candidate) in trial.candidates.iter().enumerate() {
        candidate.lay(number, &scene)?;
    }
    scene.enter()?;
    world.lower()
}

fn perform(
    trial: &Trial,
    limits: Limits,
    answer: &mut oneshot::Sender<Result<Output, TrialError>>,
) -> Result<Output, TrialError> {
    let program = RootOwnedExe::at(&trial.program)?;
    let arguments: Vec<&str> = trial.arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(TrialError::Io)?;
    runtime.block_on(async {
        tokio::select! {
            output = run_tied(&program, &arguments, limits) => Ok(output?),
            () = answer.closed() => Err(TrialError::Unsupported("it was cancelled".to_owned())),
        }
    })
}

#[cfg(test)]
#[expect(clippy::print_stderr, reason = "a test that is skipped says why")]
mod tests {
    use std::{os::unix::fs::MetadataExt, path::Path, time::Duration};

    use super::*;

    const LIMITS: Limits = Limits { deadline: Duration::from_secs(20), max_output: 8_192 };

    fn shell(script: &str, candidates: Vec<Candidate>) -> Trial {
        let arguments = ["-c", script].map(str::to_owned).to_vec();
        Trial { world: None, program: "/bin/sh".into(), arguments, candidates }
    }

    fn skipped<T>(result: Result<T, TrialError>) -> Option<T> {
        match result {
            Err(error @ (TrialError::NotPermitted | TrialError::Unsupported(_))) => {
                eprintln!("skipped: {error}");
                None
            }
            other => Some(other.unwrap()),
        }
    }

    #[tokio::test]
    async fn what_a_test_writes_is_gone_with_it_and_the_candidate_is_what_it_reads() {
        let dir = tempfile::tempdir().unwrap();
        let live = dir.path().join("live.conf");
        std::fs::write(&live, "old").unwrap();
        std::os::unix::fs::symlink(&live, dir.path().join("link")).unwrap();
        let before = live.metadata().unwrap();
        let script = format!(
            "cd {d} && cat live.conf link && echo x > made && mkdir -p /var/lib/gm-x /run/gm-x && \
             chown 33 . && rm live.conf 2>/dev/null; echo y >> live.conf; touch /etc/gm-x",
            d = dir.path().display()
        );
        let candidate = Candidate { path: live.clone(), bytes: b"new".to_vec() };
        let Some(output) = skipped(run(shell(&script, vec![candidate]), LIMITS).await) else {
            return;
        };
        assert_eq!(output.stdout, b"newnew", "{}", String::from_utf8_lossy(&output.stderr));
        let after = live.metadata().unwrap();
        let stamp = |m: &std::fs::Metadata| (m.ino(), m.mtime_nsec(), m.ctime_nsec(), m.size());
        assert_eq!(stamp(&before), stamp(&after));
        assert_eq!(std::fs::read(&live).unwrap(), b"old");
        assert!(!dir.path().join("made").exists());
        assert_eq!(dir.path().metadata().unwrap().uid(), rustix::process::geteuid().as_raw());
        for made in ["/var/lib/gm-x", "/run/gm-x", "/etc/gm-x"] {
            assert!(!Path::new(made).exists(), "{made}");
        }
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
        assert!(!mounts.contains(",index=off,metacopy=off"), "{mounts}");
    }

    #[tokio::test]
    async fn a_test_that_hangs_is_ended_and_a_process_that_is_gone_is_said_to_be() {
        let limits = Limits { deadline: Duration::from_millis(200), ..LIMITS };
        let late = run(shell("sleep 1000", vec![]), limits).await;
        if matches!(late, Err(TrialError::NotPermitted | TrialError::Unsupported(_))) {
            eprintln!("skipped: {late:?}");
            return;
        }
        assert!(matches!(late, Err(TrialError::Run(RunError::Deadline(_)))), "{late:?}");
        let own = std::process::id();
        let other = Trial { world: Some((own, 1)), ..shell("true", vec![]) };
        assert!(matches!(run(other, LIMITS).await, Err(TrialError::Gone)));
    }
}

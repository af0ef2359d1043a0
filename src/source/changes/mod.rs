//! What changed on this host lately: packages, files of configurations, units and applications,
//! certificates, starts, timers, and who ran what as root. Only read, never run a package manager.

mod assemble;
mod certificate;
mod dnf_history;
mod files;
mod journal;
mod named;
mod package;
mod package_log;
mod run;
mod stamp;
#[cfg(test)]
mod testing;
mod unit_files;

pub use run::run;

//! The one door to the machine: files, `/proc`, sockets, D-Bus, Docker, the kernel log, control
//! groups, processes. Everything above asks here; the lints forbid every other way in.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this is the one module that may touch the machine"
)]

pub mod access;
pub mod accounts;
pub mod broker;
pub mod certificate;
pub mod cgroup;
pub mod clock;
pub mod connect;
pub mod connections;
pub mod console_mark;
pub mod control;
mod control_owner;
pub mod docker;
pub mod drop_in;
pub mod edit_file;
pub mod executor;
pub mod failure;
pub mod files;
pub mod fingerprint;
pub mod firewall;
pub mod folder_watch;
pub mod gateway_binary;
pub mod gateway_options;
mod gateway_paths;
pub mod gateways;
mod handshake;
pub mod hardening;
pub mod headroom;
pub mod hostname;
pub mod http_get;
mod installed;
pub mod journald;
pub mod kmsg;
pub mod lockdown;
pub mod log_file;
pub mod managers;
pub mod meminfo;
pub mod mounts;
pub mod netlink;
pub mod netns;
pub mod nettables;
pub mod on_behalf;
pub mod own_folder;
pub mod owners;
pub mod packed;
pub mod permission;
pub mod pidfd;
pub mod private_mount;
pub mod probe_budget;
pub mod proc;
pub mod proc_scan;
pub mod recordings;
pub mod replay_file;
pub mod resolve;
pub mod routes;
pub mod run;
pub mod scope;
pub mod settings;
pub mod signals;
pub mod starting;
pub mod sys;
pub mod systemd;
mod systemd_changes;
pub mod systemd_manage;
pub mod terminal;
pub mod tls;
mod trail;
pub mod trusted;
pub mod unit_facts;
pub mod unit_journal;
pub mod vault;
pub mod visit;
pub mod walk;
pub mod watch;

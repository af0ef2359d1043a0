//! Arguments and the verbs.

mod arguments;
mod asides;
mod audit;
mod carry_out;
mod completions;
mod console;
mod diagnose;
mod doctor;
mod environment;
mod exit;
mod explain;
mod fix;
mod fix_history;
mod fix_target;
mod fuse;
mod history;
mod kiosk;
mod manual;
mod output;
mod paths;
mod playbooks;
mod practice;
mod record;
mod replay;
mod report;
mod screen;
mod settings;
mod tools;
mod triage;
mod voice;

pub use arguments::{Arguments, parse};
pub use exit::Exit;

//! What may be done, as data: the closed list of powers over the machine, which of them could cure a
//! finding, and what is promised of them.
//!
//! Floor 3. Nothing here carries anything out: a plan is shown, judged, and handed to `action`.

mod action;
mod check_id;
mod daemon;
mod digest;
pub mod directives;
mod edit;
pub mod edited;
mod edits;
mod guard;
mod limits;
pub mod look;
mod manual;
mod order;
mod plan;
mod playbook;
pub mod prevention;
mod program;
mod promise;
mod propose;
mod reload;
mod senior;
mod setting;
mod spoken;
mod wizard;

pub use action::Action;
pub use check_id::CheckId;
pub use daemon::{DAEMONS, Daemon};
pub use digest::{Digest, NoDigest};
pub use edit::{Change, ConfigTest, EditError, FileEdit};
pub use guard::{Check, Guard, Regard};
pub use manual::{Target, manual};
pub use order::{Ending, Order, Progress};
pub use plan::{Blast, DROPPED_AT_ONCE, Plan, SITES_AT_ONCE};
pub use playbook::{After, CHECKLIST, Flaw, PLACEHOLDERS, Playbook, Playbooks, Step};
pub use program::ProgramCall;
pub use promise::parse_listen;
pub use propose::{Offer, REMEDIES, Refusal, offers, propose};
pub use reload::reload;
pub use senior::{Tried, senior};
pub use setting::UnitSetting;
pub use spoken::spoken;
pub use wizard::{Closed, Depth, How, Onward, Standing, Track, Wizard, filled};

//! The same facts for others: text, JSON and the answers of `explain`.
//!
//! Floor 8. Reads values only; what is written where is decided in `cli`.

pub mod advice;
pub mod audit;
mod changed;
pub mod doctor;
pub mod explain;
pub mod history;
mod inventory;
pub mod json;
mod page;
pub mod postmortem;
pub mod replay;
pub mod text;
pub mod triage;
pub mod url;

pub use inventory::Inventory;
pub use page::Layout;

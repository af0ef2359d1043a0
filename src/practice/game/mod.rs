//! The game on top of the world: incidents as data in `assets/practice/`, others made by chance from
//! a seed, and what a world's pulse means to the player.

mod chance;
mod faults;
mod library;
mod scenario;
mod traffic;

pub use chance::by_chance;
pub use library::Library;
pub use scenario::{Scenario, ScenarioError};
pub use traffic::traffic;

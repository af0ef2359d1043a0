//! Why: the causes, their words, and the rules that prove them from a case.
//!
//! Floor 1, over `evidence`. Nothing here can fail and nothing depends on a clock.

pub mod words;

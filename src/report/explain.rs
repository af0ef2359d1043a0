//! Offline explanations.

//! Typed reader of the cause texts.

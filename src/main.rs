//! The `gatemedic` binary.
fn main() {}

//! What is repaired is seen to be repaired.

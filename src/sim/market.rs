//! Markets.

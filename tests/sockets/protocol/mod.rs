//! The protocol over real sockets: the program itself on one side, a client that trusts nothing on
//! the other. Every message in both directions, every error code but `INTERNAL` and every close code
//! is named here.

mod closing;
mod combat;
mod envelope;
mod flying;
mod http_routes;
mod keeping;
mod leaving;
mod login;
#[cfg(target_os = "linux")]
mod memory;
mod pace;
mod secrets;
mod streaming;
mod trading;

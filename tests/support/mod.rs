//! A real server and real clients, for tests over loopback sockets.
//!
//! [`Server`] runs the program itself on ports of its choice, with a temporary folder for all it
//! keeps. [`Client`] is a blocking WebSocket client that holds every message against the envelope's
//! rules and rebuilds the world in a [`Sky`], which holds it against the rules of the stream: a test
//! that only wants to trade checks those on the way. Nothing here sleeps to wait for something.
//!
//! Each test binary uses its part of this.
#![allow(dead_code, unused_imports, reason = "no binary uses all of it")]

mod client;
mod http;
pub(crate) mod server;
mod sky;
mod wire;
pub(crate) mod worlds;

pub(crate) use client::{Client, Ending, buy, order, repair, sell};
pub(crate) use http::{get, handshake, request};
pub(crate) use server::{Log, SECRET, Server, Setup, Shared, unix};
pub(crate) use wire::Wire;

use std::time::Duration;

/// How long anything may take before a test gives up; generous, because builders share machines.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

//! What the page's tests stand on: the real program, a real browser, and a slow line between them.

mod browser;
mod line;
mod server;

pub(crate) use browser::{Page, browser};
pub(crate) use line::SlowLine;
pub(crate) use server::{Server, token};

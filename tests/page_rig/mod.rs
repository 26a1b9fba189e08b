//! What the page's tests stand on: the real program, a real browser, and a slow line between them.

mod browser;
mod line;
mod server;

pub use browser::{Browser, Page, browser};
pub use line::SlowLine;
pub use server::Server;

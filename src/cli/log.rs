//! Log lines, written to standard error by a thread of their own.
//!
//! Whoever logs only queues a line. A pipe that nobody reads, or one whose reader has gone, blocks
//! or fails the writing thread alone: the queue fills, and what comes then is dropped and counted
//! (`orrery_log_lines_dropped_total`); once lines flow again, one of them says how many are missing.
//! Panics are lines of the log too, since the standard hook would write past the queue.

use std::backtrace::Backtrace;
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use clap::ValueEnum;
use prometheus_client::metrics::counter::Counter;
use tracing::error;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::limits::{LOG_FLUSH_MS_MAX, LOG_LINES_MAX};

/// How log lines are written.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LogFormat {
    /// One line of text an event, for people to read.
    Text,
    /// One JSON object a line.
    Json,
}

/// The way to the writing thread; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    lines: SyncSender<Line>,
    dropped: Counter,
}

#[derive(Debug)]
enum Line {
    Text(Vec<u8>),
    /// Everything before it is written.
    Flush(SyncSender<()>),
}

impl Log {
    /// Starts the log of this process; `dropped` counts the lines that were not written.
    pub(crate) fn start(format: LogFormat, dropped: Counter) -> io::Result<Self> {
        let (lines, queue) = sync_channel(LOG_LINES_MAX);
        let counted = dropped.clone();
        thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write_all(&queue, &counted))?;
        let log = Self { lines, dropped };
        let filter = tracing_subscriber::EnvFilter::try_from_default_env()
            .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(io::IsTerminal::is_terminal(&io::stderr()))
            .with_writer(move || writer.clone());
        let discreet = filter_fn(is_discreet);
        // A second subscriber can only mean that a test has set one.
        let _ = match format {
            LogFormat::Text => {
                let plain = subscriber.with_target(false).finish();
                plain.with(discreet).try_init()
            }
            LogFormat::Json => subscriber.json().finish().with(discreet).try_init(),
        };
        std::panic::set_hook(Box::new(|panic| {
            error!("{panic}\n{}", Backtrace::capture());
        }));
        Ok(log)
    }

    /// Waits, within a bound, until what was logged so far is written.
    pub(crate) fn flush(&self) {
        let (done, written) = sync_channel(1);
        if self.lines.try_send(Line::Flush(done)).is_ok() {
            // Either way there is nothing more to do: in time, or nobody reads.
            let _ = written.recv_timeout(Duration::from_millis(LOG_FLUSH_MS_MAX));
        }
    }
}

/// One call takes one line; it never blocks and never fails.
impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.lines.try_send(Line::Text(line.to_vec())).is_err() {
            self.dropped.inc();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The WebSocket library's finer levels quote whole messages, tokens among them: whatever filter is
/// set, those are not logged.
fn is_discreet(record: &tracing::Metadata<'_>) -> bool {
    *record.level() <= tracing::Level::INFO || !record.target().starts_with("tungstenite")
}

fn write_all(queue: &Receiver<Line>, dropped: &Counter) {
    let mut told = 0;
    while let Ok(line) = queue.recv() {
        match line {
            Line::Text(text) => {
                if io::stderr().write_all(&text).is_err() {
                    dropped.inc();
                    continue;
                }
                let missing = dropped.get() - told;
                if missing > 0 && writeln!(io::stderr(), "{missing} log lines are missing").is_ok()
                {
                    told += missing;
                }
            }
            // Whoever asked may have given up.
            Line::Flush(done) => drop(done.send(())),
        }
    }
}

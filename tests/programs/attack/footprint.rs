//! What a process holds: files, memory, processor time.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::support::Server;

/// What a process holds at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Footprint {
    pub(crate) files: usize,
    pub(crate) resident_bytes: u64,
}

impl Footprint {
    pub(crate) fn of(pid: u32) -> Self {
        let files = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count();
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next());
        Self {
            files,
            resident_bytes: 1024 * kib.unwrap().parse::<u64>().unwrap(),
        }
    }

    pub(crate) const fn megabytes(self) -> u64 {
        self.resident_bytes / 1_000_000
    }
}

/// Processor time that a process has used.
pub(crate) fn processor(pid: u32) -> Duration {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, fields) = line.rsplit_once(')').unwrap();
    let fields: Vec<&str> = fields.split_whitespace().collect();
    // `utime` and `stime`, the 14th and 15th of all, in hundredths of a second.
    let ticks = |index: usize| fields[index].parse::<u64>().unwrap();
    Duration::from_millis(10 * (ticks(11) + ticks(12)))
}

/// Processor time that the calling thread has used.
pub(crate) fn own_processor() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split_whitespace().next().unwrap().parse().unwrap())
}

/// Looks at a server a few times a second and keeps the largest of what it saw.
pub(crate) struct Watch {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<Footprint>,
}

impl Watch {
    pub(crate) fn over(server: &Server) -> Self {
        let (pid, is_over) = (server.pid(), Arc::new(AtomicBool::new(false)));
        let over = Arc::clone(&is_over);
        let thread = thread::spawn(move || {
            let mut most = Footprint::default();
            while !over.load(Ordering::Relaxed) {
                let now = Footprint::of(pid);
                most.files = most.files.max(now.files);
                most.resident_bytes = most.resident_bytes.max(now.resident_bytes);
                thread::sleep(Duration::from_millis(100));
            }
            most
        });
        Self { is_over, thread }
    }

    pub(crate) fn end(self) -> Footprint {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

/// Waits until every connection is gone and every ship has been taken in; what is left then.
pub(crate) fn settled(server: &Server) -> Footprint {
    server.wait_until("everybody is gone", |server| {
        server.metric("orrery_sockets") == 0.0
            && server.metric("orrery_connections") == 0.0
            && server.metric(r#"orrery_pilots{system="sol-1"}"#) == 0.0
    });
    // What a look at the figures itself takes up is gone a moment later.
    let looks = (0..10).map(|_| {
        thread::sleep(Duration::from_millis(50));
        Footprint::of(server.pid())
    });
    looks.min().unwrap()
}

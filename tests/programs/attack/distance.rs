//! A way to a server that is farther away than loopback: all bytes arrive, later, at any bandwidth.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

const CHUNK_BYTES: usize = 64 * 1024;

/// A port of this machine whose connections lead on to a server. Its threads end with the
/// connections, and the last with the process.
pub(crate) struct Distance {
    pub(crate) address: SocketAddr,
}

impl Distance {
    /// The server's words take `delay`; what it is told takes none, so that is the round trip.
    pub(crate) fn to(server: SocketAddr, delay: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for near in listener.incoming() {
                let near = near.unwrap();
                // A server that is gone ends the connection, as it would without a distance.
                if let Ok(far) = TcpStream::connect(server) {
                    lead(&near, &far, Duration::ZERO);
                    lead(&far, &near, delay);
                }
            }
        });
        Self { address }
    }
}

/// Carries what comes from one socket to the other.
fn lead(from: &TcpStream, to: &TcpStream, delay: Duration) {
    to.set_nodelay(true).unwrap();
    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
    let (sent, coming) = channel();
    thread::spawn(move || take(from, &sent));
    thread::spawn(move || arrive(to, &coming, delay));
}

fn take(mut from: TcpStream, sent: &Sender<(Instant, Vec<u8>)>) {
    let mut chunk = vec![0; CHUNK_BYTES];
    while let Ok(count @ 1..) = from.read(&mut chunk) {
        if sent
            .send((Instant::now(), chunk[..count].to_vec()))
            .is_err()
        {
            return;
        }
    }
}

fn arrive(mut to: TcpStream, coming: &Receiver<(Instant, Vec<u8>)>, delay: Duration) {
    for (sent_at, chunk) in coming {
        thread::sleep((sent_at + delay).saturating_duration_since(Instant::now()));
        if to.write_all(&chunk).is_err() {
            break;
        }
    }
    // The other side may be gone already.
    let _ = to.shutdown(Shutdown::Both);
}

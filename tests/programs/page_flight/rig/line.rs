//! A line that holds every byte back for a while, both ways.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// A relay in front of a server. Its threads end with their connections.
pub(crate) struct SlowLine {
    pub(crate) listen: SocketAddr,
}

impl SlowLine {
    /// Relays to `server`, each direction late by `delay`.
    pub(crate) fn before(server: SocketAddr, delay: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let listen = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (Ok(client), Ok(upstream)) = (client, TcpStream::connect(server)) else {
                    return;
                };
                for stream in [&client, &upstream] {
                    stream.set_nodelay(true).unwrap();
                }
                carry(
                    client.try_clone().unwrap(),
                    upstream.try_clone().unwrap(),
                    delay,
                );
                carry(upstream, client, delay);
            }
        });
        Self { listen }
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, delay: Duration) {
    let (sender, receiver) = mpsc::channel::<(Instant, Vec<u8>)>();
    std::thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            if sender
                .send((Instant::now() + delay, buffer[..count].to_vec()))
                .is_err()
            {
                return;
            }
        }
    });
    std::thread::spawn(move || {
        for (due, bytes) in receiver {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}

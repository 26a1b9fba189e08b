//! Plain HTTP by hand, so that a test sees exactly what was sent and answered.

use std::io::{Read, Write};
use std::net::SocketAddr;

use super::{PATIENCE, Wire};

/// What the server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Status line and headers.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// One request on a connection of its own.
pub(crate) fn request(to: SocketAddr, method: &str, path: &str, headers: &[&str]) -> Answer {
    let mut lines = vec!["Connection: close"];
    lines.extend(headers);
    let mut stream = ask(to, method, path, &lines);
    let mut text = Vec::new();
    stream.read_to_end(&mut text).unwrap();
    let text = String::from_utf8_lossy(&text);
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    answer(head, body)
}

/// Asks with `GET` and no headers of its own.
pub(crate) fn get(from: SocketAddr, path: &str) -> Answer {
    request(from, "GET", path, &[])
}

/// Asks for a WebSocket; the answer's head, and the connection with nothing read behind it.
pub(crate) fn handshake(to: SocketAddr, path: &str, headers: &[&str]) -> (Answer, Wire) {
    let mut lines = vec![
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ];
    lines.extend(headers);
    let mut stream = ask(to, "GET", path, &lines);
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    (
        answer(String::from_utf8_lossy(&head).trim_end(), ""),
        stream,
    )
}

fn ask(to: SocketAddr, method: &str, path: &str, headers: &[&str]) -> Wire {
    let mut stream = Wire::dial(to);
    stream.tcp().set_read_timeout(Some(PATIENCE)).unwrap();
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: {to}\r\nContent-Length: 0\r\n");
    if method == "GET" {
        text = format!("{method} {path} HTTP/1.1\r\nHost: {to}\r\n");
    }
    for header in headers {
        text.push_str(header);
        text.push_str("\r\n");
    }
    text.push_str("\r\n");
    stream.write_all(text.as_bytes()).unwrap();
    stream
}

fn answer(head: &str, body: &str) -> Answer {
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Answer {
        status: status.expect("a status line"),
        head: head.to_owned(),
        body: body.to_owned(),
    }
}

//! Just enough HTTP/1.1 to hand out a page, answer a probe and let a WebSocket in.
//!
//! One request a connection, always answered with `Connection: close`. Bodies only with a
//! `Content-Length` and within [`BODY_BYTES_MAX`](crate::limits::BODY_BYTES_MAX). Paths are taken
//! as sent: nothing is decoded or normalised, so only exact paths match.
//!
//! [`head::Incoming`] collects bytes into a [`head::RequestHead`]; [`upgrade`] judges a WebSocket request.

pub mod head;
pub mod upgrade;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::net::IpAddr;

use bytes::Bytes;

/// The request methods that the server tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The method `GET`, answered with a body.
    Get,
    /// `HEAD`: answered as `GET`, the body left out.
    Head,
    /// The method `POST`, whose body is read.
    Post,
    /// Any other method; it is refused with 405.
    Other,
}

/// One request, borrowed from the bytes it came in.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What is asked for.
    pub method: Method,
    /// The target up to `?`, as sent.
    pub path: &'a str,
    /// The target after `?`, as sent.
    pub query: Option<&'a str>,
    /// Who asks: the peer, or whom a trusted proxy speaks for.
    pub peer: IpAddr,
    /// Whether it came over TLS.
    pub secure: bool,
    /// The body; empty for an upgrade.
    pub body: &'a [u8],
    minor_version: u8,
    headers: &'a [httparse::Header<'a>],
}

impl<'a> Request<'a> {
    /// The first header of that name (any case), without surrounding space; `None` when it is
    /// absent or not UTF-8.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers_named(name).next()
    }

    /// Every header of that name, in order; those that are not UTF-8 are left out.
    pub fn headers_named<'n>(&self, name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        self.headers
            .iter()
            .filter(move |header| header.name.eq_ignore_ascii_case(name))
            .filter_map(|header| std::str::from_utf8(header.value).ok())
            .map(str::trim)
    }

    /// The members of a comma-separated list header, over all its lines, trimmed, none empty.
    pub fn list<'n>(&self, name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        self.headers_named(name)
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .filter(|member| !member.is_empty())
    }

    /// The value of a query parameter, as sent.
    pub fn parameter(&self, name: &str) -> Option<&'a str> {
        self.query?
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find_map(|(key, value)| (key == name).then_some(value))
    }

    /// The WebSocket subprotocols on offer, best liked first.
    pub fn subprotocols(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.list("sec-websocket-protocol")
    }
}

/// What an answer travels on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// TCP in the clear.
    Clear,
    /// The connection is encrypted with TLS.
    Tls,
}

impl Channel {
    /// Header lines of every answer: browsers take a body for what it says it is, and come back
    /// under TLS for a year once they have come under it.
    const fn header_lines(self) -> &'static str {
        match self {
            Self::Clear => "X-Content-Type-Options: nosniff\r\n",
            Self::Tls => {
                "X-Content-Type-Options: nosniff\r\n\
                 Strict-Transport-Security: max-age=31536000\r\n"
            }
        }
    }
}

/// An answer; `Content-Length`, `Connection: close` and what browsers are told of every answer are
/// added when it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Further headers; control characters in values are left out when written.
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    /// Bytes of the body, sent as they are.
    pub body: Bytes,
}

impl Response {
    /// An answer without a body.
    pub fn new(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    /// A short plain-text answer.
    pub fn text(status: u16, text: &'static str) -> Self {
        Self::new(status).with_body("text/plain; charset=utf-8", text)
    }

    /// The same answer with one more header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The same answer with a body.
    #[must_use]
    pub fn with_body(self, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let mut response = self.with_header("Content-Type", content_type);
        response.body = body.into();
        response
    }

    /// The bytes for the wire; `HEAD` leaves the body out and keeps its length.
    pub fn encode(&self, method: Method, channel: Channel) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            let value = value.chars().filter(|c| !c.is_control());
            let _ = write!(head, "{name}: {}\r\n", value.collect::<String>());
        }
        let _ = write!(
            head,
            "{}Content-Length: {}\r\nConnection: close\r\n\r\n",
            channel.header_lines(),
            self.body.len()
        );
        let mut bytes = head.into_bytes();
        if method != Method::Head {
            bytes.extend_from_slice(&self.body);
        }
        bytes
    }
}

/// How a WebSocket is let in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accept {
    /// The subprotocol chosen among those on offer, if any.
    pub subprotocol: Option<&'static str>,
}

/// The phrase beside a status code.
const fn reason(status: u16) -> &'static str {
    match status {
        101 => "Switching Protocols",
        200 => "OK",
        204 => "No Content",
        304 => "Not Modified",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        411 => "Length Required",
        413 => "Content Too Large",
        421 => "Misdirected Request",
        426 => "Upgrade Required",
        429 => "Too Many RequestIds",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_value_cannot_start_another_header() {
        let response = Response::new(200).with_header("X-Name", "a\r\nSet-Cookie: b".to_owned());
        let text = String::from_utf8(response.encode(Method::Get, Channel::Clear)).unwrap();
        assert!(text.contains("X-Name: aSet-Cookie: b\r\n"), "{text}");
    }

    #[test]
    fn every_answer_forbids_sniffing_and_one_under_tls_asks_for_tls() {
        let encoded = |channel| Response::new(404).encode(Method::Get, channel);
        let clear = String::from_utf8(encoded(Channel::Clear)).unwrap();
        let secure = String::from_utf8(encoded(Channel::Tls)).unwrap();
        for text in [&clear, &secure] {
            assert!(
                text.contains("\r\nX-Content-Type-Options: nosniff\r\n"),
                "{text}"
            );
        }
        let asked = "\r\nStrict-Transport-Security: max-age=31536000\r\n";
        assert!(secure.contains(asked), "{secure}");
        assert!(!clear.contains("Strict-Transport-Security"), "{clear}");
    }

    #[test]
    fn head_keeps_the_length_and_leaves_the_body_out() {
        let response = Response::text(200, "hello");
        let text = String::from_utf8(response.encode(Method::Head, Channel::Clear)).unwrap();
        assert!(text.contains("Content-Length: 5\r\n"), "{text}");
        assert!(text.ends_with("\r\n\r\n"), "{text}");
    }
}

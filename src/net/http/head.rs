//! Collects a request out of a byte stream, bounded in bytes, headers and (by its owner) time.
//!
//! Feed [`Incoming::push`] until it says [`HeadProgress::Complete`] or [`HeadProgress::Refused`]. The
//! head is parsed when its blank line has come, and once at the first bytes, so that garbage is
//! turned away at once; work over all pushes is linear in the bytes.

use std::net::IpAddr;

use httparse::{EMPTY_HEADER, Status};

use super::{Method, Request, Response};
use crate::limits::{BODY_BYTES_MAX, HEAD_BYTES_MAX, HEADERS_MAX};

/// A request under way.
#[derive(Debug, Default)]
pub struct Incoming {
    bytes: Vec<u8>,
    scanned_bytes: usize,
    lengths: Option<Lengths>,
}

#[derive(Clone, Copy, Debug)]
struct Lengths {
    head_bytes: usize,
    body_bytes: usize,
}

/// What the latest bytes have brought.
#[derive(Debug)]
pub enum HeadProgress {
    /// The head is not whole yet.
    Head,
    /// The head is whole, its body is not.
    Body,
    /// A whole request.
    Complete(RequestHead),
    /// Nothing to wait for: answer this and hang up.
    Refused(Response),
}

/// A whole request in the bytes it came in, and whatever came after it.
#[derive(Debug)]
pub struct RequestHead {
    bytes: Vec<u8>,
    lengths: Lengths,
}

impl Incoming {
    /// Whether not one byte has come.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Whether the head is not whole yet.
    pub fn awaits_head(&self) -> bool {
        self.lengths.is_none()
    }

    /// Bytes that may still be pushed before an answer is due.
    pub fn room_bytes(&self) -> usize {
        let whole = self.lengths.map_or(HEAD_BYTES_MAX, |lengths| {
            lengths.head_bytes + lengths.body_bytes
        });
        whole.saturating_sub(self.bytes.len()).max(1)
    }

    /// Takes the next bytes in.
    pub fn push(&mut self, chunk: &[u8]) -> HeadProgress {
        let first = self.bytes.is_empty();
        self.bytes.extend_from_slice(chunk);
        if self.lengths.is_none() {
            if !self.blank_line_came() && !first {
                return self.unfinished_head();
            }
            match measure(&self.bytes) {
                Ok(Some(lengths)) => self.lengths = Some(lengths),
                Ok(None) => return self.unfinished_head(),
                Err(response) => return HeadProgress::Refused(response),
            }
        }
        match self.lengths {
            Some(lengths) if self.bytes.len() >= lengths.head_bytes + lengths.body_bytes => {
                HeadProgress::Complete(RequestHead {
                    bytes: std::mem::take(&mut self.bytes),
                    lengths,
                })
            }
            _ => HeadProgress::Body,
        }
    }

    fn unfinished_head(&self) -> HeadProgress {
        if self.bytes.len() >= HEAD_BYTES_MAX {
            return HeadProgress::Refused(Response::text(431, "The request head is too large.\n"));
        }
        HeadProgress::Head
    }

    /// Whether an empty line ends somewhere in the bytes not scanned before.
    fn blank_line_came(&mut self) -> bool {
        let from = self.scanned_bytes.saturating_sub(2);
        self.scanned_bytes = self.bytes.len();
        let fresh = self.bytes.get(from..).unwrap_or_default();
        fresh.windows(2).any(|pair| pair == b"\n\n")
            || fresh.windows(3).any(|triple| triple == b"\n\r\n")
    }
}

/// The lengths of head and body, once the head is whole.
fn measure(bytes: &[u8]) -> Result<Option<Lengths>, Response> {
    let mut headers = [EMPTY_HEADER; HEADERS_MAX];
    let mut parsed = httparse::Request::new(&mut headers);
    let head_bytes = match parsed.parse(bytes) {
        Ok(Status::Complete(head_bytes)) => head_bytes,
        Ok(Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => {
            return Err(Response::text(431, "Too many headers.\n"));
        }
        Err(httparse::Error::Version) => {
            return Err(Response::text(505, "HTTP/1.1 is spoken here.\n"));
        }
        Err(_) => return Err(Response::text(400, "This is not an HTTP request.\n")),
    };
    if head_bytes > HEAD_BYTES_MAX {
        return Err(Response::text(431, "The request head is too large.\n"));
    }
    let body_bytes = body_length(parsed.headers)?;
    Ok(Some(Lengths {
        head_bytes,
        body_bytes,
    }))
}

/// The one `Content-Length`, 0 when there is none.
fn body_length(headers: &[httparse::Header<'_>]) -> Result<usize, Response> {
    let mut length = None;
    for header in headers {
        if header.name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(Response::text(
                501,
                "Send the body with a Content-Length.\n",
            ));
        }
        if !header.name.eq_ignore_ascii_case("content-length") {
            continue;
        }
        let digits = header.value.trim_ascii();
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return Err(Response::text(400, "Content-Length is not a number.\n"));
        }
        // More digits than a number can hold are too large, whatever they say.
        let value = std::str::from_utf8(digits)
            .ok()
            .and_then(|text| text.parse::<usize>().ok())
            .unwrap_or(usize::MAX);
        if length.is_some_and(|earlier| earlier != value) {
            return Err(Response::text(400, "Content-Length is given twice.\n"));
        }
        if value > BODY_BYTES_MAX {
            return Err(Response::text(413, "The body is too large.\n"));
        }
        length = Some(value);
    }
    Ok(length.unwrap_or(0))
}

impl RequestHead {
    /// Shows the request to `view`.
    pub fn request<R>(
        &self,
        peer: IpAddr,
        secure: bool,
        view: impl FnOnce(&Request<'_>) -> R,
    ) -> Option<R> {
        let mut headers = [EMPTY_HEADER; HEADERS_MAX];
        let mut parsed = httparse::Request::new(&mut headers);
        parsed.parse(&self.bytes).ok()?;
        let target = parsed.path?;
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        let method = match parsed.method? {
            "GET" => Method::Get,
            "HEAD" => Method::Head,
            "POST" => Method::Post,
            _ => Method::Other,
        };
        let body_end = self.lengths.head_bytes + self.lengths.body_bytes;
        let request = Request {
            method,
            path,
            query,
            peer,
            secure,
            body: self.bytes.get(self.lengths.head_bytes..body_end)?,
            minor_version: parsed.version?,
            headers: parsed.headers,
        };
        Some(view(&request))
    }

    /// The bytes behind the request: the first frames of an eager client.
    pub fn into_leftover(mut self) -> Vec<u8> {
        let end = self.lengths.head_bytes + self.lengths.body_bytes;
        self.bytes.drain(..end.min(self.bytes.len()));
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn refused(request: &[u8]) -> u16 {
        match Incoming::default().push(request) {
            HeadProgress::Refused(response) => response.status,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_request_split_at_every_byte_is_the_same_request() {
        let whole = b"POST /guest?a=1&b=2 HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbodyREST";
        for cut in 1..whole.len() {
            let mut incoming = Incoming::default();
            let head = match incoming.push(&whole[..cut]) {
                HeadProgress::Complete(head) => head,
                HeadProgress::Refused(response) => panic!("{cut}: {response:?}"),
                _ => match incoming.push(&whole[cut..]) {
                    HeadProgress::Complete(head) => head,
                    other => panic!("{cut}: {other:?}"),
                },
            };
            head.request(PEER, false, |request| {
                assert_eq!(request.method, Method::Post);
                assert_eq!(request.path, "/guest");
                assert_eq!(request.parameter("b"), Some("2"));
                assert_eq!(request.header("HOST"), Some("x"));
                assert_eq!(request.body, b"body");
            })
            .unwrap();
        }
    }

    #[test]
    fn garbage_is_turned_away_at_its_first_bytes() {
        assert_eq!(refused(b"\x16\x03\x01\x02\x00\x01"), 400);
        assert_eq!(refused(b"GET / HTTP/9.9\r\n\r\n"), 505);
    }

    #[test]
    fn a_body_needs_one_small_length() {
        let with = |headers: &str| format!("POST / HTTP/1.1\r\n{headers}\r\n\r\n").into_bytes();
        assert_eq!(refused(&with("Content-Length: 4097")), 413);
        assert_eq!(
            refused(&with("Content-Length: 99999999999999999999999")),
            413
        );
        assert_eq!(refused(&with("Content-Length: -1")), 400);
        assert_eq!(refused(&with("Content-Length: +1")), 400);
        assert_eq!(refused(&with("Content-Length:")), 400);
        assert_eq!(
            refused(&with("Content-Length: 1\r\nContent-Length: 2")),
            400
        );
        assert_eq!(refused(&with("Transfer-Encoding: chunked")), 501);
    }

    #[test]
    fn a_head_is_bounded_in_bytes_and_headers() {
        let mut incoming = Incoming::default();
        let mut pushed_bytes = 0;
        let status = loop {
            match incoming.push(
                b"GET / HTTP/1.1\r\nX: "
                    .get(pushed_bytes..)
                    .map_or(b"a", |rest| rest),
            ) {
                HeadProgress::Head => pushed_bytes += 20,
                HeadProgress::Refused(response) => break response.status,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(status, 431);
        let many = "X: y\r\n".repeat(HEADERS_MAX + 1);
        assert_eq!(
            refused(format!("GET / HTTP/1.1\r\n{many}\r\n").as_bytes()),
            431
        );
    }

    #[test]
    fn what_follows_the_request_is_kept() {
        let HeadProgress::Complete(head) =
            Incoming::default().push(b"GET / HTTP/1.1\r\n\r\n\x81\x80")
        else {
            panic!("not complete");
        };
        assert_eq!(head.into_leftover(), b"\x81\x80");
    }
}

//! What must hold for any bytes that come as an HTTP request, however the network splits them.
//!
//! Its size is bounded; whole and in pieces it is the same request; judging it as an upgrade never
//! fails, and a refusal is an answer that HTTP can carry.

use std::net::{IpAddr, Ipv4Addr};

use orrery::limits::{BODY_BYTES_MAX, HEAD_BYTES_MAX, READ_BUFFER_BYTES};
use orrery::net::http::head::{HeadProgress, Incoming};
use orrery::net::http::upgrade::{Wanted, judge};
use orrery::net::http::{Channel, Method, Response};

/// Panics if the property does not hold for these bytes; the first is the size of the pieces.
pub(crate) fn check(data: &[u8]) {
    let (piece_bytes, bytes) = match data {
        [first, rest @ ..] => (usize::from(*first) + 1, rest),
        [] => (1, data),
    };
    let whole = outcome(bytes, READ_BUFFER_BYTES);
    let pieces = outcome(bytes, piece_bytes);
    match (&whole, &pieces) {
        // Garbage is noticed at the first bytes or at the end of the head, whichever comes.
        (Outcome::Refused(_), Outcome::Waiting) | (Outcome::Waiting, Outcome::Refused(_)) => {}
        _ => assert_eq!(whole, pieces, "in pieces of {piece_bytes}"),
    }
}

#[derive(Debug, PartialEq)]
enum Outcome {
    Waiting,
    Refused(u16),
    Request(String, Result<Wanted, u16>),
}

fn outcome(bytes: &[u8], piece_bytes: usize) -> Outcome {
    let mut incoming = Incoming::default();
    let mut rest = bytes;
    while !rest.is_empty() {
        let count = piece_bytes.min(incoming.room_bytes()).min(rest.len());
        let (piece, later) = rest.split_at(count);
        rest = later;
        match incoming.push(piece) {
            HeadProgress::Head | HeadProgress::Body => {}
            HeadProgress::Refused(response) => {
                assert_carried(&response);
                return Outcome::Refused(response.status);
            }
            HeadProgress::Complete(head) => {
                let peer = IpAddr::V4(Ipv4Addr::LOCALHOST);
                let seen = head.request(peer, false, |request| {
                    assert!(request.body.len() <= BODY_BYTES_MAX);
                    assert!(!request.path.contains([' ', '\r', '\n', '?']));
                    let shown = format!("{:?} {} {:?}", request.method, request.path, request.body);
                    let judged = judge(request).map_err(|response| {
                        assert_carried(&response);
                        response.status
                    });
                    (shown, judged)
                });
                let (shown, judged) = seen.expect("what was parsed can be parsed again");
                let leftover = head.into_leftover();
                assert!(
                    bytes
                        .windows(leftover.len().max(1))
                        .any(|part| part == leftover)
                        || leftover.is_empty()
                );
                return Outcome::Request(shown, judged);
            }
        }
        let taken = bytes.len() - rest.len();
        assert!(taken <= HEAD_BYTES_MAX + BODY_BYTES_MAX, "unbounded");
    }
    Outcome::Waiting
}

fn assert_carried(response: &Response) {
    let bytes = response.encode(Method::Get, Channel::Clear);
    let mut headers = [httparse::EMPTY_HEADER; 16];
    let mut parsed = httparse::Response::new(&mut headers);
    let head_bytes = parsed.parse(&bytes).expect("an answer is HTTP");
    assert!(head_bytes.is_complete() && response.status >= 400);
}

//! Judges a request for a WebSocket (RFC 6455, section 4.2) and writes the answer that lets it in.

use std::fmt::Write as _;

use tungstenite::handshake::derive_accept_key;

use super::{Accept, Channel, Method, Request, Response};

/// The protocol version of RFC 6455, the only one there is.
const VERSION: &str = "13";

/// What a request turned out to want.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// An ordinary answer.
    Plain,
    /// A WebSocket; this is the value for `Sec-WebSocket-Accept`.
    WebSocket(String),
}

/// Tells an ordinary request from a well-formed upgrade; `Err` answers a malformed one.
pub fn judge(request: &Request<'_>) -> Result<Wanted, Response> {
    let asks = request
        .list("upgrade")
        .any(|protocol| protocol.eq_ignore_ascii_case("websocket"));
    if !asks {
        return Ok(Wanted::Plain);
    }
    if request.method != Method::Get {
        let response = Response::text(405, "A WebSocket is asked for with GET.\n");
        return Err(response.with_header("Allow", "GET"));
    }
    if request.minor_version == 0 {
        return Err(Response::text(505, "A WebSocket needs HTTP/1.1.\n"));
    }
    let mut connection = request.list("connection");
    if !connection.any(|option| option.eq_ignore_ascii_case("upgrade")) {
        return Err(Response::text(400, "Connection: Upgrade is missing.\n"));
    }
    if request.header("host").is_none_or(str::is_empty) {
        return Err(Response::text(400, "Host is missing.\n"));
    }
    if request.header("sec-websocket-version") != Some(VERSION) {
        let response = Response::text(426, "Only WebSocket version 13 is spoken here.\n");
        return Err(response.with_header("Sec-WebSocket-Version", VERSION));
    }
    let mut keys = request.headers_named("sec-websocket-key");
    match (keys.next(), keys.next()) {
        (Some(key), None) if is_key(key) => {
            Ok(Wanted::WebSocket(derive_accept_key(key.as_bytes())))
        }
        _ => Err(Response::text(
            400,
            "Sec-WebSocket-Key must be 16 bytes in base64.\n",
        )),
    }
}

/// Whether the text is base64 of exactly 16 bytes.
fn is_key(text: &str) -> bool {
    let Some(digits) = text.strip_suffix("==") else {
        return false;
    };
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    digits.len() == 22 && digits.bytes().all(is_digit)
}

/// The answer that turns the connection into a WebSocket.
pub fn switching_protocols(accept_key: &str, accept: &Accept, channel: Channel) -> Vec<u8> {
    let mut head = String::from(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
    );
    head.push_str(channel.header_lines());
    let _ = write!(head, "Sec-WebSocket-Accept: {accept_key}\r\n");
    if let Some(subprotocol) = accept.subprotocol {
        let _ = write!(head, "Sec-WebSocket-Protocol: {subprotocol}\r\n");
    }
    head.push_str("\r\n");
    head.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::super::head::{HeadProgress, Incoming};
    use super::*;
    use std::net::{IpAddr, Ipv4Addr};

    fn judged(line: &str, headers: &[&str]) -> Result<Wanted, u16> {
        let text = format!("{line}\r\n{}\r\n\r\n", headers.join("\r\n"));
        let HeadProgress::Complete(head) = Incoming::default().push(text.as_bytes()) else {
            panic!("{text}");
        };
        head.request(IpAddr::V4(Ipv4Addr::LOCALHOST), false, judge)
            .unwrap()
            .map_err(|response| response.status)
    }

    const GOOD: [&str; 5] = [
        "Host: h",
        "Upgrade: WebSocket",
        "Connection: keep-alive, Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ];

    #[test]
    fn the_rfc_example_is_accepted_with_its_key() {
        assert_eq!(
            judged("GET /ws HTTP/1.1", &GOOD),
            Ok(Wanted::WebSocket("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=".to_owned()))
        );
    }

    #[test]
    fn each_missing_or_wrong_part_is_refused_by_its_own_status() {
        let without = |index: usize, instead: &'static str| {
            let mut headers = GOOD;
            headers[index] = instead;
            judged("GET /ws HTTP/1.1", &headers)
        };
        assert_eq!(without(0, "X: y"), Err(400));
        assert_eq!(without(1, "X: y"), Ok(Wanted::Plain));
        assert_eq!(without(2, "Connection: keep-alive"), Err(400));
        assert_eq!(without(3, "X: y"), Err(426));
        assert_eq!(without(3, "Sec-WebSocket-Version: 8"), Err(426));
        assert_eq!(without(4, "X: y"), Err(400));
        assert_eq!(without(4, "Sec-WebSocket-Key: c2hvcnQ="), Err(400));
        assert_eq!(judged("POST /ws HTTP/1.1", &GOOD), Err(405));
        assert_eq!(judged("GET /ws HTTP/1.0", &GOOD), Err(505));
    }

    #[test]
    fn two_keys_are_one_too_many() {
        let mut headers = GOOD.to_vec();
        headers.push(GOOD[4]);
        assert_eq!(judged("GET /ws HTTP/1.1", &headers), Err(400));
    }
}

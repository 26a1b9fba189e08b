//! A text message on its way out, written behind room for its frame's header.
//!
//! Whoever encodes appends to [`Outgoing::begin`]; the net layer puts the header in front of it in
//! place, so that header and text leave in one write and the text is never copied again. One buffer
//! serves all connections of a shard, and since it is used from its start each time, its first
//! kilobytes stay in the processor's nearest cache.
//!
//! ```text
//! |  room   |hh| text ……………………………………… |
//!           └── the frame: what is written
//! ```

use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Data, OpCode};

/// The longest header of a frame from a server.
pub(super) const FRAME_HEADER_BYTES_MAX: usize = 10;

/// A reusable buffer for one text message at a time.
#[derive(Debug)]
pub struct Outgoing {
    bytes: Vec<u8>,
}

impl Outgoing {
    /// An empty message; the buffer takes this many bytes before it grows.
    pub fn with_capacity(bytes: usize) -> Self {
        let mut outgoing = Self {
            bytes: Vec::with_capacity(bytes),
        };
        outgoing.begin();
        outgoing
    }

    /// Forgets the former message. What is appended to the buffer is the text of the next; what
    /// already stands in it must stay.
    pub fn begin(&mut self) -> &mut Vec<u8> {
        self.bytes.clear();
        self.bytes.resize(FRAME_HEADER_BYTES_MAX, 0);
        &mut self.bytes
    }

    /// The text so far.
    pub fn text(&self) -> &[u8] {
        self.bytes.get(FRAME_HEADER_BYTES_MAX..).unwrap_or_default()
    }

    /// Header and text as they stand on the wire. Debug builds check that it is text.
    pub(super) fn frame(&mut self) -> &[u8] {
        debug_assert!(
            str::from_utf8(self.text()).is_ok(),
            "what is encoded is text"
        );
        let text_bytes = self.text().len() as u64;
        let header = FrameHeader {
            is_final: true,
            opcode: OpCode::Data(Data::Text),
            ..FrameHeader::default()
        };
        let start = FRAME_HEADER_BYTES_MAX.saturating_sub(header.len(text_bytes));
        let room = self.bytes.get_mut(start..FRAME_HEADER_BYTES_MAX);
        if let Some(mut room) = room {
            let written = header.format(text_bytes, &mut room);
            debug_assert!(written.is_ok(), "the header fits its room");
        }
        self.bytes.get(start..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_stands_right_before_the_text_at_every_length() {
        let mut outgoing = Outgoing::with_capacity(8);
        for (length, header) in [
            (0, &[0x81, 0][..]),
            (125, &[0x81, 125]),
            (126, &[0x81, 126, 0, 126]),
            (65_535, &[0x81, 126, 0xff, 0xff]),
            (65_536, &[0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let text = vec![b'x'; length];
            outgoing.begin().extend_from_slice(&text);
            assert_eq!(outgoing.text(), text);
            assert_eq!(outgoing.frame(), [header, &text].concat(), "{length}");
        }
    }
}

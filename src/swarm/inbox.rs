//! One buffer that all bots read through, and the frames in it.
//!
//! A bot's bytes are read to the end of what its socket has, looked at where they lie, and forgotten;
//! only the beginning of a frame whose rest is still under way is kept for the bot. So thousands of
//! bots touch the same few warm kilobytes, where a buffer each would be megabytes of cold memory.
//!
//! ```text
//! 0 …… from          to …… length
//!       | frame frame fra|           what was read and not looked at yet
//! ```

use std::io::{self, Cursor, Read};
use std::ops::Range;

use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::limits::{SWARM_MESSAGE_BYTES_MAX, SWARM_READ_BYTES};

/// What stands at the front of the buffer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Front {
    /// A whole text message in one frame: where its text lies.
    Text(Range<usize>),
    /// Some other whole frame: where all of it lies.
    Other(Range<usize>),
    /// Bytes that no frame can begin with; all of them.
    Broken(Range<usize>),
    /// Not a whole frame yet.
    Partial,
}

/// Received bytes that are not read yet.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    bytes: Vec<u8>,
    from: usize,
    to: usize,
}

impl Inbox {
    /// Begins with what was kept of a bot's last turn.
    pub(super) fn begin(&mut self, kept: &mut Vec<u8>) {
        (self.from, self.to) = (0, kept.len());
        self.make_room(0);
        if let Some(front) = self.bytes.get_mut(..kept.len()) {
            front.copy_from_slice(kept);
        }
        kept.clear();
        kept.shrink_to(0);
    }

    /// Keeps what was not looked at for the bot's next turn.
    pub(super) fn keep(&mut self, kept: &mut Vec<u8>) {
        kept.extend_from_slice(self.slice(self.from..self.to));
        self.from = self.to;
    }

    /// Bytes that lie here.
    pub(super) fn slice(&self, range: Range<usize>) -> &[u8] {
        self.bytes.get(range).unwrap_or_default()
    }

    /// Reads once. Says how much came, and whether there was room for more.
    pub(super) fn read(&mut self, stream: &mut impl Read) -> io::Result<(usize, bool)> {
        self.make_room(SWARM_READ_BYTES);
        let room = self.bytes.get_mut(self.to..).unwrap_or_default();
        let room_bytes = room.len();
        let count = stream.read(room)?;
        self.to += count;
        Ok((count, count < room_bytes))
    }

    /// Looks at the front, and passes over it if it is whole.
    pub(super) fn take(&mut self) -> Front {
        let (from, to) = (self.from, self.to);
        let mut cursor = Cursor::new(self.slice(from..to));
        let (header, length) = match FrameHeader::parse(&mut cursor) {
            Ok(Some((header, length))) if length <= SWARM_MESSAGE_BYTES_MAX as u64 => {
                (header, length)
            }
            Ok(None) => return Front::Partial,
            Ok(Some(_)) | Err(_) => {
                self.from = to;
                return Front::Broken(from..to);
            }
        };
        let start = from + cursor.position() as usize;
        let end = start + length as usize;
        if end > to {
            return Front::Partial;
        }
        self.from = end;
        let is_whole_text = header.is_final && header.opcode == OpCode::Data(Data::Text);
        let is_plain = header.mask.is_none() && !(header.rsv1 || header.rsv2 || header.rsv3);
        if is_whole_text && is_plain {
            Front::Text(start..end)
        } else {
            Front::Other(from..end)
        }
    }

    /// Room for so many bytes behind what waits, which moves to the start if that helps.
    fn make_room(&mut self, bytes: usize) {
        if self.from > 0 && self.to + bytes > self.bytes.len() {
            self.bytes.copy_within(self.from..self.to, 0);
            (self.from, self.to) = (0, self.to - self.from);
        }
        if self.to + bytes > self.bytes.len() {
            // Twice what is needed, so that a long message is not copied at each read.
            self.bytes.resize((self.to + bytes) * 2, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame of a server.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let length = payload.len() as u16;
        let mut frame = vec![first, 126];
        frame.extend(length.to_be_bytes());
        frame.extend(payload);
        frame
    }

    #[test]
    fn frames_are_found_however_the_bytes_come() {
        let long = "x".repeat(3 * SWARM_READ_BYTES / 2);
        let stream = [
            frame(0x81, b"one"),
            frame(0x89, b"ping"),
            frame(0x81, long.as_bytes()),
            frame(0x81, b""),
            frame(0x81, b"last"),
        ]
        .concat();
        for step in [1, 2, 7, 1_000, stream.len()] {
            let (mut inbox, mut kept) = (Inbox::default(), Vec::new());
            let (mut texts, mut others) = (Vec::new(), 0);
            for mut bytes in stream.chunks(step) {
                inbox.begin(&mut kept);
                while inbox.read(&mut bytes).unwrap().0 > 0 {
                    loop {
                        match inbox.take() {
                            Front::Text(range) => texts.push(inbox.slice(range).to_vec()),
                            Front::Other(range) => {
                                assert_eq!(inbox.slice(range), frame(0x89, b"ping"));
                                others += 1;
                            }
                            Front::Partial => break,
                            Front::Broken(_) => panic!("nothing is broken"),
                        }
                    }
                }
                inbox.keep(&mut kept);
            }
            assert_eq!((texts.len(), others, kept.len()), (4, 1, 0), "{step}");
            assert_eq!(texts[0], b"one");
            assert_eq!(texts[1], long.as_bytes());
            assert_eq!(texts[3], b"last");
        }
    }

    #[test]
    fn what_is_no_frame_or_too_long_is_broken() {
        for bytes in [&[0x83_u8, 0][..], &[0x81, 127, 1, 0, 0, 0, 0, 0, 0, 0]] {
            let (mut inbox, mut source) = (Inbox::default(), bytes);
            inbox.begin(&mut Vec::new());
            inbox.read(&mut source).unwrap();
            assert_eq!(inbox.take(), Front::Broken(0..bytes.len()));
        }
    }
}

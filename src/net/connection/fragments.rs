//! Counts what a peer's frames cost that no message shows: fragments that finish none.
//!
//! tungstenite puts fragments together and tells of whole messages only, so an endless message of
//! empty pieces looks like silence to whoever reads. A [`FragmentMeter`] watches the bytes on their
//! way in: it reads the header of each frame, skips its payload, and counts data frames that are not
//! the last of their message. One more than allowed, and the stream runs dry at its header, wherever
//! the network cut it: what came before is still heard. What breaks the protocol is tungstenite's to
//! say.
//!
//! ```text
//! Link ──bytes──▶ Metered ──the same bytes──▶ tungstenite
//!                    └─ FIN │ opcode │ length, then skip the payload
//! ```

use std::io::{self, Read, Write};

/// The longest header of a frame from a client: two bytes, eight of length, four of mask.
const HEADER_BYTES_MAX: usize = 14;

/// Where in the stream of frames the next byte stands.
#[derive(Debug, Default)]
pub(super) struct FragmentMeter {
    header: [u8; HEADER_BYTES_MAX],
    header_bytes: usize,
    payload_bytes_left: u64,
    fragments: u32,
    allowed: u32,
    is_exceeded: bool,
}

impl FragmentMeter {
    /// So many fragments may come until the next call.
    pub(super) const fn allow(&mut self, fragments: u32) {
        self.allowed = fragments;
        self.fragments = 0;
    }

    /// Fragments that came since [`allow`](Self::allow), none beyond.
    pub(super) const fn fragments(&self) -> u32 {
        self.fragments
    }

    /// Whether more came than allowed.
    pub(super) const fn is_exceeded(&self) -> bool {
        self.is_exceeded
    }

    /// Watches the next bytes; says how many of them stand before a fragment too many. Work: a step a
    /// frame and a byte of its header.
    pub(super) fn watch(&mut self, incoming: &[u8]) -> usize {
        let mut bytes = incoming;
        while let Some((&first, rest)) = bytes.split_first() {
            if self.payload_bytes_left > 0 {
                let here = (bytes.len() as u64).min(self.payload_bytes_left);
                self.payload_bytes_left -= here;
                bytes = bytes.get(here as usize..).unwrap_or_default();
                continue;
            }
            if let Some(place) = self.header.get_mut(self.header_bytes) {
                *place = first;
            }
            self.header_bytes += 1;
            if self.header_bytes >= self.whole_header_bytes() {
                self.enter_payload();
            }
            if self.is_exceeded {
                return incoming.len() - bytes.len();
            }
            bytes = rest;
        }
        incoming.len()
    }

    /// How long the header is, as far as its bytes have said.
    const fn whole_header_bytes(&self) -> usize {
        if self.header_bytes < 2 {
            return 2;
        }
        let length = match self.header[1] & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let mask = if self.header[1] & 0x80 == 0 { 0 } else { 4 };
        2 + length + mask
    }

    fn enter_payload(&mut self) {
        let [first, second, a, b, rest @ ..] = self.header;
        let [c, d, e, f, g, h, ..] = rest;
        self.payload_bytes_left = match second & 0x7f {
            126 => u64::from(u16::from_be_bytes([a, b])),
            127 => u64::from_be_bytes([a, b, c, d, e, f, g, h]),
            length => u64::from(length),
        };
        self.header_bytes = 0;
        let (is_last, is_control) = (first & 0x80 != 0, first & 0x08 != 0);
        if !is_last && !is_control {
            self.is_exceeded |= self.fragments >= self.allowed;
            self.fragments += u32::from(!self.is_exceeded);
        }
    }
}

/// A stream whose incoming bytes a meter watches.
pub(super) struct Metered<'a, S> {
    pub(super) stream: &'a mut S,
    pub(super) meter: &'a mut FragmentMeter,
}

impl<S: Read> Read for Metered<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.meter.is_exceeded {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = self.stream.read(buffer)?;
        match self.meter.watch(buffer.get(..count).unwrap_or_default()) {
            0 if count > 0 => Err(io::ErrorKind::WouldBlock.into()),
            count => Ok(count),
        }
    }
}

impl<S: Write> Write for Metered<'_, S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tungstenite::protocol::frame::FrameHeader;
    use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

    use super::*;

    /// A frame as tungstenite writes it; its payload looks like headers of fragments.
    fn frame(opcode: OpCode, is_final: bool, payload_bytes: usize, is_masked: bool) -> Vec<u8> {
        let header = FrameHeader {
            is_final,
            opcode,
            mask: is_masked.then_some([0, 1, 2, 3]),
            ..FrameHeader::default()
        };
        let mut bytes = Vec::new();
        header.format(payload_bytes as u64, &mut bytes).unwrap();
        bytes.resize(bytes.len() + payload_bytes, 0);
        bytes
    }

    const OPCODES: [OpCode; 6] = [
        OpCode::Data(Data::Continue),
        OpCode::Data(Data::Text),
        OpCode::Data(Data::Binary),
        OpCode::Control(Control::Ping),
        OpCode::Control(Control::Pong),
        OpCode::Control(Control::Close),
    ];

    proptest! {
        #[test]
        fn it_counts_what_tungstenite_wrote_however_it_is_cut(
            frames in prop::collection::vec(
                (0_usize..6, any::<bool>(), prop_oneof![0_usize..4, 120_usize..130, Just(65_536)], any::<bool>()),
                1..20,
            ),
            cuts in prop::collection::vec(1_usize..200, 1..50),
        ) {
            let mut bytes = Vec::new();
            let mut expected = 0;
            for (opcode, is_final, payload_bytes, is_masked) in frames {
                bytes.extend(frame(OPCODES[opcode], is_final, payload_bytes, is_masked));
                expected += u32::from(!is_final && opcode < 3);
            }
            let mut meter = FragmentMeter::default();
            meter.allow(u32::MAX);
            let (mut rest, mut cuts) = (&bytes[..], cuts.iter().cycle());
            while !rest.is_empty() {
                let (piece, after) = rest.split_at((*cuts.next().unwrap()).min(rest.len()));
                prop_assert_eq!(meter.watch(piece), piece.len());
                rest = after;
            }
            prop_assert_eq!(meter.fragments(), expected);
            // One fewer, and the last fragment's header is not whole any more.
            if expected > 0 {
                let mut strict = FragmentMeter::default();
                strict.allow(expected - 1);
                let before = strict.watch(&bytes);
                prop_assert!(strict.is_exceeded() && before < bytes.len());
                let mut again = FragmentMeter::default();
                again.allow(expected - 1);
                prop_assert_eq!(again.watch(&bytes[..before]), before);
                prop_assert!(!again.is_exceeded());
            }
        }
    }
}

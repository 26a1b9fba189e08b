//! Frames: what a file is made of, each under two checksums, its head and its payload.
//!
//! Owns the layout and the difference between an end, a cut and damage: a head that stands must say
//! how much follows, so a file that ends before it was cut off, and bytes that do not fit their
//! checksum were changed.

use std::io::{self, Read};

use crate::limits::RECORDING_FRAME_BYTES_MAX;

/// What a recording begins with.
pub(super) const MAGIC: &[u8; 8] = b"ORRERYFR";

/// The version of the layout that is written and read.
pub(super) const VERSION: u32 = 3;

const HEAD_BYTES: usize = 20;

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Opening,
    Acts,
    End,
}

/// The head of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameHead {
    pub(super) kind: Kind,
    /// The system that it is about, by its place in the universe.
    pub(super) system: u16,
    /// The world's tick behind the frame, modulo 2³².
    pub(super) tick: u32,
}

/// Appends a frame.
pub(super) fn write(out: &mut Vec<u8>, head: FrameHead, payload: &[u8]) {
    let start = out.len();
    let kind: u16 = match head.kind {
        Kind::Opening => 0,
        Kind::Acts => 1,
        Kind::End => 2,
    };
    out.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    out.extend_from_slice(&kind.to_le_bytes());
    out.extend_from_slice(&head.system.to_le_bytes());
    out.extend_from_slice(&head.tick.to_le_bytes());
    out.extend_from_slice(&crc32fast::hash(payload).to_le_bytes());
    let checksum = crc32fast::hash(&out[start..]);
    out.extend_from_slice(&checksum.to_le_bytes());
    out.extend_from_slice(payload);
}

/// What stands next in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A frame; its payload has been read.
    Frame(FrameHead),
    /// The file ends here, between two frames.
    Nothing,
    /// So many bytes that are not a whole frame.
    Cut(u64),
    /// Bytes that are not what was written; of which frame, if its head is good.
    Damaged(Option<FrameHead>),
}

/// Reads the next frame, its payload into a buffer that is reused.
pub(super) fn read(input: &mut impl Read, payload: &mut Vec<u8>) -> io::Result<Next> {
    payload.clear();
    input.take(HEAD_BYTES as u64).read_to_end(payload)?;
    let Some((head, _)) = payload.split_first_chunk::<HEAD_BYTES>() else {
        let left = payload.len() as u64;
        return Ok(if left == 0 {
            Next::Nothing
        } else {
            Next::Cut(left)
        });
    };
    let head = *head;
    let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let (length, checksum) = (word(0), word(12));
    if crc32fast::hash(&head[..16]) != word(16) || length as usize > RECORDING_FRAME_BYTES_MAX {
        return Ok(Next::Damaged(None));
    }
    let kind = match u16::from_le_bytes([head[4], head[5]]) {
        0 => Kind::Opening,
        1 => Kind::Acts,
        2 => Kind::End,
        _ => return Ok(Next::Damaged(None)),
    };
    let head = FrameHead {
        kind,
        system: u16::from_le_bytes([head[6], head[7]]),
        tick: word(8),
    };
    payload.clear();
    input.take(u64::from(length)).read_to_end(payload)?;
    if payload.len() < length as usize {
        return Ok(Next::Cut((HEAD_BYTES + payload.len()) as u64));
    }
    if crc32fast::hash(payload) != checksum {
        return Ok(Next::Damaged(Some(head)));
    }
    Ok(Next::Frame(head))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: FrameHead = FrameHead {
        kind: Kind::Acts,
        system: 3,
        tick: 70,
    };

    fn next(bytes: &[u8]) -> Next {
        read(&mut &bytes[..], &mut Vec::new()).expect("memory")
    }

    #[test]
    fn each_cut_and_each_flipped_bit_is_what_it_is() {
        let mut bytes = Vec::new();
        write(&mut bytes, HEAD, b"payload");
        assert_eq!(next(&bytes), Next::Frame(HEAD));
        assert_eq!(next(&[]), Next::Nothing);
        for end in 1..bytes.len() {
            assert_eq!(next(&bytes[..end]), Next::Cut(end as u64));
        }
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            let place = (bit / 8 >= HEAD_BYTES).then_some(HEAD);
            assert_eq!(next(&bytes), Next::Damaged(place), "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

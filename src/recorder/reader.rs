//! Calls on a world out of bytes, as [`code`](super::code) writes them.
//!
//! Takes nothing on trust: each count is checked against its bound, and each item takes at least a
//! byte of what is there, so nothing is allocated beyond a small multiple of the bytes read. Numbers
//! that a world can cope with whatever they are (handles, credits, floats) are taken as they stand.

use thiserror::Error;

use super::code::{ADMIT, ATTACH, Act, DETACH, DISMISS, STEP};
use crate::ids::{CommodityIndex, Handle, NAME_BYTES_MAX, PlayerId, StationIndex, SystemIndex};
use crate::limits::{COMMANDS_PER_TICK_MAX, COMMODITIES_MAX};
use crate::sim::{Command, Gone, Order, Pilot, Place};

/// Bytes that no recorder wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub(super) struct Malformed(pub(super) &'static str);

/// The bytes not read yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn bytes(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (bytes, rest) = self
            .0
            .split_at_checked(count)
            .ok_or(Malformed("it ends too early"))?;
        self.0 = rest;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (bytes, rest) = self
            .0
            .split_first_chunk()
            .ok_or(Malformed("it ends too early"))?;
        self.0 = rest;
        Ok(*bytes)
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        self.array().map(|[byte]: [u8; 1]| byte)
    }

    pub(super) fn varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Malformed("a number is too long"))
    }

    fn small<T: TryFrom<u64>>(&mut self) -> Result<T, Malformed> {
        T::try_from(self.varint()?).map_err(|_| Malformed("a number is too large"))
    }

    /// A number of items, at most `most`.
    pub(super) fn count(&mut self, most: usize) -> Result<usize, Malformed> {
        let count: usize = self.small()?;
        if count > most || count > self.0.len() {
            return Err(Malformed("a count is too large"));
        }
        Ok(count)
    }

    pub(super) fn signed(&mut self) -> Result<i64, Malformed> {
        let word = self.varint()?;
        Ok((word >> 1) as i64 ^ -((word & 1) as i64))
    }

    pub(super) fn float(&mut self) -> Result<f32, Malformed> {
        self.array()
            .map(|bytes| f32::from_bits(u32::from_le_bytes(bytes)))
    }

    pub(super) fn word(&mut self) -> Result<u64, Malformed> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn text(&mut self, bytes_max: usize) -> Result<&'a str, Malformed> {
        let count = self.count(bytes_max)?;
        std::str::from_utf8(self.bytes(count)?).map_err(|_| Malformed("a text is not UTF-8"))
    }

    pub(super) fn station(&mut self) -> Result<StationIndex, Malformed> {
        self.small().map(StationIndex)
    }

    pub(super) fn commodity(&mut self) -> Result<CommodityIndex, Malformed> {
        self.small().map(CommodityIndex)
    }

    fn handle(&mut self) -> Result<Handle, Malformed> {
        let (slot, generation) = (self.small()?, self.small()?);
        Ok(Handle { slot, generation })
    }

    /// The next call; none at the end. A step's commands are put into `commands`.
    pub(super) fn act(&mut self, commands: &mut Vec<Command>) -> Result<Option<Act>, Malformed> {
        if self.is_at_end() {
            return Ok(None);
        }
        let act = match self.byte()? {
            ADMIT => Act::Admit(self.pilot()?),
            ATTACH => Act::Attach(self.handle()?),
            DETACH => Act::Detach(self.handle()?),
            DISMISS => {
                let ship = self.handle()?;
                let gone = match self.byte()? {
                    0 => Gone::Destroyed,
                    1 => Gone::Jumped,
                    2 => Gone::Despawned,
                    _ => return Err(Malformed("there is no such way to go")),
                };
                Act::Dismiss(ship, gone)
            }
            STEP => {
                commands.clear();
                for _ in 0..self.count(COMMANDS_PER_TICK_MAX)? {
                    commands.push(self.command()?);
                }
                Act::Step { hash: self.word()? }
            }
            _ => return Err(Malformed("there is no such call")),
        };
        Ok(Some(act))
    }

    fn pilot(&mut self) -> Result<Pilot, Malformed> {
        let player = self.text(NAME_BYTES_MAX)?;
        let player = PlayerId::parse(player).map_err(|_| Malformed("a player's name is none"))?;
        let credits = self.signed()?;
        let mut cargo = Vec::new();
        for _ in 0..self.count(COMMODITIES_MAX)? {
            cargo.push(self.small()?);
        }
        let hull = i32::try_from(self.signed()?).map_err(|_| Malformed("a number is too large"))?;
        let fuel = self.float()?;
        let place = match self.byte()? {
            0 => Place::New,
            1 => Place::Spawn,
            2 => Place::Docked(self.station()?),
            3 => Place::Space {
                x: self.float()?,
                y: self.float()?,
                vx: self.float()?,
                vy: self.float()?,
                rotation: self.float()?,
            },
            _ => return Err(Malformed("there is no such place")),
        };
        let home = match self.byte()? {
            0 => None,
            1 => Some((SystemIndex(self.small()?), self.station()?)),
            _ => return Err(Malformed("there is no such home")),
        };
        Ok(Pilot {
            player,
            credits,
            cargo,
            hull,
            fuel,
            place,
            home,
        })
    }

    fn command(&mut self) -> Result<Command, Malformed> {
        let kind = self.byte()?;
        let ship = self.handle()?;
        let seq = self.varint()?;
        if kind < 4 {
            return Ok(Command::Steer {
                ship,
                seq,
                thrust: self.float()?,
                turn: self.float()?,
                fire: kind & 1 != 0,
                dock: kind & 2 != 0,
            });
        }
        let ticket = self.varint()?;
        let station = self.station()?;
        let order = match kind {
            4 => Order::Buy {
                station,
                commodity: self.commodity()?,
                quantity: self.small()?,
            },
            5 => Order::Sell {
                station,
                commodity: self.commodity()?,
                quantity: self.small()?,
            },
            6 => Order::Repair { station },
            _ => return Err(Malformed("there is no such command")),
        };
        Ok(Command::Order {
            ship,
            seq,
            ticket,
            order,
        })
    }
}

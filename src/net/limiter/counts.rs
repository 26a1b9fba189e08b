//! What is counted behind a listener's [`ConnectionLimiter`](super::ConnectionLimiter): places, networks, and the order in
//! which connections make room. Everything here happens under one lock and is O(1).

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use slab::Slab;

use super::claims::Claims;
use super::{ConnectionRefusal, Standing};
use crate::ids::{ConnId, Millis, Name};
use crate::limits::{RETURN_MS, SILENCE_GRACE_MS};
use crate::net::address::Network;
use crate::net::slot_list::SlotList;

/// How many may be inside at most.
#[derive(Debug)]
pub(super) struct Limits {
    pub(super) connections: usize,
    pub(super) anonymous: usize,
    pub(super) per_address: usize,
}

impl Limits {
    /// Places that anonymous connections cannot have.
    const fn kept(&self) -> usize {
        self.connections.saturating_sub(self.anonymous)
    }
}

/// A place in the table; the ticket tells it from later tenants of the same slot.
#[derive(Clone, Copy, Debug)]
pub(super) struct AddressKey {
    slot: usize,
    ticket: u64,
}

/// One connection that is inside.
#[derive(Debug)]
struct Place {
    ticket: u64,
    conn: ConnId,
    /// Unknown while a trusted proxy has not said for whom it speaks.
    address: Option<IpAddr>,
    standing: Standing,
    /// As whom it logs in or has logged in; `None` too for who is authenticated without a login.
    name: Option<Name>,
    since: Millis,
}

/// The end of an authenticated connection.
#[derive(Debug)]
struct LostPlace {
    until: Millis,
    home: Option<Network>,
    name: Option<Name>,
}

/// What the narrowest network of an address has.
#[derive(Debug, Default)]
struct Home {
    authenticated: usize,
    departed: usize,
    returning: usize,
}

/// Everybody inside, and who has just left.
#[derive(Debug, Default)]
pub(super) struct Counts {
    places: Slab<Place>,
    tickets: u64,
    /// Anonymous places whose connections have not said a word, the oldest first.
    silent: SlotList,
    anonymous: SlotList,
    returning: SlotList,
    /// Places of those who log in or have.
    held: usize,
    /// Connections of each address and network that has any.
    networks: HashMap<Network, usize>,
    /// Where authenticated connections are or lately were.
    homes: HashMap<Network, Home>,
    /// Those who log in or have by name, and those who are away.
    claims: Claims,
    /// The authenticated connections that ended and still count, the oldest first; at most as many
    /// as there may be connections.
    departures: VecDeque<LostPlace>,
    /// Connections that made room, by shard, until their shard asks.
    displaced: Vec<Vec<ConnId>>,
}

impl Counts {
    pub(super) fn connections(&self) -> usize {
        self.places.len()
    }

    /// A place for a newcomer, and who made room for it.
    pub(super) fn enter(
        &mut self,
        address: Option<IpAddr>,
        conn: ConnId,
        limits: &Limits,
        now: Millis,
    ) -> Result<(AddressKey, Option<ConnId>), ConnectionRefusal> {
        self.forget_departures(now, limits.connections);
        if let Some(address) = address {
            self.check(address, limits)?;
        }
        let standing = self.standing_from(address);
        let is_barred = standing == Standing::Anonymous && self.anonymous.len() >= limits.anonymous;
        let displaced = if is_barred || self.places.len() >= limits.connections {
            Some(self.displace(standing, now)?)
        } else {
            None
        };
        self.tickets += 1;
        let place = Place {
            ticket: self.tickets,
            conn,
            address,
            standing,
            name: None,
            since: now,
        };
        let slot = self.places.insert(place);
        if let Some(address) = address {
            self.count_networks(address);
        }
        self.count_standing(slot, address, standing);
        if standing == Standing::Anonymous {
            self.silent.push_back(slot as u32);
        }
        let ticket = self.tickets;
        Ok((AddressKey { slot, ticket }, displaced))
    }

    /// Gives a place back, if it was not given to somebody else.
    pub(super) fn leave(&mut self, key: AddressKey, now: Millis) {
        if self.place(key).is_some() {
            self.vacate(key.slot, now);
        }
    }

    pub(super) fn standing(&self, key: AddressKey) -> Option<Standing> {
        self.place(key).map(|place| place.standing)
    }

    pub(super) fn has_spoken(&mut self, key: AddressKey) {
        if self.place(key).is_some() {
            self.silent.remove(key.slot as u32);
        }
    }

    /// Lets a login begin if there is a place for it to keep; says whether.
    pub(super) fn begin_login(
        &mut self,
        key: AddressKey,
        name: &Name,
        limits: &Limits,
        now: Millis,
    ) -> bool {
        self.forget_departures(now, limits.connections);
        let Some(place) = self.place(key) else {
            return false;
        };
        if place.standing >= Standing::LoggingIn {
            return true;
        }
        let kept = self.claims.away().min(limits.kept());
        let has_room = self.held + kept < limits.connections;
        if !self.claims.begin(name, has_room) {
            return false;
        }
        if let Some(place) = self.places.get_mut(key.slot) {
            place.name = Some(name.clone());
        }
        self.rise(key, Standing::LoggingIn);
        true
    }

    /// Whoever was logging in is a stranger again.
    pub(super) fn end_login(&mut self, key: AddressKey, now: Millis) {
        let place = self.places.get_mut(key.slot);
        let Some(place) = place
            .filter(|place| place.ticket == key.ticket && place.standing == Standing::LoggingIn)
        else {
            return;
        };
        place.standing = Standing::Anonymous;
        let (address, name) = (place.address, place.name.take());
        if let Some(name) = name {
            self.claims.give_up(&name, now);
        }
        self.uncount_standing(key.slot, address, Standing::LoggingIn);
        self.count_standing(key.slot, address, Standing::Anonymous);
    }

    pub(super) fn authenticate(&mut self, key: AddressKey) {
        if let Some(place) = self.place(key)
            && place.standing == Standing::LoggingIn
            && let Some(name) = place.name.clone()
        {
            self.claims.complete(&name);
        }
        self.rise(key, Standing::Authenticated);
    }

    /// Counts a connection under its client, unless its address is known already.
    pub(super) fn count_for(
        &mut self,
        key: AddressKey,
        client: IpAddr,
        limits: &Limits,
    ) -> Result<(), ConnectionRefusal> {
        if self.place(key).is_none_or(|place| place.address.is_some()) {
            return Ok(());
        }
        self.check(client, limits)?;
        self.count_networks(client);
        let standing = self.standing_from(Some(client));
        if let Some(place) = self.places.get_mut(key.slot) {
            place.address = Some(client);
        }
        self.rise(key, standing);
        Ok(())
    }

    pub(super) fn take_displaced(&mut self, shard: u16) -> Vec<ConnId> {
        let displaced = self.displaced.get_mut(usize::from(shard));
        displaced.map(std::mem::take).unwrap_or_default()
    }

    /// Takes the place of whoever has to make room for a newcomer of this standing.
    fn displace(&mut self, standing: Standing, now: Millis) -> Result<ConnId, ConnectionRefusal> {
        let is_patient = |slot: &u32| {
            let place = self.places.get(*slot as usize);
            place.is_some_and(|place| now.since(place.since) >= SILENCE_GRACE_MS)
        };
        let anonymous = self.silent.front().filter(is_patient);
        let anonymous = anonymous.or_else(|| self.anonymous.front());
        let returning = self.returning.front();
        let slot = anonymous.or_else(|| returning.filter(|_| standing >= Standing::Returning));
        let place = slot.and_then(|slot| self.vacate(slot as usize, now));
        let conn = place.ok_or(ConnectionRefusal::Full)?.conn;
        let shard = usize::from(conn.shard);
        if self.displaced.len() <= shard {
            self.displaced.resize_with(shard + 1, Vec::new);
        }
        if let Some(displaced) = self.displaced.get_mut(shard) {
            displaced.push(conn);
        }
        Ok(conn)
    }

    fn vacate(&mut self, slot: usize, now: Millis) -> Option<Place> {
        let place = self.places.try_remove(slot)?;
        self.uncount_standing(slot, place.address, place.standing);
        for (network, _) in place.address.into_iter().flat_map(Network::all) {
            if let Some(count) = self.networks.get_mut(&network) {
                *count -= 1;
                if *count == 0 {
                    self.networks.remove(&network);
                }
            }
        }
        match (place.standing, &place.name) {
            (Standing::Authenticated, _) => self.note_departure(&place, now),
            (Standing::LoggingIn, Some(name)) => self.claims.give_up(name, now),
            _ => {}
        }
        Some(place)
    }

    fn note_departure(&mut self, place: &Place, now: Millis) {
        let until = now.plus(RETURN_MS);
        let home = place.address.map(Network::narrowest);
        if let Some(home) = home {
            self.homes.entry(home).or_default().departed += 1;
        }
        if let Some(name) = &place.name {
            self.claims.depart(name, now, until);
        }
        self.departures.push_back(LostPlace {
            until,
            home,
            name: place.name.clone(),
        });
    }

    fn place(&self, key: AddressKey) -> Option<&Place> {
        let place = self.places.get(key.slot);
        place.filter(|place| place.ticket == key.ticket)
    }

    fn rise(&mut self, key: AddressKey, standing: Standing) {
        let Some(&Place {
            address,
            standing: before,
            ..
        }) = self.place(key)
        else {
            return;
        };
        if standing <= before {
            return;
        }
        self.uncount_standing(key.slot, address, before);
        self.count_standing(key.slot, address, standing);
        if let Some(place) = self.places.get_mut(key.slot) {
            place.standing = standing;
        }
    }

    /// Whether one more connection of this address is within the limits of all its networks.
    fn check(&self, address: IpAddr, limits: &Limits) -> Result<(), ConnectionRefusal> {
        for (network, share) in Network::all(address) {
            let count = self.networks.get(&network).copied().unwrap_or_default();
            if count >= limits.per_address.saturating_mul(share as usize) {
                return Err(match share {
                    1 => ConnectionRefusal::TooManyFromAddress,
                    _ => ConnectionRefusal::TooManyFromNetwork,
                });
            }
        }
        Ok(())
    }

    /// What a newcomer from this address counts as.
    fn standing_from(&self, address: Option<IpAddr>) -> Standing {
        let home = address.and_then(|address| self.homes.get(&Network::narrowest(address)));
        match home {
            Some(home) if home.returning < home.authenticated + home.departed => {
                Standing::Returning
            }
            _ => Standing::Anonymous,
        }
    }

    fn count_networks(&mut self, address: IpAddr) {
        for (network, _) in Network::all(address) {
            *self.networks.entry(network).or_default() += 1;
        }
    }

    fn count_standing(&mut self, slot: usize, address: Option<IpAddr>, standing: Standing) {
        match standing {
            Standing::Anonymous => self.anonymous.push_back(slot as u32),
            Standing::Returning => self.returning.push_back(slot as u32),
            Standing::LoggingIn | Standing::Authenticated => self.held += 1,
        }
        let Some(home) = address.map(Network::narrowest) else {
            return;
        };
        match standing {
            Standing::Anonymous | Standing::LoggingIn => {}
            Standing::Returning => self.homes.entry(home).or_default().returning += 1,
            Standing::Authenticated => self.homes.entry(home).or_default().authenticated += 1,
        }
    }

    fn uncount_standing(&mut self, slot: usize, address: Option<IpAddr>, standing: Standing) {
        for list in [&mut self.silent, &mut self.anonymous, &mut self.returning] {
            list.remove(slot as u32);
        }
        self.held -= usize::from(standing >= Standing::LoggingIn);
        let Some(network) = address.map(Network::narrowest) else {
            return;
        };
        if let Some(home) = self.homes.get_mut(&network) {
            match standing {
                Standing::Anonymous | Standing::LoggingIn => {}
                Standing::Returning => home.returning -= 1,
                Standing::Authenticated => home.authenticated -= 1,
            }
        }
        self.forget_if_empty(network);
    }

    /// Drops those whose time is up, and the oldest beyond `most`. Each costs one step, once.
    fn forget_departures(&mut self, now: Millis, most: usize) {
        while let Some(first) = self.departures.front()
            && (first.until <= now || self.departures.len() > most)
            && let Some(departure) = self.departures.pop_front()
        {
            if let Some(name) = departure.name {
                self.claims.forget(&name, departure.until);
            }
            let Some(network) = departure.home else {
                continue;
            };
            if let Some(home) = self.homes.get_mut(&network) {
                home.departed -= 1;
            }
            self.forget_if_empty(network);
        }
    }

    fn forget_if_empty(&mut self, network: Network) {
        let is_empty = |home: &Home| home.authenticated + home.departed + home.returning == 0;
        if self.homes.get(&network).is_some_and(is_empty) {
            self.homes.remove(&network);
        }
    }

    /// Whether nothing is counted, once everybody's time to come back is over.
    #[cfg(test)]
    pub(super) fn is_as_new(&mut self) -> bool {
        self.forget_departures(Millis(u64::MAX), 0);
        self.places.is_empty()
            && self.silent.len() + self.anonymous.len() + self.returning.len() == 0
            && self.networks.is_empty()
            && self.homes.is_empty()
            && self.claims.is_empty()
            && self.held == 0
    }
}

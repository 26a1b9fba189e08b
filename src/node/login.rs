//! Login: a pilot's entry is taken over or loaded, and the login is answered.

use super::Node;
use super::batch;
use super::players::{FirstJoin, PlayerHandle, PlayerLocation};
use super::wallet::DurableWallet;
use crate::ids::{ConnId, PlayerId};
use crate::protocol::{AuthOk, CloseCode, ErrorCode, Reply};
use crate::replication::Wallet;
use crate::store::LoadedPilot;

impl Node {
    /// A token was good: takes the player's entry, or asks the store for the pilot.
    pub(super) fn log_in(&mut self, conn: ConnId, player: PlayerId, seq: u64) {
        if self.players.is_quarantined(&player) {
            self.gateways.refuse(conn, seq, ErrorCode::Internal);
            return;
        }
        let key = match self.players.of_player(&player) {
            Some(key) => key,
            None if self.players.len() >= self.players.count_max => {
                self.gateways.refuse(conn, seq, ErrorCode::SystemFull);
                return;
            }
            None => {
                let key = self.players.insert(player);
                self.reads.loads.push(key);
                key
            }
        };
        if let Some(former) = self.players.connect(key, conn) {
            self.detach_connection(key, former);
            self.gateways.close(former, CloseCode::Replaced);
        }
        let Some(entry) = self.players.get_mut(key) else {
            return;
        };
        entry.login_seq = Some(seq);
        if !matches!(entry.location, PlayerLocation::Loading) {
            self.answer_login(key);
        }
    }

    /// The store's answer to a login, or to a newcomer's first join.
    pub(super) fn take_loaded(&mut self, key: PlayerHandle, stored: &LoadedPilot) {
        let Some(entry) = self.players.get_mut(key) else {
            return;
        };
        if !matches!(entry.location, PlayerLocation::Loading) {
            return;
        }
        if entry.conn.is_none() {
            self.players.remove(key);
            return;
        }
        let pilot = stored
            .record
            .as_ref()
            .map(|record| batch::from_record(&self.universe, record));
        if let Some((_, pilot)) = &pilot {
            let (credits, cargo) = (pilot.credits, pilot.cargo.clone());
            entry.wallet = DurableWallet::new(Wallet { credits, cargo });
        }
        entry.location = if stored.is_elsewhere {
            let record = stored.record.as_ref();
            PlayerLocation::OnOtherNode(record.map(|record| record.system.clone()))
        } else {
            PlayerLocation::Stored(pilot.map(Box::new))
        };
        let first_join = entry.first_join.take();
        self.answer_login(key);
        if let Some(FirstJoin { conn, target, seq }) = first_join {
            let entered = self.enter(key, target);
            self.answer_join(key, conn, seq, target, entered);
        }
    }

    /// The store failed: nobody who waits for a pilot will get one.
    pub(super) fn refuse_logins(&mut self) {
        let waiting = self.players.iter().filter_map(|(_, player)| {
            let first_join = player.first_join.map(|join| join.seq);
            Some((player.conn?, player.login_seq.or(first_join)?))
        });
        for (conn, seq) in waiting.collect::<Vec<_>>() {
            self.gateways.refuse(conn, seq, ErrorCode::Internal);
        }
    }

    fn answer_login(&mut self, key: PlayerHandle) {
        let Some(entry) = self.players.get_mut(key) else {
            return;
        };
        let (Some(conn), Some(seq)) = (entry.conn, entry.login_seq.take()) else {
            return;
        };
        let player_id = entry.id.clone();
        let system_id = match &entry.location {
            PlayerLocation::Stored(Some(stored)) => self.universe.system_id(stored.0).cloned(),
            PlayerLocation::InSystem(system, _) => self.universe.system_id(*system).cloned(),
            PlayerLocation::OnOtherNode(system) => system.clone(),
            PlayerLocation::Jumping(transit) => self.universe.system_id(transit.target).cloned(),
            PlayerLocation::Loading | PlayerLocation::Stored(None) => None,
        };
        self.gateways.send_now(
            conn,
            Some(seq),
            Reply::AuthOk(AuthOk {
                player_id,
                system_id,
            }),
        );
    }
}

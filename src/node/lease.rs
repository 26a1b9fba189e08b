//! Leases: another node owns a system from now on.

use super::Node;
use crate::bus::ToGateway;
use crate::ids::Name;
use crate::protocol::CloseCode;

impl Node {
    /// Another server owns a system now: it stands still here, its pilots are let go without being
    /// stored, and whoever joins it is turned away. A server that lost its last system ends.
    pub(super) fn lose_system(&mut self, id: &Name) {
        let Some(system) = self.universe.system_index(id.as_str()) else {
            return;
        };
        tracing::error!(
            "{id} is run by another server on this database now: here it stands still, nothing more \
             of it is kept or told, and its pilots are sent away"
        );
        if let Some(instance) = self.systems.get_mut(system) {
            instance.is_owned = false;
            instance.pending.clear();
        }
        self.forget_orders_in(system);
        // Its pilots are forgotten while something of them may be on its way.
        self.ask_after_this_batch();
        self.gateways.broadcast(|| ToGateway::Forget(system));
        for (key, _, _) in self
            .logging_out(|_| true)
            .into_iter()
            .filter(|&(_, at, _)| at == system)
        {
            if let Some(conn) = self.players.remove(key).and_then(|player| player.conn) {
                if let Some(instance) = self.systems.get_mut(system) {
                    instance.remove_viewer(conn);
                }
                self.gateways.close(conn, CloseCode::Draining);
            }
        }
        for conn in self.lose_arrivals(id) {
            self.gateways.close(conn, CloseCode::Draining);
        }
        if !self.systems.iter().any(|(_, instance)| instance.is_owned) {
            self.fail(format!(
                "every system of this server is run by another server now, {id} last"
            ));
        }
    }
}

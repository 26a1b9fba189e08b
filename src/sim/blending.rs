//! Blending: what risk, security and profit each pilot flies in.
//!
//! Owns the refresh of the pilots' zone contexts; the rule is [`zones`](super::zones)'s. A context
//! depends on the ship's place alone, so only ships that changed in this tick are asked for, by
//! several workers where there are many pilots.

use rayon::prelude::*;

use super::entities::Entities;
use super::step_context::StepContext;
use super::zones::{ZoneContext, Zones};
use crate::ids::Handle;

/// Brings the contexts of these ships' pilots up to date. Linear in pilots; a dead pilot keeps the
/// last one. Returns into how many jobs that was cut.
pub(super) fn blend(
    context: &StepContext,
    entities: &Entities,
    zones: &Zones,
    ships: &[Handle],
    zone_contexts: &mut [ZoneContext],
) -> usize {
    let refresh = |(ship, zone_context): (&Handle, &mut ZoneContext)| {
        if let Some(row) = entities.row(*ship)
            && entities.changed_in(row, context.tick)
        {
            *zone_context = zones.blend(entities.xs[row], entities.ys[row]);
        }
    };
    let fork = context.parallelism.zones;
    let jobs = fork.jobs(ships.len());
    if jobs == 1 {
        ships.iter().zip(zone_contexts).for_each(refresh);
    } else {
        let ships = ships.par_iter().with_min_len(fork.chunk_items);
        ships.zip(zone_contexts).for_each(refresh);
    }
    jobs
}

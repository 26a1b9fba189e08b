//! Blending: what risk, security and profit each pilot flies in.
//!
//! Owns the refresh of the pilots' zone contexts; the rule is [`zones`](super::zones)'s. A context
//! depends on the ship's place alone, so only ships that changed in this tick are asked for, by
//! several workers where there are many pilots.

use rayon::prelude::*;

use super::world::World;

/// Pilots that a worker takes at a time.
const CHUNK_PILOTS: usize = 256;

/// Pilots below which one worker does it alone: each costs about 0.1 µs, a fork-join 30–140.
const PARALLEL_PILOTS_MIN: usize = 2048;

/// Brings the contexts up to date. Linear in pilots; a dead pilot keeps the last one.
pub(super) fn blend(world: &mut World) {
    let (entities, zones, tick) = (&world.entities, &world.zones, world.tick);
    let pilots = &mut world.pilots;
    let refresh = |(ship, context): (&crate::ids::Handle, &mut super::zones::ZoneContext)| {
        if let Some(row) = entities.row(*ship)
            && entities.changed_in(row, tick)
        {
            *context = zones.blend(entities.xs[row], entities.ys[row]);
        }
    };
    if pilots.ships.len() < PARALLEL_PILOTS_MIN || rayon::current_num_threads() < 2 {
        pilots
            .ships
            .iter()
            .zip(&mut pilots.contexts)
            .for_each(refresh);
    } else {
        let ships = pilots.ships.par_iter().with_min_len(CHUNK_PILOTS);
        ships.zip(&mut pilots.contexts).for_each(refresh);
    }
}

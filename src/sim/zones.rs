//! Risk, security and profit at a point: the blend of the zones that contain it with the ambient.
//!
//! Owns one static [`rstar`] tree of a system's zones, built once, and the blending rule. Never
//! changes after it is built, so any number of threads may ask at once. Each zone that contains a
//! point weighs `w = 4·(1 − distance/radius)`, the ambient weighs 1, and a blended value is
//! `Σ w·v / Σ w`; risk and security are written out of 100 and blended out of 1. A zone contains
//! its rim, where it weighs nothing but its ban on harming pilots still holds.
//!
//! The sums run in the order of the zone list, not of the tree, so that equal points give equal
//! bits on every machine.

use rstar::{AABB, PointDistance, RTree, RTreeObject};

use super::columns::{Packer, StateBits};
use crate::limits::ZONES_AT_POINT_MAX;
use crate::universe::{Ambient, System, Zone};

/// How much a zone weighs at its centre; the ambient weighs 1.
const CENTRE_WEIGHT: f32 = 4.0;

/// What holds at one point of a system.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ZoneContext {
    zones: [u16; ZONES_AT_POINT_MAX],
    count: u8,
    /// Danger out of 1.
    pub risk: f32,
    /// Order out of 1.
    pub security: f32,
    /// Factor on bounties.
    pub profit_multiplier: f32,
    /// Whether a pilot's shot harms a pilot here.
    pub pvp_allowed: bool,
}

impl ZoneContext {
    /// The zones that contain the point, as places in the system's list, rising.
    pub fn zones(&self) -> &[u16] {
        &self.zones[..usize::from(self.count)]
    }
}

impl StateBits for ZoneContext {
    const STATE_BITS: u32 =
        u16::BITS * ZONES_AT_POINT_MAX as u32 + u8::BITS + 3 * u32::BITS + bool::STATE_BITS;

    #[expect(
        clippy::inline_always,
        reason = "the places of values in words are constants only where all is inlined"
    )]
    #[inline(always)]
    fn put<const WORDS: usize>(&self, packer: &mut Packer<WORDS>) {
        let Self {
            zones,
            count,
            risk,
            security,
            profit_multiplier,
            pvp_allowed,
        } = self;
        risk.put(packer);
        security.put(packer);
        profit_multiplier.put(packer);
        let (low, high) = zones.split_at(ZONES_AT_POINT_MAX / 2);
        for zones in [low, high] {
            let word = |word, &zone| word << u16::BITS | u64::from(zone);
            packer.put(u64::BITS, zones.iter().fold(0, word));
        }
        count.put(packer);
        pvp_allowed.put(packer);
    }

    #[cfg(test)]
    fn examples() -> Vec<Self> {
        let nowhere = Self {
            zones: [0; ZONES_AT_POINT_MAX],
            count: 0,
            risk: 0.5,
            security: 0.5,
            profit_multiplier: 1.5,
            pvp_allowed: false,
        };
        let mut all = vec![nowhere; ZONES_AT_POINT_MAX];
        for (place, context) in all.iter_mut().enumerate() {
            context.zones[place] = 1;
        }
        all.push(Self {
            count: 1,
            ..nowhere
        });
        all.push(Self {
            risk: 0.25,
            ..nowhere
        });
        all.push(Self {
            security: 0.25,
            ..nowhere
        });
        all.push(Self {
            profit_multiplier: 2.0,
            ..nowhere
        });
        all.push(Self {
            pvp_allowed: true,
            ..nowhere
        });
        all
    }
}

/// A zone in the tree: what the blend needs, beside what the tree needs.
#[derive(Clone, Copy, Debug)]
struct Disc {
    x: f32,
    y: f32,
    radius: f32,
    index: u16,
}

impl Disc {
    fn new(zone: &Zone, index: usize) -> Self {
        Self {
            x: zone.x,
            y: zone.y,
            radius: zone.radius,
            index: index as u16,
        }
    }
}

impl RTreeObject for Disc {
    type Envelope = AABB<[f32; 2]>;

    /// A little wider than the disc: `x ± radius` may round to inside of its rim.
    fn envelope(&self) -> Self::Envelope {
        let reach = self.radius + (self.x.abs() + self.y.abs() + self.radius) * 1e-6;
        AABB::from_corners(
            [self.x - reach, self.y - reach],
            [self.x + reach, self.y + reach],
        )
    }
}

impl PointDistance for Disc {
    fn distance_2(&self, point: &[f32; 2]) -> f32 {
        let beyond = distance(self.x, self.y, point[0], point[1]) - self.radius;
        let beyond = beyond.max(0.0);
        beyond * beyond
    }

    fn contains_point(&self, point: &[f32; 2]) -> bool {
        distance(self.x, self.y, point[0], point[1]) <= self.radius
    }
}

fn distance(ax: f32, ay: f32, bx: f32, by: f32) -> f32 {
    // Not `hypot`: that is the platform's, while a square root is exactly rounded everywhere.
    ((ax - bx) * (ax - bx) + (ay - by) * (ay - by)).sqrt()
}

/// A system's zones, ready to be asked about points.
#[derive(Debug)]
pub struct Zones {
    tree: RTree<Disc>,
    listed: Vec<Zone>,
    ambient: Ambient,
}

impl Zones {
    /// Builds the tree of a system's zones.
    pub fn new(system: &System) -> Self {
        let discs = system
            .zones
            .iter()
            .enumerate()
            .map(|(index, zone)| Disc::new(zone, index));
        Self {
            tree: RTree::bulk_load(discs.collect()),
            listed: system.zones.clone(),
            ambient: system.ambient,
        }
    }

    /// What holds at a point. Work: one descent of the tree and at most
    /// [`ZONES_AT_POINT_MAX`] zones; no allocation.
    pub fn blend(&self, x: f32, y: f32) -> ZoneContext {
        let mut found = [Disc {
            x: 0.0,
            y: 0.0,
            radius: 0.0,
            index: u16::MAX,
        }; ZONES_AT_POINT_MAX];
        let mut count = 0;
        let mut discs = self.tree.locate_all_at_point([x, y]);
        for (place, disc) in found.iter_mut().zip(&mut discs) {
            *place = *disc;
            count += 1;
        }
        debug_assert!(
            discs.next().is_none(),
            "the loader refuses universes in which more zones meet"
        );
        let found = &mut found[..count];
        found.sort_unstable_by_key(|disc| disc.index);
        self.mix(found, x, y)
    }

    fn mix(&self, found: &[Disc], x: f32, y: f32) -> ZoneContext {
        let ambient = &self.ambient;
        let mut zones = [0; ZONES_AT_POINT_MAX];
        let mut weight = 1.0;
        let (mut risk, mut security) = (ambient.risk_level, ambient.security_level);
        let mut multiplier = ambient.profit_multiplier;
        let mut pvp_allowed = ambient.pvp_allowed;
        for (disc, place) in found.iter().zip(&mut zones) {
            *place = disc.index;
            let zone = &self.listed[usize::from(disc.index)];
            let w = CENTRE_WEIGHT * (1.0 - distance(disc.x, disc.y, x, y) / disc.radius);
            weight += w;
            risk += w * zone.risk_level;
            security += w * zone.security_level;
            multiplier += w * zone.profit_multiplier;
            pvp_allowed &= zone.pvp_allowed;
        }
        ZoneContext {
            zones,
            count: found.len() as u8,
            risk: risk / weight / 100.0,
            security: security / weight / 100.0,
            profit_multiplier: multiplier / weight,
            pvp_allowed,
        }
    }

    /// Whether a pilot's shot harms a pilot at this point: the system's ambient setting allows it
    /// and no zone that contains the point forbids it. Work as [`Self::blend`].
    pub fn pvp_allowed(&self, x: f32, y: f32) -> bool {
        let allows = |disc: &Disc| self.listed[usize::from(disc.index)].pvp_allowed;
        self.ambient.pvp_allowed && self.tree.locate_all_at_point([x, y]).all(allows)
    }

    /// The zone at this place of the system's list.
    pub fn zone(&self, index: u16) -> Option<&Zone> {
        self.listed.get(usize::from(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::universe::Universe;
    use proptest::prelude::*;

    fn to_2_decimals(value: f32) -> String {
        format!("{value:.2}")
    }

    fn zone(x: f32, y: f32, radius: f32, risk: f32, pvp: bool) -> Zone {
        let like = &Universe::built_in().systems[0].zones[0];
        Zone {
            x,
            y,
            radius,
            risk_level: risk,
            security_level: 100.0 - risk,
            pvp_allowed: pvp,
            ..like.clone()
        }
    }

    fn system(zones: Vec<Zone>) -> System {
        System {
            zones,
            ..Universe::built_in().systems[0].clone()
        }
    }

    #[test]
    fn the_protocols_example_gives_its_own_numbers() {
        let universe = Universe::built_in();
        let zones = Zones::new(&universe.systems[0]);
        for (x, y) in [(1200.0, 400.0), (1201.0, 401.0)] {
            let context = zones.blend(x, y);
            assert_eq!(context.zones(), [0]);
            assert_eq!(universe.systems[0].zones[0].id.as_str(), "z_earth_approach");
            assert_eq!(to_2_decimals(context.risk), "0.68");
            assert_eq!(to_2_decimals(context.security), "0.32");
            assert_eq!(to_2_decimals(context.profit_multiplier), "1.28");
            assert!(context.pvp_allowed);
        }
    }

    #[test]
    fn open_space_is_the_ambient() {
        let zones = Zones::new(&system(Vec::new()));
        let context = zones.blend(0.0, 0.0);
        assert!(context.zones().is_empty() && context.pvp_allowed);
        assert_eq!(
            (context.risk, context.security, context.profit_multiplier),
            (0.52, 0.2, 1.0)
        );
    }

    #[test]
    fn a_zone_weighs_four_at_its_centre_two_halfway_and_nothing_on_its_rim() {
        let zones = Zones::new(&system(vec![zone(100.0, 0.0, 50.0, 100.0, false)]));
        let risk = |x: f32| zones.blend(x, 0.0).risk;
        assert!((risk(100.0) - (52.0 + 400.0) / 500.0).abs() < 1e-6);
        assert!((risk(125.0) - (52.0 + 200.0) / 300.0).abs() < 1e-6);
        assert!((risk(150.0) - 0.52).abs() < 1e-6);
        assert_eq!(
            zones.blend(150.0, 0.0).zones(),
            [0],
            "the rim belongs to the zone"
        );
        assert!(zones.blend(150.01, 0.0).zones().is_empty());
    }

    #[test]
    fn one_zone_that_forbids_it_is_enough_and_the_ambient_has_the_first_word() {
        let pair = vec![
            zone(0.0, 0.0, 100.0, 10.0, true),
            zone(50.0, 0.0, 100.0, 10.0, false),
        ];
        let mut system = system(pair);
        let zones = Zones::new(&system);
        assert!(zones.pvp_allowed(-80.0, 0.0) && zones.pvp_allowed(500.0, 0.0));
        assert!(!zones.pvp_allowed(30.0, 0.0) && !zones.pvp_allowed(150.0, 0.0));
        system.ambient.pvp_allowed = false;
        assert!(!Zones::new(&system).pvp_allowed(-80.0, 0.0));
    }

    #[test]
    fn as_many_zones_as_a_context_holds_all_count() {
        let pile = (0..ZONES_AT_POINT_MAX)
            .map(|n| zone(n as f32, 0.0, 100.0, 80.0, true))
            .collect();
        let context = Zones::new(&system(pile)).blend(3.0, 0.0);
        assert_eq!(context.zones(), [0, 1, 2, 3, 4, 5, 6, 7]);
    }

    proptest! {
        /// The tree finds what a scan over all zones finds, and the blend is the rule word for word.
        #[test]
        fn the_tree_agrees_with_a_scan(
            discs in prop::collection::vec((-40_i16..40, -40_i16..40, 1_u16..60, 0_u8..=100, any::<bool>()), 0..40),
            at in (-50_i16..50, -50_i16..50),
        ) {
            // Whole numbers make points exactly on rims common.
            let zones: Vec<Zone> = discs.iter()
                .map(|(x, y, r, risk, pvp)| zone(f32::from(*x), f32::from(*y), f32::from(*r), f32::from(*risk), *pvp))
                .collect();
            let (x, y) = (f32::from(at.0), f32::from(at.1));
            let inside = |z: &Zone| f64::from(z.x - x).hypot(f64::from(z.y - y)) <= f64::from(z.radius);
            let expected: Vec<u16> = (0..zones.len()).filter(|n| inside(&zones[*n])).map(|n| n as u16).collect();
            prop_assume!(expected.len() <= ZONES_AT_POINT_MAX);
            let (mut weight, mut risk) = (1.0_f64, 52.0_f64);
            for z in expected.iter().map(|n| &zones[usize::from(*n)]) {
                let w = 4.0 * (1.0 - f64::from(z.x - x).hypot(f64::from(z.y - y)) / f64::from(z.radius));
                weight += w;
                risk += w * f64::from(z.risk_level);
            }
            let pvp = expected.iter().all(|n| zones[usize::from(*n)].pvp_allowed);
            let field = Zones::new(&system(zones));
            let context = field.blend(x, y);
            prop_assert_eq!(context.zones(), &expected[..]);
            prop_assert!((f64::from(context.risk) - risk / weight / 100.0).abs() < 1e-5);
            prop_assert_eq!(context.pvp_allowed, pvp);
            prop_assert_eq!(field.pvp_allowed(x, y), pvp);
        }
    }
}

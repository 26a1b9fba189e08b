//! The Morton curve: an order of places in which neighbours on the curve are neighbours in space.
//!
//! Owns the sort along it, two passes of a radix sort, and the memory for that. Places outside the
//! square count as on its rim; equal places keep their order.

/// Steps along each axis; two passes of the radix sort, one of this many buckets each, cover both.
const STEPS: u32 = 1 << STEP_BITS;
const STEP_BITS: u32 = 11;

/// A place's key and its index among the places given.
pub(super) type Keyed = (u32, u32);

/// Sorts places along the curve over one square.
#[derive(Debug)]
pub(super) struct MortonCurve {
    half_extent: f32,
    keys: Vec<Keyed>,
    spare: Vec<Keyed>,
}

impl MortonCurve {
    /// The curve over `[-half_extent, half_extent]²`.
    pub(super) fn new(half_extent: f32) -> Self {
        Self {
            half_extent,
            keys: Vec::new(),
            spare: Vec::new(),
        }
    }

    /// The places in their order along the curve, from either end. Linear.
    pub(super) fn sort(
        &mut self,
        places: impl Iterator<Item = (f32, f32)>,
        from_end: bool,
    ) -> &[Keyed] {
        let half = self.half_extent;
        let scale = STEPS as f32 / (2.0 * half).max(1.0);
        let step = |along: f32| (((along + half) * scale) as u32).min(STEPS - 1);
        let key = |(x, y): (f32, f32)| spread(step(x)) | spread(step(y)) << 1;
        self.keys.clear();
        self.keys
            .extend(places.zip(0..).map(|(place, index)| (key(place), index)));
        self.spare.resize(self.keys.len(), (0, 0));
        let mut counts = [[0_u32; STEPS as usize]; 2];
        for &(key, _) in &self.keys {
            counts[0][digit(key, 0)] += 1;
            counts[1][digit(key, 1)] += 1;
        }
        for (pass, places) in (0..).zip(&mut counts) {
            let mut sum = 0;
            for place in places.iter_mut() {
                sum += std::mem::replace(place, sum);
            }
            for &entry in &self.keys {
                let place = &mut places[digit(entry.0, pass)];
                self.spare[*place as usize] = entry;
                *place += 1;
            }
            std::mem::swap(&mut self.keys, &mut self.spare);
        }
        if from_end {
            self.keys.reverse();
        }
        &self.keys
    }
}

#[inline]
fn digit(key: u32, pass: u32) -> usize {
    (key >> (pass * STEP_BITS) & (STEPS - 1)) as usize
}

/// Moves the low 16 bits apart, a zero between each two.
#[inline]
const fn spread(bits: u32) -> u32 {
    let bits = bits & 0xffff;
    let bits = (bits | bits << 8) & 0x00ff_00ff;
    let bits = (bits | bits << 4) & 0x0f0f_0f0f;
    let bits = (bits | bits << 2) & 0x3333_3333;
    (bits | bits << 1) & 0x5555_5555
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quarters_follow_each_other_and_equal_places_keep_their_order() {
        let places = [
            (5.0, 5.0),
            (-5.0, 5.0),
            (5.0, -5.0),
            (-5.0, -5.0),
            (-5.0, 5.0),
            (f32::MAX, -f32::MAX),
        ];
        let mut curve = MortonCurve::new(10.0);
        let mut order = |from_end| -> Vec<u32> {
            let order = curve.sort(places.into_iter(), from_end);
            order.iter().map(|&(_, index)| index).collect()
        };
        assert_eq!(order(false), [3, 5, 2, 1, 4, 0]);
        assert_eq!(order(true), [0, 4, 1, 2, 5, 3]);
    }
}

//! Randomness without state: a number is a function of (seed, tick, key, draw).
//!
//! Owns the generator. Nobody shares a stream, so neither the order in which rows ask nor the
//! number of workers can change a bit, and a replay needs no saved state.
//!
//! The mixer is the finalizer of `SplitMix64` (Steele, Lea and Flood, 2014), applied once a word.

/// Draws for one entity in one tick.
#[derive(Clone, Copy, Debug)]
pub struct Random {
    state: u64,
}

const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// Scrambles a word; a bijection in which each bit of the input moves about half of the output's.
pub(super) const fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// A key for draws out of a text: the same on every machine.
pub(super) fn text_key(text: &str) -> u64 {
    let words = text.as_bytes().chunks(8).map(|chunk| {
        let mut word = [0; 8];
        for (byte, &value) in word.iter_mut().zip(chunk) {
            *byte = value;
        }
        u64::from_le_bytes(word)
    });
    words.fold(text.len() as u64, |key, word| {
        mix(key.wrapping_add(GAMMA) ^ word)
    })
}

impl Random {
    /// The draws of `key` (a row, a serial) in `tick`.
    pub const fn new(seed: u64, tick: u64, key: u64) -> Self {
        let state = mix(seed.wrapping_add(GAMMA));
        let state = mix(state ^ tick.wrapping_mul(GAMMA));
        Self {
            state: mix(state ^ key.wrapping_mul(0xd1b5_4a32_d192_ed03)),
        }
    }

    /// The next 64 bits.
    pub const fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GAMMA);
        mix(self.state)
    }

    /// The next number in [0, 1), on a grid of 2⁻²⁴.
    pub fn unit(&mut self) -> f32 {
        (self.bits() >> 40) as f32 * (1.0 / 16_777_216.0)
    }

    /// The next number in [low, high); `low` if the span is empty.
    pub fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_depend_on_seed_tick_and_key_alone() {
        let draws = |seed, tick, key| {
            let mut random = Random::new(seed, tick, key);
            (random.bits(), random.bits())
        };
        assert_eq!(draws(1, 2, 3), draws(1, 2, 3));
        let all = [
            draws(1, 2, 3),
            draws(2, 2, 3),
            draws(1, 3, 3),
            draws(1, 2, 4),
        ];
        for (at, one) in all.iter().enumerate() {
            assert_ne!(one.0, one.1);
            assert!(all.iter().skip(at + 1).all(|other| other != one));
        }
    }

    #[test]
    fn units_fill_the_interval_evenly() {
        let mut tenths = [0_u32; 10];
        for tick in 0..10_000 {
            let unit = Random::new(7, tick, 0).unit();
            assert!((0.0..1.0).contains(&unit));
            tenths[(unit * 10.0) as usize] += 1;
        }
        assert!(
            tenths.iter().all(|&count| (850..1150).contains(&count)),
            "{tenths:?}"
        );
    }
}

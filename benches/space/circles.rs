//! The workload: circles that fly straight inside a square and bounce off its walls.

use orrery::sim::Random;

pub(crate) const RADIUS: f32 = 12.0;
const SPEED_MAX: f32 = 300.0;
const DT: f32 = 1.0 / 30.0;

/// How many circles lie within 1000 u of one.
#[derive(Clone, Copy)]
pub(crate) enum Density {
    /// About 50: an ordinary system.
    Open,
    /// About 1000: everybody at one place.
    Crowd,
}

pub(crate) struct Circles {
    pub(crate) xs: Vec<f32>,
    pub(crate) ys: Vec<f32>,
    vxs: Vec<f32>,
    vys: Vec<f32>,
    pub(crate) half: f32,
}

impl Circles {
    pub(crate) fn new(count: usize, density: Density) -> Self {
        let in_view = match density {
            Density::Open => 50.0,
            Density::Crowd => 1000.0,
        };
        let area = count as f32 * std::f32::consts::PI * 1_000_000.0 / in_view;
        let half = area.sqrt() / 2.0;
        let mut random = Random::new(7, 0, 0);
        let mut draw = |span: f32| (0..count).map(|_| random.between(-span, span)).collect();
        let speed = SPEED_MAX / std::f32::consts::SQRT_2;
        Self {
            xs: draw(half),
            ys: draw(half),
            vxs: draw(speed),
            vys: draw(speed),
            half,
        }
    }

    /// One tick of flight.
    pub(crate) fn advance(&mut self) {
        for (places, speeds) in [(&mut self.xs, &mut self.vxs), (&mut self.ys, &mut self.vys)] {
            for (place, speed) in places.iter_mut().zip(speeds) {
                *place += *speed * DT;
                if place.abs() > self.half {
                    *speed = -*speed;
                    *place = place.clamp(-self.half, self.half);
                }
            }
        }
    }

    /// Whether two circles touch: what every candidate must agree on.
    pub(crate) fn touch(&self, a: usize, b: usize) -> bool {
        let (dx, dy) = (self.xs[a] - self.xs[b], self.ys[a] - self.ys[b]);
        dx * dx + dy * dy < 4.0 * RADIUS * RADIUS
    }
}

/// An index under measurement.
pub(crate) trait Candidate {
    /// Catches up with where the circles are now.
    fn refresh(&mut self, circles: &Circles);
    /// Every touching pair once, in any order.
    fn pairs(&mut self, circles: &Circles, out: &mut Vec<(u32, u32)>);
}

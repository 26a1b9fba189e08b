//! Steering: from where a ship wants to be or whom it wants to hit, to thrust and rudder.
//!
//! Owns the arithmetic of flying and aiming, and no decision. Everything is a pure function of the
//! ship's own row, its target and the constants of flight; it commands only what a pilot at a
//! keyboard could, and the ship then obeys the same physics.
//!
//! Slowing down costs no turning about: on drag alone a ship at speed `v` still travels `v / drag`,
//! so a ship that never exceeds `drag · distance` comes to rest where it wants to be.

use super::super::control::Controls;
use super::super::entities::Entities;
use crate::universe::{ShipClass, Weapon};

/// Slowest approach, u/s: without it the last metres would take for ever.
const APPROACH_SPEED_MIN: f32 = 18.0;

/// How hard a wrong velocity is corrected, 1/s.
const VELOCITY_GAIN: f32 = 1.5;

/// Nearer than this a hunter flies past rather than into its target, u.
const PASS_DISTANCE: f32 = 150.0;

/// Nearer than this a hunter holds its thrust and shoots, u.
const FIGHT_DISTANCE: f32 = 280.0;

/// Misalignment under which a hunter shoots, rad.
const TRIGGER_ANGLE: f32 = 0.04;

/// What steering knows about the ship it flies.
#[derive(Clone, Copy, Debug)]
pub(super) struct NpcSteering {
    pub(super) x: f32,
    pub(super) y: f32,
    vx: f32,
    vy: f32,
    heading_x: f32,
    heading_y: f32,
    /// Largest turn in a tick, rad.
    turn_max: f32,
    accel: f32,
    drag: f32,
}

impl NpcSteering {
    pub(super) fn new(entities: &Entities, row: usize, ship: &ShipClass, turn_max: f32) -> Self {
        Self {
            x: entities.xs[row],
            y: entities.ys[row],
            vx: entities.vxs[row],
            vy: entities.vys[row],
            heading_x: entities.heading_xs[row],
            heading_y: entities.heading_ys[row],
            turn_max: turn_max.max(1e-6),
            accel: ship.thrust_accel,
            drag: ship.drag,
        }
    }

    pub(super) fn speed(&self) -> f32 {
        length(self.vx, self.vy)
    }

    /// Angle from the nose to a direction, rad in (-π, π]; positive is to the left.
    fn off_nose(&self, dx: f32, dy: f32) -> f32 {
        let cross = self.heading_x * dy - self.heading_y * dx;
        let dot = self.heading_x * dx + self.heading_y * dy;
        libm::atan2f(cross, dot)
    }

    fn rudder(&self, angle: f32) -> f32 {
        (angle / self.turn_max).clamp(-1.0, 1.0)
    }

    /// Flies to a point with at most `throttle` and comes to rest there.
    pub(super) fn fly_to(&self, x: f32, y: f32, throttle: f32) -> Controls {
        let (dx, dy) = (x - self.x, y - self.y);
        let distance = length(dx, dy).max(1e-3);
        let cruise = throttle * self.accel / self.drag;
        let speed = (0.9 * self.drag * distance + APPROACH_SPEED_MIN).min(cruise);
        let (wanted_x, wanted_y) = (dx / distance * speed, dy / distance * speed);
        // What drag takes is given back, the rest of the error is worked off.
        let ax = (wanted_x - self.vx) * VELOCITY_GAIN + self.vx * self.drag;
        let ay = (wanted_y - self.vy) * VELOCITY_GAIN + self.vy * self.drag;
        let angle = self.off_nose(ax, ay);
        let wanted = length(ax, ay) / self.accel;
        let aligned = angle.abs() < 0.6;
        Controls {
            thrust: if aligned { wanted.min(throttle) } else { 0.0 },
            turn: self.rudder(angle),
            ..Controls::default()
        }
    }

    /// Flies in a direction as fast as it can.
    pub(super) fn run(&self, dx: f32, dy: f32) -> Controls {
        let angle = self.off_nose(dx, dy);
        Controls {
            thrust: if angle.abs() < 1.0 { 1.0 } else { 0.0 },
            turn: self.rudder(angle),
            ..Controls::default()
        }
    }

    /// Chases a target and shoots where it will be, `aim` rad off. `may_fire`: the gun is ready and
    /// the pilot willing.
    pub(super) fn engage(
        &self,
        target: &Target,
        gun: &Gun<'_>,
        aim: f32,
        may_fire: bool,
    ) -> Controls {
        let (dx, dy) = (target.x - self.x, target.y - self.y);
        let (wx, wy) = (target.vx - self.vx, target.vy - self.vy);
        let distance = length(dx, dy);
        if distance < PASS_DISTANCE {
            // Past it on whichever side the nose already points to, then round again.
            let side = if self.heading_x * dy - self.heading_y * dx > 0.0 {
                1.0
            } else {
                -1.0
            };
            return Controls {
                thrust: gun.throttle,
                ..self.run(dx + side * dy, dy - side * dx)
            };
        }
        let seconds = intercept(dx, dy, wx, wy, gun.weapon.muzzle_speed);
        let (lead_x, lead_y) = seconds.map_or((dx, dy), |t| (dx + wx * t, dy + wy * t));
        let angle = wrapped(self.off_nose(lead_x, lead_y) + aim);
        let closing = -(dx * wx + dy * wy) / distance;
        let chase = distance > FIGHT_DISTANCE && closing < distance;
        let in_reach = seconds.is_some_and(|t| t < gun.lifetime_s) && distance < gun.range;
        Controls {
            thrust: if chase && angle.abs() < 0.7 {
                gun.throttle
            } else {
                0.0
            },
            turn: self.rudder(angle),
            fire: may_fire && in_reach && angle.abs() < TRIGGER_ANGLE,
            dock: false,
        }
    }
}

/// Whom to hit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    pub(super) x: f32,
    pub(super) y: f32,
    vx: f32,
    vy: f32,
}

impl Target {
    pub(super) fn new(entities: &Entities, row: usize) -> Self {
        Self {
            x: entities.xs[row],
            y: entities.ys[row],
            vx: entities.vxs[row],
            vy: entities.vys[row],
        }
    }
}

/// With what, and how eagerly.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gun<'a> {
    pub(super) weapon: &'a Weapon,
    /// Seconds that a shot lives.
    pub(super) lifetime_s: f32,
    /// How near the target must be, u.
    pub(super) range: f32,
    /// Most thrust used in the chase.
    pub(super) throttle: f32,
}

/// Seconds until a shot of this speed meets what is at `d` and moves with `w`, both relative to the
/// shooter: the smaller positive root of `|d + w·t| = speed·t`.
fn intercept(dx: f32, dy: f32, wx: f32, wy: f32, speed: f32) -> Option<f32> {
    let a = wx * wx + wy * wy - speed * speed;
    let b = dx * wx + dy * wy;
    let c = dx * dx + dy * dy;
    if a.abs() < 1e-3 {
        let t = -c / (2.0 * b);
        return (b < 0.0 && t.is_finite()).then_some(t);
    }
    let root = (b * b - a * c).max(-1.0);
    if root < 0.0 {
        return None;
    }
    let (near, far) = ((-b - root.sqrt()) / a, (-b + root.sqrt()) / a);
    let (near, far) = if near <= far {
        (near, far)
    } else {
        (far, near)
    };
    [near, far].into_iter().find(|t| *t > 0.0)
}

fn wrapped(angle: f32) -> f32 {
    use std::f32::consts::{PI, TAU};
    if angle > PI {
        angle - TAU
    } else if angle < -PI {
        angle + TAU
    } else {
        angle
    }
}

/// Length of a vector, exactly rounded on every machine.
pub(super) fn length(x: f32, y: f32) -> f32 {
    (x * x + y * y).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shot_meets_its_target() {
        for (d, w) in [
            ((300.0, 0.0), (0.0, 100.0)),
            ((-200.0, 90.0), (-150.0, 20.0)),
            ((50.0, 400.0), (30.0, -299.0)),
        ] {
            let t = intercept(d.0, d.1, w.0, w.1, 520.0).unwrap();
            let meets = length(d.0 + w.0 * t, d.1 + w.1 * t);
            assert!((meets - 520.0 * t).abs() < 0.1, "{d:?} {w:?}");
        }
        assert_eq!(
            intercept(100.0, 0.0, 600.0, 0.0, 520.0),
            None,
            "it outruns the shot"
        );
        assert!(intercept(100.0, 0.0, 520.0, 0.0, 520.0).is_none());
        assert!(intercept(0.0, 0.0, 0.0, 0.0, 520.0).is_none_or(f32::is_finite));
    }
}

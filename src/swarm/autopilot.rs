//! Steering: from where a ship is and where it should be to its controls.
//!
//! Pure functions of poses. The controls they give are within the protocol's ranges.

use std::f32::consts::{PI, TAU};

use super::sight::SeenPose;

/// The state of the controls.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct BotControls {
    /// Share of full thrust, 0 to 1.
    pub(super) thrust: f32,
    /// Share of the full turn rate, -1 to 1.
    pub(super) turn: f32,
    /// Whether the trigger is held.
    pub(super) fire: bool,
    /// Whether to dock where that is possible.
    pub(super) dock: bool,
}

/// Speed of a shot, u/s, as far as aiming needs it.
const MUZZLE_SPEED: f32 = 520.0;
/// Beyond this a shot dies before it arrives, u.
const FIRE_RANGE: f32 = 600.0;

/// The angle from the nose to a bearing, in (-π, π].
fn off_nose(pose: &SeenPose, dx: f32, dy: f32) -> f32 {
    PI - (PI - (dy.atan2(dx) - pose.r)).rem_euclid(TAU)
}

/// Turns the nose: full rate far off, softly near.
fn turn_by(angle: f32) -> f32 {
    (angle * 1.5).clamp(-1.0, 1.0)
}

/// Flies towards a place.
pub(super) fn fly_to(pose: &SeenPose, x: f32, y: f32) -> BotControls {
    let angle = off_nose(pose, x - pose.x, y - pose.y);
    let thrust = if angle.abs() < 0.6 { 0.8 } else { 0.15 };
    BotControls {
        thrust,
        turn: turn_by(angle),
        ..BotControls::default()
    }
}

/// Turns towards where a target seen `age_s` ago will be when a shot arrives, and fires when the
/// nose points there.
pub(super) fn fire_at(pose: &SeenPose, target: &SeenPose, age_s: f32) -> BotControls {
    let away = (target.x - pose.x).hypot(target.y - pose.y);
    let lead_s = age_s + away / MUZZLE_SPEED;
    // A shot inherits the shooter's velocity.
    let dx = target.x - pose.x + target.vx * lead_s - pose.vx * (lead_s - age_s);
    let dy = target.y - pose.y + target.vy * lead_s - pose.vy * (lead_s - age_s);
    let angle = off_nose(pose, dx, dy);
    let distance = dx.hypot(dy);
    BotControls {
        thrust: if distance > 250.0 { 0.6 } else { 0.1 },
        turn: turn_by(angle),
        fire: angle.abs() < 0.15 && distance < FIRE_RANGE,
        dock: false,
    }
}

/// Comes to rest beside a place, asking to dock all the while. Drag is the only brake: the speed
/// allowed is what it takes away over the distance left, `v = d · drag`.
pub(super) fn park_at(pose: &SeenPose, x: f32, y: f32, drag: f32) -> BotControls {
    let (dx, dy) = (x - pose.x, y - pose.y);
    let distance = dx.hypot(dy);
    let angle = off_nose(pose, dx, dy);
    let speed_allowed = ((distance - 250.0) * drag).max(30.0);
    let is_slow = pose.vx.hypot(pose.vy) < speed_allowed;
    let thrusts = is_slow && distance > 200.0 && angle.abs() < 0.4;
    BotControls {
        thrust: if thrusts { 0.7 } else { 0.0 },
        turn: turn_by(angle),
        fire: false,
        dock: true,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pose() -> impl Strategy<Value = SeenPose> {
        let place = -12_000.0_f32..12_000.0;
        let speed = -300.0_f32..300.0;
        (place.clone(), place, speed.clone(), speed, -PI..PI)
            .prop_map(|(x, y, vx, vy, r)| SeenPose { x, y, vx, vy, r })
    }

    /// One second of flight as the server flies it.
    fn flown(
        mut pose: SeenPose,
        seconds: f32,
        steer: impl Fn(&SeenPose) -> BotControls,
    ) -> SeenPose {
        for _ in 0..(seconds * 30.0) as u32 {
            let controls = steer(&pose);
            pose.r += controls.turn * 3.0 / 30.0;
            pose.vx += (controls.thrust * 120.0 * pose.r.cos() - 0.4 * pose.vx) / 30.0;
            pose.vy += (controls.thrust * 120.0 * pose.r.sin() - 0.4 * pose.vy) / 30.0;
            pose.x += pose.vx / 30.0;
            pose.y += pose.vy / 30.0;
        }
        pose
    }

    #[test]
    fn a_ship_arrives_and_comes_to_rest_near_a_station() {
        let start = SeenPose {
            x: 3000.0,
            y: -2000.0,
            vx: 120.0,
            vy: 200.0,
            r: 1.0,
        };
        let end = flown(start, 60.0, |pose| park_at(pose, 0.0, 0.0, 0.4));
        assert!(end.x.hypot(end.y) < 320.0, "{end:?}");
        assert!(end.vx.hypot(end.vy) < 80.0, "{end:?}");
    }

    #[test]
    fn a_target_ahead_is_fired_at_and_one_astern_is_not() {
        let me = SeenPose::default();
        let ahead = SeenPose {
            x: 300.0,
            ..SeenPose::default()
        };
        let astern = SeenPose {
            x: -300.0,
            ..SeenPose::default()
        };
        assert!(fire_at(&me, &ahead, 0.0).fire);
        assert!(!fire_at(&me, &astern, 0.0).fire);
        assert!(fire_at(&me, &SeenPose { y: 300.0, ..ahead }, 0.0).turn > 0.0);
    }

    proptest! {
        #[test]
        fn controls_stay_within_the_protocols_ranges(me in pose(), other in pose(), age_s in 0.0_f32..3.0) {
            let made = [
                fly_to(&me, other.x, other.y),
                fire_at(&me, &other, age_s),
                park_at(&me, other.x, other.y, 0.4),
            ];
            for controls in made {
                prop_assert!((0.0..=1.0).contains(&controls.thrust));
                prop_assert!((-1.0..=1.0).contains(&controls.turn));
            }
        }
    }
}

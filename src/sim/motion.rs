//! Motion: thrust along the nose, drag, integration, turning, fuel, walls.
//!
//! Owns the physics of free flight; contacts are another phase. One row's new values depend on that
//! row alone, so the columns are cut into chunks that workers share when there are enough of them.
//!
//! # The formula, exactly
//! All arithmetic is IEEE 754 binary32 in the order written, without fused multiply-add. A client
//! that repeats it predicts its own ship to the bit. `dt` is 1/30 s.
//!
//! ```text
//! share  = 1 if fuel > 0, else empty_tank_thrust
//! a      = turn · (turn_rate · dt)                            a heading is a unit vector (hx, hy)
//! a2     = a · a
//! c      = 1 − a2·(0.5 − a2·(1/24))                           cosine and sine of a small angle
//! s      = a·(1 − a2·(1/6 − a2·(1/120)))
//! (u, w) = (hx·c − hy·s,  hx·s + hy·c)
//! n      = 1.5 − 0.5·(u·u + w·w)                              one Newton step back to length 1
//! (hx,hy)= (u·n, w·n)                                         only if turn ≠ 0
//! push   = thrust · share · (thrust_accel · dt)
//! keep   = 1 / (1 + drag · dt)
//! vx     = (vx + hx·push) · keep,  vy likewise                terminal speed is thrust_accel / drag
//! if thrust = 0 and vx² + vy² < REST_SPEED²:  vx = vy = 0     what the wire would show as 0
//! x      = x + vx·dt, y likewise; beyond ±(half_extent − radius of a ship): set to that wall,
//!                                 and the velocity into it is lost
//! fuel   = max(0, fuel − thrust · (fuel_burn · dt))
//! ```

use super::entities::Entities;
use super::parallelism::Fork;
use super::step_context::StepContext;
use crate::limits::TICK_SECONDS;
use crate::universe::ShipClass;

/// Speed below which a ship without thrust stands still, u/s: less than half of the wire's
/// hundredth on either axis.
pub const REST_SPEED: f32 = 0.004;

/// The constants of flight in one tick; what a client needs beside its own ship to predict it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flight {
    /// Simulated seconds of the tick.
    pub dt: f32,
    /// Largest turn in the tick, rad.
    pub turn: f32,
    /// Largest gain of speed in the tick, u/s.
    pub push: f32,
    /// Share of thrust left on an empty tank.
    pub empty_tank_thrust: f32,
    /// Fuel burned in the tick at full thrust.
    pub burn: f32,
    /// Distance of each wall from the centre for the middle of a body, u.
    pub wall: f32,
}

impl Flight {
    /// The constants of a ship class in a system of this size.
    pub fn new(ship: &ShipClass, half_extent: f32) -> Self {
        let dt = TICK_SECONDS;
        Self {
            dt,
            turn: ship.turn_rate * dt,
            push: ship.thrust_accel * dt,
            empty_tank_thrust: ship.empty_tank_thrust,
            burn: ship.fuel_burn * dt,
            wall: (half_extent - ship.radius).max(0.0),
        }
    }
}

/// What motion reads and writes of one row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Body {
    /// East of the centre, u.
    pub x: f32,
    /// North of the centre, u.
    pub y: f32,
    /// Velocity east, u/s.
    pub vx: f32,
    /// Velocity north, u/s.
    pub vy: f32,
    /// Cosine of the heading.
    pub heading_x: f32,
    /// Sine of the heading.
    pub heading_y: f32,
    /// Fuel in the tank.
    pub fuel: f32,
}

impl Body {
    /// This body one tick later under these controls; the formula of the module's page.
    #[inline]
    #[must_use]
    #[expect(
        clippy::needless_bitwise_bool,
        reason = "a loop over this becomes vector code only without branches"
    )]
    pub fn advanced(self, flight: &Flight, thrust: f32, turn: f32, drag: f32) -> Self {
        let a = turn * flight.turn;
        let a2 = a * a;
        let c = 1.0 - a2 * (0.5 - a2 * (1.0 / 24.0));
        let s = a * (1.0 - a2 * (1.0 / 6.0 - a2 * (1.0 / 120.0)));
        let u = self.heading_x * c - self.heading_y * s;
        let w = self.heading_x * s + self.heading_y * c;
        let n = 1.5 - 0.5 * (u * u + w * w);
        // A heading that nobody turns must not creep by rounding: it would count as changed.
        let turning = turn != 0.0;
        let heading_x = if turning { u * n } else { self.heading_x };
        let heading_y = if turning { w * n } else { self.heading_y };

        let share = if self.fuel > 0.0 {
            1.0
        } else {
            flight.empty_tank_thrust
        };
        let push = thrust * share * flight.push;
        let keep = 1.0 / (1.0 + drag * flight.dt);
        let vx = (self.vx + heading_x * push) * keep;
        let vy = (self.vy + heading_y * push) * keep;
        let resting = (thrust == 0.0) & (vx * vx + vy * vy < REST_SPEED * REST_SPEED);
        let vx = if resting { 0.0 } else { vx };
        let vy = if resting { 0.0 } else { vy };

        let x = self.x + vx * flight.dt;
        let y = self.y + vy * flight.dt;
        let wall = flight.wall;
        let fuel = self.fuel - thrust * flight.burn;
        Self {
            x: if x > wall {
                wall
            } else if x < -wall {
                -wall
            } else {
                x
            },
            y: if y > wall {
                wall
            } else if y < -wall {
                -wall
            } else {
                y
            },
            vx: if (x > wall) | (x < -wall) { 0.0 } else { vx },
            vy: if (y > wall) | (y < -wall) { 0.0 } else { vy },
            heading_x,
            heading_y,
            fuel: if fuel > 0.0 { fuel } else { 0.0 },
        }
    }
}

/// The columns that motion reads and writes, of some consecutive rows; all of one length.
#[derive(Debug)]
pub struct MotionColumns<'a> {
    /// East of the centre, u.
    pub xs: &'a mut [f32],
    /// North of the centre, u.
    pub ys: &'a mut [f32],
    /// Velocity east, u/s.
    pub vxs: &'a mut [f32],
    /// Velocity north, u/s.
    pub vys: &'a mut [f32],
    /// Cosine of the heading.
    pub heading_xs: &'a mut [f32],
    /// Sine of the heading.
    pub heading_ys: &'a mut [f32],
    /// Fuel in the tank.
    pub fuels: &'a mut [f32],
    /// Last tick in which one of the above, but for the fuel, changed.
    pub last_changed_ticks: &'a mut [u32],
    /// Thrust in force, 0–1.
    pub thrusts: &'a [f32],
    /// Rudder in force, −1–1.
    pub turns: &'a [f32],
    /// Linear drag of each row, 1/s.
    pub drags: &'a [f32],
}

impl<'a> MotionColumns<'a> {
    /// All rows from `first` on.
    pub(super) fn of(entities: &'a mut Entities, first: usize) -> Self {
        Self {
            xs: &mut entities.xs[first..],
            ys: &mut entities.ys[first..],
            vxs: &mut entities.vxs[first..],
            vys: &mut entities.vys[first..],
            heading_xs: &mut entities.heading_xs[first..],
            heading_ys: &mut entities.heading_ys[first..],
            fuels: &mut entities.fuels[first..],
            last_changed_ticks: &mut entities.last_changed_ticks[first..],
            thrusts: &entities.thrusts[first..],
            turns: &entities.turns[first..],
            drags: &entities.drags[first..],
        }
    }

    fn split_at(self, row: usize) -> (Self, Self) {
        let (xs, xs_rest) = self.xs.split_at_mut(row);
        let (ys, ys_rest) = self.ys.split_at_mut(row);
        let (vxs, vxs_rest) = self.vxs.split_at_mut(row);
        let (vys, vys_rest) = self.vys.split_at_mut(row);
        let (heading_xs, heading_xs_rest) = self.heading_xs.split_at_mut(row);
        let (heading_ys, heading_ys_rest) = self.heading_ys.split_at_mut(row);
        let (fuels, fuels_rest) = self.fuels.split_at_mut(row);
        let (changed, changed_rest) = self.last_changed_ticks.split_at_mut(row);
        let (thrusts, thrusts_rest) = self.thrusts.split_at(row);
        let (turns, turns_rest) = self.turns.split_at(row);
        let (drags, drags_rest) = self.drags.split_at(row);
        let head = Self {
            xs,
            ys,
            vxs,
            vys,
            heading_xs,
            heading_ys,
            fuels,
            last_changed_ticks: changed,
            thrusts,
            turns,
            drags,
        };
        let rest = Self {
            xs: xs_rest,
            ys: ys_rest,
            vxs: vxs_rest,
            vys: vys_rest,
            heading_xs: heading_xs_rest,
            heading_ys: heading_ys_rest,
            fuels: fuels_rest,
            last_changed_ticks: changed_rest,
            thrusts: thrusts_rest,
            turns: turns_rest,
            drags: drags_rest,
        };
        (head, rest)
    }

    /// Moves all rows by one tick, shared by the workers of the current pool where there are many.
    /// Returns into how many jobs they were cut.
    ///
    /// # Panics
    /// If the columns differ in length.
    pub fn advance(self, flight: &Flight, tick: u32, fork: Fork) -> usize {
        let jobs = fork.jobs(self.xs.len());
        if jobs == 1 {
            self.advance_serial(flight, tick);
        } else {
            self.advance_parallel(flight, tick, fork.chunk_items);
        }
        jobs
    }

    fn advance_serial(self, flight: &Flight, tick: u32) {
        let rows = self.xs.len();
        // The same length for all, said once, frees the loop of its bounds checks.
        let (xs, ys) = (&mut self.xs[..rows], &mut self.ys[..rows]);
        let (vxs, vys) = (&mut self.vxs[..rows], &mut self.vys[..rows]);
        let heading_xs = &mut self.heading_xs[..rows];
        let heading_ys = &mut self.heading_ys[..rows];
        let fuels = &mut self.fuels[..rows];
        let last_changed_ticks = &mut self.last_changed_ticks[..rows];
        let (thrusts, turns) = (&self.thrusts[..rows], &self.turns[..rows]);
        let drags = &self.drags[..rows];
        for row in 0..rows {
            let old = Body {
                x: xs[row],
                y: ys[row],
                vx: vxs[row],
                vy: vys[row],
                heading_x: heading_xs[row],
                heading_y: heading_ys[row],
                fuel: fuels[row],
            };
            let new = old.advanced(flight, thrusts[row], turns[row], drags[row]);
            xs[row] = new.x;
            ys[row] = new.y;
            vxs[row] = new.vx;
            vys[row] = new.vy;
            heading_xs[row] = new.heading_x;
            heading_ys[row] = new.heading_y;
            fuels[row] = new.fuel;
            let moved = differ(new.x, old.x)
                | differ(new.y, old.y)
                | differ(new.vx, old.vx)
                | differ(new.vy, old.vy)
                | differ(new.heading_x, old.heading_x)
                | differ(new.heading_y, old.heading_y);
            let before = last_changed_ticks[row];
            last_changed_ticks[row] = if moved == 0 { before } else { tick };
        }
    }

    /// Halves until a piece is a chunk. Which worker takes which does not matter to any value.
    fn advance_parallel(self, flight: &Flight, tick: u32, chunk_rows: usize) {
        let rows = self.xs.len();
        if rows <= chunk_rows {
            self.advance_serial(flight, tick);
            return;
        }
        let (head, rest) = self.split_at((rows / 2).next_multiple_of(chunk_rows).min(rows));
        rayon::join(
            || head.advance_parallel(flight, tick, chunk_rows),
            || rest.advance_parallel(flight, tick, chunk_rows),
        );
    }
}

/// The bits in which two numbers differ.
#[inline]
fn differ(a: f32, b: f32) -> u32 {
    a.to_bits() ^ b.to_bits()
}

/// Moves everything but stations by one tick. Linear in the number of rows. Returns into how many
/// jobs they were cut.
pub(super) fn integrate(context: &StepContext, movers: MotionColumns<'_>) -> usize {
    let fork = context.parallelism.motion;
    movers.advance(&context.flight, context.column_tick(), fork)
}

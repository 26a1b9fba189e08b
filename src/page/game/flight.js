/**
 * How a ship moves: the server's formula, for predicting one's own.
 *
 * A tick is semi-implicit Euler: turn, accelerate along the nose, shed speed to drag, then move with
 * the new velocity. Nothing here knows of time or the network.
 *
 * @module flight
 */

/** @typedef {import("../types.js").Flight} Flight */
/** @typedef {{x: number, y: number, vx: number, vy: number, r: number}} Body */
/** @typedef {{thrust: number, turn: number, fire: boolean, dock: boolean}} Steer */

/** @type {Steer} */
export const NEUTRAL = Object.freeze({ thrust: 0, turn: 0, fire: false, dock: false });

/** What the protocol's reference ship flies like, until the server says otherwise. @type {Flight} */
export const FLIGHT_DEFAULT = Object.freeze({
  thrust_accel: 120,
  turn_rate: 3,
  drag: 0.5,
  radius: 12,
  empty_tank_thrust: 0.1,
  projectile_speed: 600,
  fire_cooldown_ms: 250,
});

/**
 * An angle brought into (-π, π].
 * @param {number} angle
 */
export function wrapAngle(angle) {
  const turns = Math.ceil((angle - Math.PI) / (2 * Math.PI));
  return angle - turns * 2 * Math.PI;
}

/**
 * One tick of one ship, in place.
 * @param {Body} body
 * @param {Steer} steer
 * @param {Flight} flight
 * @param {boolean} tankEmpty
 * @param {number} dt seconds of simulated time
 */
export function step(body, steer, flight, tankEmpty, dt) {
  body.r = wrapAngle(body.r + steer.turn * flight.turn_rate * dt);
  const power = tankEmpty ? flight.empty_tank_thrust : 1;
  const gain = steer.thrust * flight.thrust_accel * power * dt;
  const keep = 1 / (1 + flight.drag * dt);
  body.vx = (body.vx + Math.cos(body.r) * gain) * keep;
  body.vy = (body.vy + Math.sin(body.r) * gain) * keep;
  body.x += body.vx * dt;
  body.y += body.vy * dt;
}

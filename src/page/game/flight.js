/**
 * How a ship moves: the server's formula, for predicting one's own.
 *
 * A tick is semi-implicit Euler: turn, accelerate along the nose, shed speed to drag, come to rest when
 * all but still, then move with the new velocity, as far as the walls. Nothing here knows of time or the
 * network.
 *
 * @module flight
 */

/** @typedef {import("../types.js").Flight} Flight */
/** @typedef {{x: number, y: number, vx: number, vy: number, r: number}} Body */
/** @typedef {{thrust: number, turn: number, fire: boolean, dock: boolean}} Steer */

/** @type {Steer} */
export const NEUTRAL = Object.freeze({ thrust: 0, turn: 0, fire: false, dock: false });

/** Speed below which a ship without thrust stands still, u/s. */
const REST_SPEED = 0.004;

/** How the reference ship flies, where a server does not say. @type {Flight} */
export const FLIGHT_DEFAULT = Object.freeze({
  thrust_accel: 120,
  turn_rate: 3,
  drag: 0.4,
  radius: 12,
  fuel_burn: 0.4,
  empty_tank_thrust: 0.1,
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
 * @param {number} wall farthest a ship's middle can be from the centre, on either axis
 */
export function step(body, steer, flight, tankEmpty, dt, wall) {
  body.r = wrapAngle(body.r + steer.turn * flight.turn_rate * dt);
  const power = tankEmpty ? flight.empty_tank_thrust : 1;
  const gain = steer.thrust * flight.thrust_accel * power * dt;
  const keep = 1 / (1 + flight.drag * dt);
  body.vx = (body.vx + Math.cos(body.r) * gain) * keep;
  body.vy = (body.vy + Math.sin(body.r) * gain) * keep;
  if (steer.thrust === 0 && Math.hypot(body.vx, body.vy) < REST_SPEED) {
    body.vx = 0;
    body.vy = 0;
  }
  body.x += body.vx * dt;
  body.y += body.vy * dt;
  if (Math.abs(body.x) > wall) {
    body.x = Math.sign(body.x) * wall;
    body.vx = 0;
  }
  if (Math.abs(body.y) > wall) {
    body.y = Math.sign(body.y) * wall;
    body.vy = 0;
  }
}

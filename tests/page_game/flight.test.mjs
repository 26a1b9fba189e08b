/** The formula of flight, against numbers worked out by hand and against its own limits. */

import assert from "node:assert/strict";
import test from "node:test";

import { FLIGHT_DEFAULT, NEUTRAL, step, wrapAngle } from "../../src/page/game/flight.js";
import { TICK_SECONDS, near } from "./samples.mjs";

const BURN = { ...NEUTRAL, thrust: 1 };

/** @param {Partial<import("../../src/page/game/flight.js").Body>} [fields] */
const body = (fields = {}) => ({ x: 0, y: 0, vx: 0, vy: 0, r: 0, ...fields });

/**
 * @param {import("../../src/page/game/flight.js").Body} ship
 * @param {import("../../src/page/game/flight.js").Steer} steer
 * @param {number} ticks
 */
function fly(ship, steer, ticks, { tankEmpty = false, wall = Infinity } = {}) {
  for (let tick = 0; tick < ticks; tick += 1) step(ship, steer, FLIGHT_DEFAULT, tankEmpty, TICK_SECONDS, wall);
  return ship;
}

test("a tick accelerates first, then drags, then moves with the new velocity", () => {
  const ship = fly(body(), BURN, 1);
  // 120 u/s² for 1/30 s is 4 u/s; drag keeps 1 / (1 + 0.4 / 30) of it.
  const speed = 4 / (1 + 0.4 / 30);
  near(ship.vx, speed, "vx");
  near(ship.x, speed / 30, "x");
  assert.equal(ship.y, 0);
});

test("a ship turns before it accelerates, so thrust follows the new nose", () => {
  const ship = fly(body(), { ...BURN, turn: 1 }, 1);
  near(ship.r, 3 / 30, "r");
  near(Math.atan2(ship.vy, ship.vx), ship.r, "course");
});

test("under full thrust speed ends at thrust over drag", () => {
  const ship = fly(body(), BURN, 3000);
  near(Math.hypot(ship.vx, ship.vy), FLIGHT_DEFAULT.thrust_accel / FLIGHT_DEFAULT.drag, "terminal speed");
});

test("an empty tank leaves its share of the thrust", () => {
  const full = fly(body(), BURN, 1);
  const empty = fly(body(), BURN, 1, { tankEmpty: true });
  near(empty.vx, full.vx * FLIGHT_DEFAULT.empty_tank_thrust, "vx");
});

test("a ship without thrust comes to rest and stays there", () => {
  const ship = fly(body({ vx: 30, vy: -20 }), NEUTRAL, 1200);
  assert.deepEqual([ship.vx, ship.vy], [0, 0]);
  const { x, y } = ship;
  fly(ship, NEUTRAL, 10);
  assert.deepEqual([ship.x, ship.y], [x, y]);
});

test("a wall stops the way across it and leaves the way along it", () => {
  for (const side of [-1, 1]) {
    const ship = fly(body({ x: side * 99, vx: side * 60, vy: 5 }), NEUTRAL, 1, { wall: 100 });
    assert.equal(ship.x, side * 100);
    assert.equal(ship.vx, 0);
    assert.ok(ship.vy > 4 && ship.y > 0);
  }
  const corner = fly(body({ x: 99, y: -99, vx: 60, vy: -60 }), NEUTRAL, 1, { wall: 100 });
  assert.deepEqual([corner.x, corner.y, corner.vx, corner.vy], [100, -100, 0, 0]);
});

test("an angle is brought above -π and up to π, whole turns taken off", () => {
  for (const [angle, wrapped] of [
    [0, 0],
    [Math.PI, Math.PI],
    [-Math.PI, Math.PI],
    [Math.PI + 0.5, -Math.PI + 0.5],
    [-Math.PI - 0.5, Math.PI - 0.5],
    [7 * Math.PI, Math.PI],
    [20 * Math.PI + 1, 1],
  ]) {
    near(wrapAngle(angle), wrapped, `${angle}`);
  }
});

/** Where an entity is between, before and after the ticks that told of it. */

import assert from "node:assert/strict";
import test from "node:test";

import { Entity } from "../../src/page/game/entity.js";
import { FLIGHT_DEFAULT, NEUTRAL, step } from "../../src/page/game/flight.js";
import { TICK_SECONDS, near, row } from "./samples.mjs";

/**
 * An entity that was told of at these ticks.
 * @param {[number, Partial<import("../../src/page/types.js").EntityRow>][]} told
 */
function entity(told, kind = "trader") {
  const one = new Entity("e", kind);
  for (const [tick, fields] of told) one.push(tick, row("e", fields), FLIGHT_DEFAULT, TICK_SECONDS);
  return one;
}

test("between two samples of one velocity the path is straight", () => {
  const one = entity([[10, { x: 0, vx: 60 }], [12, { x: 4, vx: 60 }]]);
  for (const [tick, x] of [[10, 0], [10.5, 1], [11, 2], [11.5, 3]]) {
    one.sample(tick, TICK_SECONDS);
    near(one.x, x, `x at ${tick}`);
    near(one.vx, 60, `vx at ${tick}`);
  }
});

test("a path passes through both samples and leaves each with its own velocity", () => {
  const one = entity([[10, { x: 0, y: 5, vx: 60, vy: 0 }], [14, { x: 6, y: 9, vx: 0, vy: 90 }]]);
  const slope = (/** @type {number} */ from, /** @type {number} */ to) => {
    one.sample(from, TICK_SECONDS);
    const [x, y] = [one.x, one.y];
    one.sample(to, TICK_SECONDS);
    return [(one.x - x) / ((to - from) * TICK_SECONDS), (one.y - y) / ((to - from) * TICK_SECONDS)];
  };
  const [startX, startY] = slope(10, 10.0001);
  assert.ok(Math.abs(startX - 60) < 0.1 && Math.abs(startY) < 0.1, `${startX} ${startY}`);
  const [endX, endY] = slope(13.9999, 14);
  assert.ok(Math.abs(endX) < 0.1 && Math.abs(endY - 90) < 0.1, `${endX} ${endY}`);
});

test("a heading turns the short way round", () => {
  const one = entity([[10, { r: 3 }], [12, { r: -3 }]]);
  one.sample(11, TICK_SECONDS);
  near(Math.abs(one.r), Math.PI, "halfway");
});

test("past the newest sample it runs straight on, for ten ticks and no further", () => {
  const one = entity([[10, { x: 0, vx: 30 }]]);
  one.sample(15, TICK_SECONDS);
  near(one.x, 5, "five ticks on");
  one.sample(20, TICK_SECONDS);
  const { x } = one;
  one.sample(500, TICK_SECONDS);
  assert.equal(one.x, x);
});

test("a ship enters the picture with its first sample, and a station was always there", () => {
  const ship = entity([[10, { x: 7 }]], "pirate");
  ship.sample(9, TICK_SECONDS);
  assert.equal(ship.visible, false);
  ship.sample(10, TICK_SECONDS);
  assert.equal(ship.visible, true);
  const station = entity([[10, { x: 7 }]], "station");
  station.sample(9, TICK_SECONDS);
  assert.equal(station.visible, true);
  assert.equal(station.x, 7);
});

test("what rested and was not told of stood still until it moved", () => {
  const one = entity([[10, { x: 0 }], [40, { x: 2, vx: 60 }]]);
  one.sample(30, TICK_SECONDS);
  assert.equal(one.x, 0);
  one.sample(39, TICK_SECONDS);
  assert.equal(one.x, 0);
});

test("a tick that is already known changes nothing", () => {
  const one = entity([[10, { x: 1 }], [12, { x: 3 }]]);
  one.push(12, row("e", { x: 99, hp: 1 }), FLIGHT_DEFAULT, TICK_SECONDS);
  one.push(11, row("e", { x: 99 }), FLIGHT_DEFAULT, TICK_SECONDS);
  one.sample(12, TICK_SECONDS);
  assert.equal(one.x, 3);
  assert.equal(one.hp, 100);
});

test("the last sixteen samples are kept, and the oldest of them stands for all before", () => {
  const one = new Entity("e", "trader");
  for (let tick = 0; tick < 40; tick += 1) one.push(tick, row("e", { x: tick, vx: 30 }), FLIGHT_DEFAULT, TICK_SECONDS);
  one.sample(24, TICK_SECONDS);
  near(one.x, 24, "the oldest kept");
  one.sample(3, TICK_SECONDS);
  near(one.x, 24, "before all that is kept");
});

test("the greatest hull ever seen is the whole of it", () => {
  const one = entity([[10, { hp: 40 }], [11, { hp: 120 }], [12, { hp: 30 }]]);
  assert.equal(one.hp, 30);
  assert.equal(one.hpMax, 120);
});

test("thrust is read off the way a ship moves", () => {
  const flown = (/** @type {number} */ thrust) => {
    const body = { x: 0, y: 0, vx: 100, vy: 0, r: 0.5 };
    const one = new Entity("e", "pirate");
    for (let tick = 0; tick < 30; tick += 1) {
      step(body, { ...NEUTRAL, thrust }, FLIGHT_DEFAULT, false, TICK_SECONDS, Infinity);
      one.push(tick, row("e", body), FLIGHT_DEFAULT, TICK_SECONDS);
    }
    return one.thrust;
  };
  assert.ok(flown(1) > 0.95, `${flown(1)}`);
  assert.ok(Math.abs(flown(0.5) - 0.5) < 0.05, `${flown(0.5)}`);
  assert.equal(flown(0), 0);
});

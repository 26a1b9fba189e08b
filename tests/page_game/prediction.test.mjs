/** The pilot's own ship, flown against a server of a few lines that applies commands when told to. */

import assert from "node:assert/strict";
import test from "node:test";

import { FLIGHT_DEFAULT, NEUTRAL, step } from "../../src/page/game/flight.js";
import { Prediction } from "../../src/page/game/prediction.js";
import { TICK_SECONDS, near } from "./samples.mjs";

const PHYSICS = { flight: FLIGHT_DEFAULT, tankEmpty: false, dt: TICK_SECONDS, wall: Infinity };
const BURN = { ...NEUTRAL, thrust: 1 };
const FIRST_TICK = 100;

/** @param {Partial<import("../../src/page/game/flight.js").Body>} [fields] */
const body = (fields = {}) => ({ x: 0, y: 0, vx: 0, vy: 0, r: 0, ...fields });

/** A server with one ship: a command takes effect `lateTicks` after the tick that it was stamped for. */
class Server {
  constructor(lateTicks = 0) {
    this.lateTicks = lateTicks;
    this.tick = FIRST_TICK;
    this.ship = body({ vx: 20 });
    this.steer = NEUTRAL;
    this.applied = 0;
    /** @type {{seq: number, tick: number, steer: import("../../src/page/game/flight.js").Steer}[]} */
    this.waiting = [];
  }

  step() {
    this.tick += 1;
    for (const { seq, tick, steer } of this.waiting) {
      if (tick > this.tick || seq <= this.applied) continue;
      this.steer = steer;
      this.applied = seq;
    }
    step(this.ship, this.steer, FLIGHT_DEFAULT, false, TICK_SECONDS, Infinity);
  }
}

/** A page and its server, a tick at a time. */
class Flight {
  constructor(lateTicks = 0) {
    this.server = new Server(lateTicks);
    this.prediction = new Prediction();
    this.seq = 0;
    this.tell();
    this.draw();
  }

  /** What the server knows reaches the page. */
  tell() {
    this.prediction.serve(this.server.tick, this.server.ship, this.server.applied, PHYSICS);
  }

  draw() {
    this.prediction.advance(this.server.tick, TICK_SECONDS, PHYSICS);
  }

  tick() {
    this.server.step();
    this.tell();
    this.draw();
  }

  /** @param {import("../../src/page/game/flight.js").Steer} steer */
  command(steer) {
    this.seq += 1;
    this.prediction.command(this.seq, steer);
    const { tick } = this.prediction.sent[this.prediction.sent.length - 1];
    this.server.waiting.push({ seq: this.seq, tick: tick + this.server.lateTicks, steer });
  }
}

test("there is a ship to show once the server has told of it", () => {
  const prediction = new Prediction();
  assert.equal(prediction.ready, false);
  prediction.advance(FIRST_TICK, TICK_SECONDS, PHYSICS);
  assert.equal(prediction.head, 0, "nothing moves before");
  prediction.serve(FIRST_TICK, body({ x: 5 }), 0, PHYSICS);
  assert.equal(prediction.ready, true);
  prediction.reset();
  assert.equal(prediction.ready, false);
});

test("a server that applies each command at its stamp never corrects the picture", () => {
  const flight = new Flight();
  for (let tick = 0; tick < 300; tick += 1) {
    if (tick % 7 === 0) flight.command({ ...NEUTRAL, thrust: (tick % 5) / 4, turn: ((tick % 3) - 1) * 0.8 });
    flight.tick();
    assert.ok(flight.prediction.errorUnits < 1e-9, `tick ${tick}: ${flight.prediction.errorUnits}`);
    assert.ok(Math.hypot(flight.prediction.offset.x, flight.prediction.offset.y) < 1e-9);
  }
  assert.ok(Math.hypot(flight.server.ship.x, flight.server.ship.y) > 100, "the ship did fly");
});

test("steering shows at the next predicted tick, before the server has heard of it", () => {
  const flight = new Flight();
  const idle = new Flight();
  flight.command({ ...NEUTRAL, turn: 1 });
  flight.tick();
  idle.tick();
  assert.equal(flight.server.applied, 0);
  near(flight.prediction.shown.r - idle.prediction.shown.r, FLIGHT_DEFAULT.turn_rate * TICK_SECONDS, "turn");
});

test("the picture is ahead of what arrived by the lead, a part of a tick included", () => {
  const prediction = new Prediction();
  prediction.serve(FIRST_TICK, body({ vx: 30 }), 0, { ...PHYSICS, flight: { ...FLIGHT_DEFAULT, drag: 0 } });
  prediction.leadTicks = 2.5;
  prediction.advance(FIRST_TICK, TICK_SECONDS, { ...PHYSICS, flight: { ...FLIGHT_DEFAULT, drag: 0 } });
  near(prediction.shown.x, 2.5, "x after two and a half ticks");
});

test("commands that come late teach a longer lead, and on time again a shorter one", () => {
  const late = new Flight(4);
  const before = late.prediction.leadTicks;
  for (let count = 0; count < 10; count += 1) {
    late.command(count % 2 === 0 ? BURN : NEUTRAL);
    for (let tick = 0; tick < 12; tick += 1) late.tick();
  }
  assert.ok(late.prediction.leadTicks > before + 3, `${late.prediction.leadTicks}`);
  const early = new Flight(-2);
  for (let count = 0; count < 3; count += 1) {
    early.command(count % 2 === 0 ? BURN : NEUTRAL);
    for (let tick = 0; tick < 12; tick += 1) early.tick();
  }
  assert.ok(early.prediction.leadTicks < before, `${early.prediction.leadTicks}`);
  assert.ok(early.prediction.leadTicks >= 1);
});

test("the round trip guesses the lead until a command has taught it", () => {
  const flight = new Flight();
  flight.prediction.guessLead(100, 30);
  near(flight.prediction.leadTicks, 4, "a round trip of three ticks, and one");
  flight.command(BURN);
  for (let tick = 0; tick < 12; tick += 1) flight.tick();
  const learned = flight.prediction.leadTicks;
  flight.prediction.guessLead(900, 30);
  assert.equal(flight.prediction.leadTicks, learned);
});

test("a correction moves nothing at once and is gone half a second later", () => {
  const flight = new Flight();
  for (let tick = 0; tick < 10; tick += 1) flight.tick();
  const before = { ...flight.prediction.shown };
  flight.server.ship.x += 40;
  flight.server.step();
  flight.tell();
  near(flight.prediction.errorUnits, 40, "error");
  flight.prediction.advance(flight.server.tick - 1, 0, PHYSICS);
  assert.ok(Math.abs(flight.prediction.shown.x - before.x) < 1.5, "the picture stays where it was");
  for (let tick = 0; tick < 15; tick += 1) flight.tick();
  assert.ok(Math.abs(flight.prediction.offset.x) < 0.5, `${flight.prediction.offset.x}`);
  near(flight.prediction.shown.x - flight.prediction.offset.x, flight.prediction.drawn().x, "x");
});

test("a correction too large to fade is shown at once", () => {
  const flight = new Flight();
  flight.server.ship.x += 1000;
  flight.tick();
  assert.deepEqual(flight.prediction.offset, { x: 0, y: 0, r: 0 });
  assert.ok(flight.prediction.shown.x > 1000);
});

test("the picture waits rather than go back", () => {
  const flight = new Flight();
  flight.prediction.advance(FIRST_TICK + 5, TICK_SECONDS, PHYSICS);
  const { head } = flight.prediction;
  flight.prediction.advance(FIRST_TICK + 2, TICK_SECONDS, PHYSICS);
  assert.equal(flight.prediction.head, head);
  flight.prediction.advance(FIRST_TICK + 6, TICK_SECONDS, PHYSICS);
  assert.ok(flight.prediction.head > head);
});

test("however long nothing arrives, prediction ends forty-five ticks on", () => {
  const flight = new Flight();
  flight.prediction.advance(FIRST_TICK + 100_000, TICK_SECONDS, PHYSICS);
  assert.equal(flight.prediction.nowTick, FIRST_TICK + 45);
  assert.equal(flight.prediction.head, FIRST_TICK + 45);
});

test("a tick that was served already changes nothing", () => {
  const flight = new Flight();
  flight.tick();
  const before = JSON.stringify(flight.prediction);
  flight.prediction.serve(flight.server.tick, body({ x: 999 }), 9, PHYSICS);
  flight.prediction.serve(flight.server.tick - 1, body({ x: 999 }), 9, PHYSICS);
  assert.equal(JSON.stringify(flight.prediction), before);
});

test("a new session begins without the old one's commands", () => {
  const flight = new Flight();
  flight.command(BURN);
  flight.prediction.reset();
  flight.prediction.serve(FIRST_TICK + 7, body(), 0, PHYSICS);
  flight.prediction.advance(FIRST_TICK + 7, TICK_SECONDS, PHYSICS);
  assert.deepEqual([flight.prediction.shown.vx, flight.prediction.shown.x], [0, 0]);
});

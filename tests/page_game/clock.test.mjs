/** The two clocks read off the server, fed with arrivals at times of the test's own choosing. */

import assert from "node:assert/strict";
import test from "node:test";

import { Clock } from "../../src/page/game/clock.js";
import { near } from "./samples.mjs";

/**
 * A clock that was told of ticks at a steady pace from tick 0 and time 0 on.
 * @param {number} ticks
 * @param {number} msEach
 */
function steady(ticks, msEach) {
  const clock = new Clock(30);
  for (let tick = 0; tick <= ticks; tick += 1) clock.arrived(tick, tick * msEach);
  return clock;
}

test("the quickest of the recent pings says what time it is at the server", () => {
  const clock = new Clock(30);
  clock.pong(1000, 6100, 1200);
  assert.equal(clock.rttMs, 200);
  assert.equal(clock.offsetMs, 5000);
  clock.pong(2000, 7010, 2040);
  assert.equal(clock.rttMs, 40);
  assert.equal(clock.offsetMs, 4990);
  clock.pong(3000, 9000, 3900);
  assert.equal(clock.rttMs, 40, "a slow ping tells nothing new");
});

test("a quick ping is forgotten after eight others", () => {
  const clock = new Clock(30);
  clock.pong(0, 5, 10);
  for (let count = 0; count < 7; count += 1) clock.pong(0, 50, 100);
  assert.equal(clock.rttMs, 10);
  clock.pong(0, 50, 100);
  assert.equal(clock.rttMs, 100);
});

test("a pong from before its ping counts as a round trip of nothing", () => {
  const clock = new Clock(30);
  clock.pong(1000, 1000, 900);
  assert.equal(clock.rttMs, 0);
});

test("the first arrival is believed, and time runs on from it", () => {
  const clock = new Clock(30);
  clock.arrived(500, 2000);
  assert.equal(clock.tickAt(2000), 500);
  near(clock.tickAt(3000), 530, "a second later");
});

test("arrivals on time leave no jitter and no error", () => {
  const clock = steady(300, 1000 / 30);
  near(clock.tickAt(10_000), 300, "tick");
  assert.ok(clock.jitter < 1e-6, `${clock.jitter}`);
  assert.equal(clock.rateSeen, 30);
});

test("one late message moves the picture by less than a tenth of its lateness", () => {
  const clock = steady(100, 1000 / 30);
  const at = (101 * 1000) / 30 + 100;
  const before = clock.tickAt(at);
  clock.arrived(101, at);
  const moved = before - clock.tickAt(at);
  assert.ok(moved > 0 && moved < 0.3, `${moved}`);
});

test("a leap of more than twelve ticks is followed at once", () => {
  const clock = steady(100, 1000 / 30);
  const at = (101 * 1000) / 30;
  clock.arrived(114, at);
  assert.equal(clock.tickAt(at), 114);
  clock.arrived(50, at + 33);
  assert.equal(clock.tickAt(at + 33), 50, "backwards as well");
});

test("a server that really runs slow slows the clock, and jitter alone does not", () => {
  assert.ok(Math.abs(steady(120, 50).rateSeen - 20) < 0.5);
  assert.equal(steady(120, 1000 / 29).rateSeen, 30);
});

test("a server that says it runs slower is believed at once, and again when it recovers", () => {
  const clock = steady(100, 1000 / 30);
  clock.arrived(101, 3400, 0.5);
  assert.equal(clock.rateMeant, 15);
  assert.equal(clock.rateSeen, 15);
  clock.arrived(102, 3467, 1);
  assert.equal(clock.rateSeen, 30);
});

test("others are drawn a tenth of a second behind, and later on a jittery line, within bounds", () => {
  const clock = new Clock(30);
  near(clock.delayTicks, 3, "delay on a quiet line");
  clock.jitter = 1.4;
  near(clock.delayTicks, 5.5, "delay on a jittery line");
  clock.jitter = 50;
  assert.equal(clock.delayTicks, 9);
  assert.ok(new Clock(10).delayTicks > 2, "never less than a message of two ticks");
});

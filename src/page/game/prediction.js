/**
 * The pilot's own ship, flown here before the server has answered.
 *
 * ```text
 *   served tick T ──replay unapplied steering──▶ predicted tick P = arrived tick + lead
 * ```
 *
 * Every steering command is stamped with the tick at which it should take effect. Each delta brings
 * the true state at tick T and the newest command applied by then: prediction restarts there and
 * replays what is still on its way. What differs from the picture fades out over a tenth of a second.
 * The tick at which a command was really applied, against its stamp, teaches `leadTicks`.
 *
 * Never predicted: contacts, damage, docking itself. They arrive as corrections.
 *
 * @module prediction
 */

import { TICKS_A_MESSAGE_MAX } from "./clock.js";
import { NEUTRAL, step, wrapAngle } from "./flight.js";

/** @typedef {import("./flight.js").Body} Body */
/** @typedef {import("./flight.js").Steer} Steer */
/** @typedef {import("../types.js").Flight} Flight */
/** @typedef {{seq: number, tick: number, steer: Steer}} Sent */
/**
 * What moves a ship in the coming ticks.
 * @typedef {object} Physics
 * @property {Flight} flight
 * @property {boolean} tankEmpty
 * @property {number} dt simulated seconds a tick
 * @property {number} wall
 */

const AHEAD_TICKS_MAX = 45;
const HISTORY_TICKS = 64;
const FADE_SECONDS = 0.11;
const SNAP_UNITS = 150;

/** @returns {Body} */
const rest = () => ({ x: 0, y: 0, vx: 0, vy: 0, r: 0 });

export class Prediction {
  constructor() {
    /** Predicted states of the last ticks, by tick modulo the length. @type {(Body & {tick: number})[]} */
    this.history = Array.from({ length: HISTORY_TICKS }, () => ({ ...rest(), tick: -1 }));
    /** What is drawn. @type {Body} */
    this.shown = rest();
    /** @type {Body} */
    this.served = rest();
    /** @type {Body} */
    this.now = rest();
    /** @type {Body} */
    this.next = rest();
    this.servedTick = -1;
    this.nowTick = -1;
    /** Steering that takes effect at the ticks after the served one, oldest first. @type {Sent[]} */
    this.sent = [];
    /** @type {Steer} */
    this.inForce = NEUTRAL;
    this.ackedSeq = 0;
    this.leadTicks = 3;
    this.leadKnown = false;
    this.offset = { x: 0, y: 0, r: 0 };
    /** Distance between prediction and truth for the newest served tick, in units. */
    this.errorUnits = 0;
    this.head = 0;
  }

  /** Forgets what was served and sent: a new session begins. */
  reset() {
    this.servedTick = -1;
    this.nowTick = -1;
    this.sent = [];
    this.inForce = NEUTRAL;
    this.ackedSeq = 0;
    this.leadKnown = false;
    this.offset = { x: 0, y: 0, r: 0 };
    this.errorUnits = 0;
    this.head = 0;
    for (const state of this.history) state.tick = -1;
  }

  /** Whether there is a ship to show. */
  get ready() {
    return this.servedTick >= 0;
  }

  /**
   * The first guess of the lead: a round trip, and the tick that it waits for.
   * @param {number} rttMs
   * @param {number} tickRate
   */
  guessLead(rttMs, tickRate) {
    if (this.leadKnown) return;
    this.leadTicks = (rttMs / 1000) * tickRate + 1;
  }

  /**
   * A steering command leaves for the server.
   * @param {number} seq
   * @param {Steer} steer
   */
  command(seq, steer) {
    this.sent.push({ seq, tick: Math.floor(this.head) + 1, steer });
    if (this.sent.length > 240) this.sent.shift();
  }

  /**
   * The truth for one tick arrived.
   * @param {number} tick
   * @param {Body} row
   * @param {number} ackedSeq newest command applied by then
   * @param {Physics} physics
   */
  serve(tick, row, ackedSeq, physics) {
    if (tick <= this.servedTick) return;
    const passed = tick - this.servedTick;
    const predicted = this.history[tick % HISTORY_TICKS];
    const known = predicted.tick === tick;
    this.errorUnits = known ? Math.hypot(predicted.x - row.x, predicted.y - row.y) : 0;
    if (ackedSeq > this.ackedSeq) this.acknowledge(ackedSeq, tick, passed);
    const before = this.drawn();
    const first = this.servedTick < 0;
    this.served = { x: row.x, y: row.y, vx: row.vx, vy: row.vy, r: row.r };
    this.servedTick = tick;
    this.replay(physics);
    if (first) return;
    const after = this.drawn();
    this.offset.x += before.x - after.x;
    this.offset.y += before.y - after.y;
    this.offset.r = wrapAngle(this.offset.r + before.r - after.r);
    if (Math.hypot(this.offset.x, this.offset.y) > SNAP_UNITS) this.offset = { x: 0, y: 0, r: 0 };
  }

  /**
   * @param {number} seq
   * @param {number} tick
   * @param {number} passed ticks since the last one served: the command took effect in one of them
   */
  acknowledge(seq, tick, passed) {
    while (this.sent.length > 0 && this.sent[0].seq <= seq) {
      const done = /** @type {Sent} */ (this.sent.shift());
      this.inForce = done.steer;
      if (passed <= TICKS_A_MESSAGE_MAX && done.seq === seq) {
        const applied = tick - (passed - 1) / 2;
        const slip = Math.max(-10, Math.min(10, applied - done.tick));
        const gain = !this.leadKnown ? 0.5 : Math.abs(slip) > 2 ? 0.3 : 0.1;
        this.leadTicks = Math.max(1, this.leadTicks + slip * gain);
        this.leadKnown = true;
      }
    }
    this.ackedSeq = seq;
  }

  /**
   * From the served tick to the head again.
   * @param {Physics} physics
   */
  replay(physics) {
    const target = Math.max(this.servedTick, Math.min(Math.floor(this.head), this.servedTick + AHEAD_TICKS_MAX));
    this.now = { ...this.served };
    this.nowTick = this.servedTick;
    this.remember(this.now, this.nowTick);
    while (this.nowTick < target) this.tick(physics);
    this.peek(physics);
  }

  /**
   * The steering in force while a tick is computed.
   * @param {number} tick
   */
  steerAt(tick) {
    let steer = this.inForce;
    for (const sent of this.sent) {
      if (Math.max(sent.tick, this.servedTick + 1) > tick) break;
      steer = sent.steer;
    }
    return steer;
  }

  /**
   * @param {Physics} physics
   */
  tick(physics) {
    this.nowTick += 1;
    step(this.now, this.steerAt(this.nowTick), physics.flight, physics.tankEmpty, physics.dt, physics.wall);
    this.remember(this.now, this.nowTick);
  }

  /**
   * The state one tick past the head, towards which the picture moves.
   * @param {Physics} physics
   */
  peek(physics) {
    Object.assign(this.next, this.now);
    step(this.next, this.steerAt(this.nowTick + 1), physics.flight, physics.tankEmpty, physics.dt, physics.wall);
  }

  /**
   * @param {Body} body
   * @param {number} tick
   */
  remember(body, tick) {
    const slot = this.history[tick % HISTORY_TICKS];
    Object.assign(slot, body);
    slot.tick = tick;
  }

  /** Where the prediction stands between its two ticks, corrections left aside. @returns {Body} */
  drawn() {
    const s = Math.max(0, Math.min(1, this.head - this.nowTick));
    const { now, next } = this;
    return {
      x: now.x + (next.x - now.x) * s,
      y: now.y + (next.y - now.y) * s,
      vx: now.vx + (next.vx - now.vx) * s,
      vy: now.vy + (next.vy - now.vy) * s,
      r: now.r + wrapAngle(next.r - now.r) * s,
    };
  }

  /**
   * Moves the picture on by one frame. Bounded by AHEAD_TICKS_MAX steps.
   * @param {number} arrivedTick the tick clock's reading
   * @param {number} frameSeconds
   * @param {Physics} physics
   */
  advance(arrivedTick, frameSeconds, physics) {
    if (!this.ready) return;
    const aim = Math.min(arrivedTick + this.leadTicks, this.servedTick + AHEAD_TICKS_MAX);
    // Never backwards: the picture waits instead.
    this.head = aim > this.head || this.head - aim > 30 ? aim : this.head;
    let moved = false;
    while (this.nowTick < Math.floor(this.head) && this.nowTick < this.servedTick + AHEAD_TICKS_MAX) {
      this.tick(physics);
      moved = true;
    }
    if (moved) this.peek(physics);
    const fade = Math.exp(-frameSeconds / FADE_SECONDS);
    this.offset.x *= fade;
    this.offset.y *= fade;
    this.offset.r *= fade;
    const body = this.drawn();
    this.shown = {
      x: body.x + this.offset.x,
      y: body.y + this.offset.y,
      vx: body.vx,
      vy: body.vy,
      r: wrapAngle(body.r + this.offset.r),
    };
  }
}

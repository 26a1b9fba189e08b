/**
 * One thing in view, and where it was at the last few ticks that told of it.
 *
 * A ring of samples, newest last. Between two samples the path is a cubic through both places and
 * both velocities; past the newest it runs straight on for a bounded time.
 *
 * @module entity
 */

import { wrapAngle } from "./flight.js";

/** @typedef {import("../types.js").EntityRow} EntityRow */
/** @typedef {import("../types.js").Flight} Flight */

/** Half a second at full rate: more than the picture is ever behind. */
const SAMPLES = 16;
const FIELDS = 6;
const EXTRAPOLATE_TICKS_MAX = 10;
const SHIPS = new Set(["player_ship", "pirate", "patrol", "trader"]);

export class Entity {
  /**
   * @param {string} id
   * @param {string} kind
   */
  constructor(id, kind) {
    this.id = id;
    this.kind = kind;
    this.isShip = SHIPS.has(kind);
    this.x = 0;
    this.y = 0;
    this.vx = 0;
    this.vy = 0;
    this.r = 0;
    this.hp = 0;
    this.hpMax = 1;
    /** Estimated from the way it moves, 0 to 1. */
    this.thrust = 0;
    this.visible = false;
    /** Tick at which it leaves, Infinity while it stays. */
    this.goneTick = Infinity;
    this.goneReason = "";
    /** Monotonic ms of the last hit it took, and of its last shot that struck the pilot. */
    this.hitAt = -1e9;
    this.hostileAt = -1e9;
    /** A shot of the pilot's own is drawn in the pilot's time, not in the past. */
    this.ownShot = false;
    /** Tick of the first sample ever. */
    this.firstTick = Infinity;
    this.count = 0;
    this.head = 0;
    this.ring = new Float64Array(SAMPLES * FIELDS);
  }

  /**
   * @param {number} tick
   * @param {EntityRow} row
   * @param {Flight} flight
   * @param {number} tickSeconds
   */
  push(tick, row, flight, tickSeconds) {
    const last = this.newest();
    const { ring } = this;
    const x = row.x ?? ring[last + 1];
    const y = row.y ?? ring[last + 2];
    const vx = row.vx ?? ring[last + 3];
    const vy = row.vy ?? ring[last + 4];
    const r = row.r ?? ring[last + 5];
    if (this.count > 0) {
      const gap = tick - ring[last];
      if (gap <= 0) return;
      if (this.isShip && gap <= 5) this.estimateThrust(last, vx, vy, r, gap * tickSeconds, flight);
      // It rested since the last sample: hold it there, or the path would smear over the pause.
      if (gap > 5 && ring[last + 3] === 0 && ring[last + 4] === 0) {
        this.append(tick - 1, ring[last + 1], ring[last + 2], 0, 0, ring[last + 5]);
      }
    }
    this.append(tick, x, y, vx, vy, r);
    if (row.hp !== undefined) {
      this.hp = row.hp;
      if (row.hp > this.hpMax) this.hpMax = row.hp;
    }
  }

  /**
   * @param {number} last
   * @param {number} vx
   * @param {number} vy
   * @param {number} r
   * @param {number} seconds
   * @param {Flight} flight
   */
  estimateThrust(last, vx, vy, r, seconds, flight) {
    const { ring } = this;
    const ax = (vx - ring[last + 3]) / seconds + flight.drag * vx;
    const ay = (vy - ring[last + 4]) / seconds + flight.drag * vy;
    const along = (ax * Math.cos(r) + ay * Math.sin(r)) / flight.thrust_accel;
    const clamped = along < 0.08 ? 0 : Math.min(1, along);
    this.thrust += (clamped - this.thrust) * 0.4;
  }

  /** Offset of the newest sample in the ring. */
  newest() {
    return ((this.head + SAMPLES - 1) % SAMPLES) * FIELDS;
  }

  /**
   * @param {number} tick
   * @param {number} x
   * @param {number} y
   * @param {number} vx
   * @param {number} vy
   * @param {number} r
   */
  append(tick, x, y, vx, vy, r) {
    const at = this.head * FIELDS;
    const { ring } = this;
    if (tick < this.firstTick) this.firstTick = tick;
    ring[at] = tick;
    ring[at + 1] = x;
    ring[at + 2] = y;
    ring[at + 3] = vx;
    ring[at + 4] = vy;
    ring[at + 5] = r;
    this.head = (this.head + 1) % SAMPLES;
    if (this.count < SAMPLES) this.count += 1;
  }

  /**
   * Puts `x … r` where the entity is at a (fractional) tick. Work: at most the ring's length.
   * @param {number} tick
   * @param {number} tickSeconds
   */
  sample(tick, tickSeconds) {
    const { ring } = this;
    let after = this.newest();
    if (tick >= ring[after]) {
      const ahead = Math.min(tick - ring[after], EXTRAPOLATE_TICKS_MAX) * tickSeconds;
      this.visible = true;
      this.vx = ring[after + 3];
      this.vy = ring[after + 4];
      this.x = ring[after + 1] + this.vx * ahead;
      this.y = ring[after + 2] + this.vy * ahead;
      this.r = ring[after + 5];
      return;
    }
    for (let back = 2; back <= this.count; back += 1) {
      const before = ((this.head + SAMPLES - back) % SAMPLES) * FIELDS;
      if (ring[before] <= tick) {
        this.between(before, after, tick, tickSeconds);
        return;
      }
      after = before;
    }
    // Older than all it knows: it has not entered the picture yet, unless it is a fixture.
    this.visible = tick >= this.firstTick || (!this.isShip && this.kind !== "projectile");
    this.x = ring[after + 1];
    this.y = ring[after + 2];
    this.r = ring[after + 5];
  }

  /**
   * @param {number} a offset of the sample before
   * @param {number} b offset of the sample after
   * @param {number} tick
   * @param {number} tickSeconds
   */
  between(a, b, tick, tickSeconds) {
    const { ring } = this;
    const span = ring[b] - ring[a];
    const s = (tick - ring[a]) / span;
    const seconds = span * tickSeconds;
    const s2 = s * s;
    const s3 = s2 * s;
    const h1 = s3 - 2 * s2 + s;
    const h2 = 3 * s2 - 2 * s3;
    const h3 = s3 - s2;
    this.visible = true;
    this.x = ring[a + 1] * (1 - h2) + ring[b + 1] * h2 + (h1 * ring[a + 3] + h3 * ring[b + 3]) * seconds;
    this.y = ring[a + 2] * (1 - h2) + ring[b + 2] * h2 + (h1 * ring[a + 4] + h3 * ring[b + 4]) * seconds;
    this.vx = ring[a + 3] + (ring[b + 3] - ring[a + 3]) * s;
    this.vy = ring[a + 4] + (ring[b + 4] - ring[a + 4]) * s;
    this.r = ring[a + 5] + wrapAngle(ring[b + 5] - ring[a + 5]) * s;
  }
}

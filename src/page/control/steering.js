/**
 * Turns what the pilot means into what the protocol carries.
 *
 * Sources (keys, thumbs, a gamepad) write an {@link Intent} each frame. Here it becomes thrust and
 * turn: "point there" and "brake" are flown by a small autopilot. A command is sent when it changed, at
 * most once a tick, and now and then so that the lead stays known.
 *
 * @module steering
 */

import { NEUTRAL, wrapAngle } from "../game/flight.js";

/** @typedef {import("../game/flight.js").Body} Body */
/** @typedef {import("../game/flight.js").Steer} Steer */
/** @typedef {import("../types.js").Flight} Flight */

/**
 * @typedef {object} Intent
 * @property {number} thrust
 * @property {number} turn
 * @property {boolean} fire
 * @property {boolean} brake
 * @property {number | null} heading
 * @property {number} headingBurn
 */

const RESEND_MS = 250;
const REST_SPEED = 3;

/**
 * Where a ship that is to dock should come to rest.
 * @typedef {object} DockTarget
 * @property {number} x
 * @property {number} y
 * @property {number} reach how far from there the dock holds
 * @property {number} speedMax how fast a ship may be when it is taken, 0 where that is not known
 */

/**
 * The velocity at which a ship should come in: none inside the ring, and outside it no more than can
 * be shed on the way, with room to turn about.
 * @param {Body} body
 * @param {Flight} flight
 * @param {DockTarget | null} dockTarget
 */
function comingIn(body, flight, dockTarget) {
  if (!dockTarget) return { x: 0, y: 0 };
  const dx = dockTarget.x - body.x;
  const dy = dockTarget.y - body.y;
  const away = Math.hypot(dx, dy);
  const left = away - dockTarget.reach * 0.85;
  if (left <= 0) return { x: 0, y: 0 };
  const speed = Math.min(160, 20 + Math.sqrt(flight.thrust_accel * left));
  return { x: (dx / away) * speed, y: (dy / away) * speed };
}

/**
 * Whether the dock would take the ship as it is.
 * @param {Body} body
 * @param {DockTarget} dockTarget
 */
function slowEnough(body, dockTarget) {
  const within = Math.hypot(dockTarget.x - body.x, dockTarget.y - body.y) < dockTarget.reach * 0.98;
  return within && Math.hypot(body.vx, body.vy) < dockTarget.speedMax * 0.95;
}

/** @returns {Intent} */
export const noIntent = () => ({ thrust: 0, turn: 0, fire: false, brake: false, heading: null, headingBurn: 0 });

/**
 * Turn rate that brings the nose to a heading without overshooting.
 * @param {number} r
 * @param {number} heading
 * @param {Flight} flight
 */
function turnTowards(r, heading, flight) {
  const off = wrapAngle(heading - r);
  const perTick = flight.turn_rate / 30;
  return Math.max(-1, Math.min(1, off / (perTick * 2)));
}

/**
 * @param {Intent} intent
 * @param {Body} body
 * @param {Flight} flight
 * @param {boolean} docking whether the ship should come in and dock
 * @param {DockTarget | null} dockTarget
 * @returns {Steer}
 */
export function steerFor(intent, body, flight, docking, dockTarget) {
  let thrust = Math.max(0, Math.min(1, intent.thrust));
  let turn = Math.max(-1, Math.min(1, intent.turn));
  if (intent.heading !== null) {
    turn = turnTowards(body.r, intent.heading, flight);
    const aligned = Math.cos(wrapAngle(intent.heading - body.r));
    thrust = Math.max(thrust, aligned > 0.5 ? intent.headingBurn : 0);
  }
  const free = thrust === 0 && turn === 0;
  if (intent.brake || (docking && free)) {
    // A dock takes a slow ship without thrust, and thrust would leave it again: not a touch more than needed.
    if (!intent.brake && dockTarget && slowEnough(body, dockTarget)) return { thrust: 0, turn: 0, fire: intent.fire, dock: true };
    const aim = intent.brake ? { x: 0, y: 0 } : comingIn(body, flight, dockTarget);
    const wantX = aim.x - body.vx;
    const wantY = aim.y - body.vy;
    const want = Math.hypot(wantX, wantY);
    if (want > REST_SPEED) {
      const heading = Math.atan2(wantY, wantX);
      turn = turnTowards(body.r, heading, flight);
      const perTick = flight.thrust_accel / 30;
      const aligned = Math.cos(wrapAngle(heading - body.r)) > 0.94;
      thrust = aligned ? Math.min(1, want / (perTick * 3)) : 0;
    }
  }
  const hundredth = (/** @type {number} */ value) => Math.round(value * 100) / 100;
  return { thrust: hundredth(thrust), turn: hundredth(turn), fire: intent.fire, dock: docking };
}

export class Steering {
  /**
   * @param {{read: (intent: Intent) => void}[]} sources
   * @param {(steer: Steer) => boolean} send false when the line is down
   */
  constructor(sources, send) {
    this.sources = sources;
    this.send = send;
    /** @type {Steer} */
    this.current = NEUTRAL;
    this.sentAt = -1e9;
    /** @type {Steer | null} */
    this.sent = null;
    /** The pilot asked to dock: stays until docked, far out of reach, or under thrust again. */
    this.docking = false;
    /** The dock that was asked for. @type {DockTarget | null} */
    this.dockTarget = null;
  }

  /** A new session: the server knows of no steering yet. */
  reset() {
    this.sent = null;
    this.docking = false;
  }

  /**
   * Reads all sources and sends what changed.
   * @param {number} nowMs
   * @param {Body} body
   * @param {Flight} flight
   * @param {number} tickMs
   */
  update(nowMs, body, flight, tickMs) {
    const intent = noIntent();
    for (const source of this.sources) source.read(intent);
    if (this.docking && (intent.thrust > 0 || intent.headingBurn > 0)) this.docking = false;
    const steer = steerFor(intent, body, flight, this.docking, this.dockTarget);
    this.current = steer;
    const last = this.sent;
    const since = nowMs - this.sentAt;
    const changed =
      !last || steer.thrust !== last.thrust || steer.turn !== last.turn || steer.fire !== last.fire || steer.dock !== last.dock;
    const idle = steer.thrust === 0 && steer.turn === 0 && !steer.fire;
    if ((changed && since >= tickMs * 0.95) || (!idle && since >= RESEND_MS)) {
      if (this.send(steer)) {
        this.sent = steer;
        this.sentAt = nowMs;
      }
    }
  }
}

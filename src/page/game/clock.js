/**
 * Two clocks read off the server: its wall clock (by ping) and its tick counter (by arrivals).
 *
 * The tick clock says which tick has, in the smoothed run of things, just arrived. Everything that
 * moves is drawn at an offset from it: others a little behind, one's own ship ahead by the lead that
 * `prediction.js` learns. It follows the rate at which ticks really come, so an overloaded server
 * slows the picture instead of tearing it.
 *
 * @module clock
 */

const PINGS_KEPT = 8;
const SNAP_TICKS = 12;
const RATE_WINDOW_MS = 2000;

/** An overloaded server tells two ticks in one message. */
export const TICKS_A_MESSAGE_MAX = 2;

export class Clock {
  /** @param {number} tickRate ticks a second the server promises */
  constructor(tickRate) {
    this.tickRate = tickRate;
    /** Round trip of the best recent ping, ms. */
    this.rttMs = 60;
    /** Server's Unix time minus this machine's, ms. */
    this.offsetMs = 0;
    /** Ticks a second that the server means to give, fewer than it promised while it is overloaded. */
    this.rateMeant = tickRate;
    /** Ticks that really came per second. */
    this.rateSeen = tickRate;
    /** Mean deviation of arrivals, in ticks. */
    this.jitter = 0;
    this.tickValue = 0;
    this.at = 0;
    this.started = false;
    /** @type {{rtt: number, offset: number}[]} */
    this.pings = [];
    /** @type {{at: number, tick: number}[]} */
    this.arrivals = [];
  }

  /**
   * @param {number} sentUnixMs
   * @param {number} serverUnixMs
   * @param {number} receivedUnixMs
   */
  pong(sentUnixMs, serverUnixMs, receivedUnixMs) {
    const rtt = Math.max(0, receivedUnixMs - sentUnixMs);
    this.pings.push({ rtt, offset: serverUnixMs - (sentUnixMs + receivedUnixMs) / 2 });
    if (this.pings.length > PINGS_KEPT) this.pings.shift();
    const best = this.pings.reduce((a, b) => (b.rtt < a.rtt ? b : a));
    this.rttMs = best.rtt;
    this.offsetMs = best.offset;
  }

  /**
   * A tick's message arrived.
   * @param {number} tick
   * @param {number} nowMs monotonic
   * @param {number} [dilation] simulated seconds a second
   */
  arrived(tick, nowMs, dilation = 1) {
    if (dilation * this.tickRate !== this.rateMeant) {
      this.rateMeant = dilation * this.tickRate;
      this.rateSeen = this.rateMeant;
      this.arrivals = [];
    }
    this.arrivals.push({ at: nowMs, tick });
    while (this.arrivals.length > 2 && nowMs - this.arrivals[0].at > RATE_WINDOW_MS) this.arrivals.shift();
    const first = this.arrivals[0];
    const span = nowMs - first.at;
    if (span > 500) {
      const seen = ((tick - first.tick) / span) * 1000;
      // Small deviations are jitter: only a server that really runs slow changes the rate.
      const slow = seen < this.rateMeant * 0.93;
      this.rateSeen = slow ? Math.max(1, seen) : this.rateMeant;
    }
    const error = tick - this.tickAt(nowMs);
    if (!this.started || Math.abs(error) > SNAP_TICKS) {
      this.started = true;
      this.tickValue = tick;
      this.at = nowMs;
      return;
    }
    this.jitter += (Math.abs(error) - this.jitter) * 0.05;
    this.tickValue = this.tickAt(nowMs) + error * 0.08;
    this.at = nowMs;
  }

  /**
   * The tick that has just arrived, as a smooth number.
   * @param {number} nowMs monotonic
   */
  tickAt(nowMs) {
    return this.tickValue + ((nowMs - this.at) / 1000) * this.rateSeen;
  }

  /** How far behind others are drawn, in ticks: 100 ms, but never less than from one message to the next; more on a jittery line. */
  get delayTicks() {
    const steady = Math.max(0.1 * this.rateMeant, TICKS_A_MESSAGE_MAX + 0.2);
    return Math.min(9, steady + 2.5 * Math.max(0, this.jitter - 0.4));
  }
}

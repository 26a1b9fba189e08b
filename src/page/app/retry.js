/**
 * What to do when a connection ends: a pure function of the close code and the number of attempts.
 *
 * @module retry
 */

/**
 * @typedef {object} Retry
 * @property {"retry" | "sign-in" | "stop"} act
 * @property {number} ms how long to wait before the next attempt
 * @property {string} words what the pilot is told
 */

const DELAY_MS_MAX = 15_000;

/**
 * @param {number} code WebSocket close code, 1006 when there was none
 * @param {number} attempt 0 for the first after a good connection
 * @param {() => number} random from 0 to 1
 * @param {number} [leastMs] how long the server asked to be left alone
 * @returns {Retry}
 */
export function retryAfter(code, attempt, random, leastMs = 0) {
  /** @param {number} base */
  const backoff = (base) => {
    const full = Math.min(DELAY_MS_MAX, base * 2 ** Math.min(attempt, 6));
    return Math.round(full * (0.5 + 0.5 * random()));
  };
  switch (code) {
    case 4001:
      return { act: "sign-in", ms: 0, words: "The server did not accept this pilot’s token." };
    case 4003:
      return { act: "stop", ms: 0, words: "This pilot now flies from another window." };
    case 1001:
      return { act: "retry", ms: backoff(400), words: "The server is restarting." };
    case 1013:
      return { act: "retry", ms: leastMs + backoff(1000), words: "The server has no room for this pilot just now." };
    case 4004:
      return { act: "retry", ms: backoff(1500), words: "This line could not keep up." };
    case 4008:
      return { act: "retry", ms: Math.max(10_000, backoff(12_000)), words: "Too many messages; the server asks for a pause." };
    case 1002:
    case 1003:
    case 1007:
    case 1009:
      return { act: "retry", ms: Math.max(5000, backoff(6000)), words: "The server did not understand this page." };
    default:
      return { act: "retry", ms: backoff(500), words: "Connection lost." };
  }
}

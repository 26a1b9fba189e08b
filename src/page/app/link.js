/**
 * The conversation with the server: one WebSocket at a time, reopened for as long as that makes sense.
 *
 * ```text
 *   offline ─▶ connecting ─▶ joining ─▶ flying ─▶ waiting ─▶ connecting …
 *                                           └──▶ stopped (a token or a pilot's word is needed)
 * ```
 *
 * Owns: the sequence numbers, the pending requests, the ping, the watchdog. Trades and repairs carry a
 * `request_id`, so one whose answer was lost with the connection is asked again after the next join and
 * happens at most once. Knows nothing of the game.
 *
 * @module link
 */

import { retryAfter } from "./retry.js";
import { refusal } from "./words.js";

/** @typedef {import("../types.js").ServerMessage} ServerMessage */
/** @typedef {import("../types.js").Requests} Requests */
/** @typedef {import("../types.js").Replies} Replies */
/** @typedef {"offline" | "connecting" | "joining" | "flying" | "waiting" | "stopped"} LinkState */
/**
 * @typedef {object} LinkEvents
 * @property {(message: ServerMessage) => void} message every message, after the link's own part
 * @property {(state: LinkState, words: string) => void} state
 * @property {(words: string) => void} signIn a token is needed; says why
 */
/**
 * @typedef {object} Pending
 * @property {keyof Requests} type
 * @property {Requests[keyof Requests]} payload
 * @property {(payload: unknown) => void} resolve
 * @property {(failure: import("../types.js").Failure) => void} reject
 */

const PROTOCOL_VERSION = 1;
const PING_EVERY_MS = 2000;
/** A few pings at once after a join: the first of them meets a busy page. */
const FIRST_PINGS_MS = [0, 300, 600, 1000];
const SILENCE_MS_MAX = 6000;
const JOIN_RETRY_MS = 5000;
/** The close code of a server that has no room just now. */
const TRY_LATER = 1013;

/**
 * Whether the server would carry out a repeated request only once.
 * @param {Pending} pending
 */
const isRepeatable = (pending) => "request_id" in pending.payload;

export class Link {
  /**
   * @param {string} url
   * @param {LinkEvents} events
   */
  constructor(url, events) {
    this.url = url;
    this.events = events;
    /** @type {LinkState} */
    this.state = "offline";
    this.words = "";
    this.token = "";
    this.playerId = "";
    /** The system to join when the pilot has no place yet. */
    this.systemWanted = "sol-1";
    this.seq = 0;
    this.attempt = 0;
    this.bytesIn = 0;
    this.retryAt = 0;
    /** Until when the server asked to be left alone. */
    this.noSoonerAt = 0;
    /** @type {WebSocket | null} */
    this.socket = null;
    /** @type {Map<number, Pending>} */
    this.pending = new Map();
    /** Asked on a connection that ended before the answer. @type {Pending[]} */
    this.unsettled = [];
    this.retryTimer = 0;
    this.heardAt = 0;
    this.drainWords = "";
    /** Why the server is about to end the conversation, if it said so. */
    this.partingWords = "";
    setInterval(() => this.pulse(), PING_EVERY_MS);
    addEventListener("online", () => this.hurry());
    document.addEventListener("visibilitychange", () => this.hurry());
  }

  /**
   * @param {LinkState} state
   * @param {string} [words]
   */
  enter(state, words = "") {
    this.state = state;
    this.words = words;
    this.events.state(state, words);
  }

  /**
   * Connects, or connects anew, with a token.
   * @param {string} token
   */
  open(token) {
    this.token = token;
    this.attempt = 0;
    this.connect();
  }

  /**
   * Flies on with another token: the same pilot's prolongs the session, anyone else's begins a new one.
   * A guest has nothing to prolong with, for every guest's token is another pilot's.
   * @param {string} token
   */
  use(token) {
    if (this.state !== "flying") {
      this.open(token);
      return;
    }
    this.request("auth.refresh", { token }).then(
      () => {
        this.token = token;
      },
      () => this.open(token),
    );
  }

  /** Drops the connection and stays away. */
  close() {
    clearTimeout(this.retryTimer);
    const { socket } = this;
    this.socket = null;
    socket?.close(1000);
    this.enter("offline");
  }

  connect() {
    clearTimeout(this.retryTimer);
    const old = this.socket;
    this.socket = null;
    old?.close();
    this.enter("connecting");
    const socket = new WebSocket(this.url, "orrery.v1.json");
    this.socket = socket;
    this.seq = 0;
    this.drainWords = "";
    this.partingWords = "";
    this.heardAt = performance.now();
    socket.onopen = () => {
      if (socket !== this.socket) return;
      this.request("auth.login", { token: this.token, protocol_version: PROTOCOL_VERSION }).then(
        (ok) => this.loggedIn(ok),
        (failure) => this.refused(failure),
      );
    };
    socket.onmessage = (event) => {
      if (socket === this.socket) this.receive(event.data);
    };
    socket.onclose = (event) => {
      if (socket === this.socket) this.closed(event.code);
    };
  }

  /** @param {import("../types.js").AuthOk} ok */
  loggedIn(ok) {
    this.playerId = ok.player_id;
    this.enter("joining");
    this.join(ok.system_id ?? this.systemWanted);
  }

  /** @param {import("../types.js").Failure} failure */
  refused(failure) {
    if (failure.code === "DISCONNECTED") return;
    if (failure.retry_after_ms !== undefined) {
      this.putOff(failure.retry_after_ms);
      return;
    }
    this.stop();
    this.events.signIn(refusal(failure));
  }

  /**
   * The server had no room for the login: the token stays good, and is tried again.
   * @param {number} ms how long the server wants to be left alone
   */
  putOff(ms) {
    const { socket } = this;
    if (socket) {
      socket.onclose = null;
      socket.close();
    }
    this.closed(TRY_LATER, ms);
  }

  /** Ends the connection for good: only a new token opens it again. */
  stop() {
    const { socket } = this;
    this.socket = null;
    socket?.close(1000);
    this.abandon();
    this.enter("stopped", "Signed out.");
  }

  /** @param {string} systemId */
  join(systemId) {
    this.request("session.join_system", { system_id: systemId }).then(
      () => {
        this.attempt = 0;
        this.enter("flying");
        for (const pending of this.unsettled.splice(0)) this.ask(pending);
        for (const wait of FIRST_PINGS_MS) setTimeout(() => this.pulse(), wait);
      },
      (failure) => {
        if (failure.code === "DISCONNECTED") return;
        this.enter("joining", failure.message || failure.code);
        this.retryTimer = window.setTimeout(() => this.connect(), failure.retry_after_ms ?? JOIN_RETRY_MS);
      },
    );
  }

  /** @param {string} text */
  receive(text) {
    this.heardAt = performance.now();
    this.bytesIn += text.length;
    /** @type {ServerMessage} */
    const message = JSON.parse(text);
    if (message.type === "server.notice" && message.payload.kind === "drain") this.drainWords = "The server is restarting.";
    this.events.message(message);
    if (message.reply_to === undefined) {
      if (message.type === "auth.error") this.partingWords = refusal(message.payload);
      return;
    }
    const pending = this.pending.get(message.reply_to);
    if (!pending) return;
    this.pending.delete(message.reply_to);
    if (message.type === "error" || message.type === "auth.error") pending.reject(message.payload);
    else pending.resolve(message.payload);
  }

  /**
   * @param {number} code
   * @param {number} [leastMs] how long the server asked to be left alone
   */
  closed(code, leastMs = 0) {
    this.socket = null;
    const { act, ms, words } = retryAfter(code, this.attempt, Math.random, leastMs);
    this.noSoonerAt = performance.now() + leastMs;
    for (const [seq, pending] of this.pending) {
      this.pending.delete(seq);
      if (isRepeatable(pending) && act === "retry") this.unsettled.push(pending);
      else pending.reject({ code: "DISCONNECTED", message: "The connection ended before the answer." });
    }
    if (act === "stop") {
      this.abandon();
      this.enter("stopped", words);
    } else if (act === "sign-in") {
      this.abandon();
      this.enter("stopped", this.partingWords || words);
      this.events.signIn(this.words);
    } else {
      this.attempt += 1;
      this.retryAt = performance.now() + ms;
      this.enter("waiting", this.drainWords || words);
      this.retryTimer = window.setTimeout(() => this.connect(), ms);
    }
  }

  /** Nobody will answer any more. */
  abandon() {
    clearTimeout(this.retryTimer);
    for (const pending of [...this.pending.values(), ...this.unsettled.splice(0)]) {
      pending.reject({ code: "DISCONNECTED", message: "The connection ended before the answer." });
    }
    this.pending.clear();
  }

  /** The network or the pilot came back: no need to wait out the delay. */
  hurry() {
    if (performance.now() < this.noSoonerAt) return;
    if (this.state === "waiting" && document.visibilityState === "visible" && this.attempt < 4) this.connect();
  }

  /** Pings, and gives up a line that has gone silent. */
  pulse() {
    if (this.state !== "flying" || !this.socket) return;
    if (performance.now() - this.heardAt > SILENCE_MS_MAX) {
      const { socket } = this;
      socket.onclose = null;
      socket.close();
      this.closed(1006);
      return;
    }
    this.send("ping", { t0: Date.now() });
  }

  /**
   * Sends one message if the line is open.
   * @template {keyof Requests} Type
   * @param {Type} type
   * @param {Requests[Type]} payload
   * @returns {number} its sequence number, 0 if it was not sent
   */
  send(type, payload) {
    if (!this.socket || this.socket.readyState !== WebSocket.OPEN) return 0;
    this.seq += 1;
    this.socket.send(JSON.stringify({ type, seq: this.seq, ts: Date.now(), payload }));
    return this.seq;
  }

  /**
   * Sends a message that has one reply.
   * @template {keyof Replies} Type
   * @param {Type} type
   * @param {Requests[Type]} payload
   * @returns {Promise<Replies[Type]>} the reply's payload; rejected with a Failure
   */
  request(type, payload) {
    return new Promise((resolve, reject) => {
      // Which payload a reply has follows from what it replies to, which only the server knows.
      const answer = /** @type {(payload: unknown) => void} */ (resolve);
      this.ask({ type, payload, resolve: answer, reject });
    });
  }

  /** @param {Pending} pending */
  ask(pending) {
    const seq = this.send(pending.type, pending.payload);
    if (seq > 0) this.pending.set(seq, pending);
    else if (isRepeatable(pending) && this.state !== "stopped") this.unsettled.push(pending);
    else pending.reject({ code: "DISCONNECTED", message: "Not connected." });
  }
}

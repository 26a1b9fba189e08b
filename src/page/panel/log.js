/**
 * The log: what happened, in a few words, newest last. Bounded.
 *
 * @module log
 */

import { byId, make } from "./dom.js";

const LINES_MAX = 6;
const OLD_MS = 12_000;

/** @typedef {"plain" | "pain" | "gain" | "bad"} Tone */

export class Log {
  constructor() {
    this.list = /** @type {HTMLOListElement} */ (byId("log").querySelector("ol"));
    /** @type {{item: HTMLLIElement, text: string, count: number, at: number}[]} */
    this.lines = [];
    setInterval(() => this.age(), 2000);
  }

  /**
   * @param {string} text
   * @param {Tone} [tone]
   */
  say(text, tone = "plain") {
    const last = this.lines.at(-1);
    if (last && last.text === text) {
      last.count += 1;
      last.at = performance.now();
      last.item.textContent = `${text} ×${last.count}`;
      last.item.classList.remove("old");
      return;
    }
    const item = make("li", tone, text);
    this.list.append(item);
    this.lines.push({ item, text, count: 1, at: performance.now() });
    if (this.lines.length > LINES_MAX) this.lines.shift()?.item.remove();
  }

  age() {
    const now = performance.now();
    for (const line of this.lines) line.item.classList.toggle("old", now - line.at > OLD_MS);
  }
}

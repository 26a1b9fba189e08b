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
    /** @type {{item: HTMLLIElement, text: string, subject: string, count: number, at: number}[]} */
    this.lines = [];
    setInterval(() => this.age(), 2000);
  }

  /**
   * @param {string} text
   * @param {Tone} [tone]
   * @param {string} [subject] a line about the same subject as the last one takes its place
   */
  say(text, tone = "plain", subject = "") {
    const last = this.lines.at(-1);
    if (last && subject !== "" && last.subject === subject) {
      last.text = text;
      last.at = performance.now();
      last.item.textContent = text;
      last.item.classList.remove("old");
      return;
    }
    if (last && last.text === text) {
      last.count += 1;
      last.at = performance.now();
      last.item.textContent = `${text} ×${last.count}`;
      last.item.classList.remove("old");
      return;
    }
    const item = make("li", tone, text);
    this.list.append(item);
    this.lines.push({ item, text, subject, count: 1, at: performance.now() });
    if (this.lines.length > LINES_MAX) this.lines.shift()?.item.remove();
  }

  age() {
    const now = performance.now();
    for (const line of this.lines) line.item.classList.toggle("old", now - line.at > OLD_MS);
  }
}

/**
 * The two dialogs: help (by itself at the first visit) and the pilot's token. Help lies beside the
 * flight and never in its way: the ship obeys under it.
 *
 * A token is kept in session storage and nowhere else.
 *
 * @module dialogs
 */

import { byId } from "./dom.js";
import { drawShip } from "../view/sprites.js";
import { OWN, kindColour } from "../view/palette.js";

const TOKEN_KEY = "orrery.token";
const SEEN_KEY = "orrery.help-seen";

/** The token of this tab, or nothing. */
export function storedToken() {
  return sessionStorage.getItem(TOKEN_KEY) ?? "";
}

/** @param {string} token empty forgets it */
export function storeToken(token) {
  if (token) sessionStorage.setItem(TOKEN_KEY, token);
  else sessionStorage.removeItem(TOKEN_KEY);
}

/**
 * Asks the server for a guest's token.
 * @returns {Promise<string | null>} null where guests are not let in
 */
export async function guestToken() {
  const response = await fetch("/guest", { method: "POST", headers: { accept: "application/json" }, cache: "no-store" });
  if (response.status === 429) throw new TooManyGuests();
  if (!response.ok) return null;
  const body = await response.json();
  return typeof body.token === "string" ? body.token : null;
}

/** The server has guests enough from here for the moment. */
class TooManyGuests extends Error {}

/**
 * Why there is no token for a guest, for people.
 *
 * @param {unknown} error what `guestToken` threw
 */
export function noTokenWords(error) {
  return error instanceof TooManyGuests
    ? "Too many guests came from here. Try again in a minute."
    : "The server cannot be reached.";
}

export class Help {
  constructor() {
    this.dialog = /** @type {HTMLDialogElement} */ (byId("help"));
    byId("open-help").onclick = () => this.toggle();
    this.dialog.addEventListener("close", () => {
      document.body.classList.remove("helped");
      try {
        localStorage.setItem(SEEN_KEY, "1");
      } catch {
        // Storage may be forbidden; then the help shows again next time.
      }
    });
  }

  open() {
    if (this.dialog.open) return;
    for (const canvas of this.dialog.querySelectorAll("canvas")) {
      const g = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
      const kind = canvas.dataset.kind ?? "";
      g.clearRect(0, 0, canvas.width, canvas.height);
      const own = kind === "own";
      drawShip(g, own ? "player_ship" : kind, 36, 40, Math.PI / 2, 21, own ? 0.5 : 0, 0.5, own ? OWN : kindColour(kind), 2.4);
    }
    document.body.classList.add("helped");
    this.dialog.show();
    this.dialog.scrollTop = 0;
  }

  close() {
    this.dialog.close();
  }

  toggle() {
    if (this.dialog.open) this.close();
    else this.open();
  }

  /** Opens at the first visit of this browser. */
  welcome() {
    let seen = false;
    try {
      seen = localStorage.getItem(SEEN_KEY) === "1";
    } catch {
      seen = false;
    }
    if (!seen && document.querySelector("dialog[open]") === null) this.open();
  }
}

export class PilotDialog {
  /** @param {(token: string) => void} signIn */
  constructor(signIn) {
    this.dialog = /** @type {HTMLDialogElement} */ (byId("pilot"));
    this.words = byId("pilot-words");
    this.token = /** @type {HTMLInputElement} */ (byId("token"));
    this.guest = /** @type {HTMLButtonElement} */ (byId("fly-guest"));
    this.signIn = signIn;
    byId("sign-in").addEventListener("submit", (event) => {
      event.preventDefault();
      const token = this.token.value.trim();
      if (token) this.use(token);
    });
    byId("pilot-close").onclick = () => this.dialog.close();
    this.dialog.addEventListener("cancel", (event) => {
      if (byId("pilot-close").hidden) event.preventDefault();
    });
    this.guest.onclick = () => this.fly();
  }

  /** @param {string} token */
  use(token) {
    this.token.value = "";
    this.dialog.close();
    this.signIn(token);
  }

  async fly() {
    this.guest.disabled = true;
    try {
      const token = await guestToken();
      if (token) this.use(token);
      else this.noGuests();
    } catch (error) {
      this.words.textContent = noTokenWords(error);
    } finally {
      this.guest.disabled = false;
    }
  }

  noGuests() {
    this.guest.hidden = true;
    byId("token-label").textContent = "Token";
    this.words.textContent = "This server lets no guests in. Sign in with a token from its operator.";
    this.token.focus();
  }

  /**
   * @param {string} words
   * @param {boolean} leave whether there is a flight to go back to
   */
  open(words, leave) {
    this.words.textContent = words;
    byId("pilot-close").hidden = !leave;
    // Whoever flies already would leave that pilot behind.
    this.guest.textContent = leave ? "Start over as a new guest" : "Fly as a guest";
    this.guest.classList.toggle("main", !leave);
    if (!this.dialog.open) this.dialog.showModal();
    if (leave) this.token.focus();
  }
}

/**
 * The keyboard as a source of steering.
 *
 * Keys are read by place (`code`), so they lie the same on every layout. A key pressed while a text
 * field or a modal dialog has the focus never steers; Space and Enter on a button press the button.
 *
 * @module keyboard
 */

/** @typedef {import("./steering.js").Intent} Intent */

/** @type {Record<string, "thrust" | "left" | "right" | "fire" | "brake">} */
const HELD = {
  KeyW: "thrust",
  ArrowUp: "thrust",
  KeyA: "left",
  ArrowLeft: "left",
  KeyD: "right",
  ArrowRight: "right",
  KeyS: "brake",
  ArrowDown: "brake",
  Space: "fire",
};

/** @param {EventTarget | null} target */
function typing(target) {
  if (!(target instanceof HTMLElement)) return false;
  // A field of a dialog that has just closed keeps the focus until the next frame is drawn.
  return target.closest("input, select, textarea, dialog:modal") !== null && target.checkVisibility();
}

export class Keyboard {
  /** @param {(code: string) => boolean} pressed told of every other key; true if it had a meaning */
  constructor(pressed) {
    /** @type {Set<string>} */
    this.down = new Set();
    addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
      const held = HELD[event.code];
      const onButton = event.target instanceof HTMLButtonElement;
      if (held && !(onButton && event.code === "Space")) {
        this.down.add(event.code);
        event.preventDefault();
      } else if (!event.repeat && pressed(event.code)) {
        event.preventDefault();
      }
    });
    addEventListener("keyup", (event) => this.down.delete(event.code));
    addEventListener("blur", () => this.down.clear());
  }

  /** @param {Intent} intent */
  read(intent) {
    for (const code of this.down) {
      switch (HELD[code]) {
        case "thrust":
          intent.thrust = 1;
          break;
        case "left":
          intent.turn += 1;
          break;
        case "right":
          intent.turn -= 1;
          break;
        case "brake":
          intent.brake = true;
          break;
        default:
          intent.fire = true;
      }
    }
  }
}

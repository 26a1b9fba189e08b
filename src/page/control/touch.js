/**
 * Thumbs as a source of steering: a stick that names the heading and the burn, and two buttons.
 *
 * The stick appears where the left thumb lands. Unlike a key it does not say "turn left" but "point
 * there"; the further out, the harder the burn. Two fingers on the sky zoom.
 *
 * @module touch
 */

/** @typedef {import("./steering.js").Intent} Intent */

const STICK_PX = 56;
const BURN_FROM = 0.45;

export class Touch {
  /**
   * @param {HTMLElement} area where the stick may appear
   * @param {HTMLElement} stick the drawn base of the stick, holding its knob
   * @param {HTMLElement} fire the fire button
   * @param {(factor: number) => void} zoom
   */
  constructor(area, stick, fire, zoom) {
    this.stick = stick;
    this.knob = /** @type {HTMLElement} */ (stick.firstElementChild);
    this.zoom = zoom;
    this.firing = false;
    this.used = false;
    /** @type {{id: number, x: number, y: number, dx: number, dy: number} | null} */
    this.thumb = null;
    /** @type {Map<number, {x: number, y: number}>} */
    this.fingers = new Map();
    area.addEventListener("pointerdown", (event) => this.begin(event));
    area.addEventListener("pointermove", (event) => this.move(event));
    for (const type of ["pointerup", "pointercancel", "lostpointercapture"]) {
      area.addEventListener(type, (event) => this.end(/** @type {PointerEvent} */ (event)));
    }
    fire.addEventListener("pointerdown", (event) => {
      this.firing = true;
      fire.setPointerCapture(event.pointerId);
      event.preventDefault();
    });
    for (const type of ["pointerup", "pointercancel", "lostpointercapture"]) {
      fire.addEventListener(type, () => {
        this.firing = false;
      });
    }
  }

  /** @param {PointerEvent} event */
  begin(event) {
    if (event.pointerType === "mouse") return;
    this.used = true;
    document.body.classList.add("touching");
    const area = /** @type {HTMLElement} */ (event.currentTarget);
    area.setPointerCapture(event.pointerId);
    this.fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (this.fingers.size === 2) {
      this.release();
    } else if (this.fingers.size === 1) {
      this.thumb = { id: event.pointerId, x: event.clientX, y: event.clientY, dx: 0, dy: 0 };
      this.stick.style.setProperty("--x", `${event.clientX}px`);
      this.stick.style.setProperty("--y", `${event.clientY}px`);
      this.stick.classList.add("held");
      this.place();
    }
    event.preventDefault();
  }

  /** @param {PointerEvent} event */
  move(event) {
    const finger = this.fingers.get(event.pointerId);
    if (!finger) return;
    const before = this.spread();
    finger.x = event.clientX;
    finger.y = event.clientY;
    if (this.fingers.size === 2 && before > 0) this.zoom(this.spread() / before);
    const { thumb } = this;
    if (!thumb || thumb.id !== event.pointerId) return;
    const dx = event.clientX - thumb.x;
    const dy = event.clientY - thumb.y;
    const length = Math.hypot(dx, dy);
    const scale = length > STICK_PX ? STICK_PX / length : 1;
    thumb.dx = (dx * scale) / STICK_PX;
    thumb.dy = (dy * scale) / STICK_PX;
    this.place();
  }

  /** @param {PointerEvent} event */
  end(event) {
    this.fingers.delete(event.pointerId);
    if (this.thumb?.id === event.pointerId) this.release();
  }

  release() {
    this.thumb = null;
    this.stick.classList.remove("held");
  }

  spread() {
    const [a, b] = [...this.fingers.values()];
    return a && b ? Math.hypot(a.x - b.x, a.y - b.y) : 0;
  }

  place() {
    if (!this.thumb) return;
    this.knob.style.setProperty("--dx", `${this.thumb.dx * STICK_PX}px`);
    this.knob.style.setProperty("--dy", `${this.thumb.dy * STICK_PX}px`);
  }

  /** @param {Intent} intent */
  read(intent) {
    if (this.firing) intent.fire = true;
    if (!this.thumb) return;
    const pull = Math.hypot(this.thumb.dx, this.thumb.dy);
    if (pull < 0.12) return;
    intent.heading = Math.atan2(-this.thumb.dy, this.thumb.dx);
    intent.headingBurn = Math.max(0, (pull - BURN_FROM) / (1 - BURN_FROM));
  }
}

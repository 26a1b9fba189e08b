/**
 * Where the picture looks, and how world units become pixels (y turns over).
 *
 * Zoom moves between fixed levels, so that the backdrop's tiles are drawn one to one at rest.
 *
 * @module camera
 */

export const ZOOM_LEVELS = [0.25, 0.36, 0.5, 0.7, 0.85, 1, 1.4, 2, 2.8];
const LEVEL_DEFAULT = 5;
/** What the shorter side of the picture shows at first, u; a small screen keeps ships readable instead. */
const FIRST_SIGHT_UNITS = 850;
const FIRST_ZOOM_MIN = 0.7;
const LOOK_AHEAD_SECONDS = 0.35;
const LOOK_AHEAD_PART_MAX = 0.16;

export class Camera {
  constructor() {
    this.x = 0;
    this.y = 0;
    this.width = 1;
    this.height = 1;
    this.pixelRatio = 1;
    this.level = LEVEL_DEFAULT;
    /** CSS pixels a unit, on its way to the level's. */
    this.zoom = ZOOM_LEVELS[LEVEL_DEFAULT];
    /** Device pixels a unit. */
    this.scale = this.zoom;
    this.aheadX = 0;
    this.aheadY = 0;
    /** CSS pixels by which the ship stands right of the middle, and where that is going. */
    this.bias = 0;
    this.biasAim = 0;
    this.shake = 0;
    this.shakeX = 0;
    this.shakeY = 0;
    this.calm = false;
    this.started = false;
    this.pinch = 1;
  }

  /**
   * @param {number} width device pixels
   * @param {number} height device pixels
   * @param {number} pixelRatio
   */
  resize(width, height, pixelRatio) {
    this.width = width;
    this.height = height;
    this.pixelRatio = pixelRatio;
  }

  /** The level from which a pilot first sees the world. */
  begin() {
    const aim = Math.max(FIRST_ZOOM_MIN, Math.min(this.width, this.height) / this.pixelRatio / FIRST_SIGHT_UNITS);
    const off = (/** @type {number} */ zoom) => Math.abs(Math.log(zoom / aim));
    this.level = ZOOM_LEVELS.reduce((best, zoom, level) => (off(zoom) < off(ZOOM_LEVELS[best]) ? level : best), 0);
    this.zoom = ZOOM_LEVELS[this.level];
  }

  /** @param {number} steps positive comes closer */
  step(steps) {
    this.level = Math.max(0, Math.min(ZOOM_LEVELS.length - 1, this.level + steps));
  }

  /** @param {number} factor of a pinch */
  pinchBy(factor) {
    this.pinch *= factor;
    if (this.pinch > 1.25) {
      this.pinch = 1;
      this.step(1);
    } else if (this.pinch < 0.8) {
      this.pinch = 1;
      this.step(-1);
    }
  }

  /** @param {number} strength in CSS pixels */
  jolt(strength) {
    if (!this.calm) this.shake = Math.min(9, this.shake + strength);
  }

  /**
   * @param {{x: number, y: number, vx: number, vy: number}} body
   * @param {number} seconds
   */
  follow(body, seconds) {
    const aim = ZOOM_LEVELS[this.level];
    const ease = this.calm ? 1 : 1 - Math.exp(-seconds / 0.09);
    this.zoom += (aim - this.zoom) * ease;
    if (Math.abs(this.zoom / aim - 1) < 0.004) this.zoom = aim;
    this.scale = this.zoom * this.pixelRatio;
    const reach = (LOOK_AHEAD_PART_MAX * Math.min(this.width, this.height)) / this.scale;
    let ax = this.calm ? 0 : body.vx * LOOK_AHEAD_SECONDS;
    let ay = this.calm ? 0 : body.vy * LOOK_AHEAD_SECONDS;
    const length = Math.hypot(ax, ay);
    if (length > reach) {
      ax *= reach / length;
      ay *= reach / length;
    }
    const drift = this.started ? 1 - Math.exp(-seconds / 0.7) : 1;
    this.aheadX += (ax - this.aheadX) * drift;
    this.aheadY += (ay - this.aheadY) * drift;
    this.bias += (this.biasAim - this.bias) * (this.started && !this.calm ? 1 - Math.exp(-seconds / 0.25) : 1);
    this.started = true;
    this.x = body.x + this.aheadX - this.bias / this.zoom;
    this.y = body.y + this.aheadY;
    this.shake *= Math.exp(-seconds / 0.12);
    const angle = Math.random() * 6.28;
    const size = this.shake > 0.2 ? this.shake * this.pixelRatio : 0;
    this.shakeX = Math.cos(angle) * size;
    this.shakeY = Math.sin(angle) * size;
  }

  /** @param {number} x */
  toX(x) {
    return (x - this.x) * this.scale + this.width / 2 + this.shakeX;
  }

  /** @param {number} y */
  toY(y) {
    return (this.y - y) * this.scale + this.height / 2 + this.shakeY;
  }
}

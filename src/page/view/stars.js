/**
 * The starfield: three depths that slide past at different speeds.
 *
 * @module stars
 */

/** @typedef {import("./camera.js").Camera} Camera */

const LAYERS = [
  { count: 90, depth: 0.04, size: 1, alpha: 0.4 },
  { count: 60, depth: 0.11, size: 1, alpha: 0.7 },
  { count: 26, depth: 0.24, size: 2, alpha: 0.75 },
];
const TINTS = ["#9fb8e0", "#c9d8ec", "#ffe6c7", "#b9c6ff"];

export class Stars {
  constructor() {
    let state = 20_107;
    const next = () => {
      state = (state * 48_271) % 2_147_483_647;
      return state / 2_147_483_647;
    };
    this.layers = LAYERS.map((layer) => ({
      ...layer,
      stars: Array.from({ length: layer.count }, () => ({
        x: next(),
        y: next(),
        tint: TINTS[Math.floor(next() * TINTS.length)],
        shine: 0.5 + 0.5 * next(),
      })),
    }));
  }

  /**
   * @param {CanvasRenderingContext2D} g
   * @param {Camera} camera
   */
  draw(g, camera) {
    const { width, height, pixelRatio } = camera;
    for (const layer of this.layers) {
      // Depth moves with the world, not with the zoom: stars are far away.
      const slideX = camera.x * layer.depth * pixelRatio;
      const slideY = -camera.y * layer.depth * pixelRatio;
      const size = Math.max(1, Math.round(layer.size * pixelRatio));
      for (const star of layer.stars) {
        const x = star.x * width - slideX;
        const y = star.y * height - slideY;
        g.globalAlpha = layer.alpha * star.shine;
        g.fillStyle = star.tint;
        g.fillRect(Math.round(x - Math.floor(x / width) * width), Math.round(y - Math.floor(y / height) * height), size, size);
      }
    }
    g.globalAlpha = 1;
  }
}

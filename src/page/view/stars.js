/**
 * The starfield: three depths that slide past at different speeds.
 *
 * @module stars
 */

/** @typedef {import("./camera.js").Camera} Camera */

const LAYERS = [
  { count: 190, depth: 0.03, size: 1, alpha: 0.42 },
  { count: 80, depth: 0.09, size: 1, alpha: 0.8 },
  { count: 30, depth: 0.2, size: 2, alpha: 0.85 },
];
/** Bright stars carry a hairline cross. */
const GLINTS = 7;
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
      layer.stars.forEach((star, index) => {
        const slidX = star.x * width - slideX;
        const slidY = star.y * height - slideY;
        const x = Math.round(slidX - Math.floor(slidX / width) * width);
        const y = Math.round(slidY - Math.floor(slidY / height) * height);
        g.globalAlpha = layer.alpha * star.shine;
        g.fillStyle = star.tint;
        g.fillRect(x, y, size, size);
        if (layer.size < 2 || index >= GLINTS) return;
        g.globalAlpha *= 0.28;
        const arm = size * 4;
        g.fillRect(x - arm, y + size / 4, arm * 2 + size, size / 2);
        g.fillRect(x + size / 4, y - arm, size / 2, arm * 2 + size);
      });
    }
    g.globalAlpha = 1;
  }
}

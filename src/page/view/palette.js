/**
 * Every colour of the picture. Two accents: friendly blue and hostile vermilion, a pair that stays
 * apart in every common colour blindness; shape and words always say the same thing again.
 *
 * @module palette
 */

export const SKY = "#050911";
export const INK = "#c9d8ec";
export const DIM = "#7387a6";
export const HAIR = "#1d2d47";
export const FRIEND = "#63c5ff";
export const HOSTILE = "#ff7847";
export const OWN = "#f2f8ff";
export const NEUTRAL = "#a9b7cc";
export const MONO = 'ui-monospace, "SF Mono", "Cascadia Mono", "JetBrains Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace';

/** @type {Record<string, string>} */
const BY_KIND = {
  player_ship: "#9db4ff",
  patrol: FRIEND,
  trader: NEUTRAL,
  pirate: HOSTILE,
};

/** @param {string} kind */
export function kindColour(kind) {
  return BY_KIND[kind] ?? NEUTRAL;
}

/** @type {[number, number, number]} */
const CALM = [70, 150, 230];
/** @type {[number, number, number]} */
const UNEASY = [150, 130, 190];
/** @type {[number, number, number]} */
const DEADLY = [255, 110, 60];

/**
 * A zone's tint: blue where it is safe, through a dull violet, to vermilion where it is deadly.
 * @param {number} risk out of 1
 * @param {number} alpha
 */
export function riskColour(risk, alpha) {
  const [from, to, s] = risk < 0.5 ? [CALM, UNEASY, risk * 2] : [UNEASY, DEADLY, risk * 2 - 1];
  const mix = from.map((value, index) => Math.round(value + (to[index] - value) * s));
  return `rgba(${mix[0]}, ${mix[1]}, ${mix[2]}, ${alpha})`;
}

/**
 * The first gamepad as a source of steering: left stick turns, right trigger burns, A fires.
 *
 * @module gamepad
 */

/** @typedef {import("./steering.js").Intent} Intent */

const DEAD_ZONE = 0.15;

export class GamepadControl {
  /** @param {() => void} dock told when the dock button goes down */
  constructor(dock) {
    this.dock = dock;
    this.dockHeld = false;
    this.present = false;
    const count = () => {
      this.present = [...navigator.getGamepads()].some((pad) => pad?.connected);
    };
    addEventListener("gamepadconnected", count);
    addEventListener("gamepaddisconnected", count);
  }

  /** @param {Intent} intent */
  read(intent) {
    if (!this.present) return;
    const pad = [...navigator.getGamepads()].find((one) => one?.connected);
    if (!pad) return;
    const axis = pad.axes[0] ?? 0;
    if (Math.abs(axis) > DEAD_ZONE) {
      intent.turn -= (Math.sign(axis) * (Math.abs(axis) - DEAD_ZONE)) / (1 - DEAD_ZONE);
    }
    const burn = Math.max(pad.buttons[7]?.value ?? 0, -(pad.axes[1] ?? 0) - 0.35);
    if (burn > 0.05) intent.thrust = Math.max(intent.thrust, Math.min(1, burn));
    if ((pad.buttons[6]?.value ?? 0) > 0.3) intent.brake = true;
    if (pad.buttons[0]?.pressed || pad.buttons[5]?.pressed) intent.fire = true;
    const dock = pad.buttons[2]?.pressed ?? false;
    if (dock && !this.dockHeld) this.dock();
    this.dockHeld = dock;
  }
}

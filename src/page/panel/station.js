/**
 * The counter of the station where the ship is docked: market, tank, hull, departures.
 *
 * Every action is one request with its own `request_id`; its result or refusal is said in words. The
 * table's rows stay the same elements while prices move, so the focus stays where it was.
 *
 * @module station
 */

import { byId, make, setText } from "./dom.js";
import { credits, refusal, stationName, title, whole } from "../app/words.js";

/** @typedef {import("../game/world.js").World} World */
/** @typedef {import("../app/link.js").Link} Link */
/** @typedef {import("../types.js").PriceRow} PriceRow */
/** @typedef {import("../types.js").Requests} Requests */
/** @typedef {import("../types.js").Replies} Replies */
/**
 * @typedef {object} Row
 * @property {HTMLTableRowElement} row
 * @property {HTMLElement} hint
 * @property {HTMLElement} stock
 * @property {HTMLElement} held
 * @property {HTMLButtonElement} buy
 * @property {HTMLButtonElement} sell
 */

const FUEL = "fuel";
const SLOW_MS = 400;

/**
 * A price each, and what the chosen quantity comes to.
 * @param {HTMLButtonElement} button
 * @param {number} each
 * @param {number} quantity
 */
function quote(button, each, quantity) {
  setText(/** @type {Element} */ (button.firstElementChild), whole(each));
  setText(/** @type {Element} */ (button.lastElementChild), quantity > 1 ? `×${quantity} = ${whole(each * quantity)}` : "");
}

export class StationPanel {
  /**
   * @param {World} world
   * @param {Link} link
   * @param {(text: string, tone: import("./log.js").Tone) => void} say
   * @param {() => void} undock
   */
  constructor(world, link, say, undock) {
    this.world = world;
    this.link = link;
    this.say = say;
    this.panel = byId("station");
    this.name = byId("station-name");
    this.wallet = byId("wallet");
    this.body = byId("market");
    this.result = byId("result");
    this.jumps = byId("jumps");
    /** A jump that had begun was refused at its end. */
    this.stranded = () => {};
    this.refuelButton = /** @type {HTMLButtonElement} */ (byId("refuel"));
    this.repairButton = /** @type {HTMLButtonElement} */ (byId("repair"));
    this.other = /** @type {HTMLInputElement} */ (byId("quantity-other"));
    this.stationId = "";
    /** @type {number | "max"} */
    this.quantity = 5;
    /** @type {Map<string, Row>} */
    this.rows = new Map();
    this.refuelButton.onclick = () => this.refuel();
    this.repairButton.onclick = () => this.repair();
    byId("undock").onclick = undock;
    this.choices = /** @type {HTMLButtonElement[]} */ ([...byId("quantity").querySelectorAll("button")]);
    for (const choice of this.choices) {
      choice.onclick = () => {
        this.other.value = "";
        this.choose(choice.dataset.quantity === "max" ? "max" : Number(choice.dataset.quantity));
      };
    }
    this.other.oninput = () => {
      const value = Math.floor(Number(this.other.value));
      if (value >= 1) this.choose(value);
    };
  }

  /** @param {number | "max"} quantity */
  choose(quantity) {
    this.quantity = quantity;
    for (const choice of this.choices) choice.setAttribute("aria-pressed", String(choice.dataset.quantity === String(quantity)));
    this.update();
  }

  /** Puts the focus into the panel, or gives it back to the ship. */
  toggleFocus() {
    if (this.panel.hidden) return;
    if (this.panel.contains(document.activeElement)) /** @type {HTMLElement} */ (document.activeElement).blur();
    else this.name.focus();
  }

  /** Opens, closes and refreshes with the state of the world. */
  update() {
    const { you } = this.world;
    const at = you?.docked_at ?? "";
    if (at !== this.stationId) this.arrive(at);
    if (!you || at === "") return;
    const station = this.world.stations.get(at);
    setText(this.name, station ? stationName(station) : title(at));
    const held = you.cargo.reduce((sum, row) => sum + row.qty, 0);
    setText(this.wallet, `${credits(you.credits)}, hold ${held}/${you.cargo_capacity}`);
    const prices = this.world.markets.get(at)?.prices ?? [];
    for (const price of prices) if (price.commodity_id !== FUEL) this.updateRow(price);
    this.updateServices(prices.find((price) => price.commodity_id === FUEL));
  }

  /** @param {string} at */
  arrive(at) {
    this.stationId = at;
    this.panel.hidden = at === "";
    document.body.classList.toggle("docked", at !== "");
    this.body.replaceChildren();
    this.rows.clear();
    this.tell("", false);
    if (at === "") {
      if (this.panel.contains(document.activeElement)) /** @type {HTMLElement} */ (document.activeElement).blur();
      return;
    }
    if (document.querySelector("dialog[open]") === null) this.name.focus({ preventScroll: true });
    const systems = this.world.systems.filter(({ id }) => id !== this.world.systemId);
    this.jumps.hidden = systems.length === 0;
    const { fuel, duration_ms } = this.world.jump;
    const terms = fuel > 0 || duration_ms > 0 ? ` (${whole(fuel)} fuel, ${Math.ceil(duration_ms / 1000)} s)` : "";
    this.jumps.replaceChildren(make("span", "", `Fly${terms} to`));
    for (const { id, name } of systems) {
      const button = make("button", "", name);
      button.type = "button";
      button.onclick = () => this.jump(id, name);
      this.jumps.append(button);
    }
  }

  /** @param {string} commodity */
  heldOf(commodity) {
    return this.world.you?.cargo.find((row) => row.commodity_id === commodity)?.qty ?? 0;
  }

  roomLeft() {
    const { you } = this.world;
    if (!you) return 0;
    const held = you.cargo.reduce((sum, row) => sum + row.qty, 0);
    return Math.max(0, (you.cargo_capacity ?? Infinity) - held);
  }

  /** @param {PriceRow} price */
  buyQuantity(price) {
    if (this.quantity !== "max") return this.quantity;
    const afford = Math.floor((this.world.you?.credits ?? 0) / Math.max(1, price.buy));
    return Math.max(0, Math.min(afford, this.roomLeft(), price.stock ?? Infinity));
  }

  /** @param {PriceRow} price */
  updateRow(price) {
    const id = price.commodity_id;
    const row = this.rows.get(id) ?? this.addRow(price);
    const held = this.heldOf(id);
    const buy = this.buyQuantity(price);
    const sell = this.quantity === "max" ? held : this.quantity;
    const goods = this.world.goodsName(id);
    setText(row.stock, price.stock === undefined ? "–" : whole(price.stock));
    setText(row.held, held === 0 ? "–" : whole(held));
    row.held.classList.toggle("none", held === 0);
    quote(row.buy, price.buy, buy);
    quote(row.sell, price.sell, sell);
    row.buy.setAttribute("aria-label", `Buy ${buy} ${goods} for ${price.buy * buy} credits`);
    row.sell.setAttribute("aria-label", `Sell ${sell} ${goods} for ${price.sell * sell} credits`);
    const you = this.world.you;
    row.buy.disabled = buy < 1 || !you || price.buy * buy > you.credits || buy > this.roomLeft() || buy > (price.stock ?? Infinity);
    row.sell.disabled = sell < 1 || held < sell;
    this.updateHint(row.hint, price);
  }

  /**
   * Where the goods fetch most, among the stations whose prices are known.
   * @param {HTMLElement} hint
   * @param {PriceRow} price
   */
  updateHint(hint, price) {
    let best = 0;
    let where = "";
    for (const market of this.world.markets.values()) {
      if (market.station_id === this.stationId) continue;
      const there = market.prices.find((row) => row.commodity_id === price.commodity_id);
      if (there && there.sell > best) {
        best = there.sell;
        where = market.station_id;
      }
    }
    const station = this.world.stations.get(where);
    const name = station ? stationName(station) : title(where);
    const gain = best - price.buy;
    hint.className = gain > 0 ? "good" : "";
    setText(hint, where === "" ? "" : gain > 0 ? `▲ ${best} in ${name}` : `${best} at most elsewhere`);
  }

  /** @param {PriceRow} price */
  addRow(price) {
    const id = price.commodity_id;
    const row = make("tr");
    const name = make("th", "", this.world.goodsName(id));
    name.scope = "row";
    const hint = make("small");
    name.append(hint);
    const stock = make("td", "num");
    const held = make("td", "num held");
    const buy = make("button");
    const sell = make("button");
    for (const button of [buy, sell]) {
      button.type = "button";
      button.append(make("b"), make("small"));
    }
    buy.onclick = () => this.trade("trade.buy", id);
    sell.onclick = () => this.trade("trade.sell", id);
    const buyCell = make("td", "num");
    const sellCell = make("td", "num");
    buyCell.append(buy);
    sellCell.append(sell);
    row.append(name, stock, held, buyCell, sellCell);
    this.body.append(row);
    const made = { row, hint, stock, held, buy, sell };
    this.rows.set(id, made);
    return made;
  }

  /** @param {PriceRow | undefined} fuel */
  updateServices(fuel) {
    const { you } = this.world;
    if (!you) return;
    const room = Math.ceil((you.fuel_max ?? 100) - you.fuel);
    const fuelTerms = /** @type {HTMLElement} */ (this.refuelButton.lastElementChild);
    if (!fuel) setText(fuelTerms, "none here");
    else if (room < 1) setText(fuelTerms, "full");
    else setText(fuelTerms, `${room} × ${fuel.buy}`);
    this.refuelButton.disabled = !fuel || room < 1 || you.credits < fuel.buy;
    const broken = (you.hull_max ?? 100) - you.hull;
    const hullTerms = /** @type {HTMLElement} */ (this.repairButton.lastElementChild);
    const price = this.world.stations.get(this.stationId)?.repair_price ?? 0;
    setText(hullTerms, broken < 1 ? "whole" : price > 0 ? `${broken} × ${price}` : `${broken} points`);
    this.repairButton.disabled = broken < 1 || price > you.credits;
  }

  /**
   * @param {string} text
   * @param {boolean} bad
   */
  tell(text, bad) {
    this.result.classList.toggle("bad", bad);
    setText(this.result, text);
    if (text) this.say(text, bad ? "bad" : "plain");
  }

  /** Where an order goes, and what makes it safe to repeat. */
  addressed() {
    return { station_id: this.stationId, request_id: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}` };
  }

  /**
   * @template {"trade.buy" | "trade.sell" | "ship.repair_request"} Type
   * @param {Type} type
   * @param {Requests[Type]} order
   * @param {(result: Replies[Type]) => string} words
   */
  async act(type, order, words) {
    const waiting = setTimeout(() => setText(this.result, "Waiting for the station’s answer."), SLOW_MS);
    try {
      const result = await this.link.request(type, order);
      if (this.world.you) {
        this.world.you = { ...this.world.you, credits: result.credits };
        if ("cargo" in result) this.world.you.cargo = result.cargo;
        if ("hull" in result) this.world.you.hull = result.hull;
      }
      this.tell(words(result), false);
    } catch (failure) {
      this.tell(refusal(/** @type {import("../types.js").Failure} */ (failure)), true);
    } finally {
      clearTimeout(waiting);
      this.update();
    }
  }

  /**
   * @param {"trade.buy" | "trade.sell"} type
   * @param {string} commodity
   */
  trade(type, commodity) {
    const price = this.world.markets.get(this.stationId)?.prices.find((row) => row.commodity_id === commodity);
    if (!price) return;
    const buying = type === "trade.buy";
    const quantity = buying ? this.buyQuantity(price) : this.quantity === "max" ? this.heldOf(commodity) : this.quantity;
    if (quantity < 1) return;
    const past = buying ? "Bought" : "Sold";
    void this.act(type, { ...this.addressed(), commodity_id: commodity, quantity }, (result) => {
      const { details } = result;
      return `${past} ${details.quantity} ${this.world.goodsName(details.commodity_id)} at ${details.unit_price} each: ${credits(details.total)}`;
    });
  }

  refuel() {
    const { you } = this.world;
    const fuel = this.world.markets.get(this.stationId)?.prices.find((row) => row.commodity_id === FUEL);
    if (!you || !fuel) return;
    const room = Math.ceil((you.fuel_max ?? 100) - you.fuel);
    const quantity = Math.min(room, Math.floor(you.credits / Math.max(1, fuel.buy)), fuel.stock ?? Infinity);
    if (quantity < 1) return;
    void this.act("trade.buy", { ...this.addressed(), commodity_id: FUEL, quantity }, (result) => {
      const { details } = result;
      return `Took on ${details.quantity} fuel at ${details.unit_price} each: ${credits(details.total)}`;
    });
  }

  repair() {
    void this.act("ship.repair_request", this.addressed(), (result) => {
      const { details } = result;
      return `Repaired ${details.hull_restored} of hull at ${details.unit_price} each: ${credits(details.total)}`;
    });
  }

  /**
   * @param {string} systemId
   * @param {string} name
   */
  jump(systemId, name) {
    this.link.request("session.join_system", { system_id: systemId }).then(
      () => this.say(`Arrived in ${name}`, "plain"),
      (failure) => {
        this.tell(refusal(failure), true);
        this.stranded();
      },
    );
  }
}

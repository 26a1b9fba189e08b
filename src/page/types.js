/**
 * The protocol's messages as JSDoc types: what this page reads and what it sends.
 *
 * The server's tests hold every type here against the protocol's table: it names exactly the fields
 * that the table has, with the same presence. Properties in brackets may be absent. Nothing here runs.
 *
 * @module types
 */

/**
 * @template {string} Type
 * @template Payload
 * @typedef {object} Envelope
 * @property {Type} type
 * @property {number} seq
 * @property {number} ts
 * @property {Payload} payload
 * @property {number} [reply_to]
 */

/**
 * @typedef {object} AuthOk
 * @property {string} player_id
 * @property {string | null} system_id
 */

/**
 * @typedef {object} Spawn
 * @property {number} x
 * @property {number} y
 * @property {number} rotation
 */

/**
 * @typedef {object} Flight
 * @property {number} thrust_accel
 * @property {number} turn_rate
 * @property {number} drag
 * @property {number} radius
 * @property {number} fuel_burn
 * @property {number} empty_tank_thrust
 */

/**
 * @typedef {object} ChartStation
 * @property {string} station_id
 * @property {string} name
 * @property {number} x
 * @property {number} y
 * @property {number} radius
 * @property {number} docking_radius
 * @property {number} docking_speed_max
 * @property {number} repair_price
 */

/**
 * @typedef {object} ChartWeapon
 * @property {number} muzzle_speed
 * @property {number} cooldown_ms
 * @property {number} lifetime_ms
 */

/**
 * @typedef {object} ChartJump
 * @property {number} fuel
 * @property {number} duration_ms
 */

/**
 * @typedef {object} Named
 * @property {string} id
 * @property {string} name
 */

/**
 * @typedef {object} SystemChart
 * @property {string} name
 * @property {number} half_extent
 * @property {ChartStation[]} stations
 * @property {Named[]} commodities
 * @property {Named[]} systems
 * @property {ChartWeapon} weapon
 * @property {ChartJump} jump
 */

/**
 * @typedef {object} SessionJoined
 * @property {string} system_id
 * @property {string} ship_id
 * @property {Spawn} spawn
 * @property {number} tick_rate
 * @property {number} tick
 * @property {number} protocol_version
 * @property {number} view_radius
 * @property {Flight} flight
 * @property {SystemChart} [chart]
 */

/**
 * @typedef {object} EntityRow
 * @property {string} id
 * @property {string} [kind]
 * @property {number} x
 * @property {number} y
 * @property {number} vx
 * @property {number} vy
 * @property {number} r
 * @property {number} hp
 */

/**
 * @typedef {object} CargoRow
 * @property {string} commodity_id
 * @property {number} qty
 */

/**
 * @typedef {object} You
 * @property {string} ship_id
 * @property {number} credits
 * @property {number} hull
 * @property {number} fuel
 * @property {CargoRow[]} cargo
 * @property {string | null} docked_at
 * @property {number} [dock_ready_tick]
 * @property {number} cargo_capacity
 * @property {number} hull_max
 * @property {number} fuel_max
 */

/**
 * @typedef {object} PriceRow
 * @property {string} commodity_id
 * @property {number} buy
 * @property {number} sell
 * @property {number} stock
 */

/**
 * @typedef {object} Market
 * @property {string} station_id
 * @property {PriceRow[]} prices
 */

/**
 * @typedef {object} Zone
 * @property {string} zone_id
 * @property {string} zone_type
 * @property {{x: number, y: number}} center
 * @property {number} radius
 * @property {number} risk_level
 * @property {number} security_level
 * @property {number} profit_multiplier
 * @property {boolean} pvp_allowed
 */

/**
 * @typedef {object} WorldSnapshot
 * @property {number} tick
 * @property {You} you
 * @property {EntityRow[]} entities
 * @property {Market[]} markets
 * @property {Zone[]} zones
 */

/**
 * @typedef {object} ZoneContext
 * @property {string[]} zone_ids
 * @property {number} blended_risk
 * @property {number} blended_security
 * @property {number} blended_profit_multiplier
 */

/**
 * @typedef {object} WorldEvent
 * @property {string} kind
 * @property {string} source_id
 * @property {string} [projectile_id]
 * @property {string} [station_id]
 */

/**
 * @typedef {object} WorldDelta
 * @property {number} tick
 * @property {EntityRow[]} entity_updates
 * @property {string[]} entity_removed
 * @property {WorldEvent[]} events
 * @property {ZoneContext} you_zone_context
 * @property {number} [last_input_seq]
 * @property {Partial<You>} [you]
 * @property {Record<string, string>} [gone]
 * @property {number} [time_dilation]
 */

/**
 * @typedef {object} TradeDetails
 * @property {string} station_id
 * @property {string} commodity_id
 * @property {number} quantity
 * @property {number} unit_price
 * @property {number} total
 */

/**
 * @typedef {object} TradeResult
 * @property {boolean} ok
 * @property {number} credits
 * @property {CargoRow[]} cargo
 * @property {TradeDetails} details
 */

/**
 * @typedef {object} RepairDetails
 * @property {string} station_id
 * @property {number} hull_restored
 * @property {number} unit_price
 * @property {number} total
 */

/**
 * @typedef {object} RepairResult
 * @property {boolean} ok
 * @property {number} credits
 * @property {number} hull
 * @property {RepairDetails} details
 */

/**
 * @typedef {object} CombatEvent
 * @property {string} kind
 * @property {string} source_id
 * @property {string} target_id
 * @property {number} damage
 * @property {number} target_hp
 */

/**
 * @typedef {object} Pong
 * @property {number} t0
 * @property {number} t1
 * @property {number} tick
 */

/**
 * @typedef {object} Notice
 * @property {string} kind
 * @property {string} [message]
 * @property {number} [deadline_ms]
 * @property {string} [system_id]
 */

/**
 * @typedef {object} Failure
 * @property {string} code
 * @property {string} message
 * @property {number} [retry_after_ms]
 */

/**
 * @typedef {object} InputCommand
 * @property {number} thrust
 * @property {number} turn
 * @property {boolean} fire_primary
 * @property {boolean} dock_request
 */

/**
 * @typedef {object} Login
 * @property {string} token
 * @property {number} [protocol_version]
 */

/**
 * @typedef {object} TokenRefresh
 * @property {string} token
 */

/**
 * @typedef {object} JoinSystem
 * @property {string} system_id
 */

/**
 * @typedef {object} TradeOrder
 * @property {string} station_id
 * @property {string} commodity_id
 * @property {number} quantity
 * @property {string} [request_id]
 */

/**
 * @typedef {object} RepairOrder
 * @property {string} station_id
 * @property {string} [request_id]
 */

/**
 * @typedef {object} Ping
 * @property {number} t0
 */

/**
 * Every message that the server sends, told apart by its `type`.
 * @typedef {Envelope<"auth.ok", AuthOk>
 *   | Envelope<"auth.error", Failure>
 *   | Envelope<"session.joined", SessionJoined>
 *   | Envelope<"world.snapshot", WorldSnapshot>
 *   | Envelope<"world.delta", WorldDelta>
 *   | Envelope<"trade.result", TradeResult>
 *   | Envelope<"ship.repair_result", RepairResult>
 *   | Envelope<"combat.event", CombatEvent>
 *   | Envelope<"pong", Pong>
 *   | Envelope<"server.notice", Notice>
 *   | Envelope<"error", Failure>} ServerMessage
 */

/**
 * What each message of the page carries, by its `type`.
 * @typedef {{
 *   "auth.login": Login,
 *   "auth.refresh": TokenRefresh,
 *   "session.join_system": JoinSystem,
 *   "input.command": InputCommand,
 *   "trade.buy": TradeOrder,
 *   "trade.sell": TradeOrder,
 *   "ship.repair_request": RepairOrder,
 *   "ping": Ping,
 * }} Requests
 */

/**
 * What a request that succeeded is answered with, by the request's `type`.
 * @typedef {{
 *   "auth.login": AuthOk,
 *   "auth.refresh": AuthOk,
 *   "session.join_system": SessionJoined,
 *   "trade.buy": TradeResult,
 *   "trade.sell": TradeResult,
 *   "ship.repair_request": RepairResult,
 * }} Replies
 */

export {};

//! The market beside a model made of maps, under arbitrary orders: same verdicts, same stocks,
//! and every credit and unit of goods accounted for by the postings alone.

use proptest::prelude::*;

use super::*;
use crate::limits::STOCK_MAX;

#[path = "model_books.rs"]
mod model_books;
use model_books::Books;

/// One pilot of the test, as the columns would hold it.
#[derive(Clone, Debug)]
struct Ship {
    player: PlayerId,
    docked_at: Option<StationIndex>,
    destroyed: bool,
    credits: i64,
    cargo: Vec<u32>,
    fuel: f32,
    hull: i32,
}

impl Ship {
    fn new(name: &str, docked_at: Option<u16>) -> Self {
        Self {
            player: PlayerId::parse(name).unwrap(),
            docked_at: docked_at.map(StationIndex),
            destroyed: false,
            credits: 5000,
            cargo: vec![0; Universe::built_in().commodities.len()],
            fuel: 100.0,
            hull: 100,
        }
    }

    fn account(&mut self) -> PilotAccount<'_> {
        PilotAccount {
            player: &self.player,
            docked_at: self.docked_at,
            destroyed: self.destroyed,
            credits: &mut self.credits,
            cargo: &mut self.cargo,
            fuel: &mut self.fuel,
            hull: &mut self.hull,
        }
    }
}

/// Dear enough that credits may be left which pay no whole point.
const REPAIR_PRICE: i64 = 4;

fn market(postings: &mut Vec<Posting>) -> Market {
    let mut market = Market::new(&Universe::built_in(), SystemIndex(0), &[], postings);
    market.repair_prices.fill(REPAIR_PRICE);
    market
}

fn commodity(id: &str) -> CommodityIndex {
    Universe::built_in().commodity_index(id).unwrap()
}

fn buy(station: u16, goods: &str, quantity: u32) -> Order {
    Order::Buy {
        station: StationIndex(station),
        commodity: commodity(goods),
        quantity,
    }
}

fn sell(station: u16, goods: &str, quantity: u32) -> Order {
    Order::Sell {
        station: StationIndex(station),
        commodity: commodity(goods),
        quantity,
    }
}

/// Quantity, unit price and total of what was done.
type Terms = (u32, i64, i64);

fn terms(done: OrderOutcome) -> Terms {
    match done {
        OrderOutcome::Trade(trade) => (trade.quantity, trade.unit_price, trade.total),
        OrderOutcome::Repair(repair) => {
            (repair.hull_restored as u32, repair.unit_price, repair.total)
        }
    }
}

fn fill(market: &mut Market, ship: &mut Ship, order: Order) -> Result<Terms, OrderRefusal> {
    market
        .fill(order, 1, &mut ship.account(), &mut Vec::new())
        .map(terms)
}

#[test]
fn food_bought_at_earth_sells_for_more_at_mars() {
    let mut market = market(&mut Vec::new());
    let mut ship = Ship::new("p", Some(0));
    let bought = fill(&mut market, &mut ship, buy(0, "food", 10)).unwrap();
    assert_eq!((bought, ship.credits), ((10, 11, 110), 4890));
    ship.docked_at = Some(StationIndex(1));
    let sold = fill(&mut market, &mut ship, sell(1, "food", 10)).unwrap();
    assert_eq!((sold, ship.credits), ((10, 15, 150), 5040));
    assert!(ship.cargo.iter().all(|units| *units == 0));
}

/// Asserts that an order is refused for a reason and leaves everything as it was.
fn refused(prepare: impl Fn(&mut Ship), order: Order, refusal: OrderRefusal) {
    let mut market = market(&mut Vec::new());
    let mut ship = Ship::new("p", Some(0));
    prepare(&mut ship);
    let (before, stocks) = (format!("{ship:?}"), market.stocks.clone());
    let mut postings = Vec::new();
    let verdict = market.fill(order, 7, &mut ship.account(), &mut postings);
    assert_eq!(verdict, Err(refusal));
    assert_eq!(
        (format!("{ship:?}"), market.stocks),
        (before, stocks),
        "{refusal:?}"
    );
    assert!(postings.is_empty(), "{refusal:?}");
}

#[test]
fn an_order_from_the_wrong_place_is_refused_and_changes_nothing() {
    let repair = Order::Repair {
        station: StationIndex(0),
    };
    refused(
        |s| s.destroyed = true,
        buy(0, "food", 1),
        OrderRefusal::ShipDestroyed,
    );
    refused(|s| s.docked_at = None, repair, OrderRefusal::NotDocked);
    refused(|_| {}, sell(1, "food", 1), OrderRefusal::WrongStation);
    refused(
        |s| s.docked_at = Some(StationIndex(3)),
        buy(3, "luxuries", 1),
        OrderRefusal::UnknownCommodity,
    );
}

#[test]
fn an_order_beyond_anyones_means_is_refused_and_changes_nothing() {
    let repair = Order::Repair {
        station: StationIndex(0),
    };
    refused(|_| {}, buy(0, "food", 0), OrderRefusal::InvalidQuantity);
    refused(
        |_| {},
        sell(0, "food", u32::MAX),
        OrderRefusal::InvalidQuantity,
    );
    refused(
        |_| {},
        buy(0, "luxuries", 50),
        OrderRefusal::InsufficientCredits,
    );
    refused(|_| {}, sell(0, "food", 1), OrderRefusal::InsufficientCargo);
    refused(|_| {}, sell(0, "fuel", 1), OrderRefusal::InsufficientCargo);
    refused(
        |s| s.cargo[2] = 45,
        buy(0, "food", 6),
        OrderRefusal::CargoFull,
    );
    refused(|_| {}, buy(0, "fuel", 1), OrderRefusal::CargoFull);
    refused(|_| {}, repair, OrderRefusal::NothingToRepair);
    refused(
        |s| (s.hull, s.credits) = (50, 3),
        repair,
        OrderRefusal::InsufficientCredits,
    );
}

#[test]
fn an_empty_shelf_is_out_of_stock() {
    let mut market = market(&mut Vec::new());
    let mut ship = Ship {
        credits: i64::MAX,
        ..Ship::new("p", Some(0))
    };
    let row = market.row(StationIndex(0), commodity("food")).unwrap();
    market.stocks[row] = 4;
    assert_eq!(
        fill(&mut market, &mut ship, buy(0, "food", 5)),
        Err(OrderRefusal::OutOfStock)
    );
    assert!(fill(&mut market, &mut ship, buy(0, "food", 4)).is_ok());
}

#[test]
fn a_sale_that_no_account_could_hold_is_refused() {
    let mut market = market(&mut Vec::new());
    let mut ship = Ship {
        credits: i64::MAX,
        ..Ship::new("p", Some(0))
    };
    ship.cargo[1] = 10;
    assert_eq!(
        fill(&mut market, &mut ship, sell(0, "food", 10)),
        Err(OrderRefusal::InvalidQuantity)
    );
    ship.credits = 0;
    let row = market.row(StationIndex(0), commodity("food")).unwrap();
    market.stocks[row] = STOCK_MAX - 9;
    assert_eq!(
        fill(&mut market, &mut ship, sell(0, "food", 10)),
        Err(OrderRefusal::InvalidQuantity)
    );
}

#[test]
fn fuel_fills_the_tank_rounded_up_and_leaves_the_goods_economy_at_once() {
    let mut postings = Vec::new();
    let mut market = market(&mut Vec::new());
    let mut ship = Ship {
        fuel: 97.5,
        ..Ship::new("p", Some(0))
    };
    assert_eq!(
        fill(&mut market, &mut ship, buy(0, "fuel", 4)),
        Err(OrderRefusal::CargoFull)
    );
    let done = market
        .fill(buy(0, "fuel", 3), 5, &mut ship.account(), &mut postings)
        .unwrap();
    let (quantity, _, total) = terms(done);
    assert_eq!(
        (quantity, ship.fuel, ship.credits),
        (3, 100.0, 5000 - total)
    );
    let causes: Vec<Cause> = postings.iter().map(|posting| posting.cause).collect();
    assert_eq!(causes, [Cause::Buy, Cause::FuelBurned]);
    assert!(
        postings
            .iter()
            .all(|posting| posting.quantity == 3 && posting.ticket == Some(5))
    );
}

#[test]
fn a_repair_restores_what_can_be_paid() {
    let mut market = market(&mut Vec::new());
    let mut ship = Ship {
        hull: 40,
        credits: 50,
        ..Ship::new("p", Some(0))
    };
    let done = fill(
        &mut market,
        &mut ship,
        Order::Repair {
            station: StationIndex(0),
        },
    )
    .unwrap();
    assert_eq!(done, (12, 4, 48));
    assert_eq!((ship.hull, ship.credits), (52, 2));
    ship.credits = 1000;
    let done = fill(
        &mut market,
        &mut ship,
        Order::Repair {
            station: StationIndex(0),
        },
    )
    .unwrap();
    assert_eq!(
        (done, ship.hull, ship.credits),
        ((48, 4, 192), 100, 1000 - 192)
    );
}

#[test]
fn stock_drifts_back_to_its_target_and_stays_there() {
    let mut market = market(&mut Vec::new());
    let target = market.listings[1].stock_target;
    let base = market.quote(1);
    market.stocks[1] = target / 4;
    assert!(market.quote(1).buy > base.buy, "a thin shelf is dear");
    let mut made = 0;
    for tick in 0..3000 * market.economy.drift_ticks {
        let mut postings = Vec::new();
        market.drift(tick, &mut postings);
        made += postings.iter().map(|posting| posting.quantity).sum::<i64>();
        assert!(
            postings
                .iter()
                .all(|posting| posting.cause == Cause::Production)
        );
    }
    assert_eq!((market.stocks[1], made), (target, target - target / 4));
    assert_eq!(market.quote(1), base);
}

#[test]
fn stored_stocks_are_taken_up_and_only_new_listings_open() {
    let mut postings = Vec::new();
    let first = market(&mut postings);
    assert_eq!(postings.len(), first.stocks.len());
    let stored: Vec<Stock> = first
        .stocks()
        .skip(1)
        .map(|(station, commodity, _)| (station, commodity, 7))
        .collect();
    let mut reopened = Vec::new();
    let second = Market::new(
        &Universe::built_in(),
        SystemIndex(0),
        &stored,
        &mut reopened,
    );
    assert_eq!(reopened, postings[..1]);
    assert!(second.stocks().skip(1).all(|stock| stock.2 == 7));
}

/// One step of the model test.
#[derive(Clone, Debug)]
enum Step {
    Move(usize, Option<u16>),
    Order(usize, u8, u16, u16, u32),
    Hurt(usize, i32, u8),
    Drift(u16),
}

fn step() -> impl Strategy<Value = Step> {
    let quantity = prop_oneof![0_u32..60, Just(u32::MAX), 1_u32..5];
    prop_oneof![
        2 => (0_usize..3, prop::option::of(0_u16..7)).prop_map(|(who, at)| Step::Move(who, at)),
        8 => (0_usize..3, 0_u8..5, 0_u16..7, 0_u16..10, quantity)
            .prop_map(|(who, kind, at, what, n)| Step::Order(who, kind, at, what, n)),
        1 => (0_usize..3, 0_i32..=100, 0_u8..=100).prop_map(|(who, hull, fuel)| Step::Hurt(who, hull, fuel)),
        1 => (0_u16..900).prop_map(Step::Drift),
    ]
}

/// What an order should do, in the plainest words.
fn expected(market: &Market, ship: &Ship, order: Order) -> Result<Terms, OrderRefusal> {
    if ship.destroyed {
        return Err(OrderRefusal::ShipDestroyed);
    }
    let docked = ship.docked_at.ok_or(OrderRefusal::NotDocked)?;
    match order {
        Order::Buy { station, .. } | Order::Sell { station, .. } | Order::Repair { station }
            if station != docked =>
        {
            Err(OrderRefusal::WrongStation)
        }
        Order::Buy {
            commodity,
            quantity,
            ..
        } => {
            let (units, line) = subject(market, docked, commodity, quantity)?;
            let is_fuel = commodity == Universe::built_in().fuel;
            let tank = (100.0 - ship.fuel).ceil() as u32;
            let room = if is_fuel {
                tank
            } else {
                50 - ship.cargo.iter().sum::<u32>()
            };
            match units * line.quote.buy {
                total if total > ship.credits => Err(OrderRefusal::InsufficientCredits),
                _ if quantity > room => Err(OrderRefusal::CargoFull),
                _ if units > line.stock => Err(OrderRefusal::OutOfStock),
                total => Ok((quantity, line.quote.buy, total)),
            }
        }
        Order::Sell {
            commodity,
            quantity,
            ..
        } => {
            let (units, line) = subject(market, docked, commodity, quantity)?;
            match ship.cargo[usize::from(commodity.0)] {
                held if held < quantity => Err(OrderRefusal::InsufficientCargo),
                _ => Ok((quantity, line.quote.sell, units * line.quote.sell)),
            }
        }
        Order::Repair { .. } => {
            let station = Universe::built_in().systems[0].station(docked).cloned();
            station.ok_or(OrderRefusal::WrongStation)?;
            let price = REPAIR_PRICE;
            match (i64::from(100 - ship.hull), ship.credits / price) {
                (0, _) => Err(OrderRefusal::NothingToRepair),
                (_, 0) => Err(OrderRefusal::InsufficientCredits),
                (missing, paid) => Ok((missing.min(paid) as u32, price, missing.min(paid) * price)),
            }
        }
    }
}

/// Units and line of a trade that makes sense.
fn subject(
    market: &Market,
    station: StationIndex,
    commodity: CommodityIndex,
    quantity: u32,
) -> Result<(i64, Line), OrderRefusal> {
    let line = market
        .lines(station)
        .find(|line| line.commodity == commodity);
    let line = line.ok_or(OrderRefusal::UnknownCommodity)?;
    let units = i64::from(quantity);
    if units == 0 || units > STOCK_MAX {
        return Err(OrderRefusal::InvalidQuantity);
    }
    Ok((units, line))
}

proptest! {
    #[test]
    fn the_market_follows_the_model_and_the_postings_explain_everything(steps in prop::collection::vec(step(), 1..150)) {
        let mut postings = Vec::new();
        let mut market = market(&mut postings);
        let mut ships = [Ship::new("a", Some(0)), Ship::new("b", Some(1)), Ship::new("c", None)];
        let mut tick = 0_u64;
        for (ticket, step) in steps.into_iter().enumerate() {
            match step {
                Step::Move(who, at) => ships[who].docked_at = at.map(StationIndex),
                Step::Hurt(who, hull, fuel) => {
                    (ships[who].hull, ships[who].fuel) = (hull, f32::from(fuel) * 0.97);
                    ships[who].destroyed = hull == 0;
                }
                Step::Drift(ticks) => {
                    for _ in 0..ticks {
                        market.drift(tick, &mut postings);
                        tick += 1;
                    }
                }
                Step::Order(who, kind, at, what, quantity) => {
                    let (station, commodity) = (StationIndex(at), CommodityIndex(what));
                    let order = match kind {
                        0 | 1 => Order::Buy { station, commodity, quantity },
                        2 | 3 => Order::Sell { station, commodity, quantity },
                        _ => Order::Repair { station },
                    };
                    let expected = expected(&market, &ships[who], order);
                    let done = market.fill(order, ticket as u64, &mut ships[who].account(), &mut postings);
                    prop_assert_eq!(done.map(terms), expected);
                }
            }
        }
        let books = Books::of(&postings);
        for ship in &ships {
            let name = ship.player.as_str().to_owned();
            prop_assert_eq!(5000 + books.credits.get(&name).copied().unwrap_or(0), ship.credits);
            for (commodity, units) in ship.cargo.iter().enumerate() {
                let held = books.holds.get(&(name.clone(), commodity as u16)).copied().unwrap_or(0);
                prop_assert_eq!(held, i64::from(*units));
            }
        }
        for (station, commodity, units) in market.stocks() {
            prop_assert_eq!(books.stocks[&(station.0, commodity.0)], units);
            prop_assert!((0..=STOCK_MAX).contains(&units));
        }
        for quote in (0..6).flat_map(|station| market.lines(StationIndex(station)).map(|line| line.quote).collect::<Vec<_>>()) {
            prop_assert!(quote.buy > quote.sell && quote.sell > 0);
        }
    }
}

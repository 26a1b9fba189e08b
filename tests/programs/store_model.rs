//! The store against a plain model: arbitrary trades, deaths, bounties, repairs, retries,
//! reconnects and restarts. The game's side lives on what the store gives back at log-in; the model
//! never looks at the store. Replies, wallets, holds, stocks and outcomes must be equal at the end.

use crate::store_harness;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use orrery::ids::PlayerId;
use orrery::store::{
    Batch, Cargo, Cause, PilotRecord, Transaction, audit, digest64, request_digest,
};
use proptest::prelude::*;
use store_harness::*;

const FOODS: [&str; 3] = ["food", "ore", "fuel"];

/// Something that happens to the game.
#[derive(Clone, Debug)]
enum Event {
    /// A trade or repair that a client asks for under a request id; ids repeat on purpose.
    Ask { who: u8, request: u8, order: Order },
    /// A pirate dies.
    Bounty { who: u8, credits: u16 },
    /// The pilot's ship is destroyed with its hold.
    Death { who: u8 },
    /// A station makes or uses goods.
    Drift { commodity: u8, quantity: i8 },
    /// The pilot's connection is replaced.
    Reconnect { who: u8 },
    /// The server stops and starts.
    Restart,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Order {
    Buy {
        commodity: u8,
        quantity: u8,
        price: u8,
    },
    Sell {
        commodity: u8,
        quantity: u8,
        price: u8,
    },
    Repair {
        points: u8,
        price: u8,
    },
}

fn order() -> impl Strategy<Value = Order> {
    let goods = || (0..3_u8, 1..40_u8, 1..200_u8);
    prop_oneof![
        4 => goods().prop_map(|(commodity, quantity, price)| Order::Buy { commodity, quantity, price }),
        3 => goods().prop_map(|(commodity, quantity, price)| Order::Sell { commodity, quantity, price }),
        1 => (1..100_u8, 1..9_u8).prop_map(|(points, price)| Order::Repair { points, price }),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        12 => (0..3_u8, 0..24_u8, order())
            .prop_map(|(who, request, order)| Event::Ask { who, request, order }),
        2 => (0..3_u8, any::<u16>()).prop_map(|(who, credits)| Event::Bounty { who, credits }),
        1 => (0..3_u8).prop_map(|who| Event::Death { who }),
        3 => (0..3_u8, any::<i8>())
            .prop_map(|(commodity, quantity)| Event::Drift { commodity, quantity }),
        2 => (0..3_u8).prop_map(|who| Event::Reconnect { who }),
        1 => Just(Event::Restart),
    ]
}

/// What an order does to one wallet, hold and stock; none if it cannot be done.
fn effect(
    order: Order,
    credits: i64,
    hold: impl Fn(&str) -> i64,
    stock: impl Fn(&str) -> i64,
) -> Option<(i64, Option<(&'static str, i64)>)> {
    match order {
        Order::Buy {
            commodity,
            quantity,
            price,
        } => {
            let (what, quantity) = (FOODS[commodity as usize], i64::from(quantity));
            let total = quantity * i64::from(price);
            (credits >= total && stock(what) >= quantity)
                .then_some((-total, Some((what, quantity))))
        }
        Order::Sell {
            commodity,
            quantity,
            price,
        } => {
            let (what, quantity) = (FOODS[commodity as usize], i64::from(quantity));
            (hold(what) >= quantity)
                .then_some((quantity * i64::from(price), Some((what, -quantity))))
        }
        Order::Repair { points, price } => {
            let total = i64::from(points) * i64::from(price);
            (credits >= total).then_some((-total, None))
        }
    }
}

/// The truth, kept by plain maps.
#[derive(Default)]
struct Model {
    credits: HashMap<u8, i64>,
    holds: HashMap<(u8, &'static str), i64>,
    stocks: HashMap<&'static str, i64>,
    outcomes: HashMap<(u8, u8), (Order, String)>,
}

impl Model {
    fn ask(&mut self, who: u8, request: u8, order: Order) -> String {
        if let Some((first, reply)) = self.outcomes.get(&(who, request)) {
            return if *first == order {
                reply.clone()
            } else {
                "REUSED".to_owned()
            };
        }
        let credits = self.credits[&who];
        let hold = |what: &str| {
            let held = self
                .holds
                .iter()
                .find(|((by, it), _)| *by == who && *it == what);
            held.map_or(0, |(_, quantity)| *quantity)
        };
        let stock = |what: &str| self.stocks.get(what).copied().unwrap_or(0);
        let reply = match effect(order, credits, hold, stock) {
            None => "REFUSED".to_owned(),
            Some((money, goods)) => {
                self.credits.insert(who, credits + money);
                if let Some((what, quantity)) = goods {
                    *self.holds.entry((who, what)).or_default() += quantity;
                    *self.stocks.entry(what).or_default() -= quantity;
                }
                format!("DONE {}", credits + money)
            }
        };
        self.outcomes.insert((who, request), (order, reply.clone()));
        reply
    }
}

/// A server as thin as can be, on top of the store.
struct Game<'a> {
    database: &'a Database,
    opened: Option<StoreUnderTest>,
    pilots: BTreeMap<u8, PilotRecord>,
    digests: HashMap<u8, Vec<u64>>,
    stocks: HashMap<String, i64>,
}

impl<'a> Game<'a> {
    fn start(database: &'a Database) -> Self {
        let mut game = Self {
            database,
            opened: Some(database.open()),
            pilots: BTreeMap::new(),
            digests: HashMap::new(),
            stocks: HashMap::new(),
        };
        let stocks = game.opened().stocks().into_iter();
        game.stocks = stocks
            .map(|stock| (stock.commodity.to_string(), stock.quantity))
            .collect();
        for who in 0..3 {
            game.login(who);
        }
        game
    }

    fn opened(&mut self) -> &mut StoreUnderTest {
        self.opened.as_mut().unwrap()
    }

    fn login(&mut self, who: u8) {
        let id = id(who);
        let mut loaded = self.opened().load(&id);
        if loaded.record.is_none() {
            self.opened().keep(first_batch(&id, 0));
            loaded = self.opened().load(&id);
        }
        let (digests, is_complete) = self.opened().digests(&id);
        assert!(is_complete);
        self.pilots.insert(who, loaded.record.unwrap());
        self.digests.insert(who, digests);
    }

    fn keep(&mut self, who: Option<u8>, mut batch: Batch) {
        if let Some(who) = who {
            batch.checkpoints.push(self.pilots[&who].clone());
        }
        self.opened().keep(batch);
    }

    fn post(&mut self, who: Option<u8>, transactions: Vec<Transaction>) {
        let batch = Batch {
            transactions,
            ..Batch::default()
        };
        self.keep(who, batch);
    }

    fn ask(&mut self, who: u8, request: u8, order: Order) -> String {
        let text = format!("request {request}");
        let body = format!("{order:?}");
        if self.digests[&who].contains(&request_digest(&text)) {
            let first = self.opened().outcome(&id(who), &text).unwrap();
            let same = first.body_digest == digest64(body.as_bytes());
            return if same {
                first.reply.to_string()
            } else {
                "REUSED".to_owned()
            };
        }
        let pilot = &self.pilots[&who];
        let hold = |what: &str| held(pilot, what);
        let stock = |what: &str| self.stocks.get(what).copied().unwrap_or(0);
        let done = effect(order, pilot.credits, hold, stock);
        let mut batch = Batch::default();
        let reply = match done {
            None => "REFUSED".to_owned(),
            Some((money, goods)) => {
                batch.transactions.push(posting(who, order, &text));
                self.pilots.get_mut(&who).unwrap().credits += money;
                if let Some((what, quantity)) = goods {
                    load_hold(self.pilots.get_mut(&who).unwrap(), what, quantity);
                    *self.stocks.entry(what.to_owned()).or_default() -= quantity;
                }
                format!("DONE {}", self.pilots[&who].credits)
            }
        };
        let mut kept = outcome(&id(who), &text, &reply);
        kept.body_digest = digest64(body.as_bytes());
        batch.outcomes.push(kept);
        self.keep(Some(who), batch);
        let known = self.digests.get_mut(&who).unwrap();
        known.push(request_digest(&text));
        reply
    }

    fn restart(&mut self) {
        self.opened.take().unwrap().store.close();
        *self = Self::start(self.database);
    }
}

fn id(who: u8) -> PlayerId {
    player(&format!("p_{who}"))
}

fn held(pilot: &PilotRecord, what: &str) -> i64 {
    let cargo = pilot
        .cargo
        .iter()
        .find(|cargo| cargo.commodity.as_str() == what);
    cargo.map_or(0, |cargo| cargo.quantity)
}

fn load_hold(pilot: &mut PilotRecord, what: &str, by: i64) {
    let quantity = held(pilot, what) + by;
    pilot.cargo.retain(|cargo| cargo.commodity.as_str() != what);
    if quantity > 0 {
        let commodity = name(what);
        pilot.cargo.push(Cargo {
            commodity,
            quantity,
        });
    }
}

fn posting(who: u8, order: Order, request: &str) -> Transaction {
    let (cause, commodity, quantity, price) = match order {
        Order::Buy {
            commodity,
            quantity,
            price,
        } => (Cause::Buy, Some(commodity), quantity, price),
        Order::Sell {
            commodity,
            quantity,
            price,
        } => (Cause::Sell, Some(commodity), quantity, price),
        Order::Repair { points, price } => (Cause::Repair, None, points, price),
    };
    let mut posting = trade(
        cause,
        &id(who),
        i64::from(quantity),
        i64::from(price),
        request,
    );
    posting.commodity = commodity.map(|index| name(FOODS[index as usize]));
    posting.request_id = Some(Arc::from(request));
    posting
}

fn goods(cause: Cause, who: Option<u8>, what: &str, quantity: i64) -> Transaction {
    Transaction {
        player: who.map(id),
        station: Some(name(STATION)),
        commodity: Some(name(what)),
        ..transaction(cause, quantity, 0, 0)
    }
}

fn happen(event: &Event, game: &mut Game<'_>, model: &mut Model) {
    match *event {
        Event::Ask {
            who,
            request,
            order,
        } => {
            assert_eq!(
                game.ask(who, request, order),
                model.ask(who, request, order)
            );
        }
        Event::Bounty { who, credits } => {
            let credits = i64::from(credits);
            *model.credits.get_mut(&who).unwrap() += credits;
            game.pilots.get_mut(&who).unwrap().credits += credits;
            let mut bounty = transaction(Cause::Bounty, 0, 0, credits);
            bounty.player = Some(id(who));
            let transactions = vec![bounty];
            game.post(Some(who), transactions);
        }
        Event::Death { who } => {
            model.holds.retain(|(by, _), _| *by != who);
            let cargo = std::mem::take(&mut game.pilots.get_mut(&who).unwrap().cargo);
            let lost = cargo.iter().map(|cargo| {
                goods(
                    Cause::CargoLost,
                    Some(who),
                    cargo.commodity.as_str(),
                    cargo.quantity,
                )
            });
            let transactions = lost.collect();
            game.post(Some(who), transactions);
        }
        Event::Drift {
            commodity,
            quantity,
        } => {
            let what = FOODS[commodity as usize];
            let stock = model.stocks.entry(what).or_default();
            let quantity = i64::from(quantity).max(-*stock);
            *stock += quantity;
            *game.stocks.entry(what.to_owned()).or_default() += quantity;
            let cause = if quantity < 0 {
                Cause::Consumption
            } else {
                Cause::Production
            };
            let transactions = vec![goods(cause, None, what, quantity.abs())];
            game.post(None, transactions);
        }
        Event::Reconnect { who } => game.login(who),
        Event::Restart => game.restart(),
    }
}

fn compare(database: &Database, events: &[Event]) {
    let mut model = Model::default();
    let mut game = Game::start(database);
    for who in 0..3 {
        model.credits.insert(who, 5000);
    }
    for event in events {
        happen(event, &mut game, &mut model);
    }
    game.restart();
    for who in 0..3 {
        let pilot = &game.pilots[&who];
        assert_eq!(pilot.credits, model.credits[&who]);
        for what in FOODS {
            let hold = model.holds.get(&(who, what)).copied().unwrap_or(0);
            assert_eq!(held(pilot, what), hold, "{what} of {who}");
        }
    }
    for what in FOODS {
        let stock = model.stocks.get(what).copied().unwrap_or(0);
        assert_eq!(game.stocks.get(what).copied().unwrap_or(0), stock, "{what}");
    }
    for ((who, request), (_, reply)) in &model.outcomes {
        let kept = game
            .opened()
            .outcome(&id(*who), &format!("request {request}"));
        assert_eq!(&*kept.unwrap().reply, reply.as_str());
    }
    game.opened.take().unwrap().store.close();
    let report = audit(&database.url).unwrap();
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.outcomes_count, model.outcomes.len() as i64);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_store_agrees_with_plain_maps(events in prop::collection::vec(event(), 1..60)) {
        compare(&Database::sqlite(), &events);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    #[test]
    #[cfg_attr(not(with_postgres), ignore = "needs PostgreSQL: ORRERY_TEST_WITH=postgres")]
    fn the_store_agrees_with_plain_maps_on_postgres(
        events in prop::collection::vec(event(), 1..60),
    ) {
        let database = Database::postgres();
            compare(&database, &events);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    #[ignore = "1000 cases: cargo test --test programs store_model -- --ignored"]
    fn the_store_agrees_with_plain_maps_a_thousand_times(
        events in prop::collection::vec(event(), 1..120),
    ) {
        compare(&Database::sqlite(), &events);
    }
}

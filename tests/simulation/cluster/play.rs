//! What players do in a simulation: anything, at any time, and what befalls their lines.

use orrery::ids::{Name, PlayerId};
use orrery::protocol::{Input, Repair, Request, RequestId, Trade};

use super::dice::Dice;
use super::seat::{Permit, SeatState};
use super::server::{Cluster, DiskPace};

/// An order that may be sent again.
#[derive(Clone)]
struct Order {
    is_buy: bool,
    trade: Option<Trade>,
    repair: Option<Repair>,
}

/// How eventful a simulation is.
#[derive(Clone, Copy)]
pub(crate) struct Mood {
    pub(crate) players: u64,
    /// Chances in a thousand, a tick and player.
    pub(crate) dial: u64,
    pub(crate) cut: u64,
    pub(crate) stall: u64,
    /// Chances in a thousand, a tick.
    pub(crate) restart: u64,
    pub(crate) disk_trouble: u64,
    pub(crate) disk_failure: u64,
    pub(crate) nap: u64,
    /// Ticks that a read of the store may take.
    pub(crate) read_ticks: u64,
}

/// The players of a simulation and what they remember.
pub(crate) struct Play {
    mood: Mood,
    orders: Vec<Vec<Order>>,
    orders_count: u64,
    reading_again: Vec<(u64, usize)>,
}

impl Play {
    pub(crate) fn new(mood: Mood) -> Self {
        Self {
            mood,
            orders: vec![Vec::new(); mood.players as usize],
            orders_count: 0,
            reading_again: Vec::new(),
        }
    }

    /// A tick of everybody's doings, then of the server.
    pub(crate) fn tick(&mut self, cluster: &mut Cluster) {
        for number in 0..self.mood.players {
            self.live(cluster, number);
        }
        self.trouble(cluster);
        cluster.tick();
    }

    /// No more trouble: lines flow, the disk keeps up, and everybody is answered and told.
    pub(crate) fn settle(cluster: &mut Cluster) {
        cluster.disk_pace = DiskPace::Prompt;
        cluster.disk().read_ticks_max = 0;
        // Whoever sleeps wakes with the next tick.
        for until in &mut cluster.asleep {
            *until = (*until).min(cluster.tick + 1);
        }
        if cluster.disk().is_failed() {
            cluster.restart(false);
        }
        for seat in cluster.live() {
            cluster.set_rate(seat, usize::MAX);
        }
        cluster.ticks(40);
        for place in cluster.live() {
            let seat = &cluster.seats[place];
            let is_answered = seat.is_deaf || seat.asked.is_empty();
            assert!(is_answered, "exactly one reply a request: {:?}", seat.asked);
        }
        // What happens in a tick is durable, and so told, with the next.
        let mut untold = cluster.live();
        for _ in 0..10 {
            untold.retain(|&place| cluster.check_told_all(place).is_err());
            cluster.tick();
        }
        for place in untold {
            let told = cluster.check_told_all(place);
            assert_eq!(told, Ok(()), "in calm weather all money and goods are told");
        }
    }

    fn live(&mut self, cluster: &mut Cluster, number: u64) {
        let name = format!("p{number}");
        let seat = cluster
            .by_player()
            .into_iter()
            .find(|(id, _)| id.as_str() == name);
        let mood = self.mood;
        let Some((_, seat)) = seat else {
            if cluster.dice.permille(mood.dial) {
                Self::come(cluster, &name);
            }
            return;
        };
        // Whoever stalls is left to it: the server has to see what comes of that.
        if self.reading_again.iter().any(|&(_, place)| place == seat) {
            self.act(cluster, number as usize, seat);
            return;
        }
        if cluster.dice.permille(mood.dial / 20) {
            Self::come(cluster, &name);
            return;
        }
        let waits_ashore = {
            let seat = &cluster.seats[seat];
            seat.stage == SeatState::Ashore && !seat.asked.is_empty()
        };
        // Whoever waits ashore is forgotten at once when hanging up, while the store may be about
        // to answer.
        let cut = if waits_ashore {
            30 * mood.cut
        } else {
            mood.cut
        };
        if cluster.dice.permille(cut) {
            cluster.told.count("cut");
            cluster.cut(seat);
            return;
        }
        if cluster.dice.permille(mood.stall) {
            cluster.told.count("stall");
            let rate = if cluster.dice.permille(500) { 0 } else { 200 };
            cluster.set_rate(seat, rate);
            let long = if cluster.dice.permille(300) { 600 } else { 90 };
            let until = cluster.tick + 1 + cluster.dice.below(long);
            self.reading_again.push((until, seat));
        }
        self.act(cluster, number as usize, seat);
    }

    fn come(cluster: &mut Cluster, name: &str) {
        let shard = cluster.dice.below(cluster.gateways.len() as u64) as u16;
        let seat = cluster.dial(name, shard);
        let due = cluster.tick + 1 + cluster.dice.below(4);
        let pass = match cluster.dice.below(100) {
            0..30 => Self::short_pass(cluster, name),
            30..33 => Self::bad_pass(cluster, name),
            _ => cluster.token(&cluster.seats[seat].player),
        };
        cluster.seats[seat].login(&pass, due);
    }

    /// A token that may have run out a moment ago, or will soon.
    fn short_pass(cluster: &mut Cluster, name: &str) -> Permit {
        let ttl_seconds = 5 - cluster.dice.below(20) as i64;
        let player = PlayerId::parse(name).expect("a name");
        cluster.pass(&player, ttl_seconds)
    }

    /// A token that is not good for this player.
    fn bad_pass(cluster: &mut Cluster, name: &str) -> Permit {
        let player = PlayerId::parse(name).expect("a name");
        let mut pass = cluster.token(&player);
        pass.is_good = false;
        match cluster.dice.below(3) {
            0 => pass.token.truncate(pass.token.len() - 3),
            1 => "nonsense".clone_into(&mut pass.token),
            _ => pass.token = cluster.pass(&player, -3_600).token,
        }
        pass
    }

    /// A token to renew a session with: of the own player, of another, or none at all.
    fn renew(cluster: &mut Cluster, place: usize, due: u64) {
        let name = cluster.seats[place].player.to_string();
        let pass = match cluster.dice.below(5) {
            0 => Self::bad_pass(cluster, &name),
            1 => {
                let stranger = PlayerId::parse("stranger").expect("a name");
                let mut pass = cluster.token(&stranger);
                pass.is_good = false;
                pass
            }
            2 => cluster.pass(&cluster.seats[place].player, 3),
            _ => cluster.token(&cluster.seats[place].player),
        };
        cluster.seats[place].refresh(&pass, due);
    }

    fn act(&mut self, cluster: &mut Cluster, number: usize, place: usize) {
        let due = cluster.tick + 1 + cluster.dice.below(3);
        let dice = &mut cluster.dice;
        let seat = &mut cluster.seats[place];
        match seat.stage {
            SeatState::Ashore if seat.asked.is_empty() && dice.permille(300) => {
                let systems = &cluster.universe.systems;
                let any = dice.pick(systems).map(|system| system.id.clone());
                let home = seat.home.clone().filter(|_| dice.permille(850));
                let system = home.or(any).expect("a system");
                seat.join(system.as_str(), due);
                if dice.permille(400) {
                    cluster
                        .told
                        .count("join, controls and orders in one packet");
                    for _ in 0..=cluster.dice.below(2) {
                        self.follow_join(cluster, number, place, due);
                    }
                }
            }
            SeatState::Ashore if dice.permille(60) => self.ask_ashore(cluster, number, place, due),
            SeatState::Aboard => {
                let roll = dice.below(1000);
                let is_docked = seat
                    .model
                    .you
                    .as_ref()
                    .is_some_and(|you| you.docked_at.is_some());
                // Who asks for a dock mostly holds still until the pauses are over.
                let is_paused = seat.model.you.as_ref().is_some_and(|you| {
                    !is_docked
                        && you.dock_ready_tick.is_some()
                        && you.dock_ready_tick > seat.model.tick
                });
                let waits = seat.is_docking && is_paused && dice.permille(900);
                match roll {
                    0..230 if waits => {}
                    0..230 => {
                        let is_hunting = dice.permille(600);
                        let input = match seat.model.aim().filter(|_| is_hunting) {
                            Some(input) if roll < 200 => input,
                            _ => any_input(dice, roll >= 200),
                        };
                        if !is_docked || input.dock_request || dice.permille(60) {
                            seat.steer(input, due);
                        }
                    }
                    230..330 if is_docked || dice.permille(50) => {
                        self.trade(cluster, number, place, due);
                    }
                    330..338 => {
                        let systems = &cluster.universe.systems;
                        let system = dice.pick(systems).expect("a system").id.clone();
                        if is_docked {
                            self.order_and_join(cluster, number, place, system.as_str());
                        } else if dice.permille(200) {
                            seat.join(system.as_str(), due);
                        }
                    }
                    338..345 => seat.ping(due),
                    345..347 => {
                        // Now and then more of it than a connection bears.
                        let count = if dice.permille(30) { 300 } else { 1 };
                        for _ in 0..count {
                            let line = b"{\"type\":\"nonsense\"}".to_vec();
                            seat.says.push_back((due, line));
                        }
                    }
                    347..351 => Self::renew(cluster, place, due),
                    351..355 if !is_docked => {
                        for _ in 0..40 {
                            let input = any_input(dice, false);
                            seat.steer(input, due);
                        }
                        cluster.told.count("flood of inputs");
                    }
                    351..359 if is_docked => self.burst(cluster, number, place),
                    359..375 if is_docked => {
                        let systems = &cluster.universe.systems;
                        let system = dice.pick(systems).expect("a system").id.clone();
                        self.order_and_join(cluster, number, place, system.as_str());
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }

    /// Asks again for an order that was given earlier.
    fn ask_ashore(&self, cluster: &mut Cluster, number: usize, place: usize, due: u64) {
        let Some(order) = cluster.dice.pick(&self.orders[number]).cloned() else {
            return;
        };
        cluster.told.count("asked ashore");
        ask(cluster, place, order, due);
    }

    /// Orders, a join and controls in one packet.
    fn order_and_join(&mut self, cluster: &mut Cluster, number: usize, place: usize, system: &str) {
        let due = cluster.tick + 1 + cluster.dice.below(3);
        for _ in 0..cluster.dice.below(3) {
            cluster.told.count("order and join in one packet");
            self.trade(cluster, number, place, due);
        }
        if cluster.dice.permille(200) {
            let input = any_input(&mut cluster.dice, false);
            cluster.seats[place].steer(input, due);
        }
        cluster.seats[place].join(system, due);
        self.follow_join(cluster, number, place, due);
    }

    /// An order and controls behind a join.
    fn follow_join(&mut self, cluster: &mut Cluster, number: usize, place: usize, due: u64) {
        if cluster.dice.permille(300) {
            self.trade(cluster, number, place, due);
        }
        if cluster.dice.permille(300) {
            let asks_for_dock = cluster.dice.permille(300);
            let input = any_input(&mut cluster.dice, asks_for_dock);
            cluster.seats[place].steer(input, due);
        }
    }

    /// An id, several others, and the first again, before the store may have said a word.
    fn burst(&mut self, cluster: &mut Cluster, number: usize, place: usize) {
        cluster.told.count("burst of ids");
        let due = cluster.tick + 1;
        let first = self.new_order(cluster, place, true);
        self.orders[number].push(first.clone());
        ask(cluster, place, first.clone(), due);
        let last = due + cluster.dice.below(4);
        for _ in 0..=cluster.dice.below(5) {
            let due = due + cluster.dice.below(last - due + 1);
            self.trade(cluster, number, place, due);
        }
        ask(cluster, place, first, last);
    }

    fn trade(&mut self, cluster: &mut Cluster, number: usize, place: usize, due: u64) {
        let dice = &mut cluster.dice;
        let known = &self.orders[number];
        if let Some(order) = dice.pick(known).cloned()
            && dice.permille(350)
        {
            let mut order = order;
            if dice.permille(50)
                && let Some(trade) = &mut order.trade
            {
                trade.quantity += 1;
            }
            ask(cluster, place, order, due);
            return;
        }
        let is_named = dice.permille(700);
        let order = self.new_order(cluster, place, is_named);
        if is_named {
            self.orders[number].push(order.clone());
        }
        let is_doubled = cluster.dice.permille(100);
        if is_doubled {
            ask(cluster, place, order.clone(), due);
        }
        ask(cluster, place, order, due);
    }

    /// An order that nobody gave before.
    fn new_order(&mut self, cluster: &mut Cluster, place: usize, is_named: bool) -> Order {
        let dice = &mut cluster.dice;
        self.orders_count += 1;
        let id = format!("r{}", self.orders_count);
        let request_id = is_named.then(|| RequestId::parse(&id).expect("an id"));
        let here = cluster.seats[place]
            .model
            .you
            .as_ref()
            .and_then(|you| you.docked_at.clone());
        let station_id = match here {
            Some(here) if dice.permille(950) => here,
            _ => Name::parse("earth-orbit-station").expect("a name"),
        };
        let goods = ["food", "fuel", "ore", "water", "food", "spice"];
        let commodity = dice.pick(&goods).copied().unwrap_or("food");
        if dice.permille(150) {
            return Order {
                is_buy: false,
                trade: None,
                repair: Some(Repair {
                    station_id,
                    request_id,
                }),
            };
        }
        Order {
            is_buy: dice.permille(600),
            trade: Some(Trade {
                station_id,
                commodity_id: Name::parse(commodity).expect("a name"),
                quantity: 1 + dice.below(12) as u32,
                request_id,
            }),
            repair: None,
        }
    }

    fn trouble(&mut self, cluster: &mut Cluster) {
        let mood = self.mood;
        let tick = cluster.tick;
        let (now, later) = self
            .reading_again
            .iter()
            .partition(|(until, _)| *until <= tick);
        self.reading_again = later;
        let now: Vec<(u64, usize)> = now;
        for (_, seat) in now {
            if seat < cluster.seats.len() {
                cluster.set_rate(seat, usize::MAX);
            }
        }
        if cluster.dice.permille(mood.disk_trouble) {
            cluster.disk_pace = match cluster.dice.below(4) {
                0 => DiskPace::Stopped,
                1 => DiskPace::Prompt,
                _ => DiskPace::Random(1 + cluster.dice.below(3)),
            };
        }
        if cluster.dice.permille(mood.disk_trouble) {
            let read_ticks_max = cluster.dice.below(mood.read_ticks + 1);
            cluster.disk().read_ticks_max = read_ticks_max;
        }
        if cluster.dice.permille(mood.disk_failure) && !cluster.disk().is_failed() {
            cluster.told.count("disk failed");
            cluster.disk().fail();
        }
        if cluster.dice.permille(mood.nap) {
            let shard = cluster.dice.below(cluster.asleep.len() as u64) as usize;
            cluster.told.count("nap");
            cluster.asleep[shard] = tick + 1 + cluster.dice.below(12);
        }
        let is_due = cluster.dice.permille(mood.restart)
            || (cluster.disk().is_failed() && cluster.dice.permille(100));
        if is_due {
            let is_clean = cluster.dice.permille(400);
            self.reading_again.clear();
            cluster.restart(is_clean);
        }
    }
}

fn any_input(dice: &mut Dice, asks_for_dock: bool) -> Input {
    if asks_for_dock {
        return Input {
            dock_request: true,
            ..Input::default()
        };
    }
    let rests = dice.permille(300);
    Input {
        thrust: if rests { 0.0 } else { dice.between(0.0, 1.0) },
        turn: dice.between(-1.0, 1.0),
        fire_primary: dice.permille(600),
        dock_request: false,
    }
}

fn ask(cluster: &mut Cluster, place: usize, order: Order, due: u64) {
    let seat = &mut cluster.seats[place];
    match (order.trade, order.repair) {
        (Some(trade), _) if order.is_buy => seat.ask(Request::Buy(trade), due),
        (Some(trade), _) => seat.ask(Request::Sell(trade), due),
        (None, Some(repair)) => seat.ask(Request::Repair(repair), due),
        (None, None) => {}
    }
}

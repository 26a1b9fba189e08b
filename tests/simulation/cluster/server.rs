//! The server under test and its surroundings, tick by tick.
//!
//! A tick: texts arrive, the network flows, the disk works, the node ticks, the disk works again,
//! the gateways wake, the clients hear, everything is compared with the truth.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use orrery::gateway::Gateway;
use orrery::ids::{ConnId, Millis, PlayerId, SystemIndex, UnixMillis};
use orrery::limits::{CONNECTIONS_MAX, PENDING_BYTES_MAX, PLAYERS_MAX, REQUEST_DIGESTS_MAX};
use orrery::net::Service;
use orrery::net::connection::CloseCause;
use orrery::net::http::head::{HeadProgress, Incoming, RequestHead};
use orrery::node::Node;
use orrery::recorder::Recorder;
use orrery::session::token::{Key, Signer, Verifier};
use orrery::sim::World;
use orrery::universe::Universe;

use super::assembly::serve;
use super::dice::Dice;
use super::net::Net;
use super::seat::{Permit, Seat, SeatState, Told};
use super::store::Disk;
use super::truth::Past;

const SECRET: &[u8] = b"a secret of thirty-two bytes, no less";
const UNIX: u64 = 1_700_000_000_000;

/// What a simulation begins with.
pub(crate) struct Setup {
    pub(crate) seed: u64,
    pub(crate) universe: Arc<Universe>,
    pub(crate) shards: u16,
    pub(crate) view_radius: f32,
    /// `RequestIds` that may wait for the disk.
    pub(crate) disk_capacity: usize,
    /// Request ids of a player that the server keeps in mind, and that the disk tells of at once.
    pub(crate) request_digests_max: usize,
    /// Connections of one address, which all clients share: what the rate of its logins follows.
    pub(crate) connections_per_ip_max: usize,
    /// Players that the server has to do with at most.
    pub(crate) players_max: usize,
    /// Where the flight is recorded; a restart begins a recording of its own.
    pub(crate) tape: Option<Tape>,
}

/// A flight recording in memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tape(Arc<Mutex<Vec<u8>>>);

impl Tape {
    pub(super) fn recorder(&self) -> Recorder {
        self.0.lock().expect("no writer panics").clear();
        // The universe of a simulation has no file; who replays it has it at hand.
        Recorder::start(Box::new(self.clone()), String::new()).expect("a thread")
    }

    /// What has been written.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.lock().expect("no writer panics").clone()
    }
}

impl Write for Tape {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no reader panics").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Setup {
    pub(crate) fn new(universe: Arc<Universe>) -> Self {
        Self {
            seed: 1,
            universe,
            shards: 1,
            view_radius: 1000.0,
            disk_capacity: 256,
            request_digests_max: REQUEST_DIGESTS_MAX,
            connections_per_ip_max: CONNECTIONS_MAX,
            players_max: PLAYERS_MAX,
            tape: None,
        }
    }
}

/// How much the disk does in a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DiskPace {
    /// Everything at once.
    Prompt,
    /// Up to so many requests, by chance.
    Random(u64),
    /// No batch is carried out; reads are answered.
    Stopped,
    /// Nothing is carried out or answered.
    Silent,
}

/// A server, its clients and everything between.
pub(crate) struct Cluster {
    pub(crate) universe: Arc<Universe>,
    pub(crate) node: Node,
    pub(crate) gateways: Vec<Gateway>,
    pub(crate) nets: Vec<Net>,
    pub(crate) disk: Arc<Mutex<Disk>>,
    pub(crate) disk_pace: DiskPace,
    pub(crate) seats: Vec<Seat>,
    pub(crate) told: Told,
    pub(crate) dice: Dice,
    /// Ticks since the simulation began, over all restarts.
    pub(crate) tick: u64,
    /// What the node's stopwatch advances by whenever it is read: a tick reads it some times.
    load_ns: Arc<AtomicU64>,
    /// Whether the governor may thin, shrink and slow by now.
    pub(super) is_overloaded: bool,
    /// The newest tick of each world that was compared.
    pub(super) stepped: Vec<u64>,
    /// What clients may still be told of, by system.
    pub(super) pasts: Vec<Past>,
    /// Shards that do not run at the moment, until these ticks.
    pub(crate) asleep: Vec<u64>,
    pub(super) inbox_len: Box<dyn Fn() -> usize>,
    signer: Signer,
    verifier: Arc<Verifier>,
    upgrade: RequestHead,
    pub(super) setup: Setup,
}

impl Cluster {
    pub(crate) fn new(setup: Setup) -> Self {
        let mut disk = Disk::new(setup.disk_capacity, setup.seed);
        disk.request_digests_max = setup.request_digests_max;
        let disk = Arc::new(Mutex::new(disk));
        let verifier = Arc::new(Verifier::new(vec![Key::secret(SECRET).unwrap()]));
        let load = Arc::default();
        let server = serve(&setup, &load, &disk, &verifier, 0);
        let request = b"GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n";
        let HeadProgress::Complete(upgrade) = Incoming::default().push(request) else {
            panic!("a whole request");
        };
        Self {
            universe: Arc::clone(&setup.universe),
            node: server.node,
            gateways: server.gateways,
            inbox_len: server.inbox_len,
            nets: (0..setup.shards).map(Net::new).collect(),
            disk,
            disk_pace: DiskPace::Prompt,
            seats: Vec::new(),
            told: Told::default(),
            dice: Dice::new(setup.seed),
            tick: 0,
            load_ns: load,
            is_overloaded: false,
            stepped: vec![0; setup.universe.systems.len()],
            pasts: setup
                .universe
                .systems
                .iter()
                .map(|_| Past::default())
                .collect(),
            asleep: vec![0; usize::from(setup.shards)],
            signer: Signer::new(SECRET).unwrap(),
            verifier,
            upgrade,
            setup,
        }
    }

    pub(crate) fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().expect("one thread")
    }

    /// A token for longer than a simulation lasts.
    pub(crate) fn token(&self, player: &PlayerId) -> Permit {
        self.pass(player, 86_400)
    }

    /// A token that runs out in so many seconds; below 0 it ran out so long ago.
    pub(crate) fn pass(&self, player: &PlayerId, ttl_seconds: i64) -> Permit {
        let issued = self
            .unix()
            .0
            .saturating_add_signed(ttl_seconds.min(0) * 1_000);
        let ttl_seconds = ttl_seconds.max(0).unsigned_abs();
        let token = self
            .signer
            .sign(player, ttl_seconds, UnixMillis(issued))
            .expect("a token");
        Permit {
            token,
            expires: UnixMillis((issued / 1_000 + ttl_seconds) * 1_000),
            is_good: true,
        }
    }

    pub(super) fn unix(&self) -> UnixMillis {
        UnixMillis(UNIX + self.tick * 1000 / 30)
    }

    /// A new connection of a player, not logged in yet. Returns its place among the seats.
    pub(crate) fn dial(&mut self, player: &str, shard: u16) -> usize {
        let net = &mut self.nets[usize::from(shard)];
        let conn = net.dial();
        let gateway = &mut self.gateways[usize::from(shard)];
        let peer = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let opened = self
            .upgrade
            .request(peer, false, |request| gateway.open(net, conn, request));
        assert!(matches!(opened, Some(Ok(_))), "the door is open");
        let player = PlayerId::parse(player).expect("a name");
        let mut seat = Seat::new(player, conn);
        seat.model.is_crowded = self.is_overloaded;
        seat.model.is_overloaded = self.is_overloaded;
        self.seats.push(seat);
        self.seats.len() - 1
    }

    /// A client that logs in and joins, and ticks until it has its first snapshot.
    pub(crate) fn enter(&mut self, player: &str, system: &str) -> usize {
        let seat = self.dial(player, 0);
        let token = self.token(&self.seats[seat].player);
        self.seats[seat].login(&token, 0);
        self.seats[seat].join(system, self.tick + 3);
        for _ in 0..10 {
            self.tick();
            if self.seats[seat].model.tick.is_some() {
                return seat;
            }
        }
        panic!(
            "nobody waits that long: {:?}",
            self.seats[seat].newest_reply
        );
    }

    /// Many clients that log in and join and never look at what they are told.
    pub(crate) fn enter_deaf(&mut self, names: &str, count: usize, system: &str) -> Vec<usize> {
        let seats: Vec<usize> = (0..count)
            .map(|n| self.dial(&format!("{names}{n}"), 0))
            .collect();
        for &seat in &seats {
            let token = self.token(&self.seats[seat].player);
            self.seats[seat].is_deaf = true;
            self.seats[seat].login(&token, 0);
            self.seats[seat].join(system, self.tick + 3);
        }
        self.ticks(6);
        seats
    }

    /// The world of a system.
    pub(crate) fn world(&self, system: &str) -> &World {
        let system = self.universe.system_index(system).expect("a system");
        self.node.world(system).expect("a world")
    }

    /// Makes every tick cost so much that the governor has to do something, or no longer so.
    pub(crate) fn overload(&mut self, is_on: bool) {
        let cost_ns = if is_on { 100_000_000 } else { 0 };
        self.load_ns.store(cost_ns, Ordering::Relaxed);
        self.is_overloaded |= is_on;
        for seat in &mut self.seats {
            seat.model.is_crowded |= is_on;
            seat.model.is_overloaded |= is_on;
        }
    }

    /// How fast a client reads, in bytes a tick.
    pub(crate) fn set_rate(&mut self, seat: usize, bytes_a_tick: usize) {
        let conn = self.seats[seat].conn;
        if let Some(wire) = self.nets[usize::from(conn.shard)].wire(conn) {
            wire.rate = bytes_a_tick;
        }
    }

    /// The line of a client breaks.
    pub(crate) fn cut(&mut self, seat: usize) {
        let seat = &mut self.seats[seat];
        if seat.is_over() {
            return;
        }
        seat.stage = SeatState::Over(None);
        let shard = usize::from(seat.conn.shard);
        self.nets[shard].hang_up(seat.conn);
        self.gateways[shard].closed(&mut self.nets[shard], seat.conn, CloseCause::Peer);
    }

    /// One thirtieth of a second of everything, and all checks.
    pub(crate) fn tick(&mut self) {
        self.tick += 1;
        let now = Millis(self.tick * 1000 / 30);
        let unix = self.unix();
        for net in &mut self.nets {
            (net.now, net.unix) = (now, unix);
        }
        self.deliver();
        self.work();
        self.node.tick(unix);
        self.note_wrecks();
        self.work();
        self.wake();
        self.hear();
        self.check();
        self.check_tokens();
    }

    pub(crate) fn ticks(&mut self, count: u64) {
        for _ in 0..count {
            self.tick();
        }
    }

    fn work(&mut self) {
        let count = match self.disk_pace {
            DiskPace::Prompt => u64::MAX,
            DiskPace::Random(most) => self.dice.below(most + 1),
            DiskPace::Stopped | DiskPace::Silent => 0,
        };
        let tick = self.tick;
        let is_telling = self.disk_pace != DiskPace::Silent;
        let mut disk = self.disk();
        disk.work(count as usize);
        if is_telling {
            disk.tell(tick);
        }
    }

    /// Hands on what has arrived by now.
    pub(crate) fn deliver(&mut self) {
        let Self {
            seats,
            gateways,
            nets,
            ..
        } = self;
        for seat in seats.iter_mut().filter(|seat| !seat.is_over()) {
            let shard = usize::from(seat.conn.shard);
            if self.asleep[shard] > self.tick {
                continue;
            }
            while let Some((_, mut text)) = seat.says.pop_front_if(|(due, _)| *due <= self.tick) {
                gateways[shard].text(&mut nets[shard], seat.conn, &mut text);
            }
        }
        self.end();
    }

    fn wake(&mut self) {
        for shard in 0..self.gateways.len() {
            if self.asleep[shard] > self.tick {
                continue;
            }
            let (gateway, net) = (&mut self.gateways[shard], &mut self.nets[shard]);
            for conn in net.flow() {
                gateway.drained(net, conn);
            }
            gateway.wake(net);
            if gateway.deadline().is_some_and(|due| due <= net.now) {
                gateway.timeout(net);
            }
        }
        self.end();
    }

    /// Tells the gateways of the connections that they closed.
    fn end(&mut self) {
        for (gateway, net) in self.gateways.iter_mut().zip(&mut self.nets) {
            for conn in std::mem::take(&mut net.ending) {
                gateway.closed(net, conn, CloseCause::Peer);
            }
        }
    }

    fn hear(&mut self) {
        let now = self.unix();
        let disk = self.disk.lock().expect("one thread");
        for seat in self.seats.iter_mut().filter(|seat| !seat.is_over()) {
            let net = &mut self.nets[usize::from(seat.conn.shard)];
            let Some(wire) = net.wire(seat.conn) else {
                continue;
            };
            assert!(
                wire.pending_bytes_max <= PENDING_BYTES_MAX,
                "queues bounded"
            );
            while let Some(text) = wire.heard.pop_front() {
                if seat.is_deaf {
                    continue;
                }
                seat.hear(&text, now, &disk.shelf, &mut self.told);
            }
            if let Some(code) = wire.closed {
                self.told.count(&format!("closed {code}"));
                seat.check_close(code);
                seat.stage = SeatState::Over(Some(code));
                net.hang_up(seat.conn);
            }
        }
    }

    /// Ends the server and starts another over the same shelf. A clean end takes every ship in and
    /// waits for the disk; a crash loses what is not durable.
    pub(crate) fn restart(&mut self, is_clean: bool) {
        let has_failed = self.disk().is_failed();
        self.told.count(match (has_failed, is_clean) {
            (true, _) => "restart after the disk failed",
            (false, true) => "restart in good order",
            (false, false) => "restart after a crash",
        });
        if is_clean && !has_failed {
            loop {
                let last = self.node.drain(self.unix());
                self.disk().work(usize::MAX);
                if self.disk().durable() >= last {
                    break;
                }
            }
            self.disk().shelf.audit();
            self.check_shelves();
        }
        for seat in &mut self.seats {
            if !seat.is_over() {
                seat.stage = SeatState::Over(None);
            }
        }
        self.told.restarts += 1;
        self.stepped.fill(0);
        self.pasts.iter_mut().for_each(Past::clear);
        let server = serve(
            &self.setup,
            &self.load_ns,
            &self.disk,
            &self.verifier,
            self.told.restarts,
        );
        self.node = server.node;
        self.gateways = server.gateways;
        self.inbox_len = server.inbox_len;
        self.nets = (0..self.setup.shards).map(Net::new).collect();
        self.asleep.fill(0);
        self.seats.clear();
    }

    /// One number for all that there is: the worlds, what was told, and how often what happened.
    pub(crate) fn fingerprint(&self) -> u64 {
        let mut hash = std::collections::hash_map::DefaultHasher::new();
        for index in 0..self.universe.systems.len() {
            let world = self.node.world(SystemIndex(index as u16));
            world.map(World::state_hash).hash(&mut hash);
        }
        self.told.census.hash(&mut hash);
        for net in &self.nets {
            net.sent_bytes.hash(&mut hash);
        }
        self.disk().shelf.transactions_count.hash(&mut hash);
        hash.finish()
    }

    /// Seats whose connection is up, by their places.
    pub(crate) fn live(&self) -> Vec<usize> {
        let seats = self.seats.iter().enumerate();
        seats
            .filter(|(_, seat)| !seat.is_over())
            .map(|(place, _)| place)
            .collect()
    }

    /// The newest live seat of each player.
    pub(crate) fn by_player(&self) -> BTreeMap<PlayerId, usize> {
        let live = self.live().into_iter();
        live.map(|place| (self.seats[place].player.clone(), place))
            .collect()
    }

    /// Bytes that wait for a client.
    pub(crate) fn pending_bytes(&self, conn: ConnId) -> usize {
        use orrery::net::Io;
        self.nets[usize::from(conn.shard)].pending_bytes(conn)
    }
}

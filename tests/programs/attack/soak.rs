//! Minutes of everything that goes wrong on a network, beside pilots who hold every message against
//! the rules of the stream. One seed chooses it all; it is printed.

use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use orrery::protocol::Reply;

use crate::attack::footprint::{Watch, settled};
use crate::attack::mob::{Mob, Strength};
use crate::relay::{Flow, Relay};
use crate::support::{Client, Server, Setup, buy, sell, worlds};

const STRENGTH: Strength = Strength {
    slowloris: 60,
    nonreaders: 30,
    flooders: 30,
    garbage: 30,
    silent: 60,
    dockers: 20,
    fragmenters: 2,
    repeaters: 0,
    reloggers: 0,
    guests: 1,
    connects_hz: 200,
};

const HONEST: usize = 6;
const CHURNERS: usize = 4;
const LAGGARDS: usize = 4;

/// What a warm-up and a soak may differ by when all are gone.
const KEPT_BYTES_MAX: u64 = 24_000_000;

/// Numbers from a seed (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

/// The scene, as every actor sees it.
struct Scene<'a> {
    server: &'a Server,
    seed: u64,
    is_over: AtomicBool,
    /// Deltas that honest pilots checked.
    deltas: AtomicU64,
    /// Connections that came and went as they should.
    visits: AtomicU64,
}

impl Scene<'_> {
    fn goes_on(&self) -> bool {
        !self.is_over.load(Ordering::Relaxed)
    }

    fn dice(&self, actor: usize) -> Dice {
        Dice(self.seed ^ (actor as u64) << 32)
    }
}

/// Flies and trades from beginning to end; its client checks every message.
fn honest(scene: &Scene<'_>, number: usize) {
    let mut dice = scene.dice(number);
    let mut client = Client::pilot(scene.server, &format!("honest-{number}"));
    while scene.goes_on() {
        client.steer(
            dice.below(100) as f64 / 100.0,
            dice.below(200) as f64 / 100.0 - 1.0,
        );
        let span = 10 + dice.below(60);
        client.deltas(span);
        scene.deltas.fetch_add(span, Ordering::Relaxed);
        let order = if dice.below(2) == 0 {
            buy("alpha", "water", 1)
        } else {
            sell("alpha", "water", 1)
        };
        let reply = client.ask(order);
        assert!(
            matches!(reply, Reply::TradeResult(_) | Reply::Error(_)),
            "{reply:?}"
        );
    }
    assert!(client.owes_nothing());
    assert_eq!(
        client.complaints,
        [],
        "an honest pilot is never complained of"
    );
}

/// Comes and goes, sometimes with a goodbye, sometimes without.
fn churner(scene: &Scene<'_>, number: usize) {
    let mut dice = scene.dice(100 + number);
    while scene.goes_on() {
        let name = format!("churner-{number}-{}", dice.below(3));
        let mut client = Client::pilot(scene.server, &name);
        client.deltas(1 + dice.below(40));
        if dice.below(2) == 0 {
            client.send_frame(tungstenite::Message::Close(None));
            client.ending();
        }
        scene.visits.fetch_add(1, Ordering::Relaxed);
    }
}

/// Lives behind a bad line: slow, stalled, cut, or open on one side only.
fn laggard(scene: &Scene<'_>, number: usize) {
    let mut dice = scene.dice(200 + number);
    while scene.goes_on() {
        let relay = Relay::to(scene.server.listen);
        let stream = TcpStream::connect(relay.address).unwrap();
        let mut client = Client::over(stream, scene.server.listen, "/ws");
        client.login(&Server::token(&format!("laggard-{number}")));
        client.enter("sol-1");
        match dice.below(4) {
            0 => {
                relay.down(Flow::Slow {
                    step: 1 + dice.below(4096) as usize,
                    delay: Duration::from_millis(dice.below(5)),
                    jitter: Duration::from_millis(dice.below(40)),
                });
                let begun = Instant::now();
                client.until("a while", |_, _| begun.elapsed() > Duration::from_secs(4));
            }
            1 => {
                relay.down(Flow::Stall);
                thread::sleep(Duration::from_millis(500 + dice.below(6_000)));
                relay.down(Flow::Permit);
                client.deltas(20);
            }
            2 => {
                relay.cut();
                assert_eq!(client.ending().code, 1006);
            }
            _ => {
                relay.up(Flow::Swallow);
                relay.down(Flow::Swallow);
                drop(client);
                thread::sleep(Duration::from_millis(dice.below(8_000)));
            }
        }
        scene.visits.fetch_add(1, Ordering::Relaxed);
    }
}

fn act(server: &Server, seed: u64, span: Duration) -> (u64, u64) {
    let scene = Scene {
        server,
        seed,
        is_over: AtomicBool::new(false),
        deltas: AtomicU64::new(0),
        visits: AtomicU64::new(0),
    };
    thread::scope(|scope| {
        let scene = &scene;
        for number in 0..HONEST {
            scope.spawn(move || honest(scene, number));
        }
        for number in 0..CHURNERS {
            scope.spawn(move || churner(scene, number));
        }
        for number in 0..LAGGARDS {
            scope.spawn(move || laggard(scene, number));
        }
        thread::sleep(span);
        scene.is_over.store(true, Ordering::Relaxed);
    });
    (scene.deltas.into_inner(), scene.visits.into_inner())
}

fn number(variable: &str, otherwise: u64) -> u64 {
    let text = std::env::var(variable).ok();
    text.map_or(otherwise, |text| text.parse().unwrap())
}

#[test]
#[ignore = "takes minutes; ORRERY_SOAK_SECONDS and ORRERY_SOAK_SEED choose how many and which"]
fn honest_pilots_outlast_minutes_of_everything() {
    let span = Duration::from_secs(number("ORRERY_SOAK_SECONDS", 120));
    let seed = number("ORRERY_SOAK_SEED", 0xacce_55ed);
    println!(
        "ORRERY_SOAK_SEED={seed} ORRERY_SOAK_SECONDS={}",
        span.as_secs()
    );
    let server = Arc::new(Server::start(Setup {
        flags: &[
            "--max-connections",
            "1000",
            "--max-connections-per-ip",
            "256",
        ],
        ..Setup::world(&worlds::busy())
    }));
    // Everything once, so that what is kept for ever is there.
    let warm_up = Mob::against(&server, STRENGTH, seed);
    act(&server, seed, Duration::from_secs(15));
    warm_up.end();
    let before = settled(&server);
    let watch = Watch::over(&server);
    let mob = Mob::against(&server, STRENGTH, seed + 1);
    let (deltas, visits) = act(&server, seed + 1, span);
    let deeds = mob.end();
    let (most, left) = (watch.end(), settled(&server));
    println!(
        "{deltas} deltas of honest pilots checked, {visits} visits, {} connects and {} throws of the mob; \
         at most {} files and {} MB of {} MB, {} and {} MB before, {} and {} MB after",
        deeds.connects,
        deeds.thrown_out,
        most.files,
        most.megabytes(),
        server.memory_bytes_max / 1_000_000,
        before.files,
        before.megabytes(),
        left.files,
        left.megabytes(),
    );
    let due = HONEST as u64 * span.as_secs() * 30;
    assert!(deltas > due * 8 / 10, "{deltas} of {due} deltas");
    assert!(visits > span.as_secs() / 4, "{visits} visits");
    assert!(most.resident_bytes < server.memory_bytes_max);
    assert_eq!(left.files, before.files, "every file is closed again");
    let kept = left.resident_bytes.saturating_sub(before.resident_bytes);
    assert!(kept < KEPT_BYTES_MAX, "{kept} bytes more than before");
    assert_eq!(server.metric("orrery_connections"), 0.0);
    let accepted = server.metric("orrery_accepted_total");
    assert!(accepted >= visits as f64, "{accepted} accepted");
}

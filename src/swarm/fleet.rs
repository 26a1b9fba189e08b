//! The loop that flies all bots from one thread.
//!
//! ```text
//! turn:  wait ─▶ readiness ─▶ left-overs ─▶ begin connections ─▶ send due inputs ─▶ next phase?
//! phase: Ramp ─all in or failed▶ Settle ─1 s▶ Measure ─duration▶ Close ─all gone or 2 s▶ done
//! ```
//!
//! Every part of a turn is bounded: events by the kernel's batch, messages per socket, inputs per
//! turn. What was due and could not be sent is skipped and counted, never sent in a burst.

use std::io::{self, ErrorKind};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use mio::{Events, Poll, Token};

use super::bot::{Bot, BotState, BotTurn, Crew};
use super::counters::SwarmCounters;
use super::inbox::Inbox;
use super::processor::ThreadTime;
use super::{SwarmOptions, SwarmPhase, SwarmProgress};
use crate::ids::UnixMillis;
use crate::limits::{
    SWARM_CLOSE_MS_MAX, SWARM_EVENTS_PER_TURN_MAX, SWARM_INPUTS_PER_TURN_MAX, SWARM_SETTLE_MS,
};

/// How often the observer is told, and late bots are looked for.
const TELL_EVERY: Duration = Duration::from_millis(250);
/// Longest wait for readiness; shorter when something is due.
const WAIT_MAX: Duration = Duration::from_millis(25);

/// Things due at a steady rate.
#[derive(Debug)]
struct ConnectPace {
    per_second: f64,
    began: Instant,
    done: u64,
}

impl ConnectPace {
    fn new(per_second: f64, began: Instant) -> Self {
        Self {
            per_second,
            began,
            done: 0,
        }
    }

    /// How many are due now, at most `most`; what lies beyond is dropped and returned second.
    fn take(&mut self, now: Instant, most: u64) -> (u64, u64) {
        let elapsed_s = now.duration_since(self.began).as_secs_f64();
        let due = ((elapsed_s * self.per_second) as u64).saturating_sub(self.done);
        self.done += due;
        (due.min(most), due.saturating_sub(most))
    }

    /// When the next one is due.
    fn wait(&self, now: Instant) -> Duration {
        let at = self.began + Duration::from_secs_f64((self.done + 1) as f64 / self.per_second);
        at.saturating_duration_since(now)
    }
}

/// Measuring's own numbers.
#[derive(Debug, Default)]
pub(super) struct Window {
    pub(super) seconds: f64,
    /// Share of one core that this thread used; unknown where the system does not tell.
    pub(super) cpu_percent: Option<f64>,
}

/// The bots of one run, and the loop's state.
pub(super) struct Fleet<'o> {
    options: &'o SwarmOptions,
    crew: Crew,
    poll: Poll,
    pub(super) bots: Vec<Bot>,
    pub(super) counters: SwarmCounters,
    leftover: Vec<usize>,
    inbox: Inbox,
    out: Vec<u8>,
    now: Instant,
    unix: UnixMillis,
    stretch: SwarmPhase,
    stretch_began: Instant,
    begun: usize,
    /// Bots that the server had no room for, until they connect again.
    returning: Vec<usize>,
    connects: ConnectPace,
    inputs: Option<ConnectPace>,
    cursor: usize,
    told: Instant,
    told_deltas: u64,
    measured_from: Option<ThreadTime>,
    pub(super) window: Window,
}

impl<'o> Fleet<'o> {
    pub(super) fn new(options: &'o SwarmOptions, crew: Crew, bots: Vec<Bot>) -> io::Result<Self> {
        let now = Instant::now();
        let inputs_hz = options.input_hz * bots.len() as f64;
        Ok(Self {
            options,
            crew,
            poll: Poll::new()?,
            bots,
            counters: SwarmCounters::default(),
            leftover: Vec::new(),
            inbox: Inbox::default(),
            out: Vec::new(),
            now,
            unix: unix_now(),
            stretch: SwarmPhase::Ramp,
            stretch_began: now,
            begun: 0,
            returning: Vec::new(),
            connects: ConnectPace::new(f64::from(options.connect_hz), now),
            inputs: (inputs_hz > 0.0).then(|| ConnectPace::new(inputs_hz, now)),
            cursor: 0,
            told: now,
            told_deltas: 0,
            measured_from: None,
            window: Window::default(),
        })
    }

    /// Flies until the run is over.
    pub(super) fn fly(&mut self, observe: &mut dyn FnMut(&SwarmProgress)) -> io::Result<()> {
        let mut events = Events::with_capacity(SWARM_EVENTS_PER_TURN_MAX);
        while self.stretch != SwarmPhase::Done {
            match self.poll.poll(&mut events, Some(self.patience())) {
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            self.now = Instant::now();
            self.unix = unix_now();
            self.read(&events);
            self.connect();
            self.steer();
            if self.counters.is_measuring {
                self.counters.turns.record(self.now.elapsed());
            }
            self.next_stretch(observe);
            self.tell(observe, false);
        }
        Ok(())
    }

    fn patience(&self) -> Duration {
        if !self.leftover.is_empty() {
            return Duration::ZERO;
        }
        let now = Instant::now();
        let mut wait = WAIT_MAX;
        if self.begun < self.bots.len() {
            wait = wait.min(self.connects.wait(now));
        }
        if let Some(inputs) = &self.inputs {
            wait = wait.min(inputs.wait(now));
        }
        wait
    }

    fn read(&mut self, events: &Events) {
        let leftover = std::mem::take(&mut self.leftover);
        for event in events {
            self.ready(event.token().0, event.is_read_closed() || event.is_error());
        }
        for index in leftover {
            self.ready(index, false);
        }
    }

    fn ready(&mut self, index: usize, is_ending: bool) {
        let Some(bot) = self.bots.get_mut(index) else {
            return;
        };
        // The moment of arrival is read per socket: late ones in a batch did wait.
        self.now = Instant::now();
        let mut turn = BotTurn {
            now: self.now,
            unix: self.unix,
            counters: &mut self.counters,
            out: &mut self.out,
        };
        if bot.ready(&self.crew, is_ending, &mut self.inbox, &mut turn) {
            self.leftover.push(index);
        }
        if bot.comes_again().is_some() {
            self.returning.push(index);
        }
    }

    fn connect(&mut self) {
        if self.stretch != SwarmPhase::Ramp {
            return;
        }
        let (due, _) = self
            .connects
            .take(self.now, u64::from(self.options.connect_hz));
        for _ in 0..due {
            let index = self.begun;
            if index >= self.bots.len() {
                break;
            }
            self.begun += 1;
            self.begin(index);
        }
        self.begin_again();
    }

    /// Connects those again whose time has come.
    fn begin_again(&mut self) {
        let mut returning = std::mem::take(&mut self.returning);
        returning.retain(|&index| {
            let again = self.bots.get(index).and_then(Bot::comes_again);
            if again.is_some_and(|at| at <= self.now) {
                self.begin(index);
            }
            again.is_some_and(|at| at > self.now)
        });
        self.returning = returning;
    }

    fn begin(&mut self, index: usize) {
        let Some(bot) = self.bots.get_mut(index) else {
            return;
        };
        let begun = bot.begin(&self.crew, self.poll.registry(), Token(index), self.now);
        let Err(error) = begun else { return };
        let reason = format!("connect: {error}");
        let mut turn = BotTurn {
            now: self.now,
            unix: self.unix,
            counters: &mut self.counters,
            out: &mut self.out,
        };
        bot.fail(reason, &mut turn);
    }

    /// Sends the inputs that are due, one bot after the other, so that each has its even share.
    fn steer(&mut self) {
        let Some(inputs) = &mut self.inputs else {
            return;
        };
        let (due, dropped) = inputs.take(Instant::now(), SWARM_INPUTS_PER_TURN_MAX);
        if self.stretch == SwarmPhase::Close {
            return;
        }
        if self.counters.is_measuring {
            self.counters.inputs_skipped += dropped;
        }
        let mut turn = BotTurn {
            now: self.now,
            unix: self.unix,
            counters: &mut self.counters,
            out: &mut self.out,
        };
        for _ in 0..due {
            if let Some(bot) = self.bots.get_mut(self.cursor) {
                bot.act(&self.crew, &mut turn);
            }
            self.cursor = (self.cursor + 1) % self.bots.len().max(1);
        }
    }

    fn next_stretch(&mut self, observe: &mut dyn FnMut(&SwarmProgress)) {
        let spent = self.now.duration_since(self.stretch_began);
        let is_stopped = self.options.stop.load(Ordering::Relaxed);
        let next = match self.stretch {
            SwarmPhase::Ramp | SwarmPhase::Settle | SwarmPhase::Measure if is_stopped => {
                SwarmPhase::Close
            }
            SwarmPhase::Ramp if self.is_ramped() => SwarmPhase::Settle,
            SwarmPhase::Settle if self.counters.joined <= self.counters.lost => SwarmPhase::Close,
            SwarmPhase::Settle if spent >= self.settle() => SwarmPhase::Measure,
            SwarmPhase::Measure if spent >= self.options.duration => SwarmPhase::Close,
            SwarmPhase::Close
                if self.is_empty() || spent >= Duration::from_millis(SWARM_CLOSE_MS_MAX) =>
            {
                SwarmPhase::Done
            }
            same => same,
        };
        if next == self.stretch {
            return;
        }
        if self.stretch == SwarmPhase::Measure {
            self.close_window(spent);
        }
        match next {
            SwarmPhase::Measure => self.open_window(),
            SwarmPhase::Close => self.bots.iter_mut().for_each(Bot::finish),
            _ => {}
        }
        self.stretch = next;
        self.stretch_began = self.now;
        self.tell(observe, true);
    }

    /// A short run need not settle longer than it measures.
    fn settle(&self) -> Duration {
        Duration::from_millis(SWARM_SETTLE_MS).min(self.options.duration)
    }

    /// Whether every bot has the stream, or has failed.
    fn is_ramped(&self) -> bool {
        let is_settled = |bot: &Bot| matches!(bot.stage(), BotState::Flying | BotState::Gone);
        self.begun == self.bots.len() && self.bots.iter().all(is_settled)
    }

    fn is_empty(&self) -> bool {
        self.bots.iter().all(|bot| bot.stage() != BotState::Closing)
    }

    fn open_window(&mut self) {
        self.bots.iter_mut().for_each(Bot::open_window);
        self.counters.is_measuring = true;
        self.measured_from = ThreadTime::now();
    }

    fn close_window(&mut self, spent: Duration) {
        let used = ThreadTime::now()
            .zip(self.measured_from)
            .map(|(to, from)| to.since(from));
        self.window = Window {
            seconds: spent.as_secs_f64(),
            cpu_percent: used.map(|used| used.as_secs_f64() / spent.as_secs_f64() * 100.0),
        };
        let mut turn = BotTurn {
            now: self.now,
            unix: self.unix,
            counters: &mut self.counters,
            out: &mut self.out,
        };
        for bot in &mut self.bots {
            bot.close_window(&mut turn);
        }
        self.counters.is_measuring = false;
    }

    /// Tells the observer how it goes, and ends bots that came too late.
    fn tell(&mut self, observe: &mut dyn FnMut(&SwarmProgress), is_news: bool) {
        let since = self.now.duration_since(self.told);
        if since < TELL_EVERY && !is_news {
            return;
        }
        let mut turn = BotTurn {
            now: self.now,
            unix: self.unix,
            counters: &mut self.counters,
            out: &mut self.out,
        };
        for bot in &mut self.bots {
            bot.check_deadline(&mut turn);
        }
        let deltas = self.counters.deltas - self.told_deltas;
        observe(&SwarmProgress {
            stretch: self.stretch,
            spent: self.now.duration_since(self.stretch_began),
            begun: self.begun as u32,
            joined: self.counters.joined,
            failed: self.counters.failed,
            lost: self.counters.lost,
            deltas_per_second: deltas as f64 / since.as_secs_f64().max(0.001),
        });
        self.told = self.now;
        self.told_deltas = self.counters.deltas;
    }
}

fn unix_now() -> UnixMillis {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    UnixMillis(since.as_millis() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_gives_what_is_due_and_drops_what_is_late() {
        let began = Instant::now();
        let mut pace = ConnectPace::new(100.0, began);
        assert_eq!(pace.take(began + Duration::from_millis(105), 50), (10, 0));
        assert_eq!(pace.take(began + Duration::from_millis(105), 50), (0, 0));
        assert_eq!(pace.take(began + Duration::from_millis(1105), 50), (50, 50));
        assert_eq!(pace.take(began + Duration::from_millis(1115), 50), (1, 0));
        assert_eq!(
            pace.wait(began + Duration::from_millis(1115)),
            Duration::from_millis(5)
        );
    }
}

//! How often a connection may do what.
//!
//! [`Rates`] holds the [`Bucket`]s of one connection and sorts messages into classes by what they
//! cost.
//!
//! Every message is counted twice, in its class and among all, before it means anything.

use crate::bucket::Bucket;
use crate::ids::Millis;
use crate::limits::{
    RATE_ACCOUNT, RATE_COMPLAINTS, RATE_FAULTS, RATE_INPUTS, RATE_MESSAGES, RATE_OTHERS,
    RATE_PINGS, RATE_TRANSACTIONS, Rate,
};
use crate::protocol::RequestKind;

/// Messages that cost alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Rate class of `input.command`.
    Input,
    /// Trades and repairs.
    Transaction,
    /// Login, refresh, join.
    Account,
    /// Rate class of `ping`.
    Ping,
    /// Anything not recognised.
    Other,
}

impl Class {
    /// The class of a request.
    pub const fn of(kind: Option<RequestKind>) -> Self {
        match kind {
            Some(RequestKind::Input) => Self::Input,
            Some(RequestKind::Buy | RequestKind::Sell | RequestKind::Repair) => Self::Transaction,
            Some(RequestKind::Login | RequestKind::Refresh | RequestKind::JoinSystem) => {
                Self::Account
            }
            Some(RequestKind::Ping) => Self::Ping,
            None => Self::Other,
        }
    }

    const fn rate(self) -> Rate {
        match self {
            Self::Input => RATE_INPUTS,
            Self::Transaction => RATE_TRANSACTIONS,
            Self::Account => RATE_ACCOUNT,
            Self::Ping => RATE_PINGS,
            Self::Other => RATE_OTHERS,
        }
    }
}

/// The buckets of one connection.
#[derive(Debug, Clone)]
pub struct Rates {
    messages: Bucket,
    classes: [Bucket; 5],
    complaints: Bucket,
    faults: Bucket,
}

impl Rates {
    /// Buckets that are all full, as of `now`.
    pub const fn new(now: Millis) -> Self {
        Self {
            messages: Bucket::full(RATE_MESSAGES, now),
            classes: [
                Bucket::full(Class::Input.rate(), now),
                Bucket::full(Class::Transaction.rate(), now),
                Bucket::full(Class::Account.rate(), now),
                Bucket::full(Class::Ping.rate(), now),
                Bucket::full(Class::Other.rate(), now),
            ],
            complaints: Bucket::full(RATE_COMPLAINTS, now),
            faults: Bucket::full(RATE_FAULTS, now),
        }
    }

    /// Admits one message, or says how many milliseconds to wait.
    pub fn admit(&mut self, class: Class, now: Millis) -> Result<(), u64> {
        self.classes[class as usize].take(class.rate(), now)?;
        self.messages.take(RATE_MESSAGES, now)
    }

    /// Whether an `error` may be sent that nobody is owed.
    pub fn may_complain(&mut self, now: Millis) -> bool {
        self.complaints.take(RATE_COMPLAINTS, now).is_ok()
    }

    /// Counts a refused message; false when it is one too many.
    pub fn bears_fault(&mut self, now: Millis) -> bool {
        self.faults.take(RATE_FAULTS, now).is_ok()
    }
}

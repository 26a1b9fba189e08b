//! Records in, durable out.

mod record;

pub use record::{
    Batch, Cause, LoadedPilot, PilotRecord, StockRecord, StoredOutcome, StoredPlace, Transaction,
};

//! Non-player ships.

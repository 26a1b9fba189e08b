-- Version 1: pilots, balances, the ledger, remembered outcomes.

CREATE TABLE pilots (
    player       TEXT PRIMARY KEY,
    system_name  TEXT NOT NULL,
    docked_at    TEXT,
    x            REAL NOT NULL,
    y            REAL NOT NULL,
    vx           REAL NOT NULL,
    vy           REAL NOT NULL,
    rotation     REAL NOT NULL,
    home_system  TEXT,
    home_station TEXT,
    hull         INTEGER NOT NULL,
    fuel         REAL NOT NULL,
    unix_ms      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One row an account and asset; system_name is empty for pilots.
CREATE TABLE balances (
    account     TEXT NOT NULL,
    asset       TEXT NOT NULL,
    system_name TEXT NOT NULL,
    balance     INTEGER NOT NULL,
    PRIMARY KEY (account, asset)
) STRICT, WITHOUT ROWID;

CREATE INDEX balances_by_system ON balances (system_name);

CREATE TABLE ledger (
    system_name    TEXT NOT NULL,
    row_id         INTEGER NOT NULL,
    transaction_id INTEGER NOT NULL,
    unix_ms        INTEGER NOT NULL,
    cause          TEXT NOT NULL,
    player         TEXT,
    station        TEXT,
    commodity      TEXT,
    quantity       INTEGER NOT NULL,
    unit_price     INTEGER NOT NULL,
    total          INTEGER NOT NULL,
    request_id     BLOB,
    asset          TEXT NOT NULL,
    from_account   TEXT NOT NULL,
    to_account     TEXT NOT NULL,
    amount         INTEGER NOT NULL CHECK (amount > 0),
    from_balance   INTEGER NOT NULL,
    to_balance     INTEGER NOT NULL,
    hash           BLOB NOT NULL,
    PRIMARY KEY (system_name, row_id)
) STRICT, WITHOUT ROWID;

-- A rowid table on purpose: the key's index then lists a pilot's request ids without the replies.
CREATE TABLE outcomes (
    player      TEXT NOT NULL,
    request_id  BLOB NOT NULL,
    system_name TEXT NOT NULL,
    body_digest INTEGER NOT NULL,
    reply       TEXT NOT NULL,
    unix_ms     INTEGER NOT NULL,
    PRIMARY KEY (player, request_id)
) STRICT;

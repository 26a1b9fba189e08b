-- Version 1: pilots, balances, the ledger, remembered outcomes.

CREATE TABLE pilots (
    player       TEXT PRIMARY KEY,
    system_name  TEXT NOT NULL,
    docked_at    TEXT,
    x            DOUBLE PRECISION NOT NULL,
    y            DOUBLE PRECISION NOT NULL,
    vx           DOUBLE PRECISION NOT NULL,
    vy           DOUBLE PRECISION NOT NULL,
    rotation     DOUBLE PRECISION NOT NULL,
    home_system  TEXT,
    home_station TEXT,
    hull         BIGINT NOT NULL,
    fuel         DOUBLE PRECISION NOT NULL,
    unix_ms      BIGINT NOT NULL
);

-- One row an account and asset; system_name is empty for pilots.
CREATE TABLE balances (
    account     TEXT NOT NULL,
    asset       TEXT NOT NULL,
    system_name TEXT NOT NULL,
    balance     BIGINT NOT NULL,
    PRIMARY KEY (account, asset)
);

CREATE INDEX balances_by_system ON balances (system_name);

CREATE TABLE ledger (
    system_name    TEXT NOT NULL,
    row_id         BIGINT NOT NULL,
    transaction_id BIGINT NOT NULL,
    unix_ms        BIGINT NOT NULL,
    cause          TEXT NOT NULL,
    player         TEXT,
    station        TEXT,
    commodity      TEXT,
    quantity       BIGINT NOT NULL,
    unit_price     BIGINT NOT NULL,
    total          BIGINT NOT NULL,
    request_id     BYTEA,
    asset          TEXT NOT NULL,
    from_account   TEXT NOT NULL,
    to_account     TEXT NOT NULL,
    amount         BIGINT NOT NULL CHECK (amount > 0),
    from_balance   BIGINT NOT NULL,
    to_balance     BIGINT NOT NULL,
    hash           BYTEA NOT NULL,
    PRIMARY KEY (system_name, row_id)
);

CREATE TABLE outcomes (
    player      TEXT NOT NULL,
    request_id  BYTEA NOT NULL,
    system_name TEXT NOT NULL,
    body_digest BIGINT NOT NULL,
    reply       TEXT NOT NULL,
    unix_ms     BIGINT NOT NULL,
    PRIMARY KEY (player, request_id)
);

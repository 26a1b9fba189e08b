-- Version 3: who is taking in a player whom nobody has kept yet, until when by this database's clock.

CREATE TABLE newcomers (
    player     TEXT PRIMARY KEY,
    owner      TEXT NOT NULL,
    expires_ms BIGINT NOT NULL
);

-- Version 4: what is forgotten after a while, and how it is found.

CREATE INDEX outcomes_by_age ON outcomes (unix_ms);

-- One row. A ledger row of before this moment may name a request whose outcome is forgotten.
CREATE TABLE outcomes_forgotten (
    id        BIGINT PRIMARY KEY,
    before_ms BIGINT NOT NULL
);

INSERT INTO outcomes_forgotten (id, before_ms) VALUES (1, 0);

-- Guests who never docked, by when they were last seen.
CREATE INDEX pilots_passing_guests ON pilots (system_name, unix_ms)
WHERE substr(player, 1, 6) = 'guest-' AND length(player) = 30
AND docked_at IS NULL AND home_station IS NULL;

CREATE INDEX newcomers_by_expiry ON newcomers (expires_ms);

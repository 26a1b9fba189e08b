-- Version 2: who may write, and where each system's chain ends.

-- A system's lease and the head of its chain; the fence rises with every change of hands.
CREATE TABLE systems (
    system_name TEXT PRIMARY KEY,
    owner       TEXT NOT NULL,
    fence       INTEGER NOT NULL,
    expires_ms  INTEGER NOT NULL,
    head_row    INTEGER NOT NULL,
    head_hash   BLOB NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO systems (system_name, owner, fence, expires_ms, head_row, head_hash)
SELECT system_name, '', 0, 0, row_id, hash
FROM ledger AS l
WHERE row_id = (SELECT MAX(row_id) FROM ledger AS newest WHERE newest.system_name = l.system_name);

-- One row an owner: the epoch rises when it starts, commits with each of its transactions.
CREATE TABLE writers (
    owner   TEXT PRIMARY KEY,
    epoch   INTEGER NOT NULL,
    commits INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- People who sign in, what they did, requests that may come twice, and the order in
-- which the pages list runs.

-- Where the pages look for the newest runs of a repository.
CREATE INDEX run_of_repository ON run (repository, id);

-- People who are signed in on the pages: by a token of ours, or as a user of a forge.
CREATE TABLE session (
    hash       TEXT PRIMARY KEY,
    token      TEXT REFERENCES token (name) ON DELETE CASCADE,
    forge      TEXT,
    login      TEXT,
    created_at INTEGER NOT NULL,
    used_at    INTEGER NOT NULL,
    CHECK (iif(token IS NULL, forge IS NOT NULL AND login IS NOT NULL, forge IS NULL AND login IS NULL))
) STRICT;
CREATE INDEX session_of ON session (token, forge, login, used_at);
CREATE INDEX session_by_use ON session (used_at);

-- What people and tools did; an entry goes by age alone.
CREATE TABLE audit (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL,
    who     TEXT NOT NULL,
    via     TEXT NOT NULL,
    action  TEXT NOT NULL,
    object  TEXT,
    detail  TEXT,
    remote  TEXT,
    request TEXT
) STRICT;
CREATE INDEX audit_of_who ON audit (who, id);
CREATE INDEX audit_of_action ON audit (action, id);
CREATE INDEX audit_of_object ON audit (object, id);

-- Requests that bear a key, so that a repeat is answered and not done again. `process`
-- is the one that works on it; `done` is set together with what it did.
CREATE TABLE request_key (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    who      TEXT NOT NULL,
    key      TEXT NOT NULL,
    request  TEXT NOT NULL,
    begun_at INTEGER NOT NULL,
    process  TEXT,
    done     INTEGER NOT NULL DEFAULT 0,
    answer   TEXT,
    UNIQUE (who, key)
) STRICT;
CREATE INDEX request_key_by_age ON request_key (begun_at);

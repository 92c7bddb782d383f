-- What the pages list and count, why runs were made, people who sign in, what they did,
-- and requests that may come twice.

-- Where the pages look for the newest runs of a repository.
CREATE INDEX run_of_repository ON run (repository, id);

-- How a run ended, so that runs are counted and looked for by that without a look at
-- their jobs; NULL while it is not over.
ALTER TABLE run ADD COLUMN outcome TEXT
    CHECK (outcome IN ('succeeded', 'failed', 'infra_failed', 'cancelled'));
UPDATE run SET outcome = iif(problem IS NOT NULL, 'failed', (
    SELECT CASE coalesce(max(CASE
        WHEN json_extract(data, '$.outcome.outcome') IN ('failed', 'artifact_failed', 'timed_out')
             THEN iif(coalesce(json_extract(spec, '$.continue_on_error'), 0), 0, 3)
        WHEN json_extract(data, '$.outcome.outcome') = 'infra_failed' THEN 2
        WHEN json_extract(data, '$.outcome.outcome') = 'cancelled' THEN 1
        ELSE 0 END), 0)
    WHEN 3 THEN 'failed' WHEN 2 THEN 'infra_failed' WHEN 1 THEN 'cancelled' ELSE 'succeeded' END
    FROM job WHERE job.run = run.id AND replaced_by IS NULL))
WHERE finished_at IS NOT NULL;
CREATE INDEX run_of_outcome ON run (repository, outcome, id);

-- The ledger by what became of a delivery, and by where it came from.
CREATE INDEX delivery_of_verdict ON delivery (verdict, id);
CREATE INDEX delivery_of_forge ON delivery (forge, id);

-- How long the last machines of a host took to come up.
CREATE INDEX attempt_of_host ON attempt (host, id) WHERE running_at IS NOT NULL;

-- Which golden images there were, and how often jobs were given to a host for them.
CREATE TABLE image_use (
    name          TEXT NOT NULL,
    digest        TEXT NOT NULL,
    first_seen_at INTEGER NOT NULL,
    uses          INTEGER NOT NULL DEFAULT 0,
    used_at       INTEGER,
    PRIMARY KEY (name, digest)
) STRICT, WITHOUT ROWID;
-- Why a run was made, and where its file says what; and which commit a delivery told
-- of, so that it is found by that.
ALTER TABLE run ADD COLUMN grounds TEXT;         -- JSON: Grounds; NULL of what older versions made
ALTER TABLE delivery ADD COLUMN repository TEXT; -- its name
ALTER TABLE delivery ADD COLUMN commit_sha TEXT;
CREATE INDEX delivery_of_commit ON delivery (repository, commit_sha)
    WHERE commit_sha IS NOT NULL;
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

-- The first schema. Times are milliseconds since 1970 (UTC), ids are UUIDs of
-- version 7 in their usual spelling, so that their order as text is their order in time.

CREATE TABLE repository (
    id        INTEGER PRIMARY KEY,
    forge     TEXT NOT NULL,
    name      TEXT NOT NULL,
    clone_url TEXT NOT NULL,
    html_url  TEXT NOT NULL,
    private   INTEGER NOT NULL CHECK (private IN (0, 1)),
    UNIQUE (forge, name)
) STRICT;

-- One webhook request, whole, with what the engine made of it.
CREATE TABLE delivery (
    id          TEXT PRIMARY KEY,
    forge       TEXT NOT NULL,
    forge_id    TEXT NOT NULL,
    event       TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    body        BLOB NOT NULL,              -- zstd
    body_bytes  INTEGER NOT NULL,           -- before compression
    verdict     TEXT NOT NULL DEFAULT 'waiting'
                CHECK (verdict IN ('waiting', 'runs', 'ignored', 'rejected')),
    reason      TEXT,
    tries       INTEGER NOT NULL DEFAULT 0,
    next_try_at INTEGER NOT NULL,
    finished_at INTEGER,
    UNIQUE (forge, forge_id),
    CHECK ((verdict = 'waiting') = (finished_at IS NULL))
) STRICT;

CREATE INDEX delivery_waiting ON delivery (next_try_at, id) WHERE verdict = 'waiting';

CREATE TABLE run (
    id          TEXT PRIMARY KEY,
    repository  INTEGER NOT NULL REFERENCES repository (id),
    event       TEXT NOT NULL,
    git_ref     TEXT NOT NULL,
    commit_sha  TEXT NOT NULL,
    title       TEXT NOT NULL,
    actor       TEXT NOT NULL,
    file        TEXT NOT NULL,
    workflow    TEXT NOT NULL,
    context     TEXT NOT NULL,
    problem     TEXT,
    created_at  INTEGER NOT NULL,
    finished_at INTEGER,
    UNIQUE (repository, git_ref, commit_sha, event, file)
) STRICT;

-- Which runs came of a delivery: made by it, or already there.
CREATE TABLE delivery_run (
    delivery TEXT NOT NULL REFERENCES delivery (id),
    run      TEXT NOT NULL REFERENCES run (id),
    PRIMARY KEY (delivery, run)
) STRICT, WITHOUT ROWID;

CREATE TABLE job (
    id          TEXT PRIMARY KEY,
    run         TEXT NOT NULL REFERENCES run (id),
    position    INTEGER NOT NULL,
    name        TEXT NOT NULL,
    runs_on     TEXT NOT NULL,
    spec        TEXT NOT NULL,              -- JSON: JobSpec
    state       TEXT NOT NULL
                CHECK (state IN ('queued', 'claimed', 'starting', 'running', 'finished')),
    data        TEXT NOT NULL,              -- JSON: JobState, whole
    queued_at   INTEGER NOT NULL,
    claimed_at  INTEGER,
    started_at  INTEGER,
    finished_at INTEGER,
    UNIQUE (run, position),
    UNIQUE (run, name),
    CHECK ((state = 'finished') = (finished_at IS NOT NULL))
) STRICT;

CREATE INDEX job_queue ON job (queued_at, run, position) WHERE state = 'queued';
CREATE INDEX job_unfinished ON job (run) WHERE state <> 'finished';
CREATE INDEX job_state ON job (state) WHERE state <> 'finished';

-- `job` waits for `needs`; `met` once that one has satisfied it.
CREATE TABLE need (
    job   TEXT NOT NULL REFERENCES job (id),
    needs TEXT NOT NULL REFERENCES job (id),
    met   INTEGER NOT NULL DEFAULT 0 CHECK (met IN (0, 1)),
    PRIMARY KEY (job, needs)
) STRICT, WITHOUT ROWID;

CREATE INDEX need_of ON need (needs);

CREATE TABLE attempt (
    id          TEXT PRIMARY KEY,
    job         TEXT NOT NULL REFERENCES job (id),
    number      INTEGER NOT NULL CHECK (number > 0),
    host        TEXT NOT NULL,
    claimed_at  INTEGER NOT NULL,
    running_at  INTEGER,
    ended_at    INTEGER,
    lost        TEXT,
    phases      TEXT NOT NULL DEFAULT '[]', -- JSON: [Phase]
    applied_seq INTEGER NOT NULL DEFAULT 0,
    lease_until INTEGER NOT NULL,
    UNIQUE (job, number)
) STRICT;

CREATE INDEX attempt_host ON attempt (host) WHERE ended_at IS NULL;
CREATE INDEX attempt_lease ON attempt (lease_until) WHERE ended_at IS NULL;

CREATE TABLE step (
    attempt     TEXT NOT NULL REFERENCES attempt (id),
    position    INTEGER NOT NULL,
    started_at  INTEGER NOT NULL,
    finished_at INTEGER,
    exit        TEXT,                       -- JSON: Exit
    PRIMARY KEY (attempt, position)
) STRICT, WITHOUT ROWID;

-- What happened to jobs, in order; nothing here is ever changed.
CREATE TABLE event (
    seq   INTEGER PRIMARY KEY AUTOINCREMENT,
    job   TEXT NOT NULL REFERENCES job (id),
    at    INTEGER NOT NULL,
    event TEXT NOT NULL                     -- JSON: JobEvent
) STRICT;

CREATE INDEX event_of_job ON event (job, seq);

CREATE TRIGGER event_is_not_changed BEFORE UPDATE ON event
BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END;

-- The outbox: what the forge is to show. Only the newest wish is kept.
CREATE TABLE report (
    id              INTEGER PRIMARY KEY,
    run             TEXT NOT NULL REFERENCES run (id),
    job             TEXT UNIQUE REFERENCES job (id), -- NULL: the run itself is broken
    desired         TEXT NOT NULL,          -- JSON: CheckReport
    desired_version INTEGER NOT NULL DEFAULT 1,
    sent_version    INTEGER NOT NULL DEFAULT 0,
    dropped_version INTEGER NOT NULL DEFAULT 0,
    tries           INTEGER NOT NULL DEFAULT 0,
    next_try_at     INTEGER NOT NULL,
    last_error      TEXT
) STRICT;

CREATE UNIQUE INDEX report_of_run ON report (run) WHERE job IS NULL;
CREATE INDEX report_due ON report (next_try_at)
    WHERE desired_version > sent_version AND desired_version > dropped_version;

CREATE TABLE host (
    name    TEXT PRIMARY KEY,
    labels  TEXT NOT NULL,                  -- JSON: [Label]
    room    INTEGER NOT NULL,
    seen_at INTEGER NOT NULL
) STRICT;

CREATE TABLE token (
    name       TEXT PRIMARY KEY,
    role       TEXT NOT NULL CHECK (role IN ('reader', 'submitter', 'operator', 'admin', 'host')),
    hash       TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    used_at    INTEGER
) STRICT;

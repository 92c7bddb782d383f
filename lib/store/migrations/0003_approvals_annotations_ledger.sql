-- Merge queues, strangers who need an approval, remarks on the source, a ledger of
-- deliveries that tells what their headers were and can be replayed, and what is known
-- of where refs are, so that a delivery that was lost is found. Tables whose
-- constraints change are made anew, as in the second version.

CREATE TABLE new_delivery (
    id          TEXT PRIMARY KEY,
    forge       TEXT NOT NULL,
    forge_id    TEXT NOT NULL,
    event       TEXT NOT NULL,
    source      TEXT NOT NULL CHECK (source IN ('webhook', 'sweep')),
    headers     TEXT NOT NULL,              -- JSON: [[name, value]], without secrets
    received_at INTEGER NOT NULL,
    body        BLOB NOT NULL,              -- zstd
    body_bytes  INTEGER NOT NULL,           -- before compression
    body_removed_at INTEGER,
    verdict     TEXT NOT NULL DEFAULT 'waiting'
                CHECK (verdict IN ('waiting', 'runs', 'acted', 'ignored', 'rejected')),
    reason      TEXT,
    tries       INTEGER NOT NULL DEFAULT 0,
    begun       INTEGER NOT NULL DEFAULT 0, -- tries since the last that ended
    next_try_at INTEGER NOT NULL,
    finished_at INTEGER,
    replays     INTEGER NOT NULL DEFAULT 0, -- how often somebody had it interpreted again
    replayed_by TEXT,                       -- who did last
    UNIQUE (forge, forge_id),
    CHECK ((verdict = 'waiting') = (finished_at IS NULL))
) STRICT;

INSERT INTO new_delivery (id, forge, forge_id, event, source, headers, received_at, body,
                          body_bytes, body_removed_at, verdict, reason, tries, begun,
                          next_try_at, finished_at)
SELECT id, forge, forge_id, event, 'webhook', '[]', received_at, body, body_bytes,
       body_removed_at, verdict, reason, tries, begun, next_try_at, finished_at FROM delivery;

DROP TABLE delivery;
ALTER TABLE new_delivery RENAME TO delivery;

CREATE INDEX delivery_waiting ON delivery (next_try_at, id) WHERE verdict = 'waiting';
CREATE INDEX delivery_body ON delivery (received_at) WHERE body_removed_at IS NULL;

CREATE TABLE new_run (
    id           TEXT PRIMARY KEY,
    repository   INTEGER NOT NULL REFERENCES repository (id),
    event        TEXT NOT NULL
                 CHECK (event IN ('push', 'pull_request', 'merge_group', 'manual')),
    pull_request INTEGER,                   -- its number
    base         TEXT,                      -- the branch that it is for
    outside      INTEGER NOT NULL DEFAULT 0 CHECK (outside IN (0, 1)),
    author       TEXT,                      -- who opened the pull request, where known
    git_ref      TEXT NOT NULL,
    commit_sha   TEXT NOT NULL,
    title        TEXT NOT NULL,
    actor        TEXT NOT NULL,
    file         TEXT NOT NULL,
    workflow     TEXT NOT NULL,
    context      TEXT NOT NULL,
    problem      TEXT,
    approval     TEXT CHECK (approval IN ('waiting', 'given')), -- NULL: none is needed
    approved_by  TEXT,
    approved_at  INTEGER,
    withdrawn_at INTEGER,                   -- cancelled since its ref moved on or went away
    created_at   INTEGER NOT NULL,
    finished_at  INTEGER,
    CHECK ((event = 'pull_request') = (pull_request IS NOT NULL)),
    CHECK ((event IN ('pull_request', 'merge_group')) = (base IS NOT NULL)),
    CHECK ((approval IS 'given') = (approved_by IS NOT NULL)),
    CHECK ((approval IS 'given') = (approved_at IS NOT NULL))
) STRICT;

INSERT INTO new_run (id, repository, event, pull_request, base, outside, git_ref, commit_sha,
                     title, actor, file, workflow, context, problem, withdrawn_at, created_at,
                     finished_at)
SELECT id, repository, event, pull_request, base, outside, git_ref, commit_sha,
       title, actor, file, workflow, context, problem, withdrawn_at, created_at,
       finished_at FROM run;

DROP TABLE run;
ALTER TABLE new_run RENAME TO run;

-- The same event again makes no second run, unless the first was withdrawn.
CREATE UNIQUE INDEX run_of_event ON run (repository, git_ref, commit_sha, event, file)
    WHERE event <> 'manual' AND withdrawn_at IS NULL;
CREATE INDEX run_unfinished ON run (repository, git_ref) WHERE finished_at IS NULL;
CREATE INDEX run_of_pull_request ON run (repository, pull_request) WHERE pull_request IS NOT NULL;
CREATE INDEX run_of_commit ON run (repository, commit_sha);
-- Where the last green commit of a workflow is looked for.
CREATE INDEX run_of_ref ON run (repository, git_ref, file, id) WHERE finished_at IS NOT NULL;

-- What tools said of places in the source, in the order in which it was found.
CREATE TABLE annotation (
    attempt  TEXT NOT NULL REFERENCES attempt (id),
    position INTEGER NOT NULL CHECK (position >= 0),
    path     TEXT NOT NULL,
    line     INTEGER NOT NULL CHECK (line > 0),
    end_line INTEGER NOT NULL CHECK (end_line >= line),
    "column" INTEGER CHECK ("column" > 0),
    level    TEXT NOT NULL CHECK (level IN ('failure', 'warning', 'notice')),
    title    TEXT NOT NULL,
    message  TEXT NOT NULL,
    PRIMARY KEY (attempt, position)
) STRICT, WITHOUT ROWID;

ALTER TABLE attempt ADD COLUMN annotated_at INTEGER; -- when its output was looked through
ALTER TABLE attempt ADD COLUMN annotations_omitted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE attempt ADD COLUMN annotation_counts TEXT; -- JSON: how many there are of each level
CREATE INDEX attempt_unannotated ON attempt (ended_at)
    WHERE ended_at IS NOT NULL AND annotated_at IS NULL;

-- What ended before is not looked through any more.
UPDATE attempt SET annotated_at = ended_at WHERE ended_at IS NOT NULL;

-- Where refs were when they were last heard of, by a delivery or by looking.
CREATE TABLE seen_head (
    repository INTEGER NOT NULL REFERENCES repository (id),
    git_ref    TEXT NOT NULL,
    commit_sha TEXT NOT NULL,
    seen_at    INTEGER NOT NULL,
    PRIMARY KEY (repository, git_ref)
) STRICT, WITHOUT ROWID;

ALTER TABLE repository ADD COLUMN swept_at INTEGER; -- when all of its refs were last looked at

-- When the check was last told, for the pace of what is still going on.
ALTER TABLE report ADD COLUMN sent_at INTEGER;

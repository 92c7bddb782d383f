-- Pull requests, runs by hand, jobs that are run once more, artifacts, hosts that
-- drain; a queue that a claim need not read whole; one report per check of a commit.
-- Tables whose constraints change are made anew (https://sqlite.org/lang_altertable.html,
-- section 7); foreign keys are off meanwhile and checked before the commit.

ALTER TABLE delivery ADD COLUMN begun INTEGER NOT NULL DEFAULT 0; -- tries since the last that ended
ALTER TABLE delivery ADD COLUMN body_removed_at INTEGER;
CREATE INDEX delivery_body ON delivery (received_at) WHERE body_removed_at IS NULL;

CREATE TABLE new_run (
    id           TEXT PRIMARY KEY,
    repository   INTEGER NOT NULL REFERENCES repository (id),
    event        TEXT NOT NULL CHECK (event IN ('push', 'pull_request', 'manual')),
    pull_request INTEGER,                   -- its number
    base         TEXT,                      -- the branch that it is for
    outside      INTEGER NOT NULL DEFAULT 0 CHECK (outside IN (0, 1)),
    git_ref      TEXT NOT NULL,
    commit_sha   TEXT NOT NULL,
    title        TEXT NOT NULL,
    actor        TEXT NOT NULL,
    file         TEXT NOT NULL,
    workflow     TEXT NOT NULL,
    context      TEXT NOT NULL,
    problem      TEXT,
    withdrawn_at INTEGER,                   -- cancelled since its ref moved on or went away
    created_at   INTEGER NOT NULL,
    finished_at  INTEGER,
    CHECK ((event = 'pull_request') = (pull_request IS NOT NULL)),
    CHECK ((event = 'pull_request') = (base IS NOT NULL))
) STRICT;

INSERT INTO new_run (id, repository, event, git_ref, commit_sha, title, actor, file, workflow,
                     context, problem, created_at, finished_at)
SELECT id, repository, event, git_ref, commit_sha, title, actor, file, workflow,
       context, problem, created_at, finished_at FROM run;

DROP TABLE run;
ALTER TABLE new_run RENAME TO run;

-- The same event again makes no second run, unless the first was withdrawn.
CREATE UNIQUE INDEX run_of_event ON run (repository, git_ref, commit_sha, event, file)
    WHERE event <> 'manual' AND withdrawn_at IS NULL;
CREATE INDEX run_unfinished ON run (repository, git_ref) WHERE finished_at IS NULL;
CREATE INDEX run_of_pull_request ON run (repository, pull_request) WHERE pull_request IS NOT NULL;
CREATE INDEX delivery_of_run ON delivery_run (run, delivery);

CREATE TABLE new_job (
    id          TEXT PRIMARY KEY,
    run         TEXT NOT NULL REFERENCES run (id),
    repository  INTEGER NOT NULL REFERENCES repository (id), -- the run's
    position    INTEGER NOT NULL,
    name        TEXT NOT NULL,
    runs_on     TEXT NOT NULL,
    size        TEXT NOT NULL,              -- '': any
    priority    INTEGER NOT NULL,
    spec        TEXT NOT NULL,              -- JSON: JobSpec
    rerun       INTEGER NOT NULL DEFAULT 0, -- how often it was run before
    rerun_by    TEXT,                       -- who wanted that
    replaced_by TEXT REFERENCES job (id) DEFERRABLE INITIALLY DEFERRED,
    open_needs  INTEGER NOT NULL DEFAULT 0 CHECK (open_needs >= 0),
    state       TEXT NOT NULL
                CHECK (state IN ('queued', 'claimed', 'starting', 'running', 'finished')),
    data        TEXT NOT NULL,              -- JSON: JobState, whole
    queued_at   INTEGER NOT NULL,
    claimed_at  INTEGER,
    started_at  INTEGER,
    finished_at INTEGER,
    CHECK ((state = 'finished') = (finished_at IS NOT NULL)),
    CHECK (replaced_by IS NULL OR state = 'finished')
) STRICT;

INSERT INTO new_job (id, run, repository, position, name, runs_on, size, priority, spec,
                     open_needs, state, data, queued_at, claimed_at, started_at, finished_at)
SELECT job.id, run, run.repository, position, name, runs_on, '', 0, spec,
       (SELECT count(*) FROM need WHERE need.job = job.id AND met = 0),
       state, data, queued_at, claimed_at, started_at, job.finished_at
FROM job JOIN run ON run.id = job.run;

DROP TABLE job;
ALTER TABLE new_job RENAME TO job;

CREATE UNIQUE INDEX job_position ON job (run, position) WHERE replaced_by IS NULL;
CREATE UNIQUE INDEX job_name ON job (run, name) WHERE replaced_by IS NULL;
CREATE INDEX job_of_run ON job (run);
-- What a claim looks at, in the order in which it does.
CREATE INDEX job_ready ON job (runs_on, size, repository, priority DESC, queued_at, run, position)
    WHERE state = 'queued' AND open_needs = 0;
CREATE INDEX job_on_machine ON job (repository) WHERE state IN ('claimed', 'starting', 'running');
CREATE INDEX job_state ON job (state) WHERE state <> 'finished';
CREATE INDEX job_unfinished ON job (run) WHERE state <> 'finished';
CREATE INDEX job_before ON job (replaced_by) WHERE replaced_by IS NOT NULL;

ALTER TABLE need ADD COLUMN outcome TEXT NOT NULL DEFAULT 'succeeded'
    CHECK (outcome IN ('succeeded', 'failed', 'completed', 'any'));

ALTER TABLE attempt ADD COLUMN verdict TEXT;              -- JSON: AgentVerdict
ALTER TABLE attempt ADD COLUMN log_removed_at INTEGER;
ALTER TABLE attempt ADD COLUMN artifacts_removed_at INTEGER;
CREATE INDEX attempt_kept ON attempt (id) WHERE ended_at IS NOT NULL
    AND (log_removed_at IS NULL OR artifacts_removed_at IS NULL);

-- What the first version knew only as an outcome of the job.
UPDATE attempt SET verdict = (
    SELECT json_extract(event.event, '$.verdict') FROM event
    WHERE event.job = attempt.job AND json_extract(event.event, '$.event') = 'attempt_ended'
    AND json_extract(event.event, '$.attempt') = attempt.id)
WHERE ended_at IS NOT NULL AND lost IS NULL;

ALTER TABLE step ADD COLUMN tries INTEGER NOT NULL DEFAULT 1; -- 0: it was not run

CREATE TABLE artifact (
    attempt   TEXT NOT NULL REFERENCES attempt (id),
    position  INTEGER NOT NULL CHECK (position >= 0),
    path      TEXT NOT NULL,
    bytes     INTEGER NOT NULL,
    sha256    TEXT NOT NULL,
    stored_at INTEGER NOT NULL,
    PRIMARY KEY (attempt, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX event_at ON event (at);

-- The outbox: what each check of a commit is to show. It belongs to the newest run
-- and job that claimed it; what older ones have to say is not told.
CREATE TABLE new_report (
    id              INTEGER PRIMARY KEY,
    repository      INTEGER NOT NULL REFERENCES repository (id),
    commit_sha      TEXT NOT NULL,
    context         TEXT NOT NULL,
    run             TEXT NOT NULL REFERENCES run (id),
    job             TEXT REFERENCES job (id), -- NULL: the run itself is broken
    desired         TEXT NOT NULL,          -- JSON: CheckReport
    desired_version INTEGER NOT NULL DEFAULT 1,
    sent_version    INTEGER NOT NULL DEFAULT 0,
    dropped_version INTEGER NOT NULL DEFAULT 0,
    tries           INTEGER NOT NULL DEFAULT 0,
    next_try_at     INTEGER NOT NULL,
    last_error      TEXT,
    UNIQUE (repository, commit_sha, context)
) STRICT;

INSERT INTO new_report (id, repository, commit_sha, context, run, job, desired, desired_version,
                        sent_version, dropped_version, tries, next_try_at, last_error)
SELECT report.id, run.repository, run.commit_sha, json_extract(desired, '$.context'), run, job,
       desired, desired_version, sent_version, dropped_version, tries, next_try_at, last_error
FROM report JOIN run ON run.id = report.run
WHERE true ORDER BY run.id, report.id
ON CONFLICT (repository, commit_sha, context) DO UPDATE SET
    run = excluded.run, job = excluded.job, desired = excluded.desired,
    desired_version = max(desired_version, excluded.desired_version) + 1,
    tries = 0, next_try_at = excluded.next_try_at, last_error = NULL;

DROP TABLE report;
ALTER TABLE new_report RENAME TO report;

CREATE UNIQUE INDEX report_of_job ON report (job);
CREATE INDEX report_due ON report (next_try_at)
    WHERE desired_version > sent_version AND desired_version > dropped_version;

ALTER TABLE host ADD COLUMN draining INTEGER NOT NULL DEFAULT 0 CHECK (draining IN (0, 1));
ALTER TABLE host ADD COLUMN sizes TEXT NOT NULL DEFAULT '[]';  -- JSON: [SizeName]
ALTER TABLE host ADD COLUMN images TEXT NOT NULL DEFAULT '[]'; -- JSON: [HostImage]

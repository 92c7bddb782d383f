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

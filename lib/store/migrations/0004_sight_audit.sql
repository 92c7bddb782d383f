-- People who sign in, what they did, requests that may come twice, and the order in
-- which the pages list runs.

-- Where the pages look for the newest runs of a repository.
CREATE INDEX run_of_repository ON run (repository, id);

-- Why a run was made, and where its file says what; and which commit a delivery told
-- of, so that it is found by that.
ALTER TABLE run ADD COLUMN grounds TEXT;         -- JSON: Grounds; NULL of what older versions made
ALTER TABLE delivery ADD COLUMN repository TEXT; -- its name
ALTER TABLE delivery ADD COLUMN commit_sha TEXT;
CREATE INDEX delivery_of_commit ON delivery (repository, commit_sha)
    WHERE commit_sha IS NOT NULL;

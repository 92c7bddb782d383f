-- People who sign in, what they did, requests that may come twice, and the order in
-- which the pages list runs.

-- Where the pages look for the newest runs of a repository.
CREATE INDEX run_of_repository ON run (repository, id);

-- A small database as the fourth version wrote it: what the third had, come up to date, and
-- how runs ended, why one was made, an image in use, people signed in, what they did.

INSERT INTO repository (id, forge, name, clone_url, html_url, private, swept_at) VALUES
    (1, 'codeberg', 'acme/kernel', 'https://forge.example/acme/kernel.git', 'https://forge.example/acme/kernel', 0, 1700000000000);

INSERT INTO delivery (id, forge, forge_id, event, source, headers, received_at, body, body_bytes, body_removed_at, verdict, reason, tries, begun, next_try_at, finished_at, replays, replayed_by) VALUES
    ('01a1fc2b-fc5b-7659-a7aa-8066909200ef', 'codeberg', '01a1fc2b-fc5a-7674-b41a-afd55f26905d', 'push', 'webhook', '[["x-forgejo-event","push"]]', 1700000000000, X'28b52ffd201ad100007b22726566223a2022726566732f68656164732f6d61696e227d', 26, NULL, 'runs', NULL, 0, 0, 1700000000000, 1700000000000, 0, NULL),
    ('01a1fc2b-fc60-7027-8a5c-7062aa6794da', 'codeberg', '01a1fc2b-fc5f-716d-a506-547224982766', 'push', 'webhook', '[]', 1700000000000, X'28b52ffd201ad100007b22726566223a2022726566732f68656164732f6d61696e227d', 26, NULL, 'ignored', 'a branch was deleted', 0, 0, 1700000000000, 1700000001000, 0, NULL),
    ('01a1fc2b-fc64-774a-ab71-e1608027d7ec', 'codeberg', '01a1fc2b-fc64-774a-ab71-e15f291da265', 'push', 'webhook', '[]', 1700000000000, X'28b52ffd201ad100007b22726566223a2022726566732f68656164732f6d61696e227d', 26, NULL, 'waiting', NULL, 0, 0, 1700000000000, NULL, 0, NULL),
    ('01a1fc2b-fd09-7655-9c9c-6de3e832e109', 'codeberg', 'f1', 'pull_request', 'webhook', '[["x-forgejo-event","push"]]', 1700000010000, X'', 26, 1700000050000, 'runs', NULL, 0, 0, 1700000010000, 1700000010000, 0, NULL);

INSERT INTO run (id, repository, event, pull_request, base, outside, author, git_ref, commit_sha, title, actor, file, workflow, context, problem, approval, approved_by, approved_at, withdrawn_at, created_at, finished_at) VALUES
    ('01a1fc2b-fc5d-7655-9c9c-6de3e832e150', 1, 'push', NULL, NULL, 0, NULL, 'refs/heads/main', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'Make it so', 'alice', '.solstice/workflow.kdl', 'CI', 'solstice/.solstice/workflow.kdl', NULL, NULL, NULL, NULL, NULL, 1700000000000, NULL),
    ('01a1fc2b-fc5d-7655-9c9c-6de7c17575ce', 1, 'push', NULL, NULL, 0, NULL, 'refs/heads/main', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'Make it so', 'alice', '.solstice/broken.kdl', 'CI', 'solstice/.solstice/broken.kdl', 'line 3: unknown node `stepp`', NULL, NULL, NULL, NULL, 1700000000000, 1700000000000),
    ('01a1fc2b-fd01-7655-9c9c-6de3e832e101', 1, 'pull_request', 7, 'main', 1, 'bob', 'refs/pull/7/head', 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', 'Mend it', 'bob', '.solstice/workflow.kdl', 'CI', 'solstice/.solstice/workflow.kdl', NULL, 'given', 'alice', 1700000009000, NULL, 1700000010000, NULL);

INSERT INTO delivery_run (delivery, run) VALUES
    ('01a1fc2b-fc5b-7659-a7aa-8066909200ef', '01a1fc2b-fc5d-7655-9c9c-6de3e832e150'),
    ('01a1fc2b-fc5b-7659-a7aa-8066909200ef', '01a1fc2b-fc5d-7655-9c9c-6de7c17575ce'),
    ('01a1fc2b-fd09-7655-9c9c-6de3e832e109', '01a1fc2b-fd01-7655-9c9c-6de3e832e101');

INSERT INTO job (id, run, repository, position, name, runs_on, size, priority, spec, rerun, rerun_by, replaced_by, open_needs, state, data, queued_at, claimed_at, started_at, finished_at) VALUES
    ('01a1fc2b-fc5d-7655-9c9c-6de457a87bd6', '01a1fc2b-fc5d-7655-9c9c-6de3e832e150', 1, 0, 'build', 'illumos', '', 0, '{"name":"build","runs_on":"illumos","needs":[],"env":{"COLOUR":"blue"},"timeout_s":3600,"steps":[{"name":"Build","run":"true","shell":["/bin/sh","-e"],"working_dir":null,"env":{},"timeout_s":null},{"name":"Test","run":"true","shell":["/bin/sh","-e"],"working_dir":null,"env":{},"timeout_s":null}]}', 0, NULL, NULL, 0, 'finished', '{"state":"finished","outcome":{"outcome":"succeeded"}}', 1700000000000, 1700000001000, 1700000002000, 1700000003000),
    ('01a1fc2b-fc5d-7655-9c9c-6de54de96f84', '01a1fc2b-fc5d-7655-9c9c-6de3e832e150', 1, 1, 'test', 'illumos', '', 0, '{"name":"test","runs_on":"illumos","needs":["build"],"env":{"COLOUR":"blue"},"timeout_s":3600,"steps":[{"name":"Build","run":"true","shell":["/bin/sh","-e"],"working_dir":null,"env":{},"timeout_s":null},{"name":"Test","run":"true","shell":["/bin/sh","-e"],"working_dir":null,"env":{},"timeout_s":null}]}', 0, NULL, NULL, 0, 'claimed', '{"state":"claimed","attempt":"01a1fc2b-fc79-7217-a627-8a83c35df751","host":"host-1"}', 1700000000000, 1700000006000, NULL, NULL),
    ('01a1fc2b-fc5d-7655-9c9c-6de6ed8a0ac6', '01a1fc2b-fc5d-7655-9c9c-6de3e832e150', 1, 2, 'lint', 'illumos', '', 0, '{"name":"lint","runs_on":"illumos","needs":[],"env":{"COLOUR":"blue"},"timeout_s":3600,"steps":[{"name":"Build","run":"true","shell":["/bin/sh","-e"],"working_dir":null,"env":{},"timeout_s":null},{"name":"Test","run":"true","shell":["/bin/sh","-e"],"working_dir":null,"env":{},"timeout_s":null}]}', 0, NULL, NULL, 0, 'queued', '{"state":"queued"}', 1700000000000, NULL, NULL, NULL),
    ('01a1fc2b-fd02-7655-9c9c-6de3e832e102', '01a1fc2b-fd01-7655-9c9c-6de3e832e101', 1, 0, 'build', 'illumos', '', 0, '{"name":"build","runs_on":"illumos","needs":[],"env":{},"timeout_s":3600,"retries":0,"continue_on_error":false,"priority":0,"steps":[{"name":"Build","run":"make","shell":["/bin/sh","-e"],"working_dir":null,"env":{},"timeout_s":null,"when":"on_success","continue_on_error":false,"retries":0}],"artifacts":[]}', 0, NULL, NULL, 0, 'finished', '{"state":"finished","outcome":{"outcome":"succeeded"}}', 1700000010000, NULL, NULL, 1700000012000),
    ('01a1fc2b-fd04-7655-9c9c-6de3e832e104', '01a1fc2b-fd01-7655-9c9c-6de3e832e101', 1, 1, 'test', 'illumos', 'large', 10, '{"name":"test","runs_on":"illumos","size":"large","needs":[{"job":"build","outcome":"completed"}],"env":{},"timeout_s":3600,"retries":1,"continue_on_error":true,"priority":10,"steps":[{"name":"Test","run":"true","shell":["/bin/sh","-e"],"working_dir":null,"env":{},"timeout_s":null,"when":"always","continue_on_error":false,"retries":2}],"artifacts":[{"pattern":"out/*","exclude":[],"required":true,"may_change":false}]}', 1, 'alice', NULL, 0, 'queued', '{"state":"queued"}', 1700000010000, NULL, NULL, NULL),
    ('01a1fc2b-fd03-7655-9c9c-6de3e832e103', '01a1fc2b-fd01-7655-9c9c-6de3e832e101', 1, 1, 'test', 'illumos', 'large', 10, '{"name":"test","runs_on":"illumos","size":"large","needs":[{"job":"build","outcome":"completed"}],"env":{},"timeout_s":3600,"retries":1,"continue_on_error":true,"priority":10,"steps":[{"name":"Test","run":"true","shell":["/bin/sh","-e"],"working_dir":null,"env":{},"timeout_s":null,"when":"always","continue_on_error":false,"retries":2}],"artifacts":[{"pattern":"out/*","exclude":[],"required":true,"may_change":false}]}', 0, NULL, '01a1fc2b-fd04-7655-9c9c-6de3e832e104', 0, 'finished', '{"state":"finished","outcome":{"outcome":"artifact_failed","pattern":"out/*","why":"no such file"}}', 1700000010000, NULL, NULL, 1700000014000);

INSERT INTO need (job, needs, met, outcome) VALUES
    ('01a1fc2b-fc5d-7655-9c9c-6de54de96f84', '01a1fc2b-fc5d-7655-9c9c-6de457a87bd6', 1, 'succeeded'),
    ('01a1fc2b-fd03-7655-9c9c-6de3e832e103', '01a1fc2b-fd02-7655-9c9c-6de3e832e102', 1, 'completed'),
    ('01a1fc2b-fd04-7655-9c9c-6de3e832e104', '01a1fc2b-fd02-7655-9c9c-6de3e832e102', 1, 'completed');

INSERT INTO attempt (id, job, number, host, claimed_at, running_at, ended_at, lost, phases, applied_seq, lease_until, verdict, log_removed_at, artifacts_removed_at, annotated_at, annotations_omitted, annotation_counts) VALUES
    ('01a1fc2b-fc69-7197-80d4-ef492d0dd1cc', '01a1fc2b-fc5d-7655-9c9c-6de457a87bd6', 1, 'host-1', 1700000001000, 1700000002000, 1700000003000, NULL, '[{"name":"boot","took_ms":800}]', 5, 1700000061000, '{"verdict":"succeeded"}', NULL, NULL, 1700000003000, 0, '{"failures":1,"warnings":0,"notices":0}'),
    ('01a1fc2b-fc70-747c-8fdb-e2546bac852d', '01a1fc2b-fc5d-7655-9c9c-6de54de96f84', 1, 'host-1', 1700000004000, NULL, 1700000005000, 'no boot', '[]', 0, 1700000064000, NULL, NULL, NULL, 1700000005000, 0, NULL),
    ('01a1fc2b-fc79-7217-a627-8a83c35df751', '01a1fc2b-fc5d-7655-9c9c-6de54de96f84', 2, 'host-1', 1700000006000, NULL, NULL, NULL, '[]', 0, 1700000066000, NULL, NULL, NULL, NULL, 0, NULL),
    ('01a1fc2b-fd05-7655-9c9c-6de3e832e105', '01a1fc2b-fd02-7655-9c9c-6de3e832e102', 1, 'host-1', 1700000010000, 1700000011000, 1700000012000, NULL, '[]', 3, 1700000070000, '{"verdict":"succeeded"}', NULL, NULL, 1700000012000, 0, NULL),
    ('01a1fc2b-fd06-7655-9c9c-6de3e832e106', '01a1fc2b-fd03-7655-9c9c-6de3e832e103', 1, 'host-1', 1700000013000, 1700000013500, 1700000014000, NULL, '[]', 3, 1700000070000, '{"verdict":"artifact_failed","pattern":"out/*","why":"no such file"}', 1700000060000, NULL, 1700000014000, 0, NULL);

INSERT INTO step (attempt, position, started_at, finished_at, exit, tries) VALUES
    ('01a1fc2b-fc69-7197-80d4-ef492d0dd1cc', 0, 1700000101000, 1700000102000, '{"how":"code","code":0}', 1),
    ('01a1fc2b-fc69-7197-80d4-ef492d0dd1cc', 1, 1700000103000, 1700000104000, '{"how":"code","code":0}', 1),
    ('01a1fc2b-fd06-7655-9c9c-6de3e832e106', 0, 1700000013600, 1700000013700, '{"how":"code","code":0}', 2);

INSERT INTO event (seq, job, at, event) VALUES
    (1, '01a1fc2b-fc5d-7655-9c9c-6de457a87bd6', 1700000001000, '{"event":"claim","attempt":"01a1fc2b-fc69-7197-80d4-ef492d0dd1cc","host":"host-1"}'),
    (2, '01a1fc2b-fc5d-7655-9c9c-6de457a87bd6', 1700000002000, '{"event":"agent_running","attempt":"01a1fc2b-fc69-7197-80d4-ef492d0dd1cc"}'),
    (3, '01a1fc2b-fc5d-7655-9c9c-6de457a87bd6', 1700000003000, '{"event":"attempt_ended","attempt":"01a1fc2b-fc69-7197-80d4-ef492d0dd1cc","verdict":{"verdict":"succeeded"}}'),
    (4, '01a1fc2b-fc5d-7655-9c9c-6de54de96f84', 1700000004000, '{"event":"claim","attempt":"01a1fc2b-fc70-747c-8fdb-e2546bac852d","host":"host-1"}'),
    (5, '01a1fc2b-fc5d-7655-9c9c-6de54de96f84', 1700000005000, '{"event":"attempt_lost","attempt":"01a1fc2b-fc70-747c-8fdb-e2546bac852d","why":"no boot","retry":true}'),
    (6, '01a1fc2b-fc5d-7655-9c9c-6de54de96f84', 1700000006000, '{"event":"claim","attempt":"01a1fc2b-fc79-7217-a627-8a83c35df751","host":"host-1"}'),
    (7, '01a1fc2b-fd03-7655-9c9c-6de3e832e103', 1700000014000, '{"event":"attempt_ended","attempt":"01a1fc2b-fd06-7655-9c9c-6de3e832e106","verdict":{"verdict":"artifact_failed","pattern":"out/*","why":"no such file"},"retry":false}');

INSERT INTO report (id, repository, commit_sha, context, run, job, desired, desired_version, sent_version, dropped_version, tries, next_try_at, last_error, sent_at) VALUES
    (1, 1, 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'solstice/.solstice/workflow.kdl/build', '01a1fc2b-fc5d-7655-9c9c-6de3e832e150', '01a1fc2b-fc5d-7655-9c9c-6de457a87bd6', '{"context":"solstice/.solstice/workflow.kdl/build","state":"success","description":"succeeded","target_url":"https://ci.example/"}', 4, 0, 0, 0, 1700000003000, NULL, NULL),
    (2, 1, 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'solstice/.solstice/workflow.kdl/test', '01a1fc2b-fc5d-7655-9c9c-6de3e832e150', '01a1fc2b-fc5d-7655-9c9c-6de54de96f84', '{"context":"solstice/.solstice/workflow.kdl/test","state":"pending","description":"attempt 2","target_url":"https://ci.example/"}', 4, 0, 0, 0, 1700000006000, NULL, NULL),
    (3, 1, 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'solstice/.solstice/workflow.kdl/lint', '01a1fc2b-fc5d-7655-9c9c-6de3e832e150', '01a1fc2b-fc5d-7655-9c9c-6de6ed8a0ac6', '{"context":"solstice/.solstice/workflow.kdl/lint","state":"pending","description":"queued","target_url":"https://ci.example/"}', 1, 1, 0, 0, 1700000000000, NULL, NULL),
    (4, 1, 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'solstice/.solstice/broken.kdl', '01a1fc2b-fc5d-7655-9c9c-6de7c17575ce', NULL, '{"context":"solstice/.solstice/broken.kdl","state":"failure","description":"line 3: unknown node `stepp`","target_url":"https://ci.example/"}', 1, 0, 0, 0, 1700000000000, NULL, NULL),
    (5, 1, 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', 'solstice/.solstice/workflow.kdl/test', '01a1fc2b-fd01-7655-9c9c-6de3e832e101', '01a1fc2b-fd04-7655-9c9c-6de3e832e104', '{"context":"solstice/.solstice/workflow.kdl/test","state":"pending","description":"queued","target_url":"https://ci.example/"}', 1, 0, 0, 0, 1700000015000, NULL, NULL);

INSERT INTO host (name, labels, room, seen_at, draining, sizes, images) VALUES
    ('host-1', '["illumos"]', 3, 1700000007000, 1, '["large"]', '[{"name":"omnios","digest":"sha256:cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd","labels":["illumos"]}]');

INSERT INTO token (name, role, hash, created_at, used_at) VALUES
    ('alice', 'admin', '52bfc34fd25281bddba743250127d897a94d8708a658bbd4a7e9dd510b8343ea', 1700000008000, NULL);

INSERT INTO artifact (attempt, position, path, bytes, sha256, stored_at) VALUES
    ('01a1fc2b-fd05-7655-9c9c-6de3e832e105', 0, 'out/kernel', 1024, 'sha256:abababababababababababababababababababababababababababababababab', 1700000011500);

INSERT INTO annotation (attempt, position, path, line, end_line, "column", level, title, message) VALUES
    ('01a1fc2b-fc69-7197-80d4-ef492d0dd1cc', 0, 'src/main.c', 3, 3, 7, 'failure', '', 'expected ;');

INSERT INTO seen_head (repository, git_ref, commit_sha, seen_at) VALUES
    (1, 'refs/heads/main', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 1700000000000);

UPDATE run SET outcome = 'failed' WHERE problem IS NOT NULL;

INSERT INTO image_use (name, digest, first_seen_at, uses, used_at) VALUES
    ('omnios', 'sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 1700000000000, 3, 1700000010000);
UPDATE run SET grounds = '{"trigger":2,"policy":"the policy lets every push start","jobs":{"build":{"job":4,"steps":[{"step":5}]}}}'
    WHERE id = '01a1fc2b-fc5d-7655-9c9c-6de3e832e150';

UPDATE delivery SET repository = 'acme/kernel', commit_sha = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'
    WHERE id = '01a1fc2b-fc5b-7659-a7aa-8066909200ef';
INSERT INTO session (hash, token, forge, login, created_at, used_at) VALUES
    ('aa1fc34fd25281bddba743250127d897a94d8708a658bbd4a7e9dd510b8343ea', 'alice', NULL, NULL, 1700000008000, 1700000009000),
    ('bb1fc34fd25281bddba743250127d897a94d8708a658bbd4a7e9dd510b8343ea', NULL, 'codeberg', 'bob', 1700000008000, 1700000009000);

INSERT INTO audit (id, at, who, via, action, object, detail, remote, request) VALUES
    (1, 1700000009000, 'alice', 'session', 'run.cancel', 'run:01a1fc2b-fc5d-7655-9c9c-6de3e832e150', NULL, '192.0.2.7', '01a1fc2b-fd09-7655-9c9c-6de3e832e109');

INSERT INTO request_key (id, who, key, request, begun_at, process, done, answer) VALUES
    (1, 'alice', 'cc1fc34fd25281bddba743250127d897a94d8708a658bbd4a7e9dd510b8343ea', 'dd1fc34fd25281bddba743250127d897a94d8708a658bbd4a7e9dd510b8343ea', 1700000009000, NULL, 1, '[]');

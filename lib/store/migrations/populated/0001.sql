-- A small database as the first version wrote it: a run with a job done, one lost and
-- tried again, one waiting; a broken workflow; three deliveries; a host; a token.

INSERT INTO repository (id, forge, name, clone_url, html_url, private) VALUES
    (1, 'codeberg', 'acme/kernel', 'https://forge.example/acme/kernel.git', 'https://forge.example/acme/kernel', 0);

INSERT INTO delivery (id, forge, forge_id, event, received_at, body, body_bytes, verdict, reason, tries, next_try_at, finished_at) VALUES
    ('01a1fc2b-fc5b-7659-a7aa-8066909200ef', 'codeberg', '01a1fc2b-fc5a-7674-b41a-afd55f26905d', 'push', 1700000000000, X'28b52ffd201ad100007b22726566223a2022726566732f68656164732f6d61696e227d', 26, 'runs', NULL, 0, 1700000000000, 1700000000000),
    ('01a1fc2b-fc60-7027-8a5c-7062aa6794da', 'codeberg', '01a1fc2b-fc5f-716d-a506-547224982766', 'push', 1700000000000, X'28b52ffd201ad100007b22726566223a2022726566732f68656164732f6d61696e227d', 26, 'ignored', 'a branch was deleted', 0, 1700000000000, 1700000001000),
    ('01a1fc2b-fc64-774a-ab71-e1608027d7ec', 'codeberg', '01a1fc2b-fc64-774a-ab71-e15f291da265', 'push', 1700000000000, X'28b52ffd201ad100007b22726566223a2022726566732f68656164732f6d61696e227d', 26, 'waiting', NULL, 0, 1700000000000, NULL);

INSERT INTO run (id, repository, event, git_ref, commit_sha, title, actor, file, workflow, context, problem, created_at, finished_at) VALUES
    ('01a1fc2b-fc5d-7655-9c9c-6de3e832e150', 1, 'push', 'refs/heads/main', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'Make it so', 'alice', '.solstice/workflow.kdl', 'CI', 'solstice/.solstice/workflow.kdl', NULL, 1700000000000, NULL),
    ('01a1fc2b-fc5d-7655-9c9c-6de7c17575ce', 1, 'push', 'refs/heads/main', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'Make it so', 'alice', '.solstice/broken.kdl', 'CI', 'solstice/.solstice/broken.kdl', 'line 3: unknown node `stepp`', 1700000000000, 1700000000000);

INSERT INTO delivery_run (delivery, run) VALUES
    ('01a1fc2b-fc5b-7659-a7aa-8066909200ef', '01a1fc2b-fc5d-7655-9c9c-6de3e832e150'),
    ('01a1fc2b-fc5b-7659-a7aa-8066909200ef', '01a1fc2b-fc5d-7655-9c9c-6de7c17575ce');

INSERT INTO job (id, run, position, name, runs_on, spec, state, data, queued_at, claimed_at, started_at, finished_at) VALUES
    ('01a1fc2b-fc5d-7655-9c9c-6de457a87bd6', '01a1fc2b-fc5d-7655-9c9c-6de3e832e150', 0, 'build', 'illumos', '{"name":"build","runs_on":"illumos","needs":[],"env":{"COLOUR":"blue"},"timeout_s":3600,"steps":[{"name":"Build","run":"true","shell":["/bin/sh","-e"],"working_dir":null,"env":{},"timeout_s":null},{"name":"Test","run":"true","shell":["/bin/sh","-e"],"working_dir":null,"env":{},"timeout_s":null}]}', 'finished', '{"state":"finished","outcome":{"outcome":"succeeded"}}', 1700000000000, 1700000001000, 1700000002000, 1700000003000),
    ('01a1fc2b-fc5d-7655-9c9c-6de54de96f84', '01a1fc2b-fc5d-7655-9c9c-6de3e832e150', 1, 'test', 'illumos', '{"name":"test","runs_on":"illumos","needs":["build"],"env":{"COLOUR":"blue"},"timeout_s":3600,"steps":[{"name":"Build","run":"true","shell":["/bin/sh","-e"],"working_dir":null,"env":{},"timeout_s":null},{"name":"Test","run":"true","shell":["/bin/sh","-e"],"working_dir":null,"env":{},"timeout_s":null}]}', 'claimed', '{"state":"claimed","attempt":"01a1fc2b-fc79-7217-a627-8a83c35df751","host":"host-1"}', 1700000000000, 1700000006000, NULL, NULL),
    ('01a1fc2b-fc5d-7655-9c9c-6de6ed8a0ac6', '01a1fc2b-fc5d-7655-9c9c-6de3e832e150', 2, 'lint', 'illumos', '{"name":"lint","runs_on":"illumos","needs":[],"env":{"COLOUR":"blue"},"timeout_s":3600,"steps":[{"name":"Build","run":"true","shell":["/bin/sh","-e"],"working_dir":null,"env":{},"timeout_s":null},{"name":"Test","run":"true","shell":["/bin/sh","-e"],"working_dir":null,"env":{},"timeout_s":null}]}', 'queued', '{"state":"queued"}', 1700000000000, NULL, NULL, NULL);

INSERT INTO need (job, needs, met) VALUES
    ('01a1fc2b-fc5d-7655-9c9c-6de54de96f84', '01a1fc2b-fc5d-7655-9c9c-6de457a87bd6', 1);

INSERT INTO attempt (id, job, number, host, claimed_at, running_at, ended_at, lost, phases, applied_seq, lease_until) VALUES
    ('01a1fc2b-fc69-7197-80d4-ef492d0dd1cc', '01a1fc2b-fc5d-7655-9c9c-6de457a87bd6', 1, 'host-1', 1700000001000, 1700000002000, 1700000003000, NULL, '[{"name":"boot","took_ms":800}]', 5, 1700000061000),
    ('01a1fc2b-fc70-747c-8fdb-e2546bac852d', '01a1fc2b-fc5d-7655-9c9c-6de54de96f84', 1, 'host-1', 1700000004000, NULL, 1700000005000, 'no boot', '[]', 0, 1700000064000),
    ('01a1fc2b-fc79-7217-a627-8a83c35df751', '01a1fc2b-fc5d-7655-9c9c-6de54de96f84', 2, 'host-1', 1700000006000, NULL, NULL, NULL, '[]', 0, 1700000066000);

INSERT INTO step (attempt, position, started_at, finished_at, exit) VALUES
    ('01a1fc2b-fc69-7197-80d4-ef492d0dd1cc', 0, 1700000101000, 1700000102000, '{"how":"code","code":0}'),
    ('01a1fc2b-fc69-7197-80d4-ef492d0dd1cc', 1, 1700000103000, 1700000104000, '{"how":"code","code":0}');

INSERT INTO event (seq, job, at, event) VALUES
    (1, '01a1fc2b-fc5d-7655-9c9c-6de457a87bd6', 1700000001000, '{"event":"claim","attempt":"01a1fc2b-fc69-7197-80d4-ef492d0dd1cc","host":"host-1"}'),
    (2, '01a1fc2b-fc5d-7655-9c9c-6de457a87bd6', 1700000002000, '{"event":"agent_running","attempt":"01a1fc2b-fc69-7197-80d4-ef492d0dd1cc"}'),
    (3, '01a1fc2b-fc5d-7655-9c9c-6de457a87bd6', 1700000003000, '{"event":"attempt_ended","attempt":"01a1fc2b-fc69-7197-80d4-ef492d0dd1cc","verdict":{"verdict":"succeeded"}}'),
    (4, '01a1fc2b-fc5d-7655-9c9c-6de54de96f84', 1700000004000, '{"event":"claim","attempt":"01a1fc2b-fc70-747c-8fdb-e2546bac852d","host":"host-1"}'),
    (5, '01a1fc2b-fc5d-7655-9c9c-6de54de96f84', 1700000005000, '{"event":"attempt_lost","attempt":"01a1fc2b-fc70-747c-8fdb-e2546bac852d","why":"no boot","retry":true}'),
    (6, '01a1fc2b-fc5d-7655-9c9c-6de54de96f84', 1700000006000, '{"event":"claim","attempt":"01a1fc2b-fc79-7217-a627-8a83c35df751","host":"host-1"}');

INSERT INTO report (id, run, job, desired, desired_version, sent_version, dropped_version, tries, next_try_at, last_error) VALUES
    (1, '01a1fc2b-fc5d-7655-9c9c-6de3e832e150', '01a1fc2b-fc5d-7655-9c9c-6de457a87bd6', '{"context":"solstice/.solstice/workflow.kdl/build","state":"success","description":"succeeded","target_url":"https://ci.example/"}', 4, 0, 0, 0, 1700000003000, NULL),
    (2, '01a1fc2b-fc5d-7655-9c9c-6de3e832e150', '01a1fc2b-fc5d-7655-9c9c-6de54de96f84', '{"context":"solstice/.solstice/workflow.kdl/test","state":"pending","description":"attempt 2","target_url":"https://ci.example/"}', 4, 0, 0, 0, 1700000006000, NULL),
    (3, '01a1fc2b-fc5d-7655-9c9c-6de3e832e150', '01a1fc2b-fc5d-7655-9c9c-6de6ed8a0ac6', '{"context":"solstice/.solstice/workflow.kdl/lint","state":"pending","description":"queued","target_url":"https://ci.example/"}', 1, 1, 0, 0, 1700000000000, NULL),
    (4, '01a1fc2b-fc5d-7655-9c9c-6de7c17575ce', NULL, '{"context":"solstice/.solstice/broken.kdl","state":"failure","description":"line 3: unknown node `stepp`","target_url":"https://ci.example/"}', 1, 0, 0, 0, 1700000000000, NULL);

INSERT INTO host (name, labels, room, seen_at) VALUES
    ('host-1', '["illumos"]', 3, 1700000007000);

INSERT INTO token (name, role, hash, created_at, used_at) VALUES
    ('alice', 'admin', '52bfc34fd25281bddba743250127d897a94d8708a658bbd4a7e9dd510b8343ea', 1700000008000, NULL);

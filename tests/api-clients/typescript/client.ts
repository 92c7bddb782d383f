// Calls a real server by a client whose types are generated from the document:
// what the document does not say does not compile.

import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./user.js";

type Run = components["schemas"]["Run"];

function told(name: string): string {
  const value = process.env[name];
  assert(value, `${name} is missing`);
  return value;
}

const baseUrl = told("SOLSTICE_URL");
const as = (token: string) =>
  createClient<paths>({ baseUrl, headers: { authorization: `Bearer ${token}` } });
const admin = as(told("SOLSTICE_ADMIN"));
const reader = as(told("SOLSTICE_READER"));
const nobody = createClient<paths>({ baseUrl });
const job = told("SOLSTICE_JOB");
const run = told("SOLSTICE_RUN");

async function everyRun(): Promise<Run[]> {
  const found: Run[] = [];
  let page_token: string | undefined;
  do {
    const query = page_token === undefined ? { limit: 2 } : { limit: 2, page_token };
    const { data, error } = await reader.GET("/api/v1/runs", { params: { query } });
    assert(data, error?.message);
    assert(data.items.length <= 2);
    found.push(...data.items);
    page_token = data.next_page ?? undefined;
  } while (page_token !== undefined);
  return found;
}

async function listsRunsPageByPage() {
  const runs = await everyRun();
  assert.equal(runs.length, 3);
  assert.equal(new Set(runs.map((run) => run.id)).size, 3);
  assert.equal(runs.at(-1)?.id, run);
  assert.equal(runs.at(-1)?.status, "succeeded");
}

async function viewsARunAndItsJob() {
  const { data } = await reader.GET("/api/v1/runs/{run}", { params: { path: { run } } });
  assert(data);
  assert.equal(data.jobs[0]?.id, job);
  const detail = await reader.GET("/api/v1/jobs/{job}", { params: { path: { job } } });
  const state = detail.data?.job.state;
  assert(state?.state === "finished" && state.outcome.outcome === "succeeded");
  assert.equal(detail.data?.steps[0]?.name, "Test");
}

async function readsTheLog() {
  const lines = Number(told("SOLSTICE_LINES"));
  const path = { job };
  const last = await reader.GET("/api/v1/jobs/{job}/records", {
    params: { path, query: { tail: 3 } },
  });
  assert(last.data?.over);
  const said = last.data.records.flatMap((it) => (it.kind === "output" ? [it.chunk] : []));
  assert.equal(said.at(-1), `line ${lines}`);
  const text = await reader.GET("/api/v1/jobs/{job}/log", { params: { path }, parseAs: "text" });
  assert.equal(text.data?.trimEnd().split("\n").length, lines + 1);
}

async function downloadsAnArtifact() {
  const path = { job, index: 0 };
  const artifact = await reader.GET("/api/v1/jobs/{job}/artifacts/{index}", {
    params: { path },
    parseAs: "text",
  });
  assert.equal(artifact.data, "what the job left\n");
}

async function isRefusedWithACode() {
  const strange = "00000000-0000-7000-8000-000000000000";
  const absent = await reader.GET("/api/v1/runs/{run}", { params: { path: { run: strange } } });
  assert.equal(absent.response.status, 404);
  assert.equal(absent.error?.error_code, "not_found");
  assert(absent.error.request_id);
  const unknown = await nobody.GET("/api/v1/runs");
  assert.equal(unknown.response.status, 401);
  assert.equal(unknown.error?.error_code, "unauthenticated");
  const refused = await reader.GET("/api/v1/tokens");
  assert.equal(refused.response.status, 403);
  assert.equal(refused.error?.error_code, "forbidden");
}

async function makesATokenAndRevokesIt() {
  const name = "typescript";
  const made = await admin.POST("/api/v1/tokens", { body: { name, role: "reader" } });
  assert(made.data, made.error?.message);
  const mine = as(made.data.token);
  assert.equal((await mine.GET("/api/v1/whoami")).data?.name, name);
  const again = await admin.POST("/api/v1/tokens", { body: { name, role: "reader" } });
  assert.equal(again.error?.error_code, "conflict");
  const revoked = await admin.DELETE("/api/v1/tokens/{name}", { params: { path: { name } } });
  assert.equal(revoked.response.status, 204);
  assert.equal((await mine.GET("/api/v1/whoami")).response.status, 401);
}

async function cancelsAJob() {
  const path = { job: told("SOLSTICE_WAITING_JOB") };
  const first = await admin.POST("/api/v1/jobs/{job}/cancel", { params: { path } });
  assert.equal(first.response.status, 204);
  const refused = await reader.POST("/api/v1/jobs/{job}/cancel", { params: { path } });
  assert.equal(refused.error?.error_code, "forbidden");
}

const all = [
  listsRunsPageByPage,
  viewsARunAndItsJob,
  readsTheLog,
  downloadsAnArtifact,
  isRefusedWithACode,
  makesATokenAndRevokesIt,
  cancelsAJob,
];
for (const one of all) {
  await one();
  console.log(`ok ${one.name}`);
}

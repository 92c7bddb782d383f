//! What the fake answers to calls that are as described.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::Utc;
use http::HeaderMap;
use octocrab::jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::{Value, json};

use super::description::Call;
use super::server::Reply;
use super::state::{APP_ID, Commit, Entry, REPOSITORY, REPOSITORY_ID, Run, State};

const PUBLIC_KEY: &[u8] = include_bytes!("../../data/app-key.pub.pem");

/// GitHub names no more files of a comparison.
const MAX_COMPARED: usize = 300;

pub(crate) fn answer(state: &mut State, origin: &str, call: &Call, headers: &HeaderMap) -> Reply {
    let bearer = headers["authorization"].to_str().unwrap().trim_start_matches("Bearer ");
    let (method, path) = call.operation.split_once(' ').unwrap();
    let of_app = path.starts_with("/app/") || path == "/repos/{owner}/{repo}/installation";
    let known = match of_app {
        true => is_app(bearer),
        false => state.tokens.iter().any(|token| token == bearer),
    };
    if !known {
        return Reply::error(401, "Bad credentials");
    }
    let mine = |call: &Call| format!("{}/{}", call.path[0], call.path[1]) == REPOSITORY;
    if path.starts_with("/repos/") && !mine(call) {
        return Reply::error(404, "Not Found");
    }
    let found = match (method, path.trim_start_matches("/repos/{owner}/{repo}")) {
        ("GET", "/installation") => Some(json!({ "id": state.installation, "app_id": APP_ID })),
        ("POST", "/app/installations/{installation_id}/access_tokens") => {
            return token(state, call);
        }
        ("GET", "/app/hook/deliveries") => return deliveries(state, origin, call),
        ("POST", _) if path.starts_with("/app/hook") => return redeliver(state, call),
        ("GET", "") => Some(repository()),
        ("GET", "/git/ref/{ref}") => git_ref(state, call),
        ("GET", "/git/tags/{tag_sha}") => tag(state, call),
        ("GET", "/git/commits/{commit_sha}") => commit(state, call),
        ("GET", "/contents/{path}") => return contents(state, call, headers),
        ("GET", "/compare/{basehead}") => compare(state, call),
        ("GET", "/collaborators/{username}/permission") => permission(state, call),
        ("GET", "/commits") => Some(commits(state, call)),
        ("GET", "/branches") => Some(branches(state, call)),
        ("GET", "/pulls") => Some(json!(page(call, &state.pulls))),
        ("GET", "/commits/{ref}/check-runs") => return runs(state, call),
        ("POST", "/check-runs") => return create_run(state, call),
        ("PATCH", "/check-runs/{check_run_id}") => {
            state.tell(call.path[2].parse().ok(), &call.body).map(run)
        }
        other => panic!("{other:?}"),
    };
    found.map_or_else(|| Reply::error(404, "Not Found"), |body| Reply::json(200, body))
}

/// Whether it is a JWT of the App's that GitHub would take.
fn is_app(jwt: &str) -> bool {
    let key = DecodingKey::from_rsa_pem(PUBLIC_KEY).unwrap();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_required_spec_claims(&["exp"]);
    let Ok(decoded) = decode::<Value>(jwt, &key, &validation) else { return false };
    let claims = decoded.claims;
    let number = |name: &str| claims[name].as_i64().unwrap();
    let now = Utc::now().timestamp();
    number("iss") == 29_310 && number("exp") <= now + 600 && number("iat") <= now
}

fn token(state: &mut State, call: &Call) -> Reply {
    if call.path[0] != state.installation.to_string() {
        return Reply::error(404, "Not Found");
    }
    let expires_at = Utc::now() + state.lifetime;
    let token = json!({ "token": state.mint(), "expires_at": expires_at.to_rfc3339(),
        "permissions": call.body["permissions"] });
    Reply::json(201, token)
}

fn repository() -> Value {
    json!({ "id": REPOSITORY_ID, "full_name": REPOSITORY, "private": false,
        "html_url": format!("https://github.com/{REPOSITORY}"),
        "clone_url": format!("https://github.com/{REPOSITORY}.git"), "default_branch": "main" })
}

fn object(state: &State, sha: &str) -> Value {
    let kind = if state.tags.contains_key(sha) { "tag" } else { "commit" };
    json!({ "type": kind, "sha": sha })
}

fn git_ref(state: &State, call: &Call) -> Option<Value> {
    let name = format!("refs/{}", call.path[2]);
    let sha = state.refs.get(&name)?;
    Some(json!({ "ref": name, "object": object(state, sha) }))
}

fn tag(state: &State, call: &Call) -> Option<Value> {
    let of = state.tags.get(&call.path[2])?;
    Some(json!({ "sha": call.path[2], "object": object(state, of) }))
}

fn commit(state: &State, call: &Call) -> Option<Value> {
    let message = &state.commits.get(&call.path[2])?.message;
    Some(json!({ "sha": call.path[2], "message": message }))
}

/// The first of those that lead to a commit; whose address is unknown has no user.
fn commits(state: &State, call: &Call) -> Value {
    let sha = call.query("sha").unwrap();
    let author = match sha.as_bytes()[sha.len() - 1] {
        b'1' => Value::Null,
        b'2' => json!({}),
        _ => json!({ "login": "carol" }),
    };
    let one = |commit: &Commit| json!({ "sha": sha, "commit": { "message": commit.message }, "author": author });
    state.commits.get(sha).map(one).into_iter().collect()
}

fn contents(state: &State, call: &Call, headers: &HeaderMap) -> Reply {
    let main = state.refs.get("refs/heads/main").map(String::as_str);
    let wanted = call.query("ref").or(main).unwrap_or_default();
    let Some(commit) = state.commits.get(wanted) else {
        return Reply::error(404, &format!("No commit found for the ref {wanted}"));
    };
    let path = &call.path[2];
    let raw = headers["accept"] == "application/vnd.github.raw+json";
    match commit.tree.get(path) {
        Some(Entry::File(bytes)) if raw => return Reply::bytes(200, bytes.clone()),
        Some(Entry::File(bytes)) => {
            let encoded = STANDARD.encode(bytes);
            let lines: Vec<_> =
                encoded.as_bytes().chunks(60).map(String::from_utf8_lossy).collect();
            let mut file = entry(path, "file", bytes.len());
            (file["encoding"], file["content"]) = (json!("base64"), json!(lines.join("\n")));
            return Reply::json(200, file);
        }
        Some(Entry::Link) => {
            let mut link = entry(path, "symlink", 5);
            link["target"] = json!("other");
            return Reply::json(200, link);
        }
        None => {}
    }
    let mut entries: Vec<Value> = Vec::new();
    for (name, what) in &commit.tree {
        let Some(below) = name.strip_prefix(&format!("{path}/")) else { continue };
        let child = match (below.split_once('/'), what) {
            (Some((directory, _)), _) => entry(&format!("{path}/{directory}"), "dir", 0),
            (None, Entry::File(bytes)) => entry(name, "file", bytes.len()),
            (None, Entry::Link) => entry(name, "symlink", 5),
        };
        if !entries.contains(&child) {
            entries.push(child);
        }
    }
    match entries.is_empty() {
        true => Reply::error(404, "Not Found"),
        false => Reply::json(200, json!(entries)),
    }
}

fn entry(path: &str, kind: &str, size: usize) -> Value {
    let name = path.rsplit('/').next();
    json!({ "name": name, "path": path, "type": kind, "size": size })
}

/// The files that differ; the two are taken to have parted at the first.
fn compare(state: &State, call: &Call) -> Option<Value> {
    let (base, head) = call.path[2].split_once("...")?;
    let (base, head) = (state.commits.get(base)?, state.commits.get(head)?);
    let bytes = |entry: Option<&Entry>| match entry {
        Some(Entry::File(bytes)) => Some(bytes.clone()),
        _ => None,
    };
    let names = base.tree.keys().chain(head.tree.keys());
    let mut names: Vec<_> =
        names.filter(|name| bytes(base.tree.get(*name)) != bytes(head.tree.get(*name))).collect();
    names.sort();
    names.dedup();
    let file = |name: &&String| match name.strip_prefix("moved/") {
        Some(from) => json!({ "filename": name, "previous_filename": from, "status": "renamed" }),
        None => json!({ "filename": name, "status": "modified", "patch": "@@" }),
    };
    let files: Vec<Value> = names.iter().take(MAX_COMPARED).map(file).collect();
    Some(json!({ "status": "ahead", "total_commits": 1, "files": files }))
}

fn permission(state: &State, call: &Call) -> Option<Value> {
    let word = state.people.get(&call.path[2])?;
    let (permission, role) = word.split_once(' ').unwrap_or((word, word));
    Some(json!({ "permission": permission, "role_name": role }))
}

fn branches(state: &State, call: &Call) -> Value {
    let branch = |(name, sha): (&String, &String)| {
        let name = name.strip_prefix("refs/heads/")?;
        Some(json!({ "name": name, "commit": { "sha": sha }, "protected": false }))
    };
    let all: Vec<Value> = state.refs.iter().filter_map(branch).collect();
    json!(page(call, &all))
}

fn page<'v>(call: &Call, all: &'v [Value]) -> Vec<&'v Value> {
    let number = |name, otherwise| call.query(name).map_or(otherwise, |it| it.parse().unwrap());
    let (size, page) = (number("per_page", 30), number("page", 1));
    all.iter().skip(size * (page - 1)).take(size).collect()
}

fn run(run: &Run) -> Value {
    let told = &run.fields;
    let output = json!({ "title": told["output"]["title"], "summary": told["output"]["summary"],
        "text": told["output"]["text"], "annotations_count": run.annotations.len() });
    json!({ "id": run.id, "name": told["name"], "head_sha": told["head_sha"],
        "external_id": told["external_id"], "status": told["status"],
        "conclusion": told["conclusion"], "details_url": told["details_url"], "output": output })
}

fn no_commit(sha: &str) -> Reply {
    Reply::error(422, &format!("No commit found for SHA: {sha}"))
}

fn runs(state: &State, call: &Call) -> Reply {
    if !state.commits.contains_key(&call.path[2]) {
        return no_commit(&call.path[2]);
    }
    let is_wanted = |run: &&Run| {
        run.fields["head_sha"] == *call.path[2]
            && call.query("check_name").is_none_or(|name| run.fields["name"] == name)
            && call.query("app_id").is_none_or(|id| id == APP_ID.to_string())
    };
    let wanted: Vec<Value> = state.runs.iter().rev().filter(is_wanted).map(run).collect();
    let shown = match call.query("filter") {
        Some("all") => page(call, &wanted),
        _ => wanted.iter().take(1).collect(),
    };
    Reply::json(200, json!({ "total_count": wanted.len(), "check_runs": shown }))
}

fn create_run(state: &mut State, call: &Call) -> Reply {
    let sha = call.body["head_sha"].as_str().unwrap();
    if !state.commits.contains_key(sha) {
        return no_commit(sha);
    }
    Reply::json(201, run(state.tell(None, &call.body).unwrap()))
}

fn deliveries(state: &State, origin: &str, call: &Call) -> Reply {
    let size: usize = call.query("per_page").unwrap_or("30").parse().unwrap();
    let from: usize = call.query("cursor").map_or(0, |it| it[3..].parse().unwrap());
    let mut all = state.deliveries.clone();
    all.sort_by_key(|delivery| std::cmp::Reverse(delivery.delivered_at));
    let shown = all.iter().skip(from).take(size).map(|it| {
        let status = if it.status_code == 200 { "OK" } else { "failed to connect to host" };
        json!({ "id": it.id, "guid": it.guid, "delivered_at": it.delivered_at.to_rfc3339(),
            "redelivery": false, "duration": 0.03, "status": status,
            "status_code": it.status_code, "event": "push", "action": null })
    });
    let mut reply = Reply::json(200, shown.collect());
    let next = from + size;
    if next < all.len() {
        let link = format!("<{origin}/app/hook/deliveries?per_page={size}&cursor=v1_{next}>");
        reply.headers.push(("link", format!("{link}; rel=\"next\"")));
    }
    reply
}

fn redeliver(state: &mut State, call: &Call) -> Reply {
    let id: u64 = call.path[0].parse().unwrap();
    if !state.deliveries.iter().any(|delivery| delivery.id == id) {
        return Reply::error(404, "Not Found");
    }
    state.redelivered.push(id);
    Reply::json(202, json!({}))
}

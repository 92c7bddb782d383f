//! Signing in by a token, sessions, and what keeps others from using them.

use reqwest::{Response, StatusCode};
use solstice_model::{Role, Token};

use crate::bench::{Bench, ONE_JOB, bench, bench_with, cookies, csrf, form};

/// What a browser has after it has opened the page to sign in.
struct Opened {
    cookie: String,
    csrf: String,
}

async fn open(bench: &Bench, path: &str) -> Opened {
    let page = bench.browser.get(bench.url(path)).send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    let cookie = cookies(&page).remove(0);
    Opened { cookie, csrf: csrf(&page.text().await.unwrap()) }
}

async fn submit(bench: &Bench, opened: &Opened, fields: &[(&str, &str)]) -> Response {
    let request = bench.browser.post(bench.url("/login")).header("cookie", &opened.cookie);
    let mut all = vec![("csrf", opened.csrf.as_str())];
    all.extend(fields);
    form(request, &all).send().await.unwrap()
}

async fn status(bench: &Bench, path: &str, cookie: &str) -> StatusCode {
    bench.browser.get(bench.url(path)).header("cookie", cookie).send().await.unwrap().status()
}

#[tokio::test]
async fn a_token_begins_a_session_and_its_owner_ends_it() {
    let bench = bench().await;
    let session = bench.sign_in(Role::Reader).await;
    assert_eq!(status(&bench, "/api/v1/runs", session.cookie()).await, StatusCode::OK);
    let page = bench.browser.get(bench.url("/")).header("cookie", session.cookie());
    assert!(page.send().await.unwrap().text().await.unwrap().contains("<bdi>reader</bdi>"));
    let out = bench.browser.post(bench.url("/logout")).header("cookie", session.cookie());
    let out = form(out, &[("csrf", session.csrf())]).send().await.unwrap();
    assert_eq!(
        (out.status(), &out.headers()["location"]),
        (StatusCode::SEE_OTHER, &"/login".parse().unwrap())
    );
    assert!(out.headers()["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(status(&bench, "/api/v1/runs", session.cookie()).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(&bench, "/", session.cookie()).await, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn what_a_browser_has_before_signing_in_is_worth_nothing_after() {
    let bench = bench().await;
    let opened = open(&bench, "/login").await;
    // An attacker's choice of a session, put into the browser of somebody.
    let fixed = format!("solstice={}", Token::generate().secret());
    let both = Opened { cookie: format!("{}; {fixed}", opened.cookie), csrf: opened.csrf };
    let token = bench.token(Role::Reader).secret().to_owned();
    let first = submit(&bench, &both, &[("token", &token)]).await;
    let first = cookies(&first).remove(0);
    assert_ne!(first, fixed);
    assert_eq!(status(&bench, "/", &fixed).await, StatusCode::SEE_OTHER);
    assert_eq!(status(&bench, "/", &first).await, StatusCode::OK);
    // Signing in once more ends the session that the browser had.
    let again = Opened { cookie: format!("{}; {first}", opened.cookie), csrf: both.csrf };
    let second = cookies(&submit(&bench, &again, &[("token", &token)]).await).remove(0);
    assert_eq!(status(&bench, "/", &first).await, StatusCode::SEE_OTHER);
    assert_eq!(status(&bench, "/", &second).await, StatusCode::OK);
}

#[tokio::test]
async fn cookies_are_for_this_host_this_protocol_and_no_script() {
    let https = bench_with(|config| config.base_url = "https://ci.test".parse().unwrap()).await;
    let page = https.browser.get(https.url("/login")).send().await.unwrap();
    let set = page.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(set.starts_with("__Host-solstice-sign-in=sol_"), "{set}");
    assert!(set.ends_with("; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax; Secure"), "{set}");
    let session = https.sign_in(Role::Reader).await;
    assert!(session.cookie().starts_with("__Host-solstice=sol_"));
    let http = bench().await.sign_in(Role::Reader).await;
    assert!(http.cookie().starts_with("solstice=sol_"));
}

#[tokio::test]
async fn sessions_end_by_disuse_by_age_and_with_their_token() {
    let bench = bench().await;
    let day = 24 * 60 * 60;
    let idle = bench.sign_in(Role::Reader).await;
    bench.advance(8 * day);
    assert_eq!(status(&bench, "/", idle.cookie()).await, StatusCode::SEE_OTHER, "unused");
    let used = bench.sign_in(Role::Reader).await;
    for _ in 0..4 {
        bench.advance(6 * day);
        assert_eq!(status(&bench, "/", used.cookie()).await, StatusCode::OK);
    }
    bench.advance(6 * day);
    assert_eq!(status(&bench, "/", used.cookie()).await, StatusCode::SEE_OTHER, "30 days old");
    let one = bench.sign_in(Role::Operator).await;
    let other = bench.sign_in(Role::Operator).await;
    let admin = bench.token(Role::Admin).secret();
    let revoke = bench.http.delete(bench.url("/api/v1/tokens/operator")).bearer_auth(admin);
    assert_eq!(revoke.send().await.unwrap().status(), StatusCode::NO_CONTENT);
    for session in [one, other] {
        assert_eq!(status(&bench, "/", session.cookie()).await, StatusCode::SEE_OTHER);
    }
}

#[tokio::test]
async fn one_token_has_so_many_sessions_and_the_oldest_makes_room() {
    let bench = bench().await;
    let first = bench.sign_in(Role::Reader).await;
    for _ in 0..solstice_store::MAX_SESSIONS_OF_ONE {
        bench.advance(1);
        bench.sign_in(Role::Reader).await;
    }
    assert_eq!(status(&bench, "/", first.cookie()).await, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn signing_in_leads_back_to_pages_of_ours_alone() {
    let bench = bench().await;
    let asked = bench.browser.get(bench.url("/runs/1?x=y")).send().await.unwrap();
    assert_eq!(asked.status(), StatusCode::BAD_REQUEST);
    let asked = bench.browser.get(bench.url("/audit?who=a%26b")).send().await.unwrap();
    let location = asked.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!(location, "/login?return_to=%2Faudit%3Fwho%3Da%2526b");
    let opened = open(&bench, &location).await;
    let token = bench.token(Role::Admin).secret();
    for (given, expected) in [
        ("/audit?who=a%26b", "/audit?who=a%26b"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example/", "/"),
        ("/\r\nset-cookie: a=b", "/"),
        ("/login", "/"),
    ] {
        let answer = submit(&bench, &opened, &[("token", token), ("return_to", given)]).await;
        assert_eq!(answer.headers()["location"], expected, "{given}");
    }
}

#[tokio::test]
async fn a_form_that_another_site_fills_in_does_nothing() {
    let bench = bench().await;
    let (_, run) = bench.push(ONE_JOB).await;
    let (run, job) = (run["run"]["id"].as_str().unwrap(), run["jobs"][0]["id"].as_str().unwrap());
    let own = bench.sign_in(Role::Admin).await;
    let foreign = bench.sign_in(Role::Admin).await;
    let paths = [
        format!("/runs/{run}/approve"),
        format!("/runs/{run}/cancel"),
        format!("/runs/{run}/rerun"),
        format!("/runs/{run}/rerun-failed"),
        format!("/jobs/{job}/cancel"),
        format!("/jobs/{job}/rerun"),
        "/logout".to_owned(),
    ];
    for path in &paths {
        for value in [None, Some(""), Some("x"), Some(foreign.csrf())] {
            let request = bench.browser.post(bench.url(path)).header("cookie", own.cookie());
            let fields: Vec<_> = value.map(|value| ("csrf", value)).into_iter().collect();
            let answer = form(request, &fields).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{path} with {value:?}");
        }
        for (name, value) in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")]
        {
            let request = bench.browser.post(bench.url(path)).header("cookie", own.cookie());
            let request = form(request.header(name, value), &[("csrf", own.csrf())]);
            assert_eq!(request.send().await.unwrap().status(), StatusCode::FORBIDDEN, "{path}");
        }
    }
    assert_eq!(status(&bench, "/", own.cookie()).await, StatusCode::OK, "still signed in");
    let detail = bench.json(&format!("/api/v1/jobs/{job}")).await;
    assert_eq!(detail["job"]["state"]["state"], "queued");
}

#[tokio::test]
async fn a_session_changes_something_by_the_api_only_with_the_header() {
    let bench = bench().await;
    let (_, run) = bench.push(ONE_JOB).await;
    let job = run["jobs"][0]["id"].as_str().unwrap();
    let session = bench.sign_in(Role::Submitter).await;
    let cancel = |header: Option<String>| {
        let url = bench.url(&format!("/api/v1/jobs/{job}/cancel"));
        let mut request = bench.browser.post(url).header("cookie", session.cookie());
        if let Some(value) = header {
            request = request.header("x-csrf-token", value);
        }
        async move { request.send().await.unwrap() }
    };
    let refused = cancel(None).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    let body: serde_json::Value = refused.json().await.unwrap();
    assert_eq!(body["error_code"], "bad_csrf_token");
    assert_eq!(cancel(Some("x".to_owned())).await.status(), StatusCode::FORBIDDEN);
    let done = cancel(Some(session.csrf().to_owned())).await;
    assert_eq!(done.status(), StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn nobody_is_signed_in_by_another_site() {
    let bench = bench().await;
    let (one, two) = (open(&bench, "/login").await, open(&bench, "/login").await);
    let token = bench.token(Role::Reader).secret();
    let mixed = Opened { cookie: one.cookie.clone(), csrf: two.csrf };
    let none = Opened { cookie: "a=b".to_owned(), csrf: one.csrf.clone() };
    for opened in [&mixed, &none] {
        let answer = submit(&bench, opened, &[("token", token)]).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        assert!(!cookies(&answer).iter().any(|cookie| cookie.starts_with("solstice=")));
        assert!(answer.text().await.unwrap().contains("too old"));
    }
    assert_eq!(submit(&bench, &one, &[("token", token)]).await.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn guessing_is_slowed_down_and_a_host_s_token_opens_no_page() {
    let bench = bench().await;
    let opened = open(&bench, "/login").await;
    let host = submit(&bench, &opened, &[("token", bench.token(Role::Host).secret())]).await;
    assert_eq!(host.status(), StatusCode::FORBIDDEN);
    for _ in 0..9 {
        let wrong = submit(&bench, &opened, &[("token", "sol_wrong")]).await;
        assert_eq!(wrong.status(), StatusCode::FORBIDDEN);
    }
    let right = bench.token(Role::Reader).secret();
    let waits = submit(&bench, &opened, &[("token", right)]).await;
    assert_eq!(waits.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(waits.headers().contains_key("retry-after"));
    bench.advance(5 * 60);
    let goes = submit(&bench, &opened, &[("token", right)]).await;
    assert_eq!(goes.status(), StatusCode::SEE_OTHER);
}

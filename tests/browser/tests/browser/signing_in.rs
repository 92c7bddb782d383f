//! Who comes in, and how they leave.

use solstice_model::Role;

use crate::story::Story;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_token_is_refused_and_the_right_one_lets_in_until_signed_out() {
    let story = Story::begin().await;
    let run = story
        .world
        .push(
            "Turn the gears",
            "workflow name=\"CI\" { job id=\"build\" runs_on=\"illumos\" { step run=\"x\"; }; }",
        )
        .await;
    story.open(&run.path()).await;
    story.browser.wait_text("Sign in").await.unwrap();
    story.quiet("status of 401").await;
    story.browser.fill("#token", "no-such-token").await.unwrap();
    story.browser.click("form[action='/login'] button").await.unwrap();
    story
        .browser
        .wait(
            "a refusal",
            "document.querySelector('[role=alert]')?.innerText",
            serde_json::json!([]),
        )
        .await
        .unwrap();
    story.quiet("status of 4").await;
    story.browser.fill("#token", story.world.token(Role::Reader)).await.unwrap();
    story.browser.click("form[action='/login'] button").await.unwrap();
    // Back where they wanted to go.
    story.browser.wait_text("Turn the gears").await.unwrap();
    assert!(story.browser.url().await.unwrap().ends_with(&run.path()));
    story.browser.click("form[action='/logout'] button").await.unwrap();
    story.browser.wait_text("Sign in").await.unwrap();
    story.open(&run.path()).await;
    story
        .browser
        .wait("the sign-in form", "document.querySelector('#token')", serde_json::json!([]))
        .await
        .unwrap();
    story.quiet("status of 401").await;
    story.end().await;
}

//! A world, a browser in it, and what no story may ever show.

use serde_json::json;
use solstice_browser::{Browser, Looks};
use solstice_model::Role;

use crate::world::World;

/// What every story begins with.
pub(crate) struct Story {
    pub(crate) world: World,
    pub(crate) browser: Browser,
}

impl Story {
    /// A world in which nothing has happened, and a browser that nobody has
    /// signed in with.
    pub(crate) async fn begin() -> Self {
        let (world, browser) = tokio::join!(World::begin(), Browser::start(Looks::DESK));
        Self { world, browser: browser.unwrap() }
    }

    /// The same, signed in.
    pub(crate) async fn of(role: Role) -> Self {
        let story = Self::begin().await;
        story.sign_in(role).await;
        story
    }

    /// Signs in as somebody with this role, by the form.
    pub(crate) async fn sign_in(&self, role: Role) {
        self.open("/login").await;
        self.browser.fill("#token", self.world.token(role)).await.unwrap();
        self.browser.click("form[action='/login'] button").await.unwrap();
        let signed_in = "document.querySelector(\"form[action='/logout']\")";
        self.browser.wait("a way to sign out", signed_in, json!([])).await.unwrap();
    }

    /// Opens a page.
    pub(crate) async fn open(&self, path: &str) {
        self.browser.open(&self.world.url(path)).await.unwrap();
    }

    /// Says that the browser went nowhere else and had nothing to complain of
    /// since this was last asked. Messages with `expected` in them are.
    pub(crate) async fn quiet(&self, expected: &str) {
        let told = self.browser.told().await.unwrap();
        let url = self.browser.url().await.unwrap();
        assert_eq!(told.foreign(self.world.base()), [""; 0], "requests from {url}");
        let complaints = told.complaints(expected);
        assert!(complaints.is_empty(), "{url}: {complaints:#?}");
    }

    /// Ends the story: nothing was to complain of.
    pub(crate) async fn end(self) {
        self.quiet("").await;
        self.browser.close().await.unwrap();
        self.world.server.stop().await;
    }
}

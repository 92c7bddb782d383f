//! What is true of every page.

use std::path::PathBuf;

use serde_json::{Value, json};
use solstice_browser::{Axe, Looks, Theme, Violation};
use solstice_model::Role;

use crate::scene::{self, HOSTILE, ORDINARY, Words};
use crate::story::Story;
use crate::tour::{Page, Tour, tour};

/// A world in which something of everything has happened, and all its pages.
pub(crate) async fn scene(words: &Words) -> (Story, Vec<Page>) {
    let story = Story::of(Role::Admin).await;
    scene::play(&story.world, words).await;
    let Tour { pages, .. } = tour(&story).await;
    (story, pages)
}

/// The pictures of all pages in one look.
struct Album {
    folder: PathBuf,
    end: String,
}

impl Album {
    /// An empty one: those of an earlier run are removed.
    fn new(looks: &str) -> Self {
        let folder = PathBuf::from(concat!(env!("CARGO_TARGET_TMPDIR"), "/../screenshots"));
        std::fs::create_dir_all(&folder).unwrap();
        let end = format!(".{looks}.png");
        for file in std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()) {
            if file.to_string_lossy().ends_with(&end) {
                std::fs::remove_file(file).unwrap();
            }
        }
        Self { folder, end }
    }

    async fn take(&self, story: &Story, page: &Page) {
        let path = self.folder.join(format!("{}{}", page.name, self.end));
        story.browser.picture(&path).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_link_leads_to_a_page() {
    let story = Story::of(Role::Admin).await;
    scene::play(&story.world, &ORDINARY).await;
    let Tour { pages, dead } = tour(&story).await;
    assert!(dead.is_empty(), "{} pages, and dead links: {dead:#?}", pages.len());
    story.end().await;
}

/// Looks at every page in a theme: quiet, in bounds, without a violation.
async fn accessible(theme: Theme) {
    let axe = Axe::from_env().unwrap();
    let album = Album::new(theme.as_str());
    let (story, pages) = scene(&ORDINARY).await;
    story.browser.look(Looks { theme, ..Looks::DESK }).await.unwrap();
    let mut found = Vec::new();
    for page in &pages {
        story.open(&page.path).await;
        album.take(&story, page).await;
        story.quiet(page.expected).await;
        for Violation { id, help, nodes } in axe.check(&story.browser).await.unwrap() {
            let some = nodes[..nodes.len().min(2)].join("\n");
            found.push(format!(
                "{} {}: {id} ({}): {help}\n{some}",
                page.name,
                page.path,
                nodes.len()
            ));
        }
    }
    assert!(found.is_empty(), "{} violations:\n{}", found.len(), found.join("\n\n"));
    story.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_is_accessible_in_the_light() {
    accessible(Theme::Light).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_is_accessible_in_the_dark() {
    accessible(Theme::Dark).await;
}

/// What sticks out of the page to the right, if the page can be pushed there.
const WIDE: &str = "
    const root = document.documentElement;
    if (root.scrollWidth <= root.clientWidth && root.clientWidth <= 360) return null;
    const wide = [...document.querySelectorAll('body *')]
        .filter((it) => it.getBoundingClientRect().right > 360.5)
        .slice(0, 8).map((it) => it.outerHTML.slice(0, 160));
    return [root.scrollWidth, root.clientWidth, wide];";

async fn fits(words: &Words, looks: &str) {
    let album = Album::new(looks);
    let (story, pages) = scene(words).await;
    story.browser.look(Looks::PHONE).await.unwrap();
    let mut found = Vec::new();
    for page in &pages {
        story.open(&page.path).await;
        let wide = story.browser.run(WIDE, json!([])).await.unwrap();
        if wide != Value::Null {
            found.push(format!("{} {}: {wide:#}", page.name, page.path));
        }
        album.take(&story, page).await;
        story.quiet(page.expected).await;
    }
    assert!(found.is_empty(), "{} pages are too wide:\n{}", found.len(), found.join("\n"));
    story.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_fits_a_phone() {
    fits(&ORDINARY, "phone").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_without_an_end_do_not_widen_a_page() {
    fits(&HOSTILE, "hostile").await;
}

//! Everything is reached and seen from the keyboard.

use serde_json::{Value, json};
use solstice_browser::Key;
use solstice_model::Role;

use crate::scene::{self, ORDINARY};
use crate::story::Story;
use crate::tour;

/// Numbers all controls that a reader can see and use.
const NUMBER: &str = "
    const all = 'a[href], button, input, select, textarea, summary, [tabindex]';
    const usable = [...document.querySelectorAll(all)].filter((it) =>
        it.tabIndex >= 0 && !it.disabled && it.type !== 'hidden' && it.checkVisibility({ visibilityProperty: true })
        && !it.closest('[inert]'));
    usable.forEach((it, at) => { it.dataset.tourAt = at; });
    document.activeElement.blur();
    return usable.map((it) => it.outerHTML.slice(0, 120));";

/// Which control has the focus, and whether one can see that.
const FOCUSED: &str = "
    const it = document.activeElement;
    if (!it || it === document.body) return null;
    const style = getComputedStyle(it);
    const seen = (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== 'none';
    const box = it.getBoundingClientRect();
    const inside = box.bottom > 0 && box.top < innerHeight && box.width > 0;
    return [it.dataset.tourAt ?? null, seen && inside, it.outerHTML.slice(0, 120)];";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tab_reaches_every_control_of_every_page_and_shows_where_it_is() {
    let story = Story::of(Role::Admin).await;
    scene::play(&story.world, &ORDINARY).await;
    let pages = tour::pages(&story).await;
    let mut wrong = Vec::new();
    for page in &pages {
        story.open(&page.path).await;
        let controls = story.browser.run(NUMBER, json!([])).await.unwrap();
        let mut left: Vec<Option<&Value>> = controls.as_array().unwrap().iter().map(Some).collect();
        for _ in 0..left.len() + 2 {
            story.browser.press(Key::Tab).await.unwrap();
            let focused = story.browser.run(FOCUSED, json!([])).await.unwrap();
            let Some([at, seen, html]) = focused.as_array().map(Vec::as_slice) else { continue };
            if *seen != true {
                wrong.push(format!("{}: one cannot see the focus on {html}", page.path));
            }
            if let Some(at) = at.as_str().and_then(|at| at.parse::<usize>().ok()) {
                left[at] = None;
            }
        }
        let missed = left.into_iter().flatten();
        wrong.extend(missed.map(|html| format!("{}: Tab does not reach {html}", page.path)));
        story.quiet(page.expected).await;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    story.end().await;
}

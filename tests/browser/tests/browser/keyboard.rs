//! Everything is reached and seen from the keyboard.

use std::collections::HashSet;

use serde_json::{Value, json};
use solstice_browser::Key;

use crate::every_page;
use crate::scene::ORDINARY;
use crate::story::Story;

/// What tells a control from others. Not the element: live parts are replaced.
const NAME: &str =
    "const name = (it) => [it.localName, it.getAttribute('href') ?? it.id ?? it.name ?? '',
    it.textContent.replace(/[0-9.]+/g, '').trim().slice(0, 60)].join(' ');";

/// All controls that a reader can see and use.
const CONTROLS: &str = "
    const all = 'a[href], button, input, select, textarea, summary, [tabindex]';
    const usable = [...document.querySelectorAll(all)].filter((it) =>
        it.tabIndex >= 0 && !it.disabled && it.type !== 'hidden' && !it.closest('[inert]')
        && it.checkVisibility({ visibilityProperty: true }));
    document.activeElement.blur();
    return usable.map(name);";

/// Which control has the focus, and whether one can see that.
const FOCUSED: &str = "
    const it = document.activeElement;
    if (!it || it === document.body) return null;
    const style = getComputedStyle(it);
    const outlined = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
    // In a drawing, the frame of what has the focus.
    const framed = parseFloat(getComputedStyle(it.querySelector('rect') ?? it).strokeWidth) >= 4;
    const box = it.getBoundingClientRect();
    const inside = box.bottom > 0 && box.top < innerHeight && box.width > 0;
    return [name(it), inside && (outlined || framed || style.boxShadow !== 'none')];";

async fn ask(story: &Story, script: &str) -> Value {
    story.browser.run(&format!("{NAME}{script}"), json!([])).await.unwrap()
}

/// What is wrong with the way of the focus through the page.
async fn walk(story: &Story) -> Vec<String> {
    let controls = ask(story, CONTROLS).await;
    let mut left: HashSet<&str> =
        controls.as_array().unwrap().iter().flat_map(Value::as_str).collect();
    let mut wrong = Vec::new();
    for _ in 0..controls.as_array().unwrap().len() + 3 {
        story.browser.press(Key::Tab).await.unwrap();
        let focused = ask(story, FOCUSED).await;
        let Some(name) = focused[0].as_str() else { continue };
        left.remove(name);
        if focused[1] != true {
            wrong.push(format!("one cannot see the focus on {name}"));
        }
    }
    wrong.extend(left.into_iter().map(|name| format!("Tab does not reach {name}")));
    wrong
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tab_reaches_every_control_of_every_page_and_shows_where_it_is() {
    let (story, pages) = every_page::scene(&ORDINARY).await;
    let mut wrong = Vec::new();
    for page in &pages {
        story.open(&page.path).await;
        wrong.extend(walk(&story).await.into_iter().map(|it| format!("{}: {it}", page.path)));
        story.quiet(page.expected).await;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    story.end().await;
}

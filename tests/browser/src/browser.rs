//! One browser with one window, and what a person does with it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::driver::Driver;
use crate::error::BrowserError;
use crate::keys::Key;
use crate::looks::Looks;
use crate::wire::Wire;

/// How long a page may take to show what is awaited.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How long between two looks at a page.
const LOOK: Duration = Duration::from_millis(20);

/// The name under which WebDriver sends elements (WebDriver, section 12).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Chromium's options. As root it has no sandbox; nothing but our own pages is
/// opened with it, and no name but this computer's own is looked up.
const OPTIONS: &[&str] = &[
    "--headless=new",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--password-store=basic",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
];

/// A browser. It ends when this is dropped.
pub struct Browser {
    wire: Wire,
    /// Chromium's own process, in case that nobody ends the session.
    chromium: Option<Pid>,
    actions: AtomicU32,
    directory: TempDir,
    _driver: Driver,
}

impl Browser {
    /// Starts one, with a profile of its own.
    ///
    /// # Errors
    ///
    /// [`BrowserError`] that says what is missing, or what the browser said.
    pub async fn start(looks: Looks) -> Result<Self, BrowserError> {
        let place = std::env::temp_dir();
        let directory = tempfile::Builder::new().prefix("solstice-browser-").tempdir_in(&place);
        let directory = directory.map_err(|source| BrowserError::File { path: place, source })?;
        let driver = Driver::start().await?;
        let wire = Wire::new(driver.url());
        let session = wire.post("/session", &capabilities(directory.path())).await?;
        let Some(id) = session["sessionId"].as_str() else {
            return Err(BrowserError::Odd {
                command: "/session".to_owned(),
                answer: session.to_string(),
            });
        };
        let process = session["capabilities"]["goog:processID"].as_i64();
        let chromium = process.and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let wire = wire.session(id);
        let actions = AtomicU32::new(0);
        let browser = Self { wire, chromium, actions, directory, _driver: driver };
        let downloads = browser.downloads();
        std::fs::create_dir(&downloads)
            .map_err(|source| BrowserError::File { path: downloads.clone(), source })?;
        let allow = json!({ "behavior": "allow", "downloadPath": downloads });
        browser.devtools("Browser.setDownloadBehavior", allow).await?;
        browser.look(looks).await?;
        // Not its own start page, whose messages and requests are none of ours.
        browser.open("about:blank").await?;
        browser.told().await?;
        Ok(browser)
    }

    pub(crate) fn wire(&self) -> &Wire {
        &self.wire
    }

    /// The folder that downloads go to.
    pub fn downloads(&self) -> PathBuf {
        self.directory.path().join("downloads")
    }

    /// How many clicks, keys and turns of the wheel there were so far; a text
    /// that was typed or pasted is one.
    pub fn actions(&self) -> u32 {
        self.actions.load(Ordering::Relaxed)
    }

    fn act(&self) {
        self.actions.fetch_add(1, Ordering::Relaxed);
    }

    /// Looks at pages in another way from now on; script from the next page on.
    ///
    /// # Errors
    ///
    /// [`BrowserError`] if the browser cannot.
    pub async fn look(&self, looks: Looks) -> Result<(), BrowserError> {
        let Looks { theme, width, height, script } = looks;
        let size = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600,
        });
        self.devtools("Emulation.setDeviceMetricsOverride", size).await?;
        let features = json!({ "features": [
            { "name": "prefers-color-scheme", "value": theme.as_str() },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ] });
        self.devtools("Emulation.setEmulatedMedia", features).await?;
        self.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": !script })).await?;
        Ok(())
    }

    /// Sends a command of the DevTools protocol.
    ///
    /// # Errors
    ///
    /// [`BrowserError`] if it is refused.
    pub async fn devtools(&self, method: &str, params: Value) -> Result<Value, BrowserError> {
        self.wire.post("/goog/cdp/execute", &json!({ "cmd": method, "params": params })).await
    }

    /// Opens a URL and waits until it is loaded.
    ///
    /// # Errors
    ///
    /// [`BrowserError`] if it does not load.
    pub async fn open(&self, url: &str) -> Result<(), BrowserError> {
        self.wire.post("/url", &json!({ "url": url })).await.map(drop)
    }

    /// Loads the page anew.
    ///
    /// # Errors
    ///
    /// [`BrowserError`] if it does not load.
    pub async fn reload(&self) -> Result<(), BrowserError> {
        self.wire.post("/refresh", &json!({})).await.map(drop)
    }

    /// The URL of the page.
    ///
    /// # Errors
    ///
    /// [`BrowserError`] if the browser does not say.
    pub async fn url(&self) -> Result<String, BrowserError> {
        let url = self.wire.get("/url").await?;
        Ok(url.as_str().unwrap_or_default().to_owned())
    }

    /// Runs a script in the page and gives what it returns; it finds `arguments`.
    ///
    /// # Errors
    ///
    /// [`BrowserError`] if it throws.
    pub async fn run(&self, script: &str, arguments: Value) -> Result<Value, BrowserError> {
        let body = json!({ "script": script, "args": arguments });
        self.wire.post("/execute/sync", &body).await
    }

    /// The same, for one that calls its last argument with its result.
    ///
    /// # Errors
    ///
    /// [`BrowserError`] if it throws or never calls.
    pub async fn run_async(&self, script: &str, arguments: Value) -> Result<Value, BrowserError> {
        let body = json!({ "script": script, "args": arguments });
        self.wire.post("/execute/async", &body).await
    }

    /// Waits until an expression of the page is true in JavaScript's sense, and
    /// gives its value; it finds `arguments`.
    ///
    /// # Errors
    ///
    /// [`BrowserError::Late`], with what the page shows.
    pub async fn wait(
        &self,
        what: &str,
        expression: &str,
        arguments: Value,
    ) -> Result<Value, BrowserError> {
        let script = format!("return ({expression});");
        let begun = Instant::now();
        loop {
            // While a page is replaced by the next one there is nowhere to run it.
            if let Ok(value) = self.run(&script, arguments.clone()).await
                && truthy(&value)
            {
                return Ok(value);
            }
            if begun.elapsed() > PATIENCE {
                return Err(self.late(what).await);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until the page shows this text.
    ///
    /// # Errors
    ///
    /// [`BrowserError::Late`], with what the page shows.
    pub async fn wait_text(&self, text: &str) -> Result<(), BrowserError> {
        let shown = "document.body.innerText.includes(arguments[0])";
        self.wait(&format!("“{text}”"), shown, json!([text])).await.map(drop)
    }

    async fn late(&self, what: &str) -> BrowserError {
        let text = self.run("return document.body.innerText.slice(0, 800)", json!([])).await;
        BrowserError::Late {
            what: what.to_owned(),
            limit_s: PATIENCE.as_secs(),
            url: self.url().await.unwrap_or_default(),
            text: text.ok().and_then(|it| Some(it.as_str()?.to_owned())).unwrap_or_default(),
        }
    }

    /// Clicks what a CSS selector finds first, as soon as it is there.
    ///
    /// # Errors
    ///
    /// [`BrowserError`] if it does not come, or something hides it.
    pub async fn click(&self, css: &str) -> Result<(), BrowserError> {
        self.act();
        self.on_element("css selector", css, "click", json!({})).await
    }

    /// Clicks the link, button or summary that says this.
    ///
    /// # Errors
    ///
    /// [`BrowserError`] if it does not come, or something hides it.
    pub async fn click_text(&self, text: &str) -> Result<(), BrowserError> {
        self.act();
        let says = format!("[contains(normalize-space(), \"{text}\")]");
        let path = format!("(//button{says} | //a{says} | //summary{says})[1]");
        self.on_element("xpath", &path, "click", json!({})).await
    }

    /// Types into what a CSS selector finds first.
    ///
    /// # Errors
    ///
    /// [`BrowserError`] if it does not come, or takes no text.
    pub async fn fill(&self, css: &str, text: &str) -> Result<(), BrowserError> {
        self.act();
        self.on_element("css selector", css, "value", json!({ "text": text })).await
    }

    /// Clicks the same with Shift held.
    ///
    /// # Errors
    ///
    /// [`BrowserError`] if it does not come.
    pub async fn shift_click(&self, css: &str) -> Result<(), BrowserError> {
        self.act();
        let origin = json!({ ELEMENT: self.element("css selector", css).await? });
        let wait = json!({ "type": "pause", "duration": 0 });
        let shift = |kind: &str| json!({ "type": kind, "value": '\u{e008}' });
        let press = |kind: &str| json!({ "type": kind, "button": 0 });
        let to = json!({ "type": "pointerMove", "duration": 0, "x": 0, "y": 0, "origin": origin });
        let keys = [shift("keyDown"), wait.clone(), wait.clone(), wait.clone(), shift("keyUp")];
        let mouse = [wait.clone(), to, press("pointerDown"), press("pointerUp"), wait];
        self.perform(json!([
            { "type": "key", "id": "keys", "actions": keys },
            { "type": "pointer", "id": "mouse", "actions": mouse },
        ]))
        .await
    }

    async fn perform(&self, sources: Value) -> Result<(), BrowserError> {
        self.wire.post("/actions", &json!({ "actions": sources })).await.map(drop)
    }

    /// The element that is found first, as WebDriver names it.
    async fn element(&self, using: &str, value: &str) -> Result<String, BrowserError> {
        let found = self.wire.post("/element", &json!({ "using": using, "value": value })).await?;
        Ok(found[ELEMENT].as_str().unwrap_or_default().to_owned())
    }

    async fn on_element(
        &self,
        using: &str,
        value: &str,
        command: &str,
        body: Value,
    ) -> Result<(), BrowserError> {
        let begun = Instant::now();
        loop {
            let done = async {
                let id = self.element(using, value).await?;
                self.wire.post(&format!("/element/{id}/{command}"), &body).await
            };
            match done.await {
                Ok(_) => return Ok(()),
                Err(passing) if passing.retry() && begun.elapsed() < PATIENCE => {
                    tokio::time::sleep(LOOK).await;
                }
                Err(passing) if passing.retry() => {
                    return Err(self.late(&format!("{value} to {command} ({passing})")).await);
                }
                Err(wrong) => return Err(wrong),
            }
        }
    }

    /// Presses a key.
    ///
    /// # Errors
    ///
    /// [`BrowserError`] if the browser does not take it.
    pub async fn press(&self, key: Key) -> Result<(), BrowserError> {
        self.act();
        let codes = key.codes();
        let down = codes.iter().map(|code| json!({ "type": "keyDown", "value": code }));
        let up = codes.iter().rev().map(|code| json!({ "type": "keyUp", "value": code }));
        let all: Vec<Value> = down.chain(up).collect();
        self.perform(json!([{ "type": "key", "id": "keys", "actions": all }])).await
    }

    /// Types a text to whatever has the focus.
    ///
    /// # Errors
    ///
    /// [`BrowserError`] if the browser does not take it.
    pub async fn type_text(&self, text: &str) -> Result<(), BrowserError> {
        self.act();
        self.devtools("Input.insertText", json!({ "text": text })).await.map(drop)
    }

    /// Turns the wheel over the middle of what a CSS selector finds first; up
    /// if negative.
    ///
    /// # Errors
    ///
    /// [`BrowserError`] if its middle is not on the screen.
    pub async fn wheel(&self, css: &str, pixels: i32) -> Result<(), BrowserError> {
        self.act();
        let origin = json!({ ELEMENT: self.element("css selector", css).await? });
        let turn = json!({
            "type": "scroll", "x": 0, "y": 0, "deltaX": 0, "deltaY": pixels,
            "duration": 0, "origin": origin,
        });
        self.perform(json!([{ "type": "wheel", "id": "wheel", "actions": [turn] }])).await
    }

    /// Writes a picture of the whole page, at most 4,000 pixels of its height.
    ///
    /// # Errors
    ///
    /// [`BrowserError`] if there is none, or the file cannot be written.
    pub async fn picture(&self, path: &Path) -> Result<(), BrowserError> {
        const SIZE: &str = "const it = document.documentElement;
            return [it.clientWidth, Math.min(Math.max(it.scrollHeight, innerHeight), 4000)]";
        let size = self.run(SIZE, json!([])).await?;
        let clip = json!({ "x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1 });
        let what = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        let picture = self.devtools("Page.captureScreenshot", what).await?;
        let bytes = STANDARD.decode(picture["data"].as_str().unwrap_or_default());
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(path, bytes.unwrap_or_default()))
            .map_err(|source| BrowserError::File { path: path.to_owned(), source })
    }

    /// Ends the browser in good order.
    ///
    /// # Errors
    ///
    /// [`BrowserError`] if it does not end; it is killed then.
    pub async fn close(self) -> Result<(), BrowserError> {
        self.wire.delete().await.map(drop)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Some(chromium) = self.chromium {
            // Usually it has ended already.
            let _ended = kill_process(chromium, Signal::KILL);
        }
    }
}

fn capabilities(directory: &Path) -> Value {
    let profile = format!("--user-data-dir={}", directory.join("profile").display());
    let arguments: Vec<&str> = OPTIONS.iter().copied().chain([profile.as_str()]).collect();
    json!({ "capabilities": { "alwaysMatch": {
        "browserName": "chrome",
        "timeouts": { "pageLoad": 30_000, "script": 30_000 },
        "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        "goog:chromeOptions": { "binary": "/usr/bin/chromium", "args": arguments },
    } } })
}

fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(it) => *it,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

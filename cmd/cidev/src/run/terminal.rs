//! The developer's terminal, lent to the shell of a machine.

use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::sync::Arc;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use solstice_host::Visit;
use solstice_model::terminal::Input;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::screen::Screen;

/// What ^D sends.
const END_OF_INPUT: u8 = 4;

/// Serves the visits on a thread of its own, which lends itself to one at a
/// time, for as long as there may be any.
pub(crate) fn start(visits: mpsc::Receiver<Visit>, screen: Arc<Screen>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::spawn(move || serve(visits, &screen, &runtime));
    Ok(())
}

/// Serves the visits one after the other.
fn serve(mut visits: mpsc::Receiver<Visit>, screen: &Screen, runtime: &Runtime) {
    let mut keys = keyboard();
    while let Some(visit) = visits.blocking_recv() {
        let lent = screen.lend();
        println!(
            "\r\n{}: a shell in the machine of the step that failed; `exit` ends it and the job",
            visit.job
        );
        let raw = Raw::begin();
        runtime.block_on(attend(visit, &mut keys));
        drop(raw);
        drop(lent);
    }
}

/// Brings keys to the shell and its output to the screen until it is over.
async fn attend(visit: Visit, keys: &mut mpsc::Receiver<Vec<u8>>) {
    let Visit { typed, mut printed, .. } = visit;
    let mut resized = signal(SignalKind::window_change()).expect("signals can be awaited");
    let mut typed = Some(typed);
    if let (Some(typed), Some(size)) = (&typed, size()) {
        // A shell that is gone already says so below.
        let _ = typed.send(size).await;
    }
    loop {
        let input = tokio::select! {
            bytes = printed.recv() => match bytes {
                Some(bytes) => {
                    let mut out = std::io::stdout().lock();
                    // A terminal that is gone has nobody in front of it.
                    let _ = out.write_all(&bytes).and_then(|()| out.flush());
                    continue;
                }
                None => return,
            },
            bytes = keys.recv(), if typed.is_some() => bytes.map(Input::Typed),
            _ = resized.recv() => match size() {
                Some(size) => Some(size),
                None => continue,
            },
        };
        let goes_on = match (input, &typed) {
            (Some(input), Some(keyboard)) => keyboard.send(input).await.is_ok(),
            (None, Some(keyboard)) => {
                // Nothing will be typed any more: as ^D does, end the shell.
                let _ = keyboard.send(Input::Typed(vec![END_OF_INPUT])).await;
                false
            }
            (_, None) => false,
        };
        if !goes_on {
            typed = None;
        }
    }
}

/// Standard input, read by a thread of its own: it may block for ever.
fn keyboard() -> mpsc::Receiver<Vec<u8>> {
    let (sender, keys) = mpsc::channel(16);
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        let mut stdin = std::io::stdin().lock();
        while let Ok(read @ 1..) = stdin.read(&mut buffer) {
            if sender.blocking_send(buffer[..read].to_vec()).is_err() {
                return;
            }
        }
    });
    keys
}

fn size() -> Option<Input> {
    let size = tcgetwinsize(std::io::stdout()).ok()?;
    Some(Input::Resized { columns: size.ws_col, rows: size.ws_row })
}

/// The terminal without echo, lines and signals; as it was when dropped.
struct Raw(Option<Termios>);

impl Raw {
    fn begin() -> Self {
        let stdin = std::io::stdin();
        if !stdin.is_terminal() {
            return Self(None);
        }
        let Ok(before) = tcgetattr(&stdin) else { return Self(None) };
        let mut raw = before.clone();
        raw.make_raw();
        // A terminal that stays as it is is a nuisance, no more.
        let _ = tcsetattr(&stdin, OptionalActions::Now, &raw);
        Self(Some(before))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, before);
        }
    }
}

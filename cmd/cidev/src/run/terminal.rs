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
    // To drop `typed` would end the shell.
    let Visit { typed, mut printed, .. } = visit;
    let mut resized = signal(SignalKind::window_change()).expect("signals can be awaited");
    let mut listening = true;
    let mut next = size();
    loop {
        if let Some(input) = next.take() {
            // A shell that takes nothing any more has ended, and says so below.
            let _ = typed.send(input).await;
        }
        tokio::select! {
            bytes = printed.recv() => {
                let Some(bytes) = bytes else { return };
                let mut out = std::io::stdout().lock();
                // A terminal that is gone has nobody in front of it.
                let _ = out.write_all(&bytes).and_then(|()| out.flush());
            }
            bytes = keys.recv(), if listening => {
                // At the end of the input, end the shell as ^D does.
                listening = bytes.is_some();
                next = Some(Input::Typed(bytes.unwrap_or_else(|| vec![END_OF_INPUT])));
            }
            _ = resized.recv() => next = size(),
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

//! Waiting for a machine's end.
//!
//! QEMU holds a guest whose disk cannot grow because the host's is full, or
//! whose processor it cannot go on with. Left alone it would stand still until
//! its job's time limit and look like the author's failure (invariant I9), so
//! it counts as stopped.

use std::future::pending;

use camino::Utf8Path;

use crate::process::Process;
use crate::qmp::{Qmp, QmpError, RunState};

/// How a machine came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// QEMU has ended.
    Ended,
    /// QEMU held the guest for want of disk space on the host, and was killed.
    NoDiskSpace,
    /// QEMU could not go on with the guest, and was killed.
    Broken,
}

/// Resolves when the machine has stopped. Cancel safe.
pub(crate) async fn until_stopped(process: &Process, qmp: &Utf8Path) -> std::io::Result<End> {
    tokio::select! {
        ended = process.ended() => {
            ended?;
            Ok(End::Ended)
        }
        end = until_held(qmp) => {
            process.kill();
            process.ended().await?;
            Ok(end)
        }
    }
}

/// Resolves only when QEMU holds the guest and will not let it go on.
async fn until_held(qmp: &Utf8Path) -> End {
    match held(qmp).await {
        Ok(end) => end,
        // QEMU ends, or another watcher has its socket: the process tells the rest.
        Err(_) => pending().await,
    }
}

async fn held(qmp: &Utf8Path) -> Result<End, QmpError> {
    let mut qmp = Qmp::connect(qmp).await?;
    loop {
        match qmp.state().await? {
            RunState::IoError => return Ok(End::NoDiskSpace),
            RunState::InternalError => return Ok(End::Broken),
            RunState::Running | RunState::Prelaunch | RunState::Shutdown | RunState::Other => {
                qmp.held().await?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::UnixListener;

    use super::*;

    #[tokio::test]
    async fn a_guest_that_is_held_for_want_of_disk_space_has_stopped() {
        assert_eq!(end_of_a_guest_in_state("io-error").await, End::NoDiskSpace);
    }

    #[tokio::test]
    async fn a_guest_that_qemu_cannot_go_on_with_has_stopped() {
        assert_eq!(end_of_a_guest_in_state("internal-error").await, End::Broken);
    }

    async fn end_of_a_guest_in_state(last: &str) -> End {
        let dir = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(dir.path()).unwrap().join("qmp.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let script = [
            r#"{"QMP": {}}"#,
            r#"{"return": {}}"#,
            "{\"return\": {\"status\": \"running\"}}\n{\"event\": \"STOP\"}",
            "{\"return\": {\"status\": \"paused\"}}\n{\"event\": \"STOP\"}",
            &format!("{{\"return\": {{\"status\": \"{last}\"}}}}"),
        ];
        let qemu = async {
            let mut stream = BufReader::new(listener.accept().await.unwrap().0);
            let mut request = String::new();
            for line in script {
                stream.get_mut().write_all(format!("{line}\n").as_bytes()).await.unwrap();
                stream.read_line(&mut request).await.unwrap();
            }
        };
        tokio::join!(qemu, until_held(&path)).1
    }
}

//! Waiting for a machine's end.
//!
//! QEMU holds a guest whose disk cannot grow because the host's is full. Left
//! alone it would stand still until its job's time limit and look like the
//! author's failure (invariant I9), so it counts as stopped.

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
}

/// Resolves when the machine has stopped. Cancel safe.
pub(crate) async fn until_stopped(process: &Process, qmp: &Utf8Path) -> std::io::Result<End> {
    tokio::select! {
        ended = process.ended() => {
            ended?;
            Ok(End::Ended)
        }
        () = until_starved(qmp) => {
            process.kill();
            process.ended().await?;
            Ok(End::NoDiskSpace)
        }
    }
}

/// Resolves only when QEMU holds the guest for want of disk space.
async fn until_starved(qmp: &Utf8Path) {
    if starved(qmp).await.is_err() {
        // QEMU ends, or another watcher has its socket: the process tells the rest.
        pending::<()>().await;
    }
}

async fn starved(qmp: &Utf8Path) -> Result<(), QmpError> {
    let mut qmp = Qmp::connect(qmp).await?;
    while qmp.state().await? != RunState::IoError {
        qmp.held().await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::UnixListener;

    use super::*;

    #[tokio::test]
    async fn a_guest_that_is_held_for_want_of_disk_space_counts_as_starved() {
        let dir = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(dir.path()).unwrap().join("qmp.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let script = [
            r#"{"QMP": {}}"#,
            r#"{"return": {}}"#,
            "{\"return\": {\"status\": \"running\"}}\n{\"event\": \"STOP\"}",
            "{\"return\": {\"status\": \"paused\"}}\n{\"event\": \"STOP\"}",
            r#"{"return": {"status": "io-error"}}"#,
        ];
        let qemu = async {
            let mut stream = BufReader::new(listener.accept().await.unwrap().0);
            let mut request = String::new();
            for line in script {
                stream.get_mut().write_all(format!("{line}\n").as_bytes()).await.unwrap();
                stream.read_line(&mut request).await.unwrap();
            }
        };
        tokio::join!(qemu, until_starved(&path));
    }
}

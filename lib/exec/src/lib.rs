//! Runs a command line to its end and says completely what went wrong.
//!
//! A command is a program and a vector of arguments, never a line for a shell.
//! It gets no standard input unless some is given, its output is bounded and it
//! has a time limit. When it is given up (a limit reached, the future dropped)
//! its whole process group is killed. Messages of programs are asked for in the
//! C locale, so that those who parse them can.
//!
//! It does not start daemons: what is to outlive its caller is started by
//! whoever looks after it.
//!
//! ```
//! # async fn example() -> Result<(), solstice_exec::ExecError> {
//! use std::time::Duration;
//! use solstice_exec::Command;
//!
//! let output = Command::new("/usr/bin/qemu-img")
//!     .args(["info", "--output=json", "disk.qcow2"])
//!     .timeout(Duration::from_secs(10))
//!     .remedy("apt-get install qemu-utils")
//!     .run()
//!     .await?;
//! println!("{}", output.stdout_text());
//! # Ok(())
//! # }
//! ```

mod command;
mod error;

pub use command::{Command, Output};
pub use error::{CommandLine, ExecError};

//! The one program: called by the name of an illumos command it is that
//! command; called as `illumos-host` it enters the host or looks at it.

use std::error::Error;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use camino::Utf8Path;
use illumos_host::command::rbac::{CALLER_VARIABLE, Caller};
use illumos_host::{World, command, enter, faults, state_dir, transcript};

const USAGE: &str = "\
usage: illumos-host enter DIR -- COMMAND...   run COMMAND in the host of DIR
       illumos-host as-root COMMAND...        inside: as root, not as the world's user
       illumos-host inject JSON | clear       inside: play a fault, or none
       illumos-host journal | world           inside: what was called, what there is
       illumos-host set stuck|unstuck ZONE    inside: a zone that never goes down, or does again
       illumos-host set brand omnios|openindiana
       illumos-host set halt-patience|shutdown-patience SECONDS
       illumos-host set pool-size BYTES       inside: the size of rpool
       illumos-host transcript FILE [CASE]    check transcripts, each case in a new host";

fn main() -> ExitCode {
    let argv: Vec<String> = std::env::args().collect();
    let called = argv.first().map_or("", String::as_str);
    if let Some(program) = command::by_name(called) {
        return faults::run(state_dir(), &argv, program).deliver();
    }
    let words: Vec<&str> = argv.iter().skip(1).map(String::as_str).collect();
    match own(&words, &argv) {
        Ok(code) => code,
        Err(error) => {
            report(error.as_ref());
            ExitCode::from(faults::BROKEN)
        }
    }
}

/// What the simulator itself can be asked.
fn own(words: &[&str], argv: &[String]) -> Result<ExitCode, Box<dyn Error>> {
    let dir = state_dir();
    match words {
        ["enter", of, "--", _, ..] => return Ok(enter::here(Utf8Path::new(of), &argv[4..])?),
        ["enter-inside", of, "--", _, ..] => {
            return Ok(enter::inside(Utf8Path::new(of), &argv[4..])?);
        }
        ["enter-run", _, ..] => match enter::run(&argv[2..])? {},
        ["as-root", program, arguments @ ..] => return as_root(program, arguments),
        ["inject", fault] => faults::inject(dir, &serde_json::from_str(fault)?)?,
        ["clear"] => faults::clear(dir)?,
        ["journal"] => {
            for call in faults::journal(dir)? {
                println!("{}", serde_json::to_string(&call)?);
            }
        }
        ["world"] => {
            let world = World::with(dir, |world| world.clone())?;
            println!("{}", serde_json::to_string_pretty(&world)?);
        }
        ["transcript", file] => transcript::check(Utf8Path::new(file), None)?,
        ["transcript", file, case] => transcript::check(Utf8Path::new(file), Some(case))?,
        ["transcript-case", file, name] => {
            let cases = transcript::parse(&std::fs::read_to_string(file)?)?;
            let case = cases.iter().find(|case| case.name == *name).ok_or("no such case")?;
            case.run()?;
        }
        [
            "set",
            what @ ("stuck" | "unstuck" | "brand" | "halt-patience" | "shutdown-patience"),
            value,
        ] => {
            World::with(dir, |world| world.zones.set(what, value))??;
        }
        ["set", "pool-size", bytes] => {
            let bytes = bytes.parse()?;
            World::with(dir, |world| world.zfs.set_pool_size("rpool", bytes))??;
        }
        _ => {
            eprintln!("{USAGE}");
            return Ok(ExitCode::from(2));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn as_root(program: &str, arguments: &[&str]) -> Result<ExitCode, Box<dyn Error>> {
    let mut command = Command::new(program);
    let caller = World::with(state_dir(), |world| Caller::root(world).variable())?;
    command.args(arguments).env(CALLER_VARIABLE, caller);
    Err(command.exec().into())
}

fn report(error: &dyn Error) {
    eprint!("illumos-host: {error}");
    let mut source = error.source();
    while let Some(error) = source {
        eprint!(": {error}");
        source = error.source();
    }
    eprintln!();
}

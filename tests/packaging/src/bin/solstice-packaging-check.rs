//! Says what of the packaging is right, what is wrong, and what cannot be
//! known here; behind `cargo xtask package`.

use std::process::ExitCode;

use camino::Utf8Path;
use solstice_packaging::{CHECKS, ELSEWHERE, Tree, World};

fn main() -> ExitCode {
    let here = Utf8Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.ancestors().nth(2).expect("this crate lies two folders below the root");
    let world = match World::read(Tree::at(root.to_owned())) {
        Ok(world) => world,
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::FAILURE;
        }
    };
    let mut wrong = 0_usize;
    for check in CHECKS {
        let problems = (check.run)(&world);
        println!("{:<6}{}", if problems.is_empty() { "ok" } else { "WRONG" }, check.title);
        for problem in &problems {
            println!("        {problem}");
        }
        wrong += problems.len();
    }
    println!("\nNot checked, because only an illumos computer can:");
    for check in ELSEWHERE {
        println!("      {check}");
    }
    if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

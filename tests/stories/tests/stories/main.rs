//! End-to-end stories, a module each. Run them with `cargo xtask test stories`.

mod broken_workflow;
mod cancelled;
mod crashes;
mod failing_step;
mod first_push;
mod never_boots;
mod refusals;
mod submodules;

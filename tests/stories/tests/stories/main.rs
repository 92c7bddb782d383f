//! End-to-end stories, a module each. Run those of one with `cargo xtask test first_push`.

mod broken_workflow;
mod cancelled;
mod chaos;
mod crashes;
mod failing_step;
mod first_push;
mod hosts;
mod never_boots;
mod on_zones;
mod private;
mod refusals;
mod same;
mod submodules;
mod traced;

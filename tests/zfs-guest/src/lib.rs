//! A small guest with a real OpenZFS: its recipe is in `recipe/`, the program
//! is the agent that runs in it, and [`wire`] is how others speak to that.

pub mod wire;

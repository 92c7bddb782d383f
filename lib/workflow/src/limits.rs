//! How much of everything one workflow file may ask for (invariant I12).

/// Size of the file.
pub const MAX_FILE_BYTES: usize = 256 * 1024;

/// Nodes, arguments and properties of the file together.
pub const MAX_ITEMS: usize = 20_000;

/// Blocks inside blocks; the language itself needs four.
pub const MAX_DEPTH: usize = 8;

/// Jobs of a workflow, each combination of a matrix counted.
pub const MAX_JOBS: usize = 256;

/// Steps of a job.
pub const MAX_STEPS: usize = 256;

/// Characters of a workflow's or a step's name.
pub const MAX_NAME_CHARS: usize = 200;

/// Characters of a step's name that was taken from its script.
pub const MAX_DERIVED_NAME_CHARS: usize = 60;

/// Size of a step's script.
pub const MAX_RUN_BYTES: usize = 64 * 1024;

/// Variables of one `env` block.
pub const MAX_ENV_VARS: usize = 128;

/// Names and values of one `env` block together.
pub const MAX_ENV_BYTES: usize = 16 * 1024;

/// `on` nodes of a workflow.
pub const MAX_TRIGGERS: usize = 32;

/// Axes of a matrix.
pub const MAX_AXES: usize = 8;

/// Values of an axis.
pub const MAX_AXIS_VALUES: usize = 64;

/// Size of an axis' name.
pub const MAX_AXIS_NAME_BYTES: usize = 32;

/// Size of a value of a matrix.
pub const MAX_MATRIX_VALUE_BYTES: usize = 1024;

/// Names that have a value in a matrix, axes and others together.
pub const MAX_MATRIX_NAMES: usize = 16;

/// Size of all jobs together, once the values of their matrices are put in.
pub const MAX_EXPANDED_BYTES: usize = 4 * 1024 * 1024;

/// Size of a condition.
pub const MAX_CONDITION_BYTES: usize = 1024;

/// `(` and `!` inside each other in a condition.
pub const MAX_CONDITION_DEPTH: usize = 32;

/// `matches` in all conditions of a file.
pub const MAX_CONDITION_PATTERNS: usize = 256;

/// Patterns of a job's artifacts, and of one `exclude`.
pub const MAX_ARTIFACT_RULES: usize = 64;

/// The most urgent priority; negated, the least.
pub const MAX_PRIORITY: i8 = 100;

/// Patterns of one `branches`, `tags`, `paths` or `paths_ignore`.
pub const MAX_PATTERNS: usize = 64;

/// Size of one pattern.
pub const MAX_PATTERN_BYTES: usize = 200;

/// Size of a `working_dir`, and of a `shell`.
pub const MAX_PATH_BYTES: usize = 1024;

//! The laws of the seam, as functions that any forge's tests can run.
//!
//! A forge describes a world of its own by [`World`] and runs the whole suite
//! with one line, which expands to one test per law:
//!
//! ```ignore
//! solstice_forge::conformance_suite!(MyWorld::new());
//! ```
//!
//! The expression is a future that makes a new world for each law.

mod checks;
mod deliveries;
mod files;
mod heads;
mod policy;
mod standing;

use std::time::Duration;

use async_trait::async_trait;
use http::HeaderMap;
use solstice_model::{CommitSha, GitRef, RepoName};

pub use self::checks::*;
pub use self::deliveries::*;
pub use self::files::*;
pub use self::heads::*;
pub use self::policy::*;
pub use self::standing::*;
use crate::check::{CheckReport, CheckState};
use crate::seam::{CheckAction, Event, Forge, Permission};

/// A webhook request as the forge sends it, and what it means.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
    /// What it tells of.
    pub event: Event,
}

/// Something that webhooks tell of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A commit was pushed to a new branch.
    Pushed {
        /// The branch.
        git_ref: GitRef,
        /// The commit.
        commit: CommitSha,
    },
    /// A pull request into `main` was opened.
    PullRequest {
        /// Its number.
        number: u64,
        /// Its head.
        commit: CommitSha,
        /// Whether it comes from another repository.
        outside: bool,
    },
    /// It was closed.
    PullRequestClosed {
        /// Its number.
        number: u64,
    },
    /// A branch or tag was deleted.
    Deleted {
        /// Which.
        git_ref: GitRef,
    },
}

/// How the forge is to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It answers with this HTTP status.
    Status(u16),
    /// Likewise, and asks us to wait.
    RetryAfter(u16, Duration),
    /// It answers nonsense.
    Nonsense,
}

/// A forge in a world of its own, as the laws need it. It has one repository.
#[async_trait]
pub trait World: Send + Sync {
    /// Its implementation of the seam.
    type Handle: Forge;

    /// The implementation.
    fn forge(&self) -> &Self::Handle;

    /// The repository.
    fn repository(&self) -> RepoName;

    /// Makes a commit whose whole tree is these files, on top of the one made
    /// before it.
    async fn commit(&self, files: &[(&str, &[u8])]) -> CommitSha;

    /// Makes a branch or tag point to this commit. The default branch is `main`.
    async fn point(&self, git_ref: &GitRef, commit: &CommitSha);

    /// The first line of this commit's message.
    async fn title(&self, commit: &CommitSha) -> String;

    /// Makes a commit with this message.
    async fn commit_saying(&self, message: &str) -> CommitSha;

    /// Makes somebody a user who may do this in the repository and no more.
    async fn permit(&self, user: &str, permission: Permission);

    /// Opens a pull request into `main` with this head, from another repository
    /// if it comes from outside.
    async fn open_pull_request(&self, number: u64, commit: &CommitSha, outside: bool);

    /// The webhook request that tells of this.
    async fn delivery(&self, happening: &Happening) -> Sample;

    /// Whether it has merge queues, and buttons on checks.
    fn has_merge_queue(&self) -> bool {
        false
    }

    /// The webhook request of a merge queue with this commit at the head of its
    /// entry into `main`. Asked only of a world that has merge queues.
    async fn merge_group(&self, _commit: &CommitSha) -> Sample {
        panic!("this world has no merge queues")
    }

    /// The webhook request of this button of the check of this subject, or of
    /// all checks of the commit. Likewise.
    async fn button(
        &self,
        _commit: &CommitSha,
        _subject: Option<&str>,
        _action: CheckAction,
    ) -> Sample {
        panic!("this world has no buttons")
    }

    /// As what a state is shown.
    fn left_of(&self, state: CheckState) -> CheckState {
        state
    }

    /// Every report that the forge took for this commit, in order.
    async fn shown(&self, commit: &CommitSha) -> Vec<CheckReport>;

    /// Makes the next calls fail.
    async fn fail_next(&self, times: usize, trouble: Trouble);

    /// Takes the forge off the network.
    async fn go_down(&self);

    /// Puts it back.
    async fn come_up(&self);

    /// Asserts that the forge was asked nothing that its API does not describe.
    async fn assert_well_used(&self) {}
}

/// Runs the whole suite: one test per law.
#[macro_export]
macro_rules! conformance_suite {
    ($world:expr) => {
        $crate::conformance_suite! { $world;
            an_authentic_delivery_is_accepted_and_understood,
            every_kind_of_event_is_understood,
            merge_queues_and_buttons_are_understood,
            a_changed_body_is_refused,
            a_delivery_without_signature_is_refused,
            a_changed_signature_is_refused,
            a_doubled_header_deceives_nobody,
            headers_of_any_bytes_are_answered,
            another_media_type_is_refused,
            interpret_never_panics,
            an_unknown_event_is_ignored,
            a_commit_without_workflows_has_none,
            workflows_are_read_whole_and_in_order,
            only_direct_children_are_workflows,
            odd_names_are_read_right,
            the_largest_file_is_read,
            a_larger_file_is_told_beside_the_others,
            too_many_files_are_told_of_the_directory,
            files_of_an_unknown_commit_are_refused,
            files_of_an_unknown_repository_are_refused,
            a_file_of_the_default_branch_is_read,
            a_file_that_is_not_on_the_default_branch_is_absent,
            a_file_of_an_unknown_repository_is_refused,
            the_whole_message_of_a_commit_is_read,
            a_long_message_is_cut,
            every_file_that_differs_is_told,
            what_cannot_be_compared_is_unknown,
            each_level_of_permission_is_told,
            a_stranger_may_do_nothing,
            standing_tells_branches_and_open_pull_requests,
            what_an_unknown_repository_holds_is_refused,
            trouble_is_told_of_every_question,
            the_default_branch_is_found,
            branches_and_tags_are_found_by_any_name,
            odd_names_of_branches_are_found,
            a_commit_is_told_instead_of_the_tip,
            what_is_unknown_is_absent,
            trouble_is_not_absence,
            reports_are_shown_in_order,
            a_repeated_report_is_harmless,
            the_longest_report_is_taken,
            a_report_for_an_unknown_repository_is_refused_for_good,
            a_report_for_an_unknown_commit_is_refused,
            a_forge_that_is_down_is_unreachable,
            a_forge_that_asks_for_a_pause_gets_it,
            each_status_says_whether_to_try_again,
            nonsense_is_a_bad_answer,
        }
    };
    ($world:expr; $($law:ident,)+) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $law() {
            let world = $world.await;
            $crate::conformance::$law(&world).await;
            $crate::conformance::World::assert_well_used(&world).await;
        }
    )+};
}

/// What checks are of: the id of a job.
const SUBJECT: &str = "0193f3b0-0000-7000-8000-000000000007";

/// A ref of the world's repository.
fn branch() -> GitRef {
    "refs/heads/topic/#1".parse().expect("a ref")
}

/// A report of this state.
fn report(state: CheckState) -> CheckReport {
    CheckReport {
        context: "solstice/CI/build".to_owned(),
        state,
        description: "exit status 1 in step 2 of 3".to_owned(),
        target_url: "https://ci.example.org/jobs/7?from=check".parse().expect("a web address"),
    }
}

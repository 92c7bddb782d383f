//! What is pushed: the small C project that comes with the demonstration, or
//! any repository that has a workflow.

use solstice_model::RepoName;
use solstice_testbed::forge::{Entry, Pushed};
use solstice_testbed::{Installation, TestbedError};

use crate::screen::Screen;

/// The files of the C project.
const FILES: [(&str, &str); 6] = [
    (".solstice/workflow.kdl", include_str!("../../../demo/.solstice/workflow.kdl")),
    ("Makefile", include_str!("../../../demo/Makefile")),
    ("src/main.c", include_str!("../../../demo/src/main.c")),
    ("src/words.c", include_str!("../../../demo/src/words.c")),
    ("src/words.h", include_str!("../../../demo/src/words.h")),
    ("tests/test_words.c", include_str!("../../../demo/tests/test_words.c")),
];

/// Which repository and commit the person asked for.
pub(crate) struct Source {
    pub(crate) repo: Option<String>,
    pub(crate) commit: Option<String>,
}

impl Source {
    /// Brings the repository to the forge and makes the webhook's payload.
    ///
    /// # Errors
    ///
    /// [`TestbedError`] if git does not do what it should.
    pub(crate) async fn push(
        &self,
        installation: &Installation,
        screen: &Screen,
    ) -> Result<Pushed, TestbedError> {
        let name: RepoName = match &self.repo {
            None => {
                let name = "demo/words".parse().expect("a repository name");
                let repositories = installation.forge().repositories();
                repositories.create(&name).await?;
                let branch = "refs/heads/main".parse().expect("a full ref");
                let files = FILES.map(|(path, text)| (path, Entry::File(text.into())));
                let message = "Count the words of a text\n";
                repositories.commit(&name, &branch, message, &files).await?;
                name
            }
            Some(repo) => {
                screen.plain(&format!("fetching {repo}"));
                let imported = installation.forge().import(repo).await?;
                for also in &imported.also {
                    screen.plain(&format!("with its submodule {also}"));
                }
                imported.name
            }
        };
        let forge = installation.forge();
        let pushed = match &self.commit {
            None => forge.push_payload_of_default_branch(&name).await?,
            Some(commit) => forge.push_payload_of_commit(&name, commit).await?,
        };
        screen.fact("repository", &name);
        screen.fact("ref", &pushed.git_ref);
        Ok(pushed)
    }
}

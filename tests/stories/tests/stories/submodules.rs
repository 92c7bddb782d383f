//! The source in the guest is the commit's, submodules in place, with what
//! `.gitattributes` keeps out of release archives.

use solstice_model::{GitRef, Outcome, RepoName};
use solstice_stories::Story;
use solstice_testbed::forge::Entry;

#[tokio::test]
async fn submodules_and_export_ignored_files_are_there() -> Result<(), Box<dyn std::error::Error>> {
    let story = Story::begin().await?;
    let forge = story.installation.forge();
    let library: RepoName = "alice/library".parse()?;
    let branch: GitRef = "refs/heads/main".parse()?;
    forge.create_repository(&library).await?;
    let files = [("answer.h", Entry::File("#define ANSWER 42\n".into()))];
    let commit = forge.repositories().commit(&library, &branch, "A library\n", &files).await?;

    let modules = "[submodule \"lib\"]\n\tpath = third party/lib\n\turl = ../library.git\n";
    let workflow = r#"
workflow name="CI" {
    job id="a" runs_on="linux-mini" {
        step run="grep -q 42 'third party/lib/answer.h' && test -x run.sh && ./run.sh"
        step run="test -f tests/kept.txt && readlink link"
    }
}
"#;
    story
        .push_entries(&[
            (".solstice/workflow.kdl", Entry::File(workflow.into())),
            (".gitmodules", Entry::File(modules.into())),
            (".gitattributes", Entry::File("/tests export-ignore\n".into())),
            ("tests/kept.txt", Entry::File("kept\n".into())),
            ("run.sh", Entry::Executable("#!/bin/sh\necho executable\n".into())),
            ("link", Entry::Symlink("run.sh".into())),
            ("third party/lib", Entry::Submodule(commit)),
        ])
        .await?;
    let job = story.only_run().await?.jobs[0].id;
    let job = story.finished(job).await?;
    let log = story.installation.api().log(job.job.id).await?;
    assert_eq!(job.job.state.outcome(), Some(&Outcome::Succeeded), "{log}");
    assert!(log.contains("executable") && log.contains("run.sh"), "{log}");
    story.end().await?;
    Ok(())
}

//! The environment that every job gets, besides what its workflow sets.

use std::collections::BTreeMap;

use solstice_model::Assignment;

/// What the steps of this assignment see, from its workflow's environment and ours:
///
/// | variable | value |
/// | --- | --- |
/// | `CI`, `SOLSTICE` | `true` |
/// | `SOLSTICE_RUN_ID`, `SOLSTICE_JOB_ID` | ids, as in the API and the pages |
/// | `SOLSTICE_JOB`, `SOLSTICE_WORKFLOW` | names, as in the workflow file |
/// | `SOLSTICE_ATTEMPT` | which try this is, from 1 |
/// | `SOLSTICE_REPOSITORY`, `GITHUB_REPOSITORY` | `owner/name` |
/// | `SOLSTICE_COMMIT`, `GITHUB_SHA` | the commit |
/// | `SOLSTICE_REF`, `GITHUB_REF` | the full ref |
/// | `SOLSTICE_REF_NAME`, `GITHUB_REF_NAME` | the branch or tag alone |
///
/// A workflow may set `GITHUB_*` as it likes, but nothing that begins with
/// `SOLSTICE`: scripts may believe those. `GITHUB_ACTIONS` is never ours to
/// set, since scripts take it as a promise that GitHub's runner is there.
pub fn environment(assignment: &Assignment, workflow: &str) -> BTreeMap<String, String> {
    let Assignment { source, spec, .. } = assignment;
    let text = |value: &dyn ToString| value.to_string();
    let ours = [
        ("SOLSTICE", "true".to_owned()),
        ("SOLSTICE_RUN_ID", text(&assignment.run)),
        ("SOLSTICE_JOB_ID", text(&assignment.job)),
        ("SOLSTICE_JOB", text(&spec.name)),
        ("SOLSTICE_ATTEMPT", text(&assignment.number)),
        ("SOLSTICE_REPOSITORY", text(&source.repository)),
        ("SOLSTICE_COMMIT", text(&source.commit)),
        ("SOLSTICE_REF", text(&source.git_ref)),
        ("SOLSTICE_REF_NAME", source.git_ref.short().to_owned()),
        ("SOLSTICE_WORKFLOW", workflow.to_owned()),
    ];
    let usual = [
        ("CI", "true".to_owned()),
        ("GITHUB_SHA", text(&source.commit)),
        ("GITHUB_REF", text(&source.git_ref)),
        ("GITHUB_REF_NAME", source.git_ref.short().to_owned()),
        ("GITHUB_REPOSITORY", text(&source.repository)),
    ];
    let named = |(name, value): (&str, String)| (name.to_owned(), value);
    let theirs = spec.env.iter().filter(|(name, _)| !name.starts_with("SOLSTICE"));
    let theirs = theirs.map(|(name, value)| (name.clone(), value.clone()));
    // Of two values of one name the later one stands.
    usual.into_iter().map(named).chain(theirs).chain(ours.into_iter().map(named)).collect()
}

#[cfg(test)]
mod tests {
    use solstice_model::{JobSpec, Source, id::new_id};

    use super::*;

    fn assignment(env: &[(&str, &str)]) -> Assignment {
        let env = env.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        Assignment {
            attempt: new_id(),
            job: new_id(),
            run: new_id(),
            number: 2,
            source: Source {
                repository: "acme/kernel".parse().unwrap(),
                clone_url: "https://forge.example/acme/kernel.git".parse().unwrap(),
                commit: "a1".repeat(20).parse().unwrap(),
                git_ref: "refs/heads/release/1".parse().unwrap(),
            },
            spec: JobSpec {
                name: "build".parse().unwrap(),
                runs_on: "illumos-stable".parse().unwrap(),
                needs: Vec::new(),
                env,
                timeout_s: 60,
                steps: Vec::new(),
            },
        }
    }

    #[test]
    fn a_job_learns_what_it_builds() {
        let assignment = assignment(&[]);
        let env = environment(&assignment, "CI");
        assert_eq!(env["CI"], "true");
        assert_eq!(env["SOLSTICE_RUN_ID"], assignment.run.to_string());
        assert_eq!(env["SOLSTICE_ATTEMPT"], "2");
        assert_eq!(env["SOLSTICE_REF_NAME"], "release/1");
        assert_eq!(env["GITHUB_SHA"], "a1".repeat(20));
        assert!(!env.contains_key("GITHUB_ACTIONS"));
    }

    #[test]
    fn a_workflow_overrides_the_usual_names_but_not_ours() {
        let env = environment(
            &assignment(&[("CI", "no"), ("SOLSTICE_COMMIT", "x"), ("SOLSTICE_X", "y"), ("A", "b")]),
            "CI",
        );
        assert_eq!(env["CI"], "no");
        assert_eq!(env["A"], "b");
        assert_eq!(env["SOLSTICE_COMMIT"], "a1".repeat(20));
        assert!(!env.contains_key("SOLSTICE_X"));
    }
}

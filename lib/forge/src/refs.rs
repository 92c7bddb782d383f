//! Which ref somebody means.

use solstice_model::GitRef;

/// The refs that somebody may mean by this name of a branch, a tag or a full
/// ref, likeliest first. Empty if there can be no such branch or tag.
pub fn meant(name: &str) -> Vec<GitRef> {
    let of_branch_or_tag = |it: &GitRef| it.branch().is_some() || it.tag().is_some();
    let names = match name.starts_with("refs/") {
        true => vec![name.to_owned()],
        false => vec![format!("refs/heads/{name}"), format!("refs/tags/{name}")],
    };
    let refs = names.into_iter().filter_map(|name| name.parse().ok());
    refs.filter(of_branch_or_tag).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_name_means_a_branch_rather_than_a_tag() {
        let meant = |name| meant(name).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(meant("v1/x"), ["refs/heads/v1/x", "refs/tags/v1/x"]);
        assert_eq!(meant("refs/tags/v1"), ["refs/tags/v1"]);
        for bad in ["", "a b", "a..b", "/x", "refs/pull/7/head", "refs/heads/", &"x".repeat(300)] {
            assert_eq!(meant(bad), [""; 0], "{bad}");
        }
    }
}

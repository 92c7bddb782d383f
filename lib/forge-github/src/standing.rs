//! What a repository holds now, and which webhooks about it did not arrive.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use http::header::LINK;
use http::{HeaderMap, Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use solstice_forge::{ForgeError, MAX_STANDING, MAX_TITLE_CHARS, Push, Repository, Standing, text};
use solstice_model::{CommitSha, GitRef, RepoName};
use url::Url;

use crate::api::{Api, parsed, unusable};
use crate::body::{BodyRepository, is_queue};
use crate::pull_request::Description;

/// The most things on one page.
const PER_PAGE: usize = 100;

/// The largest page of a list. A pull request takes about 30 KB.
const MAX_PAGE_BYTES: usize = 16 * 1024 * 1024;

/// The most pages of deliveries that are looked through.
const MAX_DELIVERY_PAGES: usize = 20;

/// The most deliveries that are asked for again at once.
const MAX_REDELIVERIES: usize = 200;

#[derive(Deserialize)]
struct Branch {
    name: String,
    commit: Tip,
}

#[derive(Deserialize)]
struct Tip {
    sha: String,
}

/// How often one that we refuse each time is asked for.
const MAX_ATTEMPTS: usize = 5;

/// An attempt to deliver a webhook.
#[derive(Deserialize)]
struct Delivery {
    id: u64,
    guid: String,
    delivered_at: DateTime<Utc>,
    status_code: u16,
}

pub(crate) async fn standing(api: &Api, repository: &RepoName) -> Result<Standing, ForgeError> {
    let described: BodyRepository = api.ask(repository, &[], &[]).await?;
    let what = format!("repository {repository}");
    let checked = described.checked().map_err(|why| unusable(&what, why))?;
    let branches: Vec<Branch> = list(api, repository, "branches", &[]).await?;
    let branches = branches.into_iter().filter_map(|branch| pushed(branch, &checked)).collect();
    let open = [("state", "open"), ("sort", "updated"), ("direction", "desc")];
    let pulls: Vec<Description> = list(api, repository, "pulls", &open).await?;
    // As from a webhook, those whose names we do not take are passed over.
    let told = |pull: Description| pull.checked(described.id, checked.clone(), None).ok();
    let pull_requests = pulls.into_iter().filter_map(told).collect();
    Ok(Standing { branches, pull_requests })
}

/// A branch as if it had just been pushed. GitHub's list tells neither what its
/// commit says nor whose it is. Names that we would not take from a webhook
/// either are passed over.
fn pushed(branch: Branch, repository: &Repository) -> Option<Push> {
    let git_ref: GitRef = format!("refs/heads/{}", branch.name).parse().ok()?;
    let commit: CommitSha = branch.commit.sha.parse().ok()?;
    let push = Push {
        repository: repository.clone(),
        git_ref,
        commit,
        before: None,
        title: String::new(),
        actor: String::new(),
    };
    (!is_queue(&push.git_ref)).then_some(push)
}

/// The first [`MAX_STANDING`] of a list.
async fn list<T: DeserializeOwned>(
    api: &Api,
    repository: &RepoName,
    of: &str,
    query: &[(&str, &str)],
) -> Result<Vec<T>, ForgeError> {
    let mut all = Vec::new();
    for page in 1..=MAX_STANDING.div_ceil(PER_PAGE) {
        let (per_page, page) = (PER_PAGE.to_string(), page.to_string());
        let paged = [("per_page", per_page.as_str()), ("page", page.as_str())];
        let query: Vec<_> = query.iter().copied().chain(paged).collect();
        let call = api.get(repository, &[of], &query);
        let answer = api.send(repository, &call, StatusCode::OK).await?;
        let some: Vec<T> = parsed(&call.what, answer, MAX_PAGE_BYTES).await?;
        let last = some.len() < PER_PAGE;
        all.extend(some);
        if last {
            break;
        }
    }
    Ok(all)
}

/// Asks for every delivery since then again of which no attempt arrived.
pub(crate) async fn redeliver(api: &Api, since: DateTime<Utc>) -> Result<usize, ForgeError> {
    let mut asked = 0;
    for id in lost(api, since).await?.into_iter().take(MAX_REDELIVERIES) {
        let id = id.to_string();
        let path = ["app", "hook", "deliveries", &id, "attempts"];
        let call = api.client.call(Method::POST, path, &[]);
        match api.installations.app().send(&api.client, &call, StatusCode::ACCEPTED).await {
            Ok(_) => asked += 1,
            // GitHub forgot it meanwhile, or will not; the others may do.
            Err(ForgeError::Refused { status: 400 | 404 | 422, .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(asked)
}

/// What came of the attempts to deliver one webhook.
struct Attempts {
    newest: Delivery,
    count: usize,
    arrived: bool,
}

/// The newest attempt of each delivery that did not arrive, oldest first.
async fn lost(api: &Api, since: DateTime<Utc>) -> Result<Vec<u64>, ForgeError> {
    let mut deliveries: HashMap<String, Attempts> = HashMap::new();
    let mut cursor: Option<String> = None;
    for _ in 0..MAX_DELIVERY_PAGES {
        let per_page = PER_PAGE.to_string();
        let mut query = vec![("per_page", per_page.as_str())];
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let call = api.client.call(Method::GET, ["app", "hook", "deliveries"], &query);
        let answer = api.installations.app().send(&api.client, &call, StatusCode::OK).await?;
        cursor = next_cursor(&answer.headers);
        // Newest first.
        let page: Vec<Delivery> = parsed(&call.what, answer, MAX_PAGE_BYTES).await?;
        let older = page.iter().any(|delivery| delivery.delivered_at < since);
        for newest in page.into_iter().filter(|delivery| delivery.delivered_at >= since) {
            let arrived = (200..300).contains(&newest.status_code);
            let entry = deliveries.entry(newest.guid.clone());
            let known = entry.or_insert(Attempts { newest, count: 0, arrived: false });
            known.count += 1;
            known.arrived |= arrived;
        }
        if older || cursor.is_none() {
            break;
        }
    }
    let wanted = |it: &Attempts| !it.arrived && it.count < MAX_ATTEMPTS;
    let mut lost: Vec<Delivery> =
        deliveries.into_values().filter(wanted).map(|it| it.newest).collect();
    lost.sort_by_key(|delivery| (delivery.delivered_at, delivery.id));
    Ok(lost.into_iter().map(|delivery| delivery.id).collect())
}

/// Where the list goes on (RFC 8288): only the cursor is taken from the address.
fn next_cursor(headers: &HeaderMap) -> Option<String> {
    let links = headers.get(LINK)?.to_str().ok()?;
    let next = links.split(',').find(|link| link.contains(r#"rel="next""#))?;
    let (_, address) = next.split_once('<')?;
    let (address, _) = address.split_once('>')?;
    let url: Url = address.parse().ok()?;
    let cursor = url.query_pairs().find(|(name, _)| name == "cursor")?.1;
    Some(text::cut(&cursor, MAX_TITLE_CHARS))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_next_page_is_found_among_the_links() {
        let next = |link: &str| {
            next_cursor(&HeaderMap::from_iter([(LINK, HeaderValue::from_str(link).unwrap())]))
        };
        let link = r#"<https://h/a?per_page=1>; rel="first", <https://h/a?per_page=1&cursor=v1_7>; rel="next""#;
        assert_eq!(next(link).as_deref(), Some("v1_7"));
        assert_eq!(next(r#"<https://h/a?cursor=x>; rel="prev""#), None);
        assert_eq!(next(r#"rel="next""#), None);
    }
}

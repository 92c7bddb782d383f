//! The ways from one page to the others.

use solstice_model::Role;

use crate::auth::Principal;

/// A part of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    /// What runs, what waits, the newest runs.
    Runs,
    /// Repositories and their history.
    Repositories,
    /// Computers that run an orchestrator.
    Hosts,
    /// Golden images.
    Images,
    /// Webhook requests.
    Deliveries,
    /// Who did what.
    Audit,
}

/// A link of the navigation.
#[derive(Clone, Debug)]
pub(crate) struct NavItem {
    section: Section,
    pub(crate) href: &'static str,
    pub(crate) text: &'static str,
    /// `aria-current` of the link; empty if the page is elsewhere.
    pub(crate) current: &'static str,
}

const ALL: [(Section, &str, &str, Role); 6] = [
    (Section::Runs, "/", "Runs", Role::Reader),
    (Section::Repositories, "/repositories", "Repositories", Role::Reader),
    (Section::Hosts, "/hosts", "Hosts", Role::Operator),
    (Section::Images, "/images", "Images", Role::Operator),
    (Section::Deliveries, "/deliveries", "Deliveries", Role::Operator),
    (Section::Audit, "/audit", "Audit", Role::Admin),
];

/// The links that somebody may follow.
pub(crate) fn items(principal: Option<&Principal>) -> Vec<NavItem> {
    let may = |needed| match principal {
        Some(principal) => principal.may(needed),
        None => needed == Role::Reader,
    };
    let open = ALL.into_iter().filter(|(.., needed)| may(*needed));
    open.map(|(section, href, text, _)| NavItem { section, href, text, current: "" }).collect()
}

/// Says where the page is.
pub(crate) fn mark(items: &mut [NavItem], section: Section, current: &'static str) {
    for item in items.iter_mut().filter(|item| item.section == section) {
        item.current = current;
    }
}

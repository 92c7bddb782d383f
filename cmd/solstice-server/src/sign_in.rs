//! What signing in needs: the forges that say who somebody is, what has begun, and
//! how often it was tried in vain.

use std::collections::BTreeMap;

use solstice_config::server::ForgeConfig;
use solstice_model::ForgeName;

use crate::oauth::Provider;
use crate::pending::Pending;
use crate::throttle::Throttle;

/// How people sign in.
pub(crate) struct SignIn {
    providers: BTreeMap<ForgeName, Provider>,
    /// What has begun.
    pub(crate) pending: Pending,
    /// What was tried in vain.
    pub(crate) throttle: Throttle,
}

impl SignIn {
    /// With these forges, as far as they are configured for it.
    pub(crate) fn new(forges: &[ForgeConfig]) -> Self {
        let providers = forges.iter().filter_map(Provider::new);
        let providers = providers.map(|one| (one.forge.clone(), one)).collect();
        Self { providers, pending: Pending::default(), throttle: Throttle::default() }
    }

    /// The forge of this name, if people sign in there.
    pub(crate) fn provider(&self, forge: &ForgeName) -> Option<&Provider> {
        self.providers.get(forge)
    }

    /// All of them.
    pub(crate) fn forges(&self) -> impl Iterator<Item = &ForgeName> {
        self.providers.keys()
    }
}

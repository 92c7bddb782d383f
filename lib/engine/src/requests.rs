//! Buttons of checks: may they, and what came of it.
//!
//! A signature says who pressed, not what they may do there now: the forge is asked
//! at that moment, and only somebody who may push is obeyed.

use slog::info;
use solstice_forge::{CheckRequest, Permission};
use solstice_log::keys;
use solstice_model::DeliveryId;
use solstice_store::{StoreError, Verdict};

use crate::deliveries::{Fate, InterpretDeliveries};
use crate::files::in_time;

impl InterpretDeliveries {
    /// Whether a request is to be obeyed.
    pub(crate) async fn permit(&self, request: CheckRequest) -> Result<Fate, StoreError> {
        let forge = self.forge.name().clone();
        if let Some(reason) = self.store.means_nothing(forge, request.clone()).await? {
            return Ok(Fate::Nothing(Verdict::Ignored { reason }));
        }
        let CheckRequest { repository, actor, action, .. } = &request;
        let asking = self.forge.permission(&repository.name, actor);
        let fate = match in_time("what a user may do", asking).await {
            Ok(permission) if permission >= Permission::Write => Fate::Act(Box::new(request)),
            Ok(_) => {
                let reason = format!(
                    "{actor} asked for `{}`, which takes the right to push to {}",
                    action.identifier(),
                    repository.name
                );
                Fate::Nothing(Verdict::Rejected { reason })
            }
            Err(error) => Fate::Later(error),
        };
        Ok(fate)
    }

    /// Does what was asked for, with the delivery's verdict.
    pub(crate) async fn act(
        &self,
        id: DeliveryId,
        request: CheckRequest,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let obeyed = self.store.finish_delivery_with_request(id, request, now).await?;
        for what in obeyed.done.iter().chain(&obeyed.refused) {
            info!(self.log, "button pressed"; keys::DELIVERY => %id, keys::REASON => what);
        }
        self.ended(id, obeyed.ended).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests;

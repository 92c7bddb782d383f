//! Tokens that are made and revoked through the API.

use dropshot::HttpError;
use slog::info;
use solstice_api::user::{TokenCreate, TokenCreated};
use solstice_log::keys;
use solstice_model::{HostName, Token};
use solstice_store::Actor;

use crate::context::Context;
use crate::error::{bad_request, from_store};

/// Makes a token.
pub(super) async fn create(
    context: &Context,
    by: Actor,
    wanted: TokenCreate,
) -> Result<TokenCreated, HttpError> {
    let TokenCreate { name, role } = wanted;
    // A host's token bears the host's name, and others follow the same rule.
    name.parse::<HostName>().map_err(|wrong| bad_request(wrong.to_string()))?;
    let (token, now) = (Token::generate(), context.clock.now());
    let made = context.store.create_token_by(by, name, role, token.hash(), now).await;
    let info = made.map_err(from_store)?;
    info!(context.log, "token made"; keys::REASON => &info.name, keys::STATE => role.as_str());
    Ok(TokenCreated { info, token })
}

/// Revokes a token, and ends the sessions that it began.
pub(super) async fn revoke(context: &Context, by: Actor, name: String) -> Result<(), HttpError> {
    let now = context.clock.now();
    context.store.revoke_token(name.clone(), by, now).await.map_err(from_store)?;
    info!(context.log, "token revoked"; keys::REASON => name);
    Ok(())
}

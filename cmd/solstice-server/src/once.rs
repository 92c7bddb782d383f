//! `Idempotency-Key`: a request that creates something may be sent again without
//! creating it twice.
//!
//! The answer to the first is kept for 24 hours and given again. Whoever repeats
//! a key with another request gets 422, while the first is under way 409. If the
//! server ends between doing it and keeping its answer, it stays done once: the
//! repeat gets 409 with the code `idempotency_answer_lost`. An answer that holds
//! a secret is kept in memory only (invariant I7).

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use dropshot::{ErrorStatusCode, HttpError, RequestContext};
use serde::Serialize;
use serde::de::DeserializeOwned;
use slog::warn;
use solstice_log::{chain, keys};
use solstice_model::{Sha256Digest, Token};
use solstice_store::{Actor, Claimed, KeyId, KeyedRequest};

use crate::auth::Principal;
use crate::context::Context;
use crate::error::{bad_request, client_error, from_store};

/// The header.
const HEADER: &str = "idempotency-key";

/// The longest key, in bytes.
const MAX_KEY_BYTES: usize = 200;

/// The longest answer that is kept, in bytes; a longer one counts as lost.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// The most answers that are kept in memory.
const MAX_SECRETS: usize = 200;

/// Whether an answer may be written to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It may.
    Plain,
    /// It holds a secret.
    Secret,
}

/// What this process knows of keys.
#[derive(Debug)]
pub(crate) struct Once {
    /// Its name, which no other process has.
    process: String,
    /// Answers with secrets.
    secrets: Mutex<VecDeque<(KeyId, String)>>,
}

impl Default for Once {
    fn default() -> Self {
        let process = Token::generate().hash().as_str().to_owned();
        Self { process, secrets: Mutex::default() }
    }
}

/// Does `work` once per key of the caller's; every time if there is no key.
///
/// # Errors
///
/// What `work` fails with; then the key is free again.
pub(crate) async fn once<T, F>(
    rqctx: &RequestContext<std::sync::Arc<Context>>,
    principal: &Principal,
    request: &impl Serialize,
    answer: Answer,
    work: impl FnOnce(Actor) -> F,
) -> Result<T, HttpError>
where
    T: Serialize + DeserializeOwned,
    F: Future<Output = Result<T, HttpError>>,
{
    let context = rqctx.context();
    let mut actor = principal.actor();
    let Some(key) = key(rqctx)? else { return work(actor).await };
    let asked = serde_json::to_string(request).expect("our own types are JSON");
    let path = rqctx.request.uri().path();
    let keyed = KeyedRequest {
        who: actor.name.clone(),
        key: Sha256Digest::of(key.as_bytes()).hex().to_owned(),
        request: Sha256Digest::of(format!("{path}\n{asked}").as_bytes()).hex().to_owned(),
        process: context.once.process.clone(),
    };
    let claimed = context.store.claim_key(keyed, context.clock.now()).await.map_err(from_store)?;
    let id = match claimed {
        Claimed::New(id) => id,
        Claimed::Answered(id, kept) => return again(context, id, kept),
        Claimed::UnderWay => return Err(under_way()),
        Claimed::Reused => return Err(reused()),
        Claimed::Lost => return Err(lost()),
    };
    actor.key = Some(id);
    let done = work(actor).await;
    let kept = match &done {
        Ok(value) => keep(context, id, value, answer).await,
        Err(_) => context.store.release_key(id).await,
    };
    if let Err(why) = kept {
        warn!(context.log, "the answer to a request with a key is not kept";
            keys::ERROR => chain(&why));
    }
    done
}

/// The key of a request, if it has one.
fn key(rqctx: &RequestContext<std::sync::Arc<Context>>) -> Result<Option<String>, HttpError> {
    let mut values = rqctx.request.headers().get_all(HEADER).iter();
    let (first, second) = (values.next(), values.next());
    let Some(value) = first else { return Ok(None) };
    let text = value
        .to_str()
        .ok()
        .filter(|text| second.is_none() && !text.is_empty() && text.len() <= MAX_KEY_BYTES);
    match text {
        Some(text) => Ok(Some(text.to_owned())),
        None => Err(bad_request(format!(
            "an idempotency key has 1 to {MAX_KEY_BYTES} visible characters"
        ))),
    }
}

async fn keep<T: Serialize>(
    context: &Context,
    id: KeyId,
    value: &T,
    answer: Answer,
) -> Result<(), solstice_store::StoreError> {
    let text = serde_json::to_string(value).expect("our own types are JSON");
    if answer == Answer::Plain && text.len() <= MAX_ANSWER_BYTES {
        return context.store.answer_key(id, text).await;
    }
    if answer == Answer::Secret {
        let mut secrets = context.once.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.truncate(MAX_SECRETS - 1);
        secrets.push_front((id, text));
    }
    context.store.answer_key(id, String::new()).await
}

fn again<T: DeserializeOwned>(context: &Context, id: KeyId, kept: String) -> Result<T, HttpError> {
    let secret = || {
        let secrets = context.once.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.iter().find(|(known, _)| *known == id).map(|(_, text)| text.clone())
    };
    let text = if kept.is_empty() { secret().ok_or_else(lost)? } else { kept };
    serde_json::from_str(&text).map_err(|_| lost())
}

fn under_way() -> HttpError {
    let message = "a request with this key is under way; ask again soon";
    client_error(ErrorStatusCode::CONFLICT, "idempotency_key_under_way", message)
}

fn reused() -> HttpError {
    let message = "this key was used for another request; take a new one";
    client_error(ErrorStatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", message)
}

fn lost() -> HttpError {
    let message = "what this key asked for was done, but the answer is not there any more; \
                   look for what it made";
    client_error(ErrorStatusCode::CONFLICT, "idempotency_answer_lost", message)
}

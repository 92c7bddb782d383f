//! The page of the golden images.

use askama::Template;
use chrono::{DateTime, Utc};
use dropshot::HttpError;
use solstice_api::user::Image;
use solstice_store::ImageUse;

use super::format::When;
use super::hosts::joined;
use super::nav::Section;
use super::{Frame, Rqctx, operator, rendered};
use crate::error::from_store;

/// The digits of a digest that are shown at first.
const SHORT: usize = 12;

struct ImageView {
    name: String,
    short: String,
    digest: String,
    labels: String,
    /// Empty if no host has it any more.
    hosts: String,
    first_seen: Option<When>,
    uses: u64,
    used: Option<When>,
}

#[derive(Template)]
#[template(path = "images.html")]
struct ImagesPage {
    frame: Frame,
    images: Vec<ImageView>,
    /// What no host has any more.
    gone: Vec<ImageView>,
}

pub(super) async fn render(rqctx: &Rqctx) -> Result<String, HttpError> {
    let principal = operator(rqctx).await?;
    let context = rqctx.context();
    let images = context.store.images().await.map_err(from_store)?;
    let uses = context.store.image_uses().await.map_err(from_store)?;
    let now = context.clock.now();
    let has = |one: &&ImageUse| {
        images.iter().any(|of| of.image.name == one.name && of.image.digest == one.digest)
    };
    let gone = uses.iter().filter(|one| !has(one)).map(|one| gone(one, now)).collect();
    rendered(&ImagesPage {
        frame: Frame::new(context, Some(&principal)).at(Section::Images),
        images: images.iter().map(|image| present(image, &uses, now)).collect(),
        gone,
    })
}

fn present(of: &Image, uses: &[ImageUse], now: DateTime<Utc>) -> ImageView {
    let image = &of.image;
    let known = uses.iter().find(|one| one.name == image.name && one.digest == image.digest);
    ImageView {
        name: image.name.to_string(),
        short: image.digest.hex()[..SHORT].to_owned(),
        digest: image.digest.to_string(),
        labels: joined(&image.labels),
        hosts: joined(&of.hosts),
        first_seen: known.map(|one| When::new(one.first_seen_at, now)),
        uses: known.map_or(0, |one| one.uses),
        used: known.and_then(|one| one.used_at).map(|at| When::new(at, now)),
    }
}

fn gone(one: &ImageUse, now: DateTime<Utc>) -> ImageView {
    ImageView {
        name: one.name.to_string(),
        short: one.digest.hex()[..SHORT].to_owned(),
        digest: one.digest.to_string(),
        labels: String::new(),
        hosts: String::new(),
        first_seen: Some(When::new(one.first_seen_at, now)),
        uses: one.uses,
        used: one.used_at.map(|at| When::new(at, now)),
    }
}

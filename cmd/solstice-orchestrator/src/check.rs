//! `solstice-orchestrator check`: a line per thing that has to be right.

use std::path::Path;

use serde::Serialize;
use solstice_config::OrchestratorConfig;
use solstice_host::{check_git, check_server};
use solstice_image::VerifiedImage;

use crate::failure::Failure;
use crate::hypervisor::Place;
use crate::run::runtime;
use crate::{hypervisor, settings};

/// Checks all there is to check and prints it.
pub(crate) fn check(path: &Path, json: bool) -> Result<(), Failure> {
    let config = OrchestratorConfig::load(path)?;
    let mut table = Table { worst: None, json, rows: Vec::new() };
    table.row("configuration", Ok(path.display().to_string()));
    table.row("host", Ok(format!("{}, {} machines", config.host, config.capacity)));
    let images = check_images(&config, &mut table);
    runtime()?.block_on(async {
        let git = check_git(&settings::source(&config)).await;
        table.row(
            "git",
            git.map_err(|error| Failure::Start(solstice_host::StartError::Source(error))),
        );
        match images.as_slice() {
            [] => table.skipped("hypervisor", "needs an image"),
            images => table.row("hypervisor", check_hypervisor(&config, images).await),
        }
        table.row("server", check_token(&config).await);
    });
    table.finish();
    match table.worst {
        None => Ok(()),
        Some(status) => Err(Failure::Check { status }),
    }
}

/// A row per image; the good ones are returned.
fn check_images(config: &OrchestratorConfig, table: &mut Table) -> Vec<VerifiedImage> {
    let mut good = Vec::new();
    for image in &config.images {
        let labels: Vec<_> = image.labels.iter().map(|label| label.as_str()).collect();
        let title = format!("image {}", image.name);
        match settings::image(image, config.capacity) {
            Ok(verified) => {
                let size = &image.size;
                table.row(
                    &title,
                    Ok(format!(
                        "{} at most, cpus={} memory={}MiB, labels {}",
                        verified.capacity,
                        size.cpus,
                        size.memory_mib,
                        labels.join(" ")
                    )),
                );
                good.push(verified.image);
            }
            Err(failure) => table.row(&title, Err(failure)),
        }
    }
    good
}

async fn check_hypervisor(
    config: &OrchestratorConfig,
    images: &[VerifiedImage],
) -> Result<String, Failure> {
    let data = std::path::absolute(&config.data)
        .map_err(|source| Failure::System { what: "find the data directory", source })?;
    let place = Place { config, data: &settings::utf8(&data)?, images, serve: false };
    let opened = hypervisor::open(&place).await?;
    let machines = opened.hypervisor.observe().await.map_err(Failure::Hypervisor)?;
    let name = opened.hypervisor.name();
    Ok(format!("{name}, {}; {} machines exist", opened.how, machines.len()))
}

async fn check_token(config: &OrchestratorConfig) -> Result<String, Failure> {
    let client = settings::client(config)?;
    check_server(client).await.map_err(|source| Failure::of_server(config, source))?;
    Ok(format!("{} takes the token", config.server))
}

/// Prints rows as they come, or all of them as JSON, and remembers the worst.
struct Table {
    worst: Option<u8>,
    json: bool,
    rows: Vec<Row>,
}

/// What one check found.
#[derive(Serialize)]
struct Row {
    check: String,
    verdict: Verdict,
    text: String,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Ok,
    Wrong,
    Skipped,
}

impl Table {
    fn row(&mut self, title: &str, found: Result<String, Failure>) {
        match found {
            Ok(text) => self.add(title, Verdict::Ok, text),
            Err(failure) => {
                self.add(title, Verdict::Wrong, solstice_log::chain(&failure));
                // What the operator has said comes before what the world is like.
                let status = failure.status();
                self.worst = Some(self.worst.map_or(status, |worst| worst.min(status)));
            }
        }
    }

    fn skipped(&mut self, title: &str, why: &str) {
        self.add(title, Verdict::Skipped, why.to_owned());
    }

    fn add(&mut self, check: &str, verdict: Verdict, text: String) {
        if !self.json {
            let word = match verdict {
                Verdict::Ok => "ok",
                Verdict::Wrong => "WRONG",
                Verdict::Skipped => "-",
            };
            println!("{check:<20} {word:<7} {text}");
        }
        self.rows.push(Row { check: check.to_owned(), verdict, text });
    }

    fn finish(&self) {
        if self.json {
            let ok = self.worst.is_none();
            println!("{}", serde_json::json!({ "ok": ok, "checks": self.rows }));
        }
    }
}

//! What is wrong with an installation is said at start, shortly, with what to do.

use solstice_testbed::{Built, Installation, TestbedError};

async fn installation() -> Result<Installation, TestbedError> {
    Installation::prepare(Built::from_env()?).await
}

/// The daemon must end with this code and say all of these words.
async fn assert_refused(
    installation: &Installation,
    daemon: &str,
    words: &[&str],
) -> Result<(), TestbedError> {
    let (code, said) = installation.refusal(daemon).await?;
    assert!(matches!(code, Some(2 | 3)), "exit code {code:?}:\n{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is missing from:\n{said}");
    }
    assert!(!said.contains("panicked"), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_misspelt_setting_is_shown_with_its_place() -> Result<(), Box<dyn std::error::Error>> {
    let it = installation().await?;
    it.edit("server", |text| text.replace("base_url", "base_ulr"))?;
    assert_refused(&it, "server", &["base_ulr", "base_url", "server.kdl:2"]).await?;
    it.edit("orchestrator", |text| text.replace("512MiB", "lots"))?;
    assert_refused(&it, "orchestrator", &["lots", "orchestrator.kdl"]).await?;
    Ok(())
}

#[tokio::test]
async fn an_occupied_port_is_named() -> Result<(), Box<dyn std::error::Error>> {
    let it = installation().await?;
    let taken = std::net::TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?.to_string();
    it.edit("server", |text| {
        let line = text.lines().find(|line| line.contains("webhooks \"")).unwrap().to_owned();
        text.replace(&line, &format!("        webhooks \"{address}\""))
    })?;
    assert_refused(&it, "server", &[&address, "webhooks"]).await?;
    Ok(())
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_named() -> Result<(), Box<dyn std::error::Error>> {
    let it = installation().await?;
    it.edit("server", |text| text.replace("data \"server\"", "data \"/dev/null/x\""))?;
    assert_refused(&it, "server", &["/dev/null/x"]).await?;
    it.edit("orchestrator", |text| text.replace("data \"data\"", "data \"/dev/null/y\""))?;
    assert_refused(&it, "orchestrator", &["/dev/null/y"]).await?;
    Ok(())
}

#[tokio::test]
async fn a_missing_qemu_comes_with_the_command_that_installs_it()
-> Result<(), Box<dyn std::error::Error>> {
    let it = installation().await?;
    it.edit("orchestrator", |text| {
        text.replace("hypervisor \"qemu\"", "hypervisor \"qemu\" qemu=\"/nowhere/qemu\"")
    })?;
    assert_refused(&it, "orchestrator", &["/nowhere/qemu", "apt-get install"]).await?;
    Ok(())
}

#[tokio::test]
async fn an_image_that_is_not_the_locked_one_is_refused() -> Result<(), Box<dyn std::error::Error>>
{
    let it = installation().await?;
    it.boot_with("quiet")?;
    let initrd = it.folder().join("image/initrd");
    let mut forged = std::fs::read(&initrd)?;
    *forged.last_mut().ok_or("it is not empty")? ^= 1;
    std::fs::remove_file(&initrd)?;
    std::fs::write(&initrd, forged)?;
    assert_refused(&it, "orchestrator", &["initrd", "sha256:", "locked"]).await?;
    Ok(())
}

#[tokio::test]
async fn a_wrong_host_token_names_its_file() -> Result<(), Box<dyn std::error::Error>> {
    let mut it = installation().await?;
    it.start_server().await?;
    std::fs::write(it.host_folder().join("host.token"), "sol_wrong")?;
    assert_refused(&it, "orchestrator", &["host.token", "token"]).await?;
    Ok(())
}

#[tokio::test]
async fn a_secret_that_others_can_read_is_refused() -> Result<(), Box<dyn std::error::Error>> {
    use std::os::unix::fs::PermissionsExt as _;

    let it = installation().await?;
    let secret = it.folder().join("webhook.secret");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o644))?;
    assert_refused(&it, "server", &["webhook.secret", "chmod 600"]).await?;
    Ok(())
}

#[tokio::test]
async fn two_servers_on_one_database_are_refused() -> Result<(), Box<dyn std::error::Error>> {
    let mut it = installation().await?;
    it.start_server().await?;
    let (code, said) = it.refusal("server").await?;
    assert_ne!(code, Some(0), "{said}");
    Ok(())
}

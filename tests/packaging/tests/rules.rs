//! The packaging keeps the rules, and each rule finds what it is there for:
//! one file is changed in memory, and the rule has to say so.

use camino::Utf8Path;
use solstice_packaging::{CHECKS, Tree, World};

const SERVER: &str = "smf/solstice-server.xml";
const ORCHESTRATOR: &str = "smf/solstice-orchestrator.xml";
const AGENT: &str = "smf/solstice-agent.xml";
const METHOD: &str = "smf/method/solstice-orchestrator";
const INCLUDE: &str = "smf/share/solstice_include.sh";
const SERVER_PACKAGE: &str = "ips-pkg/solstice-server.p5m";
const ORCHESTRATOR_PACKAGE: &str = "ips-pkg/solstice-orchestrator.p5m";
const COMMON: &str = "ips-pkg/solstice-common.p5m";
const EXEC: &str = "ips-pkg/rbac/exec_attr";

fn tree() -> Tree {
    let here = Utf8Path::new(env!("CARGO_MANIFEST_DIR"));
    Tree::at(here.ancestors().nth(2).expect("two folders below the root").to_owned())
}

/// Everything that is wrong, with the title of the rule that says so.
fn problems(tree: Tree) -> Vec<String> {
    let world = match World::read(tree) {
        Ok(world) => world,
        Err(problem) => return vec![problem.to_string()],
    };
    let found = CHECKS.iter().flat_map(|check| {
        let problems = (check.run)(&world).into_iter();
        problems.map(|problem| format!("[{}] {problem}", check.title))
    });
    found.collect()
}

/// Changes the first `from` of a file, which has to be there.
fn broken(file: &str, from: &str, to: &str) -> Vec<String> {
    let tree = tree();
    let text = tree.text(file).expect("the file is there");
    assert!(text.contains(from), "{file} no longer has {from:?}: change this test with it");
    problems(tree.with(file, text.replacen(from, to, 1)))
}

/// Each case breaks one thing and names what is said of it.
fn each_is_found(cases: &[(&str, &str, &str, &str)]) {
    for (file, from, to, said) in cases {
        let found = broken(file, from, to);
        assert!(found.iter().any(|one| one.contains(said)), "{from:?} → {to:?}: {found:#?}");
    }
}

#[test]
fn the_packaging_keeps_every_rule() {
    let found = problems(tree());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn manifests_that_illumos_would_not_import_are_found() {
    each_is_found(&[
        (SERVER, "</service_bundle>", "", "is not XML"),
        (SERVER, " timeout_seconds=\"30\"", "", "validity error"),
        (
            ORCHESTRATOR,
            "<property_group name=\"startd\"",
            "<stability value=\"Unstable\"/><property_group name=\"startd\"",
            "validity error",
        ),
        (SERVER, "timeout_seconds=\"30\"", "timeout_seconds=\"soon\"", "not seconds"),
        (SERVER, "enabled=\"false\"", "enabled=\"true\"", "disabled `default`"),
        (SERVER, "svc:/milestone/network\"", "svc:/milestone/networks\"", "not known to exist"),
        (AGENT, "file://localhost/", "file:///", "not known to exist"),
    ]);
}

#[test]
fn methods_that_would_not_work_are_found() {
    each_is_found(&[
        (SERVER, "method/solstice-server start", "method/solstice start", "no package delivers"),
        (SERVER, "solstice-server refresh\"", "solstice-server reread\"", "takes no such word"),
        (METHOD, "stop) stop", "halt) stop", "takes no such word"),
        (
            ORCHESTRATOR,
            "%{restarter/contract}",
            "%{config/contract}",
            "no property config/contract",
        ),
        (
            SERVER,
            "exec=\"/lib/svc/method/solstice-server refresh\"",
            "exec=\":kill -HUP\"",
            "a signal, which the daemon does not know",
        ),
        (SERVER, "value=\"child\"", "value=\"forever\"", "does not say how it runs"),
        (SERVER, "value=\"child\"", "value=\"transient\"", "no contract to :kill"),
        (SERVER, "start\" timeout_seconds=\"0\"", "start\" timeout_seconds=\"9\"", "means nothing"),
        (SERVER, "exec=\":kill\"", "exec=\":true\"", "not stopped"),
        (ORCHESTRATOR, "\"1800\"", "\"0\"", "blocks every other change"),
        (ORCHESTRATOR, "timeout_seconds=\"360\"", "timeout_seconds=\"300\"", "has no time in stop"),
        ("manifests/orchestrator.kdl", "\"5m\"", "\"50m\"", "has no time in stop"),
        (METHOD, "RESERVE_SECONDS=30", "RESERVE_SECONDS=20", "not more than what it is for"),
        (METHOD, "$SMF_EXIT_ERR_FATAL", "$SMF_EXIT_FATAL", "SMF has no SMF_EXIT_FATAL"),
        (INCLUDE, "exit 1", "exit 95", "not by name"),
        (METHOD, "/usr/bin/sleep", "/usr/gnu/bin/sleep", "nobody delivers /usr/gnu/bin/sleep"),
        (METHOD, ". /lib/svc/share/solstice", "# /lib/svc/share/solstice", "does not source what"),
        (METHOD, "#!/sbin/sh", "#!/bin/bash", "does not begin with #!/sbin/sh"),
    ]);
}

#[test]
fn users_and_privileges_that_are_not_as_decided_are_found() {
    each_is_found(&[
        (SERVER, "user=\"solstice-server\"", "user=\"solstice\"", "the user solstice is not there"),
        (SERVER, "group=\"solstice-server\"", "group=\"other\"", "the group other is not there"),
        (SERVER, "\"/var/lib/solstice\"", "\"/var/solstice\"", "/var/solstice is not there"),
        (
            ORCHESTRATOR,
            "privileges=\"basic,!file_link_any\"",
            "privileges=\"basic\" limit_privileges=\"basic\"",
            "keeps zoneadm from the full set",
        ),
        (
            SERVER,
            " limit_privileges=\"basic,!file_link_any,!",
            " limit_privileges=\"basic,!",
            "wider",
        ),
        (ORCHESTRATOR, "basic,!file_link_any,proc_owner", "all", "all is no privilege"),
        (ORCHESTRATOR, "solaris.smf.manage.solstice", "solaris.smf.manage.ci", "nobody delivers"),
    ]);
}

#[test]
fn properties_that_are_not_described_or_read_are_found() {
    each_is_found(&[
        (SERVER, "prop_pattern name=\"log_level\"", "prop_pattern name=\"level\"", "no template"),
        (
            SERVER,
            "propval name=\"log_level\" type=\"astring\"",
            "propval name=\"log_level\" type=\"count\"",
            "of type count and not astring",
        ),
        (SERVER, "value=\"info\"/>", "value=\"loud\"/>", "may not be \"loud\""),
        (ORCHESTRATOR, "value=\"false\"/>", "value=\"no\"/>", "is no boolean"),
        (
            METHOD,
            "property config/verbose",
            "property config/noisy",
            "config/noisy, which is not set",
        ),
        (
            METHOD,
            "property config/verbose",
            "property config/noisy",
            "no method reads config/verbose",
        ),
        (SERVER, "<pg_pattern name=\"config\"", "<pg_pattern name=\"options\"", "not described"),
        (
            SERVER,
            "<loctext xml:lang=\"C\">Absolute path of the KDL file that the server reads when it starts.</loctext>",
            "<loctext xml:lang=\"C\"> </loctext>",
            "no name or no description",
        ),
        (SERVER, "<cardinality min=\"1\" max=\"1\"/>", "<cardinality min=\"2\"/>", "has 1 values"),
    ]);
}

#[test]
fn a_profile_that_is_too_wide_or_too_narrow_is_found() {
    let line = "Solstice CI Orchestrator:solaris:cmd:::/usr/bin/pkill:privs=proc_owner,proc_zone\n";
    each_is_found(&[
        (EXEC, line, "", "PKILL (/usr/bin/pkill) has no line"),
        (EXEC, line, &line.repeat(2), "/usr/bin/pkill is twice"),
        (EXEC, "/usr/bin/pkill", "/usr/bin/kill", "lib/illumos does not call"),
        (EXEC, "/usr/bin/pkill", "/sbin/zfs", "/sbin/zfs, which needs nothing"),
        (EXEC, "/usr/bin/pkill", "/usr/bin/*", "does not name one program"),
        (EXEC, "euid=0", "euid=0;privs=all", "privs=all, which is not known"),
        (EXEC, "euid=0", "roleid=0", "roleid=0, which is not known"),
        (EXEC, ":cmd:::/sbin/dladm", ":act:::/sbin/dladm", "not for a command"),
        (EXEC, "Solstice CI Orchestrator:", "Solstice CI:", "which is not ours"),
        (EXEC, ":euid=0", "", "has 6 fields"),
        ("ips-pkg/rbac/prof_attr", ",solaris.zone.manage", ",solaris.*", "nothing asks for"),
        ("ips-pkg/rbac/user_attr", "CI Orchestrator", "CI Operator", "not ours"),
        ("ips-pkg/rbac/user_attr", "solstice:", "nobody:", "no package delivers"),
        (
            "ips-pkg/rbac/auth_attr",
            "solaris.smf.value.solstice",
            "solaris.smf.value",
            "not an auth",
        ),
        ("docs/security.md", "`privs=proc_owner,proc_zone`", "`proc_owner`", "no row has"),
        (
            "lib/illumos/src/programs.rs",
            "/usr/sbin/zoneadm\"",
            "/usr/lib/zoneadm\"",
            "(/usr/lib/zoneadm) has no line",
        ),
    ]);
}

#[test]
fn packages_that_pkglint_would_refuse_are_found() {
    each_is_found(&[
        (SERVER_PACKAGE, "2008:Development/", "2008:Developing/", "does not exist"),
        (SERVER_PACKAGE, "set name=pkg.summary", "set name=pkg.abstract", "pkg.summary 0 times"),
        (SERVER_PACKAGE, "license LICENSE license=MPL-2.0\n", "", "not exactly one licence"),
        (SERVER_PACKAGE, "server@$(VERSION)", "server@0.0.1", "not of the version"),
        (SERVER_PACKAGE, "$(PREFIX)", "$(PLACE)", "a macro that the Makefile does not define"),
        ("ips-pkg/Makefile", "0.1.0", "0.2.0", "not the workspace's"),
        (SERVER_PACKAGE, "dir path=", "folder path=", "no actions `folder`"),
        (SERVER_PACKAGE, " preserve=", " keep_it=", "keep_it does not belong here"),
        (SERVER_PACKAGE, "path=etc/", "path=/etc/", "slashes only inside"),
        (SERVER_PACKAGE, "path=var/lib/", "path=var/tmp/", "nothing is delivered below var/tmp"),
        (SERVER_PACKAGE, "file solstice-server path", "file path", "has a payload and should not"),
        (SERVER_PACKAGE, "common@$(VERSION)", "common", "of the same version"),
        (SERVER_PACKAGE, "pkg:/application/solstice/common", "pkg://x/common", "not pkg:/NAME"),
        (ORCHESTRATOR_PACKAGE, "versioning/git", "versioning/gti", "not known to exist"),
        (ORCHESTRATOR_PACKAGE, "type=require", "type=optional", "another type"),
        (SERVER_PACKAGE, "groupname=solstice-server", "groupname=Solstice", "no name of a group"),
        (SERVER_PACKAGE, "groupname=solstice-server", "groupname=ci", "does not deliver"),
        (SERVER_PACKAGE, "home-dir=/var/lib/solstice", "home-dir=/", "does not give to it"),
    ]);
}

#[test]
fn files_that_would_not_be_right_when_installed_are_found() {
    each_is_found(&[
        (SERVER_PACKAGE, "file manifests/server.kdl", "file manifests/serv.kdl", "there is no"),
        (SERVER_PACKAGE, "file solstice-server", "file solstice-serv", "there is no solstice-serv"),
        (SERVER_PACKAGE, "target=/usr/lib/", "target=/usr/libexec/", "leads to nothing"),
        (SERVER_PACKAGE, "mode=0555", "mode=555x", "is no mode"),
        (SERVER_PACKAGE, "mode=0555", "mode=0444", "does not fit"),
        (SERVER_PACKAGE, "mode=0555", "mode=4555", "sets ids"),
        (SERVER_PACKAGE, "mode=0444", "mode=0464", "more than those before"),
        (SERVER_PACKAGE, "mode=0444", "mode=0664", "lets others write"),
        (SERVER_PACKAGE, "owner=solstice-server", "owner=solstice", "the owner \"solstice\""),
        (SERVER_PACKAGE, "group=solstice-server mode", "group=staff mode", "the group \"staff\""),
        (SERVER_PACKAGE, "method/solstice-server \\", "method/solstice-agent \\", "is already at"),
        (
            COMMON,
            "dir path=usr/lib/solstice",
            "dir path=usr/lib/sol",
            "the directory usr/lib/solstice",
        ),
        (COMMON, " restart_fmri=svc:/system/rbac:default", "", "restarts not"),
        (SERVER_PACKAGE, " restart_fmri=svc:/system/manifest-import:default", "", "restarts not"),
        (SERVER_PACKAGE, "solstice/server:default", "solstice/serv:default", "says otherwise"),
        (SERVER_PACKAGE, " preserve=renamenew", "", "is for configuration"),
        (SERVER_PACKAGE, "mode=0640", "mode=0644", "everybody may read"),
        (SERVER_PACKAGE, "file smf/method/solstice-server", "file LICENSE", "is in no package"),
    ]);
}

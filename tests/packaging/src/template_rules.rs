//! Properties against their templates, as `svccfg validate` does it
//! (illumos-gate usr/src/cmd/svc/svccfg/svccfg_tmpl.c), and against the methods
//! that read them.

use crate::problem::Problem;
use crate::smf::{Property, PropertyPattern, Service};
use crate::smf_rules::has_property;
use crate::world::World;

/// Who may change a group, not what is set.
const AUTHORIZATION: &str = "value_authorization";

/// Every property of an operator's group is set, described and read.
pub(crate) fn templates(world: &World) -> Vec<Problem> {
    world.services.iter().flat_map(|it| one(world, it)).collect()
}

fn one(world: &World, service: &Service) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut say = |text: String| problems.push(Problem::new(service.file.clone(), text));
    let scripts = world.scripts_of(service);
    let read: Vec<_> = scripts.iter().flat_map(|script| script.properties()).collect();
    // The shared functions ask for what only some services have.
    let own = scripts.iter().filter(|script| script.file.starts_with("smf/method/"));
    for name in own.flat_map(|script| script.properties()) {
        if !has_property(service, name) {
            say(format!("a method reads {name}, which is not set"));
        }
    }
    for (group, content) in service.groups.iter().filter(|(_, it)| it.kind == "application") {
        let pattern = service.patterns.get(group);
        if !pattern.is_some_and(|pattern| pattern.explained && pattern.kind == content.kind) {
            say(format!("the group {group} is not described by its template"));
        }
        for (name, property) in &content.properties {
            if name == AUTHORIZATION {
                continue;
            }
            let full = format!("{group}/{name}");
            match pattern.and_then(|pattern| pattern.properties.get(name)) {
                None => say(format!("{full} has no template")),
                Some(pattern) => fits(&full, property, pattern).into_iter().for_each(&mut say),
            }
            if !read.contains(&full.as_str()) {
                say(format!("no method reads {full}"));
            }
        }
    }
    for (group, pattern) in &service.patterns {
        for (name, _) in pattern.properties.iter().filter(|(_, it)| it.required) {
            if service.values(group, name).is_empty() {
                say(format!("{group}/{name} is required and not set"));
            }
        }
    }
    problems
}

/// What a property has against its template.
fn fits(full: &str, property: &Property, pattern: &PropertyPattern) -> Vec<String> {
    let mut problems = Vec::new();
    if property.kind != pattern.kind {
        problems.push(format!("{full} is of type {} and not {}", property.kind, pattern.kind));
    }
    if !pattern.explained {
        problems.push(format!("the template of {full} has no name or no description"));
    }
    let count = property.values.len() as u64;
    if !(pattern.min..=pattern.max).contains(&count) {
        problems.push(format!("{full} has {count} values"));
    }
    for value in &property.values {
        if !pattern.allowed.is_empty() && !pattern.allowed.contains(value) {
            problems.push(format!("{full} may not be {value:?}"));
        }
        if property.kind == "boolean" && !matches!(value.as_str(), "true" | "false") {
            problems.push(format!("{full} is no boolean: {value:?}"));
        }
    }
    problems
}

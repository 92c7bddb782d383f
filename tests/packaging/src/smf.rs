//! A service manifest (service_bundle(5)), read as far as the rules need it.

use std::collections::BTreeMap;

use roxmltree::{Document, Node, ParsingOptions};

use crate::problem::Problem;

/// The one service of a manifest.
pub(crate) struct Service {
    /// The manifest's path.
    pub(crate) file: String,
    /// `svc:/NAME`.
    pub(crate) fmri: String,
    pub(crate) dependencies: Vec<Dependency>,
    /// What methods run as that do not say otherwise.
    pub(crate) context: Option<Context>,
    pub(crate) methods: BTreeMap<String, Method>,
    pub(crate) groups: BTreeMap<String, Group>,
    /// Names, and whether they start enabled.
    pub(crate) instances: Vec<(String, bool)>,
    pub(crate) patterns: BTreeMap<String, Pattern>,
}

pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `service` or `path`.
    pub(crate) kind: String,
    pub(crate) fmris: Vec<String>,
}

pub(crate) struct Method {
    pub(crate) exec: String,
    pub(crate) timeout: String,
    pub(crate) context: Option<Context>,
}

#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) directory: Option<String>,
    pub(crate) user: String,
    pub(crate) group: Option<String>,
    pub(crate) privileges: Option<String>,
    pub(crate) limit: Option<String>,
}

pub(crate) struct Group {
    pub(crate) kind: String,
    pub(crate) properties: BTreeMap<String, Property>,
}

pub(crate) struct Property {
    pub(crate) kind: String,
    pub(crate) values: Vec<String>,
}

/// The template of a property group.
pub(crate) struct Pattern {
    pub(crate) kind: String,
    pub(crate) explained: bool,
    pub(crate) properties: BTreeMap<String, PropertyPattern>,
}

/// The template of a property.
pub(crate) struct PropertyPattern {
    pub(crate) kind: String,
    pub(crate) required: bool,
    /// Whether it has a name and a description.
    pub(crate) explained: bool,
    pub(crate) min: u64,
    pub(crate) max: u64,
    /// The values that it may have; any if there are none.
    pub(crate) allowed: Vec<String>,
}

impl Service {
    /// Reads a manifest of one service.
    pub(crate) fn parse(file: &str, text: &str) -> Result<Self, Problem> {
        let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
        let document = Document::parse_with_options(text, options)
            .map_err(|error| Problem::new(file, format!("is not XML: {error}")))?;
        let services: Vec<_> = children(document.root_element(), "service").collect();
        let [node] = services.as_slice() else {
            return Err(Problem::new(file, "has not exactly one service"));
        };
        let template = children(*node, "template").next();
        Ok(Self {
            file: file.to_owned(),
            fmri: format!("svc:/{}", text_of(*node, "name")),
            dependencies: children(*node, "dependency").map(dependency).collect(),
            context: context(*node),
            methods: named(*node, "exec_method", method),
            groups: named(*node, "property_group", group),
            instances: children(*node, "instance")
                .map(|it| (text_of(it, "name"), it.attribute("enabled") == Some("true")))
                .collect(),
            patterns: template.map(|it| named(it, "pg_pattern", pattern)).unwrap_or_default(),
        })
    }

    /// What a method runs as: its own context, which replaces the service's as a whole.
    pub(crate) fn context_of<'a>(&'a self, method: &'a Method) -> Option<&'a Context> {
        method.context.as_ref().or(self.context.as_ref())
    }

    /// The values of a property.
    pub(crate) fn values(&self, group: &str, property: &str) -> &[String] {
        let found = self.groups.get(group).and_then(|group| group.properties.get(property));
        found.map_or(&[], |property| &property.values)
    }
}

fn children<'a, 'i>(node: Node<'a, 'i>, name: &'static str) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(move |child| child.has_tag_name(name))
}

fn text_of(node: Node<'_, '_>, attribute: &str) -> String {
    node.attribute(attribute).unwrap_or_default().to_owned()
}

fn optional(node: Node<'_, '_>, attribute: &str) -> Option<String> {
    node.attribute(attribute).map(str::to_owned)
}

fn named<T>(
    node: Node<'_, '_>,
    tag: &'static str,
    read: fn(Node<'_, '_>) -> T,
) -> BTreeMap<String, T> {
    children(node, tag).map(|child| (text_of(child, "name"), read(child))).collect()
}

fn dependency(node: Node<'_, '_>) -> Dependency {
    Dependency {
        name: text_of(node, "name"),
        kind: text_of(node, "type"),
        fmris: children(node, "service_fmri").map(|it| text_of(it, "value")).collect(),
    }
}

fn context(node: Node<'_, '_>) -> Option<Context> {
    let context = children(node, "method_context").next()?;
    let credential = children(context, "method_credential").next()?;
    Some(Context {
        directory: optional(context, "working_directory"),
        user: text_of(credential, "user"),
        group: optional(credential, "group"),
        privileges: optional(credential, "privileges"),
        limit: optional(credential, "limit_privileges"),
    })
}

fn method(node: Node<'_, '_>) -> Method {
    Method {
        exec: text_of(node, "exec"),
        timeout: text_of(node, "timeout_seconds"),
        context: context(node),
    }
}

fn group(node: Node<'_, '_>) -> Group {
    let mut properties: BTreeMap<_, _> = named(node, "propval", |it| Property {
        kind: text_of(it, "type"),
        values: vec![text_of(it, "value")],
    });
    properties.extend(named(node, "property", |it| Property {
        kind: text_of(it, "type"),
        values: it
            .descendants()
            .filter(|node| node.has_tag_name("value_node"))
            .map(|node| text_of(node, "value"))
            .collect(),
    }));
    Group { kind: text_of(node, "type"), properties }
}

fn explained(node: Node<'_, '_>) -> bool {
    ["common_name", "description"].into_iter().all(|tag| {
        children(node, tag)
            .flat_map(|it| it.descendants())
            .any(|it| it.is_text() && it.text().is_some_and(|text| !text.trim().is_empty()))
    })
}

fn pattern(node: Node<'_, '_>) -> Pattern {
    Pattern {
        kind: text_of(node, "type"),
        explained: explained(node),
        properties: named(node, "prop_pattern", property_pattern),
    }
}

fn property_pattern(node: Node<'_, '_>) -> PropertyPattern {
    let cardinality = children(node, "cardinality").next();
    let bound = |name| cardinality.and_then(|it| it.attribute(name)?.parse().ok());
    PropertyPattern {
        kind: text_of(node, "type"),
        required: node.attribute("required") == Some("true"),
        explained: explained(node),
        min: bound("min").unwrap_or(0),
        max: bound("max").unwrap_or(u64::MAX),
        allowed: children(node, "constraints")
            .flat_map(|it| children(it, "value"))
            .map(|it| text_of(it, "name"))
            .collect(),
    }
}

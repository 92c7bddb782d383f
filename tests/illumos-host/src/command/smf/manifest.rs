//! Manifests: what svccfg import makes of them.
//!
//! Templates, stability and notifications are passed over.

use std::collections::BTreeMap;

use roxmltree::{Document, Node, ParsingOptions};

use super::repository::{Group, Groups, Instance, Property, Service};

/// The services of a manifest.
///
/// # Errors
///
/// What is wrong with it.
pub(super) fn parse(text: &str) -> Result<BTreeMap<String, Service>, String> {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|e| e.to_string())?;
    let bundle = document.root_element();
    if !bundle.has_tag_name("service_bundle") || bundle.attribute("type") != Some("manifest") {
        return Err("it is no service_bundle of type manifest".to_owned());
    }
    let services = children(bundle, "service");
    services.map(|node| Ok((attribute(node, "name")?, service(node)?))).collect()
}

fn children<'a, 'd>(node: Node<'a, 'd>, tag: &'static str) -> impl Iterator<Item = Node<'a, 'd>> {
    node.children().filter(move |child| child.has_tag_name(tag))
}

fn attribute(node: Node<'_, '_>, name: &str) -> Result<String, String> {
    let value = node.attribute(name).map(str::to_owned);
    value.ok_or_else(|| format!("a {} has no {name}", node.tag_name().name()))
}

fn service(node: Node<'_, '_>) -> Result<Service, String> {
    let mut service = Service { groups: groups(node)?, instances: BTreeMap::new() };
    if children(node, "single_instance").next().is_some() {
        let general = service.groups.entry("general".to_owned()).or_default();
        general.kind = "framework".to_owned();
        let value = Property::new("boolean", "true");
        general.properties.insert("single_instance".to_owned(), value);
    }
    for default in children(node, "create_default_instance") {
        let instance = Instance::new(attribute(default, "enabled")? == "true");
        service.instances.insert("default".to_owned(), instance);
    }
    for node in children(node, "instance") {
        let mut instance = Instance::new(attribute(node, "enabled")? == "true");
        for (name, group) in groups(node)? {
            let below = instance.groups.entry(name).or_default();
            below.kind = group.kind;
            below.properties.extend(group.properties);
        }
        service.instances.insert(attribute(node, "name")?, instance);
    }
    Ok(service)
}

fn groups(node: Node<'_, '_>) -> Result<Groups, String> {
    let mut groups = Groups::new();
    for node in children(node, "property_group") {
        let (name, kind) = (attribute(node, "name")?, attribute(node, "type")?);
        groups.insert(name, Group { kind, properties: properties(node)? });
    }
    for node in children(node, "dependency") {
        let mut group = of_attributes(node, "dependency", &["grouping", "restart_on", "type"])?;
        let entities = children(node, "service_fmri").map(|node| attribute(node, "value"));
        let values = entities.collect::<Result<_, _>>()?;
        let entities = Property { kind: "fmri".to_owned(), values };
        group.properties.insert("entities".to_owned(), entities);
        groups.insert(attribute(node, "name")?, group);
    }
    for node in children(node, "exec_method") {
        groups.insert(attribute(node, "name")?, method(node)?);
    }
    Ok(groups)
}

fn method(node: Node<'_, '_>) -> Result<Group, String> {
    let mut group = of_attributes(node, "method", &["exec", "type"])?;
    let seconds = Property::new("count", attribute(node, "timeout_seconds")?);
    group.properties.insert("timeout_seconds".to_owned(), seconds);
    let whole = node.parent();
    let context = children(node, "method_context").next();
    let context = context.or_else(|| children(whole?, "method_context").next());
    let credential = context.and_then(|context| children(context, "method_credential").next());
    for (node, names) in [
        (context, &["working_directory"][..]),
        (credential, &["user", "group", "privileges", "limit_privileges"][..]),
    ] {
        for name in names {
            if let Some(value) = node.and_then(|node| node.attribute(*name)) {
                group.properties.insert((*name).to_owned(), Property::new("astring", value));
            }
        }
    }
    Ok(group)
}

/// A group whose properties are attributes of the element, as text.
fn of_attributes(node: Node<'_, '_>, kind: &str, names: &[&str]) -> Result<Group, String> {
    let property =
        |name: &&str| Ok(((*name).to_owned(), Property::new("astring", attribute(node, name)?)));
    let properties = names.iter().map(property).collect::<Result<_, String>>()?;
    Ok(Group { kind: kind.to_owned(), properties })
}

fn properties(group: Node<'_, '_>) -> Result<BTreeMap<String, Property>, String> {
    let mut properties = BTreeMap::new();
    for node in children(group, "propval") {
        let property = Property::new(&attribute(node, "type")?, attribute(node, "value")?);
        properties.insert(attribute(node, "name")?, property);
    }
    for node in children(group, "property") {
        let lists = node.children().filter(Node::is_element);
        let values = lists.flat_map(|list| children(list, "value_node"));
        let values = values.map(|node| attribute(node, "value")).collect::<Result<_, _>>()?;
        let property = Property { kind: attribute(node, "type")?, values };
        properties.insert(attribute(node, "name")?, property);
    }
    Ok(properties)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"<?xml version="1.0"?>
<!DOCTYPE service_bundle SYSTEM "/usr/share/lib/xml/dtd/service_bundle.dtd.1">
<service_bundle type="manifest" name="x">
  <service name="site/x" type="service" version="1">
    <dependency name="d" grouping="require_all" restart_on="none" type="service">
      <service_fmri value="svc:/network/loopback"/>
    </dependency>
    <method_context><method_credential user="webservd"/></method_context>
    <exec_method type="method" name="start" exec="/bin/true" timeout_seconds="60"/>
    <property_group name="config" type="application">
      <propval name="one" type="astring" value="1"/>
      <property name="many" type="astring">
        <astring_list><value_node value="a"/><value_node value="b c"/></astring_list>
      </property>
    </property_group>
    <instance name="i" enabled="true">
      <property_group name="config" type="application">
        <propval name="own" type="boolean" value="true"/>
      </property_group>
    </instance>
  </service>
</service_bundle>"#;

    #[test]
    fn everything_becomes_property_groups() {
        let services = parse(MANIFEST).unwrap();
        let service = &services["site/x"];
        assert_eq!(service.groups["config"].properties["many"].values, ["a", "b c"]);
        assert_eq!(service.groups["d"].kind, "dependency");
        assert_eq!(service.groups["d"].properties["entities"].values, ["svc:/network/loopback"]);
        assert_eq!(service.groups["start"].properties["user"].values, ["webservd"]);
        let instance = &service.instances["i"];
        assert_eq!(instance.groups["config"].properties["own"].values, ["true"]);
        assert!(instance.is_enabled());
    }

    #[test]
    fn what_is_no_manifest_is_refused() {
        assert!(parse("<service_bundle").is_err());
        assert!(parse("<service_bundle type='profile' name='x'/>").is_err());
        assert!(parse(&MANIFEST.replace("exec=\"/bin/true\"", "")).is_err());
    }
}

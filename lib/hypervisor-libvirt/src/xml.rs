//! libvirt's XML: a small tree that is written with every value escaped, and
//! the reading of the one element that we write into others' documents.

use std::io;

use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesText, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::{NsReader, Writer, XmlVersion};

/// An element to be written.
#[derive(Clone, Debug)]
pub(crate) struct Element {
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
    text: Option<String>,
    children: Vec<Element>,
}

/// An element without anything in it.
pub(crate) fn element(name: &'static str) -> Element {
    Element { name, attributes: Vec::new(), text: None, children: Vec::new() }
}

/// An element with a text.
pub(crate) fn text(name: &'static str, text: impl ToString) -> Element {
    Element { text: Some(text.to_string()), ..element(name) }
}

impl Element {
    pub(crate) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.attributes.push((name, value.to_string()));
        self
    }

    pub(crate) fn holding(mut self, children: impl IntoIterator<Item = Element>) -> Self {
        self.children.extend(children);
        self
    }

    /// The document whose root this is.
    pub(crate) fn document(&self) -> String {
        let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
        self.write(&mut writer).expect("writing into memory does not fail");
        String::from_utf8(writer.into_inner()).expect("it was made from text")
    }

    fn write(&self, writer: &mut Writer<Vec<u8>>) -> io::Result<()> {
        let attributes = self.attributes.iter().map(|(name, value)| (*name, value.as_str()));
        let start = writer.create_element(self.name).with_attributes(attributes);
        match &self.text {
            Some(text) => start.write_text_content(BytesText::new(text))?,
            None if self.children.is_empty() => start.write_empty()?,
            None => start.write_inner_content(|writer| {
                self.children.iter().try_for_each(|child| child.write(writer))
            })?,
        };
        Ok(())
    }
}

/// The attributes of the first element of this name and namespace in a document
/// ("" is none); `None` if there is no such element, or the document is not one.
pub(crate) fn attributes(
    document: &str,
    name: &str,
    namespace: &str,
) -> Option<Vec<(String, String)>> {
    let mut reader = NsReader::from_str(document);
    loop {
        let (resolved, event) = reader.read_resolved_event().ok()?;
        let of = match resolved {
            ResolveResult::Bound(Namespace(of)) => of,
            _ => "",
        };
        match event {
            Event::Start(start) | Event::Empty(start)
                if of == namespace && start.local_name().as_ref() == name =>
            {
                return start.attributes().map(|attribute| read(&attribute.ok()?)).collect();
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}

fn read(attribute: &Attribute<'_>) -> Option<(String, String)> {
    let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
    Some((attribute.key.as_ref().to_owned(), value.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_read_back_as_it_was_written() {
        let nasty = r#"a<b> & "c" 'd' ]]>"#;
        let inner = element("inner").with("value", nasty).with("host", "moon");
        let document = element("outer").holding([text("text", nasty), inner]).document();
        assert_eq!(document.matches('<').count(), 5, "{document}");
        let wanted =
            [("value", nasty), ("host", "moon")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        assert_eq!(attributes(&document, "inner", "").unwrap(), wanted);
        assert_eq!(attributes(&document, "inner", "urn:x"), None);
        assert_eq!(attributes(&document, "other", ""), None);
        assert_eq!(attributes("<inner", "inner", ""), None);
    }
}

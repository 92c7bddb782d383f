//! Reading one node: what was asked for, what is missing, what nobody asked for.

use std::collections::BTreeMap;

use miette::SourceSpan;

use crate::diagnostic::{Problem, Sink};
use crate::document::{Entry, Node};
use crate::suggest::{nearest, quoted};
use crate::value::{Refusal, Spanned, Value};

/// A view of one node that remembers what was read.
///
/// Every method reports what it does not like and goes on, so that a caller
/// reads all parts of a node first, calls [`Reader::finish`], and only then
/// gives up on a required part that is `None`. An optional part that is wrong is
/// `None` too; it was reported, so [`Document::decode`](crate::Document::decode)
/// fails anyway and a default does no harm.
///
/// A *setting* is a value that may be written as a property (`keep="30m"`) or as
/// a child with one argument (`keep "30m"`).
#[derive(Debug)]
pub struct Reader<'d> {
    found: &'d Sink,
    /// `None` for the document itself.
    name: Option<&'d Spanned<String>>,
    entries: Vec<Part<'d, Entry>>,
    children: Vec<Part<'d, Node>>,
    known_props: Vec<&'static str>,
    known_nodes: Vec<&'static str>,
}

/// Something in a node, and whether it was read.
#[derive(Debug)]
struct Part<'d, T> {
    is: &'d T,
    read: bool,
}

fn parts<T>(all: &[T]) -> Vec<Part<'_, T>> {
    all.iter().map(|is| Part { is, read: false }).collect()
}

impl<'d> Reader<'d> {
    pub(crate) fn top(nodes: &'d [Node], found: &'d Sink) -> Self {
        Self {
            found,
            name: None,
            entries: Vec::new(),
            children: parts(nodes),
            known_props: Vec::new(),
            known_nodes: Vec::new(),
        }
    }

    fn of(node: &'d Node, found: &'d Sink) -> Self {
        let children = node.children.as_deref().unwrap_or_default();
        let entries = parts(&node.entries);
        Self { name: Some(&node.name), entries, ..Self::top(children, found) }
    }

    /// The node's name; empty for the document.
    pub fn name(&self) -> &'d str {
        self.name.map_or("", |name| &name.value)
    }

    /// Where the node's name is written; the first byte for the document.
    pub fn span(&self) -> SourceSpan {
        self.name.map_or(SourceSpan::from(0..0), |name| name.span)
    }

    /// Whether so much is wrong already that no value is decoded any more.
    pub fn is_flooded(&self) -> bool {
        self.found.is_flooded()
    }

    /// Reports a problem that the caller found.
    pub fn report(&self, problem: Problem) {
        self.found.report(problem);
    }

    /// The next argument, if there is one.
    pub fn arg<T>(&mut self, decode: impl Fn(&Value) -> Result<T, Refusal>) -> Option<T> {
        let next = self.entries.iter_mut().find(|entry| !entry.read && entry.is.key.is_none())?;
        next.read = true;
        let value = &next.is.value;
        self.decoded(&decode, value, &format!("the argument of {}", quoted(self.name())))
    }

    /// The next argument; `what` names it where it is missing, as in "a label".
    pub fn required_arg<T>(
        &mut self,
        what: &str,
        decode: impl Fn(&Value) -> Result<T, Refusal>,
    ) -> Option<T> {
        if self.entries.iter().any(|entry| !entry.read && entry.is.key.is_none()) {
            return self.arg(decode);
        }
        let name = self.name();
        let message = format!("{} needs {what}", quoted(name));
        let help = format!("write it after the name: {name} \"…\"");
        self.report(
            Problem::new(self.span(), message).label("it comes right after this").help(help),
        );
        None
    }

    /// All arguments that are left.
    pub fn args<T>(&mut self, decode: impl Fn(&Value) -> Result<T, Refusal>) -> Vec<T> {
        let is_left = |entry: &Part<'d, Entry>| !entry.read && entry.is.key.is_none();
        let mut values = Vec::new();
        for entry in self.entries.iter_mut().filter(|entry| is_left(entry)) {
            entry.read = true;
            values.push(&entry.is.value);
        }
        let of = format!("the argument of {}", quoted(self.name()));
        values.into_iter().filter_map(|value| self.decoded(&decode, value, &of)).collect()
    }

    /// All arguments that are left, at least one; `what` names it where it is missing.
    pub fn required_args<T>(
        &mut self,
        what: &str,
        decode: impl Fn(&Value) -> Result<T, Refusal>,
    ) -> Vec<T> {
        let first = self.required_arg(what, &decode);
        first.into_iter().chain(self.args(&decode)).collect()
    }

    /// The property of this name, if it is there.
    pub fn prop<T>(
        &mut self,
        name: &'static str,
        decode: impl Fn(&Value) -> Result<T, Refusal>,
    ) -> Option<T> {
        self.known_props.push(name);
        let value = self.take_prop(name)?;
        self.decoded(&decode, value, &quoted(name))
    }

    /// The property of this name.
    pub fn required_prop<T>(
        &mut self,
        name: &'static str,
        decode: impl Fn(&Value) -> Result<T, Refusal>,
    ) -> Option<T> {
        if !self.has_prop(name) {
            self.missing(name, &format!("write {name}=\"…\" after {}", quoted(self.name())));
        }
        self.prop(name, decode)
    }

    /// The setting of this name, if it is there.
    pub fn setting<T>(
        &mut self,
        name: &'static str,
        decode: impl Fn(&Value) -> Result<T, Refusal>,
    ) -> Option<T> {
        self.known_props.push(name);
        let prop = self.take_prop(name);
        let child = self.child(name);
        match (prop, child) {
            (None, None) => None,
            (None, Some(mut child)) => {
                let value = child.required_arg("a value", decode);
                child.finish();
                value
            }
            (Some(value), child) => {
                if let Some(child) = child {
                    self.duplicate(name, child.span(), "it is already a property of the node");
                }
                self.decoded(&decode, value, &quoted(name))
            }
        }
    }

    /// The setting of this name.
    pub fn required_setting<T>(
        &mut self,
        name: &'static str,
        decode: impl Fn(&Value) -> Result<T, Refusal>,
    ) -> Option<T> {
        if !self.has_prop(name) && !self.has_child(name) {
            let help = match self.name {
                Some(node) => format!("write {name}=\"…\" after {}", quoted(&node.value)),
                None => format!("write {name} \"…\" on a line of its own"),
            };
            self.missing(name, &help);
        }
        self.setting(name, decode)
    }

    /// A list of values, if it is there.
    ///
    /// It is written as a property and the arguments that follow it
    /// (`branches="main" "release/*"`), or as a child with arguments
    /// (`branches "main" "release/*"`). To give it those arguments, read it
    /// before the node's own.
    pub fn list<T>(
        &mut self,
        name: &'static str,
        decode: impl Fn(&Value) -> Result<T, Refusal>,
    ) -> Option<Vec<T>> {
        let values = self.prop_list(name, &decode);
        let child = self.child(name);
        if let (Some(child), Some(_)) = (&child, &values) {
            self.duplicate(name, child.span(), "it is already a property of the node");
        }
        if values.is_some() {
            return values;
        }
        let mut child = child?;
        let all = child.required_args("at least one value", decode);
        child.finish();
        Some(all)
    }

    /// A list of values, if it is there as a property and the arguments that follow it.
    pub fn prop_list<T>(
        &mut self,
        name: &'static str,
        decode: impl Fn(&Value) -> Result<T, Refusal>,
    ) -> Option<Vec<T>> {
        self.known_props.push(name);
        let values = self.take_prop_and_following(name);
        let one = |value: &Value| self.decoded(&decode, value, &quoted(name));
        (!values.is_empty()).then(|| values.into_iter().filter_map(one).collect())
    }

    /// The child node of this name, if it is there.
    pub fn child(&mut self, name: &'static str) -> Option<Reader<'d>> {
        let mut all = self.children(name).into_iter();
        let first = all.next();
        for again in all {
            self.duplicate(name, again.span(), "one is enough");
        }
        first
    }

    /// The child node of this name.
    pub fn required_child(&mut self, name: &'static str) -> Option<Reader<'d>> {
        if !self.has_child(name) {
            self.missing(name, &format!("add a node {name} {{ … }}"));
        }
        self.child(name)
    }

    /// All child nodes of this name, in order.
    pub fn children(&mut self, name: &'static str) -> Vec<Reader<'d>> {
        self.known_nodes.push(name);
        let found = self.found;
        let of_name = self.children.iter_mut().filter(|child| child.is.name.value == name);
        of_name.map(|child| child.take(found)).collect()
    }

    /// All child nodes of this name, of which there must be at least one; `help`
    /// says how to write it.
    pub fn required_children(&mut self, name: &'static str, help: &str) -> Vec<Reader<'d>> {
        if !self.has_child(name) {
            self.missing(name, help);
        }
        self.children(name)
    }

    /// All child nodes that were not read yet, whatever they are called.
    pub fn other_children(&mut self) -> Vec<Reader<'d>> {
        let found = self.found;
        let unread = self.children.iter_mut().filter(|child| !child.read);
        unread.map(|child| child.take(found)).collect()
    }

    /// All properties that were not read yet, with their names; a name that comes
    /// again is reported.
    pub fn other_props<T>(
        &mut self,
        decode: impl Fn(&Value) -> Result<T, Refusal>,
    ) -> Vec<(Spanned<String>, T)> {
        let mut props = BTreeMap::new();
        for entry in &mut self.entries {
            if let (Some(key), false) = (&entry.is.key, entry.read) {
                entry.read = true;
                props.entry(&key.value).or_insert_with(Vec::new).push((key, &entry.is.value));
            }
        }
        let mut all = Vec::new();
        for (name, given) in props {
            for (key, _) in given.iter().skip(1) {
                self.duplicate(name, key.span, "once is enough");
            }
            let decoded = given.first().and_then(|(key, value)| {
                Some(((*key).clone(), self.decoded(&decode, value, &quoted(name))?))
            });
            all.extend(decoded);
        }
        all
    }

    /// Refuses names of the planned language, be they properties or children.
    pub fn reserved(&mut self, names: &[&'static str], help: &str) {
        let refuse = |name: &str, span| {
            let message = format!("{} is not supported by this version", quoted(name));
            self.found.report(Problem::new(span, message).label("reserved").help(help));
        };
        for entry in &mut self.entries {
            if let Some(key) = entry.is.key.as_ref().filter(|key| names.contains(&&*key.value)) {
                entry.read = true;
                refuse(&key.value, key.span);
            }
        }
        for child in &mut self.children {
            if names.contains(&&*child.is.name.value) {
                child.read = true;
                refuse(&child.is.name.value, child.is.name.span);
            }
        }
    }

    /// Reports all that was not read.
    pub fn finish(self) {
        for entry in self.entries.iter().filter(|entry| !entry.read) {
            self.report(match &entry.is.key {
                Some(key) => self.unknown_prop(key),
                None => self.surplus_arg(&entry.is.value),
            });
        }
        for child in self.children.iter().filter(|child| !child.read) {
            self.report(self.unknown_node(&child.is.name));
        }
    }

    fn has_prop(&self, name: &str) -> bool {
        self.entries.iter().any(|entry| entry.is_prop(name))
    }

    fn has_child(&self, name: &str) -> bool {
        self.children.iter().any(|child| child.is.name.value == name)
    }

    /// The value of a property; reports it where it comes again.
    fn take_prop(&mut self, name: &str) -> Option<&'d Value> {
        let mut first = None;
        let mut again = Vec::new();
        for entry in self.entries.iter_mut().filter(|entry| entry.is_prop(name)) {
            entry.read = true;
            match first {
                None => first = Some(&entry.is.value),
                Some(_) => again.extend(entry.is.key.as_ref().map(|key| key.span)),
            }
        }
        for span in again {
            self.duplicate(name, span, "once is enough");
        }
        first
    }

    /// The value of a property and the arguments between it and the next property.
    fn take_prop_and_following(&mut self, name: &str) -> Vec<&'d Value> {
        let mut values: Vec<_> = self.take_prop(name).into_iter().collect();
        let place = self.entries.iter().position(|entry| entry.is_prop(name));
        let following = self.entries.iter_mut().skip(place.map_or(usize::MAX, |at| at + 1));
        for entry in following.take_while(|entry| entry.is.key.is_none()) {
            entry.read = true;
            values.push(&entry.is.value);
        }
        values
    }

    fn decoded<T>(
        &self,
        decode: impl Fn(&Value) -> Result<T, Refusal>,
        value: &Value,
        of: &str,
    ) -> Option<T> {
        if self.is_flooded() {
            return None;
        }
        let refusal = match decode(value) {
            Ok(value) => return Some(value),
            Err(refusal) => refusal,
        };
        let span = refusal.within.as_ref().map_or(value.span(), |part| value.span_within(part));
        self.report(refusal.at(span).label(of));
        None
    }

    /// Reports that a part is missing, unless something that [`Self::finish`] will
    /// call unknown looks like it.
    fn missing(&self, name: &str, help: &str) {
        let keys = self.entries.iter().filter(|entry| !entry.read);
        let keys = keys.filter_map(|entry| entry.is.key.as_ref());
        let nodes = self.children.iter().filter(|child| !child.read);
        let mut given = keys.chain(nodes.map(|child| &child.is.name));
        if given.any(|given| nearest(&given.value, [name]).is_some()) {
            return;
        }
        let message = format!("{} has no {}", self.scope(), quoted(name));
        self.report(Problem::new(self.span(), message).label("it is missing here").help(help));
    }

    fn duplicate(&self, name: &str, span: SourceSpan, label: &str) {
        let message = format!("{} is given twice", quoted(name));
        self.report(Problem::new(span, message).label(label).help("remove one of them"));
    }

    fn surplus_arg(&self, value: &Value) -> Problem {
        let message = format!("{} takes no further argument", self.scope());
        let help = match self.known_props.as_slice() {
            [] => "remove it".to_owned(),
            props => format!("remove it, or write it as a property; {}", known("property", props)),
        };
        Problem::new(value.span(), message).label("one too many").help(help)
    }

    fn unknown_prop(&self, key: &Spanned<String>) -> Problem {
        let message = format!("{} has no property {}", self.scope(), quoted(&key.value));
        let help = if self.known_nodes.contains(&&*key.value) {
            format!("write it as a node: {} …", key.value)
        } else {
            suggestion(&key.value, "property", &self.known_props)
        };
        Problem::new(key.span, message).label("unknown property").help(help)
    }

    fn unknown_node(&self, name: &Spanned<String>) -> Problem {
        let message = format!("{} has no node {}", self.scope(), quoted(&name.value));
        let help = if self.known_props.contains(&&*name.value) {
            format!("write it as a property: {}=…", name.value)
        } else {
            suggestion(&name.value, "node", &self.known_nodes)
        };
        Problem::new(name.span, message).label("unknown node").help(help)
    }

    fn scope(&self) -> String {
        self.name.map_or("the file".to_owned(), |name| quoted(&name.value))
    }
}

impl Part<'_, Entry> {
    fn is_prop(&self, name: &str) -> bool {
        self.is.key.as_ref().is_some_and(|key| key.value == name)
    }
}

impl<'d> Part<'d, Node> {
    fn take(&mut self, found: &'d Sink) -> Reader<'d> {
        self.read = true;
        Reader::of(self.is, found)
    }
}

/// Names what was probably meant, or all that could be.
fn suggestion(given: &str, kind: &str, known_names: &[&'static str]) -> String {
    match nearest(given, known_names.iter().copied()) {
        Some(meant) => format!("did you mean {}?", quoted(meant)),
        None => known(kind, known_names),
    }
}

fn known(kind: &str, names: &[&'static str]) -> String {
    let mut names = names.to_vec();
    names.sort_unstable();
    names.dedup();
    match names.as_slice() {
        [] => format!("no {kind} is known here"),
        [one] => format!("the only {kind} known here is `{one}`"),
        many => format!("known here: {}", many.join(", ")),
    }
}

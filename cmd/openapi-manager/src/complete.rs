//! An API's document: what Dropshot makes of the trait, and what it cannot say.

use indexmap::IndexMap;
use openapiv3::{
    Contact, Header, HeaderStyle, License, MediaType, OpenAPI, Operation, ParameterSchemaOrContent,
    ReferenceOr, Response, Schema, SchemaData, SchemaKind, Server, StatusCode, StringType, Type,
};

use crate::answers::{self, FreeForm, REFUSALS};
use crate::api::Api;
use crate::schemas;

/// The version of all APIs: server, orchestrator and agent of a release share it.
const VERSION: semver::Version = semver::Version::new(0, 1, 0);

/// The document of an API as text.
pub(crate) fn document(api: &Api) -> Result<String, String> {
    let mut document = from_traits(api)?;
    complete(api, &mut document);
    let mut text = serde_json::to_string_pretty(&document)
        .map_err(|error| format!("{}: cannot be written: {error}", api.name))?;
    text.push('\n');
    Ok(text)
}

fn from_traits(api: &Api) -> Result<OpenAPI, String> {
    let described = (api.describe)().map_err(|errors| format!("{}: {errors}", api.name))?;
    let mut bytes = Vec::new();
    let mut definition = described.openapi(api.title, VERSION);
    let written = definition.description(api.description).write(&mut bytes);
    written.map_err(|error| format!("{}: {error}", api.name))?;
    serde_json::from_slice(&bytes).map_err(|error| format!("{}: {error}", api.name))
}

fn complete(api: &Api, document: &mut OpenAPI) {
    document.info.contact =
        Some(Contact { name: Some("Solstice CI".into()), ..Contact::default() });
    document.info.license = Some(License {
        name: "MPL-2.0".into(),
        url: Some("https://www.mozilla.org/MPL/2.0/".into()),
        ..License::default()
    });
    document.servers = vec![Server {
        url: api.server.into(),
        description: Some("Unless the configuration says otherwise".into()),
        ..Server::default()
    }];
    for (path, item) in &mut document.paths.paths {
        let ReferenceOr::Item(item) = item else { continue };
        let methods = [
            ("get", &mut item.get),
            ("put", &mut item.put),
            ("post", &mut item.post),
            ("delete", &mut item.delete),
        ];
        for (method, operation) in methods {
            if let Some(operation) = operation {
                complete_operation(api, method, path, operation);
            }
        }
    }
    let components = document.components.get_or_insert_default();
    components.security_schemes = api.callers.schemes();
    components.responses = refusals();
    schemas::complete(components);
    schemas::leave_out_unused(document);
}

fn complete_operation(api: &Api, method: &str, path: &str, operation: &mut Operation) {
    let id = operation.operation_id.clone().expect("Dropshot names every operation");
    operation.security = Some(api.callers.required(&id));
    operation.parameters.iter_mut().for_each(schemas::complete_parameter);
    let refusals = answers::refusals(method, path, &id, operation);
    let responses = &mut operation.responses;
    if let Some(body) = answers::free_form(&id) {
        responses.default = None;
        responses.responses.extend(free_form(body));
    }
    let told = |status: &StatusCode| matches!(status, StatusCode::Code(_));
    responses.responses.retain(|status, _| told(status));
    let conditional = responses.responses.iter().any(|(_, response)| has_tag(response));
    if conditional {
        responses.responses.insert(StatusCode::Code(304), ReferenceOr::Item(not_modified()));
    }
    responses.responses.extend(refusals.into_iter().map(answers::reference));
}

fn has_tag(response: &ReferenceOr<Response>) -> bool {
    response.as_item().is_some_and(|response| response.headers.contains_key("etag"))
}

fn not_modified() -> Response {
    Response {
        description: "What the caller has, by its `If-None-Match`, is what there is.".into(),
        ..Response::default()
    }
}

/// The answers whose body is written by hand.
fn free_form(body: &FreeForm) -> IndexMap<StatusCode, ReferenceOr<Response>> {
    let answer = |&(status, about): &(u16, &str)| {
        let media = MediaType { schema: Some(body.schema()), ..MediaType::default() };
        let response = Response {
            description: about.into(),
            headers: headers(body.headers),
            content: [(body.media_type.to_owned(), media)].into(),
            ..Response::default()
        };
        (StatusCode::Code(status), ReferenceOr::Item(response))
    };
    body.statuses.iter().map(answer).collect()
}

/// Every refusal, with the error that it carries.
fn refusals() -> IndexMap<String, ReferenceOr<Response>> {
    let error = ReferenceOr::Reference { reference: "#/components/schemas/Error".into() };
    let media = MediaType { schema: Some(error), ..MediaType::default() };
    let response = |about: &str, status: u16| Response {
        description: about.to_owned(),
        headers: if status == 401 { headers(CHALLENGE) } else { IndexMap::new() },
        content: [("application/json".to_owned(), media.clone())].into(),
        ..Response::default()
    };
    let named = |refusal: &answers::Refusal| {
        let response = response(refusal.about, refusal.status);
        (refusal.name.to_owned(), ReferenceOr::Item(response))
    };
    REFUSALS.iter().map(named).collect()
}

/// Says of a 401 how to prove who one is.
const CHALLENGE: &[(&str, &str)] =
    &[("www-authenticate", "How to prove who one is (RFC 9110, section 11.6.1).")];

fn headers(fields: &[(&str, &str)]) -> IndexMap<String, ReferenceOr<Header>> {
    let field =
        |(name, about): &(&str, &str)| ((*name).to_owned(), ReferenceOr::Item(header(about)));
    fields.iter().map(field).collect()
}

fn header(about: &str) -> Header {
    let text = SchemaKind::Type(Type::String(StringType::default()));
    let schema = Schema { schema_data: SchemaData::default(), schema_kind: text };
    Header {
        description: Some(about.to_owned()),
        style: HeaderStyle::Simple,
        required: false,
        deprecated: None,
        format: ParameterSchemaOrContent::Schema(ReferenceOr::Item(schema)),
        example: None,
        examples: IndexMap::new(),
        extensions: IndexMap::new(),
    }
}

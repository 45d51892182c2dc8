//! The OpenAPI document (3.1) of the API, made from its routes.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use crate::domain::fault::Fault;
use crate::http::answer::BASE;
use crate::http::idempotency::NOT_KEPT;
use crate::http::problem_types::PROBLEM_TYPES;
use crate::http::route::{Gives, Route, Takes};
use crate::http::routes::ROUTES;
use crate::http::schemas::Schemas;

/// Where it is served, below [`BASE`].
pub const PATH: &str = "/openapi.json";

/// The document of this version.
pub fn document() -> &'static Value {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(written);
    &DOCUMENT
}

fn written() -> Value {
    let (mut schemas, mut paths) = (Schemas::default(), Map::<String, Value>::new());
    let problem = problem(&mut schemas);
    let statuses = PROBLEM_TYPES.iter().filter(|kind| kind.is_of_api()).map(|kind| kind.status.as_u16());
    let refused: Map<String, Value> =
        statuses.map(|status| (format!("Status{status}"), refused(status, &problem))).collect();
    for route in ROUTES.iter().flat_map(|part| part.iter()) {
        let path = paths.entry(route.template).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(route.method.as_str().to_lowercase(), operation(route, &mut schemas));
        }
    }
    let itself = json!({ "get": {
        "operationId": "getOpenapi",
        "security": [],
        "responses": {
            "200": {"description": "This document", "content": {"application/json": {"schema": {"type": "object"}}}},
            "429": reference(429),
            "500": reference(500),
        },
    }});
    paths.insert(PATH.to_owned(), itself);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Tessera registry",
            "description": "APIs and tiers, applications and their clients, and the contracts between them.",
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": BASE}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": {
                "type": "http",
                "scheme": "bearer",
                "description": "A registry token, or an access token of the authorization server",
            }},
            "responses": refused,
            "schemas": schemas.into_parts(),
        },
    })
}

fn operation(route: &Route, schemas: &mut Schemas) -> Value {
    let mut operation = json!({
        "operationId": route.name,
        "parameters": parameters(route),
        "responses": responses(route, schemas),
    });
    if let (Some(body), Some(operation)) = (body(route, schemas), operation.as_object_mut()) {
        operation.insert("requestBody".into(), body);
    }
    operation
}

fn parameters(route: &Route) -> Vec<Value> {
    let in_braces = |segment: &'static str| segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    let parameter = |place: &str, name: &str, required: bool, schema: Value| json!({"in": place, "name": name, "required": required, "schema": schema});
    let text = |longest: u32| json!({"type": "string", "minLength": 1, "maxLength": longest});
    let mut parameters: Vec<Value> =
        route.template.split('/').filter_map(in_braces).map(|name| parameter("path", name, true, text(128))).collect();
    if let Takes::List(filters) = route.takes {
        parameters.extend(filters.iter().map(|name| parameter("query", name, false, filter(name))));
        parameters.extend([
            parameter("query", "limit", false, json!({"type": "integer", "minimum": 1, "maximum": 200, "default": 50})),
            parameter("query", "order", false, json!({"type": "string", "enum": ["asc", "desc"], "default": "asc"})),
            parameter("query", "after", false, text(1024)),
        ]);
    }
    if route.is_guarded {
        parameters.push(parameter("header", "If-Match", true, text(1024)));
    }
    if route.method == "POST" {
        let key = json!({"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"});
        let mut parameter = parameter("header", "Idempotency-Key", false, key);
        if let Some(members) = parameter.as_object_mut() {
            members.insert("description".to_owned(), repetition().into());
        }
        parameters.push(parameter);
    }
    parameters
}

fn repetition() -> String {
    let not_kept = NOT_KEPT.map(|status| status.to_string()).join(", ");
    format!(
        "The first answer is kept for 24 hours, but for {not_kept} and 5xx, and given again with \
         `idempotency-replayed: true`; to whoever has fewer roles than he had then, 403."
    )
}

fn filter(name: &str) -> Value {
    match name {
        "inbox" | "stuck" => json!({"type": "string", "const": "true"}),
        "from" | "to" => json!({"type": "string", "format": "date-time"}),
        "q" => json!({"type": "string", "maxLength": 200}),
        _ => json!({"type": "string"}),
    }
}

fn body(route: &Route, schemas: &mut Schemas) -> Option<Value> {
    let content = match route.takes {
        Takes::Nothing | Takes::List(_) => return None,
        Takes::Object(schema) => json!({"application/json": {"schema": schema(schemas)}}),
        Takes::MergePatch(schema) => {
            let schema = schema(schemas);
            json!({"application/json": {"schema": schema}, "application/merge-patch+json": {"schema": schema}})
        }
        Takes::Text => {
            let text = json!({"schema": {"type": "string", "minLength": 1}});
            json!({"text/plain": text, "application/json": {"schema": {"type": "object"}}, "application/yaml": text})
        }
    };
    Some(json!({"required": true, "content": content}))
}

fn responses(route: &Route, schemas: &mut Schemas) -> Value {
    let mut responses = Map::new();
    let json_of = |description: &str, schema: Value| json!({"description": description, "content": {"application/json": {"schema": schema}}});
    let nothing = json!({"description": "Done"});
    match route.gives {
        Gives::List(item) => {
            let items = json!({"type": "array", "items": item(schemas)});
            let page = json!({"type": "object", "properties": {"items": items}, "required": ["items"]});
            responses.insert("200".into(), json_of("A part of the list; `Link` leads to the next", page));
        }
        Gives::Shown(schema) | Gives::Secret(schema) => {
            responses.insert("200".into(), json_of("Done", schema(schemas)));
        }
        Gives::Created(schema) => {
            responses.insert("201".into(), json_of("Made, at `Location`", schema(schemas)));
        }
        Gives::CreatedOrShown(schema) => {
            let schema = schema(schemas);
            responses.insert("201".into(), json_of("Made, at `Location`", schema.clone()));
            responses.insert("200".into(), json_of("Done", schema));
        }
        Gives::Nothing => {
            responses.insert("204".into(), nothing);
        }
        Gives::Going(schema) => {
            responses.insert("202".into(), json_of("It goes when it was deleted elsewhere", schema(schemas)));
            responses.insert("204".into(), nothing);
        }
        Gives::Text => {
            let text = json!({"text/plain": {"schema": {"type": "string"}}});
            responses.insert("200".into(), json!({"description": "As it was put", "content": text}));
        }
    }
    for status in refusals(route) {
        responses.insert(status.to_string(), reference(status));
    }
    Value::Object(responses)
}

/// Statuses of the problems that a route may end with.
pub fn refusals(route: &Route) -> Vec<u16> {
    let mut statuses = vec![400, 401, 403, 404, 429, 500, 503];
    if !matches!(route.takes, Takes::Nothing | Takes::List(_)) {
        statuses.extend([408, 413, 415, 422]);
    }
    if route.method != "GET" {
        statuses.push(409);
    }
    if route.is_guarded {
        statuses.extend([412, 428]);
    }
    if matches!(route.gives, Gives::Secret(_)) {
        statuses.push(410);
    }
    statuses.sort_unstable();
    statuses
}

fn reference(status: u16) -> Value {
    json!({"$ref": format!("#/components/responses/Status{status}")})
}

fn refused(status: u16, problem: &Value) -> Value {
    let of_status = PROBLEM_TYPES.iter().filter(|kind| kind.status == status && kind.is_of_api());
    let slugs: Vec<String> = of_status.map(|kind| format!("`{}`", kind.slug)).collect();
    json!({"description": slugs.join(", "), "content": {"application/problem+json": {"schema": problem}}})
}

/// RFC 9457, with members of ours.
fn problem(schemas: &mut Schemas) -> Value {
    let errors = json!({"type": "array", "items": schemas.shown::<Fault>()});
    let members = json!({
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": errors,
        "current": {"type": "string"},
        "allowed": {"type": "array", "items": {"type": "string"}},
    });
    let members = members.as_object().cloned().unwrap_or_default();
    schemas.body("Problem", members, &["type", "title", "status", "detail", "request_id"])
}

//! What admins keep and see: gateways, tokens, tasks, the audit.

use crate::domain::audit_entry::AuditEntry;
use crate::domain::gateway::{GatewayView, NewGatewayToken};
use crate::domain::members::Members;
use crate::domain::registry_token::RegistryTokenView;
use crate::domain::task::TaskView;
use crate::http::answer::ApiAnswer;
use crate::http::route::{Gives, Route};
use crate::http::routes::bodies::nothing;
use crate::use_case::keeping::json;
use crate::use_case::me::Me;
use crate::use_case::{audit, gateway_tokens, gateways, registry_tokens, tasks};

pub static ROUTES: &[Route] = &[
    Route::get("/me", "getMe", Gives::Shown(|parts| parts.shown::<Me>()), |cx, _| {
        Box::pin(async move { Ok(ApiAnswer::value(json(Me::of(cx.caller))?)) })
    }),
    Route::list(
        "/gateways",
        "listGateways",
        &["environment"],
        |parts| parts.shown::<GatewayView>(),
        |cx, call| Box::pin(async move { Ok(call.page(gateways::list(cx, &call.asked).await?)) }),
    ),
    Route::post(
        "/gateways",
        "createGateway",
        |parts| parts.creation::<GatewayView>(&["environment", "title"]),
        Gives::Created(|parts| parts.shown::<GatewayView>()),
        |cx, call| {
            Box::pin(async move { Ok(ApiAnswer::created("/gateways", gateways::create(cx, &call.object).await?)) })
        },
    ),
    Route::get("/gateways/{id}", "getGateway", Gives::Shown(|parts| parts.shown::<GatewayView>()), |cx, call| {
        Box::pin(async move { Ok(ApiAnswer::shown(gateways::get(cx, call.parameter(0)).await?)) })
    }),
    Route::patch(
        "/gateways/{id}",
        "changeGateway",
        |parts| parts.change::<GatewayView>(&["environment"]),
        |parts| parts.shown::<GatewayView>(),
        |cx, call| {
            Box::pin(async move {
                let changed = gateways::patch(cx, call.parameter(0), &call.expected, &call.object);
                Ok(ApiAnswer::shown(changed.await?))
            })
        },
    ),
    Route::delete("/gateways/{id}", "deleteGateway", Gives::Nothing, |cx, call| {
        Box::pin(async move { Ok(ApiAnswer::deleted(gateways::delete(cx, call.parameter(0), &call.expected).await?)) })
    })
    .guarded(),
    Route::post(
        "/gateways/{id}/tokens",
        "createGatewayToken",
        nothing,
        Gives::Created(|parts| parts.shown::<NewGatewayToken>()),
        |cx, call| {
            Box::pin(async move {
                let made = gateway_tokens::create(cx, call.parameter(0)).await?;
                Members::of_new(&call.object).finish()?;
                Ok(ApiAnswer::created(&call.path, made))
            })
        },
    )
    .showing_once("token"),
    Route::delete("/gateways/{id}/tokens/{token}", "deleteGatewayToken", Gives::Nothing, |cx, call| {
        Box::pin(async move {
            Ok(ApiAnswer::deleted(gateway_tokens::delete(cx, call.parameter(0), call.parameter(1)).await?))
        })
    }),
    Route::list(
        "/tokens",
        "listTokens",
        &[],
        |parts| parts.shown::<RegistryTokenView>(),
        |cx, call| Box::pin(async move { Ok(call.page(registry_tokens::list(cx, &call.asked).await?)) }),
    ),
    Route::get("/tokens/{id}", "getToken", Gives::Shown(|parts| parts.shown::<RegistryTokenView>()), |cx, call| {
        Box::pin(async move { Ok(ApiAnswer::shown(registry_tokens::get(cx, call.parameter(0)).await?)) })
    }),
    Route::delete("/tokens/{id}", "deleteToken", Gives::Nothing, |cx, call| {
        Box::pin(async move { Ok(ApiAnswer::deleted(registry_tokens::delete(cx, call.parameter(0)).await?)) })
    }),
    Route::list(
        "/tasks",
        "listTasks",
        &["status", "kind", "client", "stuck"],
        |parts| parts.shown::<TaskView>(),
        |cx, call| Box::pin(async move { Ok(call.page(tasks::list(cx, &call.asked).await?)) }),
    ),
    Route::get("/tasks/{id}", "getTask", Gives::Shown(|parts| parts.shown::<TaskView>()), |cx, call| {
        Box::pin(async move { Ok(ApiAnswer::shown(tasks::get(cx, call.parameter(0)).await?)) })
    }),
    Route::post(
        "/tasks/{id}/retry",
        "retryTask",
        nothing,
        Gives::Shown(|parts| parts.shown::<TaskView>()),
        |cx, call| {
            Box::pin(async move { Ok(ApiAnswer::shown(tasks::retry(cx, call.parameter(0), &call.object).await?)) })
        },
    ),
    Route::list(
        "/audit",
        "listAudit",
        &["subject", "actor", "action", "request_id", "from", "to"],
        |parts| parts.shown::<AuditEntry>(),
        |cx, call| Box::pin(async move { Ok(call.page(audit::list(cx, &call.asked).await?)) }),
    ),
];

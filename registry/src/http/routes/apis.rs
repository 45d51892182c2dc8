//! APIs, with their tiers and documents.

use serde_json::Value;

use crate::domain::api::Api;
use crate::domain::tier::Tier;
use crate::http::answer::ApiAnswer;
use crate::http::route::{Gives, Route, Takes};
use crate::use_case::shown::Shown;
use crate::use_case::{apis, documents, tiers};

pub static ROUTES: &[Route] = &[
    Route::list(
        "/apis",
        "listApis",
        &["environment", "group", "lifecycle", "q"],
        |parts| parts.shown::<Api>(),
        |cx, call| Box::pin(async move { Ok(call.page(apis::list(cx, &call.asked).await?)) }),
    ),
    Route::post(
        "/apis",
        "createApi",
        |parts| parts.creation::<Api>(&["environment", "id", "group", "title"]),
        Gives::Created(|parts| parts.shown::<Api>()),
        |cx, call| Box::pin(async move { Ok(created_api(apis::create(cx, &call.object).await?)) }),
    ),
    Route::get("/apis/{environment}/{id}", "getApi", Gives::Shown(|parts| parts.shown::<Api>()), |cx, call| {
        Box::pin(async move { Ok(ApiAnswer::shown(apis::get(cx, call.api()).await?)) })
    }),
    Route::patch(
        "/apis/{environment}/{id}",
        "changeApi",
        |parts| parts.change::<Api>(&["environment", "id"]),
        |parts| parts.shown::<Api>(),
        |cx, call| {
            Box::pin(
                async move { Ok(ApiAnswer::shown(apis::patch(cx, call.api(), &call.expected, &call.object).await?)) },
            )
        },
    ),
    Route::delete("/apis/{environment}/{id}", "deleteApi", Gives::Nothing, |cx, call| {
        Box::pin(async move { Ok(ApiAnswer::deleted(apis::delete(cx, call.api(), &call.expected).await?)) })
    })
    .guarded(),
    Route::list(
        "/apis/{environment}/{id}/tiers",
        "listTiers",
        &[],
        |parts| parts.shown::<Tier>(),
        |cx, call| Box::pin(async move { Ok(call.page(tiers::list(cx, call.api(), &call.asked).await?)) }),
    ),
    Route::post(
        "/apis/{environment}/{id}/tiers",
        "createTier",
        |parts| parts.creation::<Tier>(&["id"]),
        Gives::Created(|parts| parts.shown::<Tier>()),
        |cx, call| {
            Box::pin(
                async move { Ok(ApiAnswer::created(&call.path, tiers::create(cx, call.api(), &call.object).await?)) },
            )
        },
    ),
    Route::get(
        "/apis/{environment}/{id}/tiers/{tier}",
        "getTier",
        Gives::Shown(|parts| parts.shown::<Tier>()),
        |cx, call| Box::pin(async move { Ok(ApiAnswer::shown(tiers::get(cx, call.tier()).await?)) }),
    ),
    Route::patch(
        "/apis/{environment}/{id}/tiers/{tier}",
        "changeTier",
        |parts| parts.change::<Tier>(&["id"]),
        |parts| parts.shown::<Tier>(),
        |cx, call| {
            Box::pin(
                async move { Ok(ApiAnswer::shown(tiers::patch(cx, call.tier(), &call.expected, &call.object).await?)) },
            )
        },
    ),
    Route::delete("/apis/{environment}/{id}/tiers/{tier}", "deleteTier", Gives::Nothing, |cx, call| {
        Box::pin(async move { Ok(ApiAnswer::deleted(tiers::delete(cx, call.tier(), &call.expected).await?)) })
    })
    .guarded(),
    Route::get("/apis/{environment}/{id}/openapi", "getApiDocument", Gives::Text, |cx, call| {
        Box::pin(async move { Ok(ApiAnswer::text(documents::get(cx, call.api()).await?.into_bytes())) })
    }),
    Route::put("/apis/{environment}/{id}/openapi", "putApiDocument", Takes::Text, Gives::Nothing, |cx, call| {
        Box::pin(async move {
            documents::put(cx, call.api(), &call.body).await?;
            Ok(ApiAnswer::nothing())
        })
    }),
    Route::delete("/apis/{environment}/{id}/openapi", "deleteApiDocument", Gives::Nothing, |cx, call| {
        Box::pin(async move { Ok(ApiAnswer::deleted(documents::delete(cx, call.api()).await?)) })
    }),
];

fn created_api(api: Shown) -> ApiAnswer {
    let environment = api.value.get("environment").and_then(Value::as_str).unwrap_or_default();
    ApiAnswer::created(&format!("/apis/{environment}"), api)
}

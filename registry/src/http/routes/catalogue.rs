//! Groups, environments and providers.

use serde_json::{Value, json};

use crate::domain::environment::EnvironmentView;
use crate::domain::group::Group;
use crate::domain::orphan::OrphanView;
use crate::domain::provider::ProviderBrief;
use crate::http::answer::ApiAnswer;
use crate::http::route::{Gives, Route};
use crate::http::routes::bodies::{change_of_provider, full_provider, new_provider, registration_tokens};
use crate::http::schemas::Schemas;
use crate::use_case::{environments, groups, one_time_tokens, orphans, providers};

pub static ROUTES: &[Route] = &[
    Route::list(
        "/groups",
        "listGroups",
        &[],
        |parts| parts.shown::<Group>(),
        |cx, call| Box::pin(async move { Ok(call.page(groups::list(cx, &call.asked).await?)) }),
    ),
    Route::post(
        "/groups",
        "createGroup",
        |parts| parts.creation::<Group>(&["id"]),
        Gives::Created(|parts| parts.shown::<Group>()),
        |cx, call| Box::pin(async move { Ok(ApiAnswer::created("/groups", groups::create(cx, &call.object).await?)) }),
    ),
    Route::get("/groups/{id}", "getGroup", Gives::Shown(|parts| parts.shown::<Group>()), |cx, call| {
        Box::pin(async move { Ok(ApiAnswer::shown(groups::get(cx, call.parameter(0)).await?)) })
    }),
    Route::patch(
        "/groups/{id}",
        "changeGroup",
        |parts| parts.change::<Group>(&["id"]),
        |parts| parts.shown::<Group>(),
        |cx, call| {
            Box::pin(async move {
                let changed = groups::patch(cx, call.parameter(0), &call.expected, &call.object);
                Ok(ApiAnswer::shown(changed.await?))
            })
        },
    ),
    Route::delete("/groups/{id}", "deleteGroup", Gives::Nothing, |cx, call| {
        Box::pin(async move { Ok(ApiAnswer::deleted(groups::delete(cx, call.parameter(0), &call.expected).await?)) })
    })
    .guarded(),
    Route::list(
        "/environments",
        "listEnvironments",
        &[],
        |parts| parts.shown::<EnvironmentView>(),
        |cx, call| Box::pin(async move { Ok(call.page(environments::list(cx, &call.asked).await?)) }),
    ),
    Route::post(
        "/environments",
        "createEnvironment",
        |parts| parts.creation::<EnvironmentView>(&["id"]),
        Gives::Created(|parts| parts.shown::<EnvironmentView>()),
        |cx, call| {
            Box::pin(
                async move { Ok(ApiAnswer::created("/environments", environments::create(cx, &call.object).await?)) },
            )
        },
    ),
    Route::get(
        "/environments/{id}",
        "getEnvironment",
        Gives::Shown(|parts| parts.shown::<EnvironmentView>()),
        |cx, call| Box::pin(async move { Ok(ApiAnswer::shown(environments::get(cx, call.parameter(0)).await?)) }),
    ),
    Route::patch(
        "/environments/{id}",
        "changeEnvironment",
        |parts| parts.change::<EnvironmentView>(&["id"]),
        |parts| parts.shown::<EnvironmentView>(),
        |cx, call| {
            Box::pin(async move {
                let changed = environments::patch(cx, call.parameter(0), &call.expected, &call.object);
                Ok(ApiAnswer::shown(changed.await?))
            })
        },
    ),
    Route::delete("/environments/{id}", "deleteEnvironment", Gives::Nothing, |cx, call| {
        Box::pin(
            async move { Ok(ApiAnswer::deleted(environments::delete(cx, call.parameter(0), &call.expected).await?)) },
        )
    })
    .guarded(),
    Route::list("/providers", "listProviders", &[], any_provider, |cx, call| {
        Box::pin(async move { Ok(call.page(providers::list(cx, &call.asked).await?)) })
    }),
    Route::post("/providers", "createProvider", new_provider, Gives::Created(full_provider), |cx, call| {
        Box::pin(async move { Ok(ApiAnswer::created("/providers", providers::create(cx, &call.object).await?)) })
    }),
    Route::get("/providers/{id}", "getProvider", Gives::Shown(any_provider), |cx, call| {
        Box::pin(async move { Ok(ApiAnswer::shown(providers::get(cx, call.parameter(0)).await?)) })
    }),
    Route::patch("/providers/{id}", "changeProvider", change_of_provider, full_provider, |cx, call| {
        Box::pin(async move {
            let changed = providers::patch(cx, call.parameter(0), &call.expected, &call.object);
            Ok(ApiAnswer::shown(changed.await?))
        })
    }),
    Route::delete("/providers/{id}", "deleteProvider", Gives::Nothing, |cx, call| {
        Box::pin(async move { Ok(ApiAnswer::deleted(providers::delete(cx, call.parameter(0), &call.expected).await?)) })
    })
    .guarded(),
    Route::post(
        "/providers/{id}/registration-tokens",
        "addRegistrationTokens",
        registration_tokens,
        Gives::Shown(full_provider),
        |cx, call| {
            Box::pin(
                async move { Ok(ApiAnswer::shown(one_time_tokens::add(cx, call.parameter(0), &call.object).await?)) },
            )
        },
    ),
    Route::list(
        "/providers/{id}/orphans",
        "listOrphans",
        &[],
        |parts| parts.shown::<OrphanView>(),
        |cx, call| Box::pin(async move { Ok(call.page(orphans::list(cx, call.parameter(0), &call.asked).await?)) }),
    ),
    Route::delete("/providers/{id}/orphans/{orphan}", "deleteOrphan", Gives::Nothing, |cx, call| {
        Box::pin(
            async move { Ok(ApiAnswer::deleted(orphans::delete(cx, call.parameter(0), call.parameter(1)).await?)) },
        )
    }),
];

/// In full for whoever may read that; for others what everybody sees.
fn any_provider(parts: &mut Schemas) -> Value {
    json!({"anyOf": [full_provider(parts), parts.shown::<ProviderBrief>()]})
}

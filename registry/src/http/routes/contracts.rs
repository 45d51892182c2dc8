//! Applications, their clients, and contracts.

use crate::domain::application::Application;
use crate::domain::client_view::ClientView;
use crate::domain::contract_action::ContractAction;
use crate::domain::contract_view::ContractView;
use crate::domain::refusal::Refusal;
use crate::http::answer::ApiAnswer;
use crate::http::route::{ApiCall, Gives, Route, Running};
use crate::http::routes::bodies::{
    approval, change_of_contract, change_of_tier, nothing, proof, rotation, secret, with_reason, with_reason_or_none,
};
use crate::use_case::context::Context;
use crate::use_case::{
    applications, client_actions, client_proof, client_secret, clients, contract_actions, contract_requests, contracts,
};

pub static ROUTES: &[Route] = &[
    Route::list(
        "/applications",
        "listApplications",
        &["group", "q"],
        |parts| parts.shown::<Application>(),
        |cx, call| Box::pin(async move { Ok(call.page(applications::list(cx, &call.asked).await?)) }),
    ),
    Route::post(
        "/applications",
        "createApplication",
        |parts| parts.creation::<Application>(&["group", "name"]),
        Gives::Created(|parts| parts.shown::<Application>()),
        |cx, call| {
            Box::pin(
                async move { Ok(ApiAnswer::created("/applications", applications::create(cx, &call.object).await?)) },
            )
        },
    ),
    Route::get(
        "/applications/{id}",
        "getApplication",
        Gives::Shown(|parts| parts.shown::<Application>()),
        |cx, call| Box::pin(async move { Ok(ApiAnswer::shown(applications::get(cx, call.parameter(0)).await?)) }),
    ),
    Route::patch(
        "/applications/{id}",
        "changeApplication",
        |parts| parts.change::<Application>(&["group"]),
        |parts| parts.shown::<Application>(),
        |cx, call| {
            Box::pin(async move {
                let changed = applications::patch(cx, call.parameter(0), &call.expected, &call.object);
                Ok(ApiAnswer::shown(changed.await?))
            })
        },
    ),
    Route::delete(
        "/applications/{id}",
        "deleteApplication",
        Gives::Going(|parts| parts.shown::<Application>()),
        |cx, call| {
            Box::pin(async move {
                Ok(ApiAnswer::deleted(applications::delete(cx, call.parameter(0), &call.expected).await?))
            })
        },
    )
    .guarded(),
    Route::list(
        "/applications/{id}/clients",
        "listClients",
        &["status"],
        |parts| parts.shown::<ClientView>(),
        |cx, call| Box::pin(async move { Ok(call.page(clients::list(cx, call.parameter(0), &call.asked).await?)) }),
    ),
    Route::post(
        "/applications/{id}/clients",
        "createClient",
        |parts| parts.creation::<ClientView>(&["provider"]),
        Gives::Created(|parts| parts.shown::<ClientView>()),
        |cx, call| {
            Box::pin(async move {
                Ok(ApiAnswer::created("/clients", clients::create(cx, call.parameter(0), &call.object).await?))
            })
        },
    ),
    Route::get("/clients/{id}", "getClient", Gives::Shown(|parts| parts.shown::<ClientView>()), |cx, call| {
        Box::pin(async move { Ok(ApiAnswer::shown(clients::get(cx, call.parameter(0)).await?)) })
    }),
    Route::patch(
        "/clients/{id}",
        "changeClient",
        |parts| parts.change::<ClientView>(&["provider", "client_id", "auth_method"]),
        |parts| parts.shown::<ClientView>(),
        |cx, call| {
            Box::pin(async move {
                let changed = clients::patch(cx, call.parameter(0), &call.expected, &call.object);
                Ok(ApiAnswer::shown(changed.await?))
            })
        },
    ),
    Route::delete("/clients/{id}", "deleteClient", Gives::Going(|parts| parts.shown::<ClientView>()), |cx, call| {
        Box::pin(async move { Ok(ApiAnswer::deleted(clients::delete(cx, call.parameter(0), &call.expected).await?)) })
    })
    .guarded(),
    Route::post(
        "/clients/{id}/rotate",
        "rotateClient",
        rotation,
        Gives::CreatedOrShown(|parts| parts.shown::<ClientView>()),
        |cx, call| {
            Box::pin(async move {
                let rotated = client_actions::rotate(cx, call.parameter(0), &call.expected, &call.object).await?;
                Ok(ApiAnswer::created_or_shown("/clients", call.parameter(0), rotated))
            })
        },
    )
    .guarded(),
    Route::post(
        "/clients/{id}/retry",
        "retryClient",
        nothing,
        Gives::Shown(|parts| parts.shown::<ClientView>()),
        |cx, call| {
            Box::pin(async move {
                let retried = client_actions::retry(cx, call.parameter(0), &call.expected, &call.object);
                Ok(ApiAnswer::shown(retried.await?))
            })
        },
    )
    .guarded(),
    Route::post(
        "/clients/{id}/confirm",
        "confirmClient",
        with_reason,
        Gives::Shown(|parts| parts.shown::<ClientView>()),
        |cx, call| {
            Box::pin(async move {
                let confirmed = client_actions::confirm(cx, call.parameter(0), &call.expected, &call.object);
                Ok(ApiAnswer::shown(confirmed.await?))
            })
        },
    )
    .guarded(),
    Route::post("/clients/{id}/secret", "showClientSecret", nothing, Gives::Secret(secret), |cx, call| {
        Box::pin(async move {
            Ok(ApiAnswer::value(client_secret::secret(cx, call.parameter(0), &call.object).await?.value))
        })
    })
    .showing_once("client_secret"),
    Route::post(
        "/clients/{id}/prove",
        "proveClient",
        proof,
        Gives::Shown(|parts| parts.shown::<ClientView>()),
        |cx, call| Box::pin(async move { prove(cx, call).await }),
    ),
    Route::list(
        "/contracts",
        "listContracts",
        &["environment", "api", "application", "status", "inbox"],
        |parts| parts.shown::<ContractView>(),
        |cx, call| Box::pin(async move { Ok(call.page(contracts::list(cx, &call.asked).await?)) }),
    ),
    Route::post(
        "/contracts",
        "requestContract",
        |parts| parts.creation::<ContractView>(&["environment", "api", "application", "tier"]),
        Gives::Created(|parts| parts.shown::<ContractView>()),
        |cx, call| {
            Box::pin(
                async move { Ok(ApiAnswer::created("/contracts", contract_requests::create(cx, &call.object).await?)) },
            )
        },
    ),
    Route::get("/contracts/{id}", "getContract", Gives::Shown(|parts| parts.shown::<ContractView>()), |cx, call| {
        Box::pin(async move { Ok(ApiAnswer::shown(contracts::get(cx, call.parameter(0)).await?)) })
    }),
    Route::patch(
        "/contracts/{id}",
        "changeContract",
        change_of_contract,
        |parts| parts.shown::<ContractView>(),
        |cx, call| {
            Box::pin(async move {
                let changed = contracts::patch(cx, call.parameter(0), &call.expected, &call.object);
                Ok(ApiAnswer::shown(changed.await?))
            })
        },
    ),
    Route::post(
        "/contracts/{id}/approve",
        "approveContract",
        approval,
        Gives::Shown(|parts| parts.shown::<ContractView>()),
        |cx, call| act(cx, call, ContractAction::Approve),
    )
    .guarded(),
    Route::post(
        "/contracts/{id}/reject",
        "rejectContract",
        with_reason,
        Gives::Shown(|parts| parts.shown::<ContractView>()),
        |cx, call| act(cx, call, ContractAction::Reject),
    )
    .guarded(),
    Route::post(
        "/contracts/{id}/withdraw",
        "withdrawContract",
        with_reason_or_none,
        Gives::Shown(|parts| parts.shown::<ContractView>()),
        |cx, call| act(cx, call, ContractAction::Withdraw),
    )
    .guarded(),
    Route::post(
        "/contracts/{id}/suspend",
        "suspendContract",
        with_reason,
        Gives::Shown(|parts| parts.shown::<ContractView>()),
        |cx, call| act(cx, call, ContractAction::Suspend),
    )
    .guarded(),
    Route::post(
        "/contracts/{id}/resume",
        "resumeContract",
        with_reason_or_none,
        Gives::Shown(|parts| parts.shown::<ContractView>()),
        |cx, call| act(cx, call, ContractAction::Resume),
    )
    .guarded(),
    Route::post(
        "/contracts/{id}/revoke",
        "revokeContract",
        with_reason,
        Gives::Shown(|parts| parts.shown::<ContractView>()),
        |cx, call| act(cx, call, ContractAction::Revoke),
    )
    .guarded(),
    Route::post(
        "/contracts/{id}/tier",
        "changeContractTier",
        change_of_tier,
        Gives::Shown(|parts| parts.shown::<ContractView>()),
        |cx, call| act(cx, call, ContractAction::Tier),
    )
    .guarded(),
];

fn act<'a>(cx: &'a mut Context<'_>, call: &'a ApiCall, action: ContractAction) -> Running<'a> {
    Box::pin(async move {
        let done = contract_actions::act(cx, call.parameter(0), action, &call.expected, &call.object);
        Ok(ApiAnswer::shown(done.await?))
    })
}

/// First what the provider is to be asked, then what it has answered.
async fn prove(cx: &mut Context<'_>, call: &ApiCall) -> Result<ApiAnswer, Refusal> {
    match &call.proof {
        None => Ok(ApiAnswer::asking(client_proof::to_prove(cx, call.parameter(0), &call.object).await?)),
        Some(proof) => Ok(ApiAnswer::shown(client_proof::prove(cx, call.parameter(0), proof.clone()).await?)),
    }
}

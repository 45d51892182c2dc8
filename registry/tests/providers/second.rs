//! A second real server, which is quite another one: `django-oauth-toolkit`, from PyPI.

use serde_json::json;

use crate::django::{Django, SECRET};
use crate::probed::{probed, steps};

#[test]
fn another_real_server_is_found_out() {
    let server = Django::start();
    let members = format!(
        "issuer = \"{}\"\ntimeout = \"60s\"\nintrospection = {{client_id = \"registry\", credential = {{env = \"SECRET\"}}}}",
        server.issuer
    );
    let (report, code) = probed(&members, &[("SECRET", SECRET)], &["--parallel"]);
    assert_eq!((code, &report["usable"], &report["left_behind"]), (0, &json!(true), &json!([])), "{report:#}");
    assert_eq!(
        report["found"],
        json!({
            "management": "registration_token", "can_update": true, "can_delete": true,
            "registration_token_rotates": true, "secret_in_read": false, "scope": "missing",
            "auth_methods": ["client_secret_basic"], "grants": ["client_credentials"], "parallel": 4,
            "token": "opaque", "introspection": "active", "client_id_claim": "client_id", "active_after_delete": false,
        }),
        "{report:#}"
    );
    let expected = [
        "metadata done",
        "register done",
        "read done",
        "update done",
        "token done",
        "introspect done",
        "parallel done",
        "register refused",
        "delete done",
        "after_delete not_done",
        "after_delete done",
    ];
    assert_eq!(steps(&report), expected, "{report:#}");
}

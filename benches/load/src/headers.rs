//! Headers such as browsers, proxies and tracing send along, for requests that carry many.

/// None that Envoy or a token check takes an interest in beyond passing it on.
const USUAL: [(&str, &str); 36] = [
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("accept-language", "en-GB,en;q=0.9,de;q=0.8"),
    ("x-request-id", "6f1c2b9e-4f0d-4a7b-9a52-0d6c1f3e8b77"),
    ("x-forwarded-for", "203.0.113.7, 10.2.0.14"),
    ("x-forwarded-proto", "https"),
    ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ("cookie", "session=8f2d6c0b5b7e4f0c9a1d; theme=dark; consent=necessary; _ga=GA1.2.1234567890.1700000000"),
    ("referer", "https://shop.example.com/orders?page=2"),
    ("origin", "https://shop.example.com"),
    ("x-forwarded-host", "shop.example.com"),
    ("x-forwarded-port", "443"),
    ("x-real-ip", "203.0.113.7"),
    ("tracestate", "vendor=00f067aa0ba902b7"),
    ("baggage", "session.kind=web,region=eu-central-1"),
    ("x-b3-traceid", "4bf92f3577b34da6a3ce929d0e0e4736"),
    ("x-b3-spanid", "00f067aa0ba902b7"),
    ("x-b3-sampled", "1"),
    ("x-correlation-id", "b1946ac9-2f1d-4d5c-8a44-7f3d0f7f2c11"),
    ("x-amzn-trace-id", "Root=1-67891233-abcdef012345678912345678"),
    ("x-cloud-trace-context", "105445aa7843bc8bf206b12000100000/1;o=1"),
    ("via", "1.1 edge-7.example.net"),
    ("cdn-loop", "edge.example.net"),
    ("sec-fetch-dest", "empty"),
    ("sec-fetch-mode", "cors"),
    ("sec-fetch-site", "same-site"),
    ("sec-ch-ua", "\"Chromium\";v=\"130\", \"Not?A_Brand\";v=\"99\""),
    ("sec-ch-ua-mobile", "?0"),
    ("sec-ch-ua-platform", "\"Linux\""),
    ("sec-gpc", "1"),
    ("dnt", "1"),
    ("priority", "u=1, i"),
    ("cache-control", "no-cache"),
    ("pragma", "no-cache"),
    ("if-none-match", "W/\"5d41402abc4b2a76b9719d911017c592\""),
    ("x-requested-with", "XMLHttpRequest"),
    ("x-app-version", "2026.11.3"),
];

/// The first `count` of them as lines of a request.
pub fn lines(count: usize) -> String {
    USUAL.iter().take(count).map(|(name, value)| format!("{name}: {value}\r\n")).collect()
}

//! The headers every answer carries.

use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};

/// The policy of a page: our stylesheet, our icon, forms to ourselves and to the origins named. No script at all.
#[must_use]
pub fn content_security_policy(form_targets: &[String]) -> String {
    let targets = form_targets.iter().fold(String::from("'self'"), |list, target| list + " " + target);
    format!(
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action {targets}; frame-ancestors 'none'; base-uri 'none'"
    )
}

const FIXED: [(HeaderName, &str); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
];

/// Adds what is missing to the headers of an answer.
pub fn complete(headers: &mut HeaderMap, secure: bool) {
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY)
        && let Ok(policy) = HeaderValue::from_str(&content_security_policy(&[]))
    {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if secure {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=63072000"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_tls_browsers_are_told_to_stay_on_it() {
        for (secure, told) in [(true, Some("max-age=63072000")), (false, None)] {
            let mut headers = HeaderMap::new();
            complete(&mut headers, secure);
            let value = headers.get(header::STRICT_TRANSPORT_SECURITY).and_then(|value| value.to_str().ok());
            assert_eq!(value, told);
        }
    }

    #[test]
    fn what_a_page_says_of_itself_stays() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=600"));
        complete(&mut headers, false);
        assert_eq!(headers.get(header::CACHE_CONTROL).unwrap(), "public, max-age=600");
        assert_eq!(headers.get(header::X_FRAME_OPTIONS).unwrap(), "DENY");
    }
}

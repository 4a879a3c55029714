//! Fuzz targets of the provider; CONTRIBUTING.md says how to run them for longer. The others are in `src/oidc/relying_party/fuzz.rs`.

#[path = "../fuzz/input.rs"]
mod input;
mod machines;
mod requests;

/// What parsers look for, in forms and in JSON.
const WORDS: [&str; 44] = [
    "&",
    "=",
    "%",
    "%00",
    "%0a",
    "%c3%28",
    "+",
    "%20",
    "\n",
    " ",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"",
    "null",
    "1e400",
    "-1",
    "\\ud800",
    ".",
    "-",
    "&state=",
    "&nonce=x",
    "&prompt=none",
    "&prompt=login+none",
    "&max_age=4294967295",
    "&max_age=-1",
    "&request=x",
    "&request_uri=x",
    "&claims=%7b%7d",
    "&client_id=plain",
    "&client_id=strict",
    "&response_mode=fragment",
    "&redirect_uri=",
    "https://evil.example/",
    "%40evil.example",
    "&code_challenge_method=plain",
    "&dpop_jkt=x",
    "&id_token_hint=good",
    "\"essential\":true,\"values\":[\"eidas2\"],",
    "\"alg\":\"none\",",
    "\"crit\":[\"x\"],",
];

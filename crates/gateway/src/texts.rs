//! The error texts of the dialect. Clients match on them, so each is written once, here.

use crate::redis_link::Refusal;

/// The body of every 401.
pub(crate) const UNAUTHORIZED: &str = "WRONGPASS invalid or missing auth token. See \
     https://docs.upstash.com/redis/troubleshooting/http_unauthorized for details.";
/// An empty request body.
pub(crate) const EMPTY_BODY: &str = "EOF";
/// A body that is JSON, but not the array a command is.
pub(crate) const NOT_AN_ARRAY: &str = "expected JSON array";
/// A `null` among the arguments.
pub(crate) const NULL_ARGUMENT: &str = "ERR null args are not supported";
/// A body that isn't JSON.
pub(crate) const BAD_COMMAND: &str = "ERR failed to parse command";
/// A batch body that isn't JSON.
pub(crate) const BAD_PIPELINE: &str = "ERR failed to parse pipeline request";
/// `[]` where a command belongs.
pub(crate) const EMPTY_COMMAND: &str = "ERR empty command";
/// `[]` where commands belong.
pub(crate) const EMPTY_PIPELINE: &str = "ERR empty pipeline request";
/// `[[]]`.
pub(crate) const EMPTY_PIPELINE_COMMAND: &str = "ERR empty pipeline command";
/// Writes are refused while a server is being upgraded.
pub(crate) const READONLY: &str = "READONLY Writes are temporarily rejected due to server upgrade";
/// Redis is over its memory limit.
pub(crate) const OUT_OF_MEMORY: &str = "OOM command not allowed when used memory > 'maxmemory'.";
/// The plan's number of requests is used up.
pub(crate) const QUOTA: &str = "ERR max requests limit exceeded. Limit: 500000, Usage: 500000. See \
     https://upstash.com/docs/redis/troubleshooting/max_requests_limit for details";
/// The database is stopped because of its budget.
pub(crate) const SUSPENDED: &str = "ERR This database has been suspended for exceeding the defined budget limit. \
     Please increase budget or switch to a Fixed plan on Upstash Console";
/// What a proxy on the way answers when it has lost the origin: not JSON.
pub(crate) const EDGE_ERROR: &str = "error code: 1016";
/// The gateway's own: nothing behind it.
pub(crate) const UNREACHABLE: &str = "ERR gateway: Redis is not reachable";
/// The gateway's own: Redis is there, and its operator has to mend something.
pub(crate) fn refused(by: Refusal) -> &'static str {
    match by {
        Refusal::Certificate => "ERR gateway: the certificate of Redis is not trusted",
        Refusal::Tls => "ERR gateway: Redis does not speak TLS with us",
        Refusal::Login => "ERR gateway: Redis refuses the user or the password",
    }
}
/// The gateway's own: a foreign page or host used the well-known local token.
pub(crate) const FOREIGN: &str =
    "ERR gateway: the default token is for localhost and its pages alone; set GATEWAY_TOKEN";
/// The gateway's own: the body of a request doesn't come to its end.
pub(crate) const SLOW_BODY: &str = "ERR gateway: the request took too long to arrive";
/// The gateway's own: a script returned more levels of lists than a connection carries.
pub(crate) const TOO_DEEP: &str = "ERR gateway: the reply is nested too deeply";
/// A script that isn't in the cache. Valkey says it in fewer words, and clients wait for these.
pub(crate) const NO_SCRIPT: &str = "NOSCRIPT No matching script. Please use EVAL.";
/// `Upstash-Response-Format: resp2` excludes base64.
pub(crate) const BASE64_WITH_RESP2: &str =
    "ERR Upstash-Encoding base64 is not permitted with Upstash-Response-Format resp2";

/// An array or object among the arguments; `opening` is its first character.
pub(crate) fn unsupported_argument(opening: char) -> String {
    format!("ERR unsupported arg type: \"{opening}\": json.Delim")
}

/// A command that the service doesn't have.
pub(crate) fn not_available(name: &str) -> String {
    format!(
        "ERR Command is not available: '{name}'. See https://upstash.com/docs/redis/overall/rediscompatibility for \
         details"
    )
}

/// A command that makes no sense without a connection of one's own.
pub(crate) fn not_allowed_in_rest(name: &str) -> String {
    format!("ERR Command \"{name}\" is not allowed in REST or it has a special context path")
}

/// The read-only token reached for something else; `name` is in lower case.
pub(crate) fn no_permission(name: &str) -> String {
    format!("NOPERM this user has no permissions to run the '{name}' command or its subcommand")
}

/// A command or its reply is over the plan's size.
pub(crate) fn too_large(limit: usize, actual: usize) -> String {
    format!(
        "ERR max request size exceeded. Limit: {limit} bytes, Actual: {actual} bytes. See \
         https://upstash.com/docs/redis/troubleshooting/max_request_size_exceeded for details"
    )
}

/// A header with a value that the dialect doesn't define.
pub(crate) fn invalid_header(header: &str, value: &str) -> String {
    format!("ERR invalid {header}: {value}")
}

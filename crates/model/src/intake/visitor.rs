//! The bodies of `POST /v1/visitors` and `POST /v1/visitors/claim`.

use super::optional_object;
use crate::error::Problem;
use crate::wire::{ClaimRequest, VisitorRequest};

/// Whether the token is to come as a cookie. The body may be absent.
///
/// # Errors
/// The problem with the body.
pub fn visitor(body: &str) -> Result<bool, Problem> {
    let request: VisitorRequest = optional_object(body)?;
    Ok(request.cookie.unwrap_or(false))
}

/// The token of the visitor whose sessions are claimed. The body may be absent.
///
/// # Errors
/// The problem with the body.
pub fn claim(body: &str) -> Result<Option<String>, Problem> {
    let request: ClaimRequest = optional_object(body)?;
    Ok(request.visitor)
}

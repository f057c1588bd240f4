//! The body of `POST /v1/visitors`.

use super::optional_object;
use crate::error::Problem;
use crate::wire::VisitorRequest;

/// Whether the token is to come as a cookie. The body may be absent.
///
/// # Errors
/// The problem with the body.
pub fn visitor(body: &str) -> Result<bool, Problem> {
    let request: VisitorRequest = optional_object(body)?;
    Ok(request.cookie.unwrap_or(false))
}

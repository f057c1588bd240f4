//! `POST /v1/visitors`: an anonymous identity, or its renewal.

use super::answer::Answer;
use crate::edge::{fill_random, now};
use crate::gate::Caller;
use crate::primitives::sign;
use chatkeep_model::auth::visitor::Visitor;
use chatkeep_model::auth::{Access, By, Credentials, cookie};
use chatkeep_model::wire::VisitorBody;
use chatkeep_model::{Code, Problem, intake};

/// Gives a token to somebody who is nobody yet, and a new one to who shows one.
pub(super) async fn create(
    access: &Access,
    shown: &Credentials<'_>,
    who: Option<Caller>,
    body: &str,
) -> Result<Answer, Problem> {
    let by_cookie = intake::visitor(body)?;
    if by_cookie && !cookie::is_own_page(shown) {
        return Err(Problem::new(Code::Forbidden).detail("a cookie is for this origin's own pages"));
    }
    let id = match who {
        // This machine itself is open: whoever asks needs no token.
        Some(Caller { by: By::Localhost, owner }) if access.visitors.is_none() => {
            return Answer::json(&VisitorBody { owner, token: None, expires_at: None });
        }
        Some(Caller { by: By::Visitor(visitor), .. }) => visitor.id,
        _ => {
            let mut random = [0; 16];
            fill_random(&mut random);
            u128::from_be_bytes(random)
        }
    };
    let Some(visitors) = &access.visitors else {
        return Err(Problem::new(Code::NotConfigured).detail("set VISITOR_SECRET to have visitors"));
    };
    let visitor = Visitor::until(id, now(), visitors.lives);
    let secret = visitors.secrets.first().ok_or(Problem::new(Code::Internal))?;
    let signature = sign(secret.expose(), &visitor.to_sign()).await.ok_or(Problem::new(Code::Internal))?;
    let token = visitor.token(&signature);
    let cookie = by_cookie.then(|| cookie::set(&token, visitors.lives));
    let answer = Answer::json(&VisitorBody {
        owner: visitor.owner(),
        token: Some(token).filter(|_| !by_cookie),
        expires_at: Some(visitor.expires.to_rfc3339()),
    })?;
    Ok(match cookie {
        Some(cookie) => answer.header("set-cookie", cookie),
        None => answer,
    })
}

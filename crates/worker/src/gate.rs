//! The gate's shell: verifies what the model says must be verified, with keys that are secrets or that an issuer publishes.

use crate::edge::{get_json, now};
use crate::primitives::{sha256, verify};
use chatkeep_model::auth::jwks::{KeySet, MAX_BYTES, Step, step};
use chatkeep_model::auth::jwt::Algorithm;
use chatkeep_model::auth::visitor::Visitor;
use chatkeep_model::auth::{
    Access, By, Credentials, Identity, Presented, Scope, Signed, Verifier, admit, present, visitor_beside,
};
use chatkeep_model::owner::Named;
use chatkeep_model::{Code, Millis, Owner, Problem};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use worker::Env;

/// How long reading an issuer's keys may take.
const PATIENCE: Millis = Millis(3000);

/// Who is inside.
pub(crate) struct Caller {
    pub(crate) owner: Owner,
    pub(crate) by: By,
}

/// Lets a request in, or says why not. Nobody may be inside where nothing is needed.
pub(crate) async fn enter(
    access: &Access,
    shown: &Credentials<'_>,
    needs: Option<Scope>,
) -> Result<Option<Caller>, Problem> {
    let who = match present(access, shown)? {
        Presented::Nothing => None,
        Presented::Known(who) => Some(who),
        Presented::Signed(signed) => {
            let genuine = is_genuine(&signed).await?;
            Some(signed.settle(genuine, now())?)
        }
    };
    let Some(Identity { owner, by, .. }) = admit(access, who, needs)? else { return Ok(None) };
    let owner = match owner {
        Named::Owner(owner) => owner,
        Named::Long(long) => {
            let digest = sha256(long.text()).await.ok_or(Problem::new(Code::Internal))?;
            long.digested(&digest)
        }
    };
    Ok(Some(Caller { owner, by }))
}

/// The visitor who is shown beside who asks.
pub(crate) async fn visitor(access: &Access, shown: &Credentials<'_>, token: Option<&str>) -> Result<Visitor, Problem> {
    let signed = visitor_beside(access, shown, token)?;
    let genuine = is_genuine(&signed).await?;
    match signed.settle(genuine, now())?.by {
        By::Visitor(visitor) => Ok(visitor),
        _ => Err(Problem::new(Code::Internal)),
    }
}

/// The platform's rate-limiting binding, if there is one, and the longest period that it knows, in seconds.
const ADDRESS_LIMIT: &str = "ADDRESS_LIMIT";
pub(crate) const ADDRESS_PERIOD: u64 = 60;

/// Whether more requests come from a client's address than the platform was told to let pass. Asked before anything is verified
/// or read, so that guessing credentials is slow and cheap to refuse. Where there is no such binding, never.
pub(crate) async fn is_too_many(env: &Env, address: Option<&str>) -> bool {
    let (Ok(limiter), Some(address)) = (env.rate_limiter(ADDRESS_LIMIT), address) else { return false };
    limiter.limit(address.to_owned()).await.is_ok_and(|outcome| !outcome.success)
}

async fn is_genuine(signed: &Signed<'_>) -> Result<bool, Problem> {
    match &signed.verifier {
        Verifier::Secrets(secrets) => {
            let algorithm = Algorithm::Hs256.as_str();
            for secret in *secrets {
                if verify(algorithm, secret.expose(), signed.text, signed.signature).await {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Verifier::Published { url, key_id, algorithm } => match key(url, key_id.as_deref(), *algorithm).await? {
            Some(key) => Ok(verify(algorithm.as_str(), &key, signed.text, signed.signature).await),
            None => Ok(false),
        },
    }
}

/// What an isolate knows of the keys at a URL.
#[derive(Clone, Default)]
struct Published {
    keys: Rc<KeySet>,
    read_at: Option<Millis>,
    tried_at: Option<Millis>,
}

thread_local! {
    static PUBLISHED: RefCell<BTreeMap<String, Published>> = const { RefCell::new(BTreeMap::new()) };
}

/// The published key that a token needs; none when it names one that isn't published.
async fn key(url: &str, key_id: Option<&str>, algorithm: Algorithm) -> Result<Option<String>, Problem> {
    let known = PUBLISHED.with_borrow(|all| all.get(url).cloned()).unwrap_or_default();
    let found = known.keys.find(key_id, algorithm).map(str::to_owned);
    let began = now();
    if step(began, known.read_at, known.tried_at, found.is_some()) == Step::Use {
        return Ok(found);
    }
    // Noted before it is read, so that those who come meanwhile use what there is.
    PUBLISHED.with_borrow_mut(|all| all.entry(url.to_owned()).or_default().tried_at = Some(began));
    let read = get_json(url, MAX_BYTES, PATIENCE).await.filter(|(status, _)| *status == 200);
    match read.and_then(|(_, json)| KeySet::read(&json)) {
        Some(keys) => {
            let key = keys.find(key_id, algorithm).map(str::to_owned);
            let published = Published { keys: Rc::new(keys), read_at: Some(began), tried_at: Some(began) };
            PUBLISHED.with_borrow_mut(|all| all.insert(url.to_owned(), published));
            Ok(key)
        }
        // Keys that are old serve while the issuer can't be reached.
        None if found.is_some() => Ok(found),
        None => Err(Problem::new(Code::IdentityUnavailable).retry_after(5)),
    }
}

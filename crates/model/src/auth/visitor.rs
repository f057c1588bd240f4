//! Tokens of visitors: `ckv1.{visitor}.{expiry}.{signature}`, the visitor in 32 hex digits, the expiry in seconds since 1970,
//! the signature HMAC-SHA-256 in base64url.

use crate::base64url;
use crate::owner::Owner;
use crate::time::Millis;

/// How every token begins. It keeps what is signed here apart from what the same secret may sign elsewhere.
const PREFIX: &str = "ckv1.";

/// Who a token is for, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Visitor {
    /// 128 random bits.
    pub id: u128,
    /// When the token ends: whole seconds.
    pub expires: Millis,
}

/// A token as it came: nothing in it is to be believed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unverified<'a> {
    /// Who it says that it is for.
    pub visitor: Visitor,
    /// What is signed.
    pub signed: &'a str,
    /// The signature, in base64url.
    pub signature: &'a str,
}

impl Visitor {
    /// A visitor whose token ends so long after now.
    #[must_use]
    pub fn until(id: u128, now: Millis, lives: Millis) -> Self {
        Self { id, expires: Millis(now.after(lives).0 / 1000 * 1000) }
    }

    /// What a token for this visitor signs.
    #[must_use]
    pub fn to_sign(&self) -> String {
        format!("{PREFIX}{:032x}.{}", self.id, self.expires.0 / 1000)
    }

    /// The token, with the signature in base64url.
    #[must_use]
    pub fn token(&self, signature: &str) -> String {
        format!("{}.{signature}", self.to_sign())
    }

    /// The owner of the visitor's sessions.
    #[must_use]
    pub fn owner(&self) -> Owner {
        Owner::visitor(self.id)
    }
}

/// Whether a bearer token is a visitor's, rather than a user's.
#[must_use]
pub fn is_visitors(token: &str) -> bool {
    token.starts_with(PREFIX)
}

/// Reads a token. None of it when it has another form than ours.
#[must_use]
pub fn read(token: &str) -> Option<Unverified<'_>> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (id, seconds) = signed.strip_prefix(PREFIX)?.split_once('.')?;
    let visitor = Visitor {
        id: u128::from_str_radix(id, 16).ok()?,
        expires: Millis(seconds.parse::<u64>().ok()?.checked_mul(1000)?),
    };
    // Written the one way that we write it, so that a token has no second form.
    (visitor.to_sign() == signed && base64url::decode(signature).is_some()).then_some(Unverified {
        visitor,
        signed,
        signature,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_back_as_it_was() {
        let visitor = Visitor::until(0xab, Millis(1_500), Millis(60_000));
        let token = visitor.token("c2ln");
        assert_eq!(token, "ckv1.000000000000000000000000000000ab.61.c2ln");
        let read = read(&token);
        assert_eq!(read.as_ref().map(|read| (read.visitor, read.signature)), Some((visitor, "c2ln")));
        assert_eq!(read.map(|read| read.signed.to_owned()), Some(visitor.to_sign()));
        assert_eq!(visitor.owner().as_str(), "v-000000000000000000000000000000ab");
    }

    #[test]
    fn there_is_no_second_form() {
        let id = "0".repeat(32);
        for wrong in [
            String::new(),
            "ckv1.".into(),
            format!("ckv1.{id}.61"),
            format!("ckv2.{id}.61.c2ln"),
            format!("ckv1.+{}.61.c2ln", "0".repeat(31)),
            format!("ckv1.{}.61.c2ln", "A".repeat(32)),
            format!("ckv1.{id}.061.c2ln"),
            format!("ckv1.{id}.+61.c2ln"),
            format!("ckv1.{id}.99999999999999999999.c2ln"),
            format!("ckv1.{id}.61.more.c2ln"),
            format!("ckv1.{id}.61.c2lu="),
            format!("ckv1.{id}.61.c2k="),
            format!("ckv1.{id}.61.c2l"),
            format!("ckv1.{id}.61.c2+n"),
            format!("ckv1.{id}.61.c2/n"),
            format!("ckv1.{id}.61.c2ln "),
        ] {
            assert_eq!(read(&wrong), None, "{wrong}");
        }
    }
}

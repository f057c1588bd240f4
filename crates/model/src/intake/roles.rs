//! The roles of messages that a client may write.

use crate::error::{Code, Problem};
use crate::message::Role;

/// The roles that a caller's messages may have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WritableRoles {
    /// All of them.
    #[default]
    All,
    /// The user's alone: what the model is told beside it comes from the server.
    User,
}

impl WritableRoles {
    /// Refuses a message by its role.
    ///
    /// # Errors
    /// [`Code::Forbidden`].
    pub fn check(self, role: Role) -> Result<(), Problem> {
        if self == WritableRoles::All || role == Role::User {
            return Ok(());
        }
        Err(Problem::new(Code::Forbidden).detail("CLIENT_ROLES is user: only messages of the role user are taken"))
    }
}

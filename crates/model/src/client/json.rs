//! JSON as the session machine sees it: a tree that is read from, and texts that are written.
//!
//! The browser has a JSON parser of its own, which the shell turns into this tree; a second one would be a fifth of the
//! module that visitors download. Numbers other than whole ones from 0 on stay texts: nobody here counts with them.

use crate::id::{MessageId, SessionId};
use crate::message::Role;
use std::borrow::Cow;

/// A JSON value. Members keep their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Flag(bool),
    /// A whole number from 0 on.
    Count(u64),
    /// Any other number, as JSON spells it.
    Number(String),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Json>),
    /// An object.
    Object(Vec<(String, Json)>),
}

/// What can be written as JSON.
pub(super) trait Write {
    /// Appends the JSON text.
    fn write(&self, to: &mut String);
}

/// The JSON text of something.
pub(super) fn text(of: &dyn Write) -> String {
    let mut text = String::new();
    of.write(&mut text);
    text
}

/// An object that is being written.
pub(super) struct Members<'a> {
    to: &'a mut String,
    opened: bool,
}

impl<'a> Members<'a> {
    pub(super) fn begin(to: &'a mut String) -> Self {
        Self { to, opened: false }
    }

    pub(super) fn add(&mut self, name: &str, value: &dyn Write) {
        self.to.push(if self.opened { ',' } else { '{' });
        self.opened = true;
        name.write(self.to);
        self.to.push(':');
        value.write(self.to);
    }

    /// Adds a member where there is something.
    pub(super) fn add_some<T: Write>(&mut self, name: &str, value: Option<&T>) {
        if let Some(value) = value {
            self.add(name, value);
        }
    }

    pub(super) fn end(self) {
        self.to.push_str(if self.opened { "}" } else { "{}" });
    }
}

/// Writes a struct as an object, its optional members only where there is something.
macro_rules! write_as_object {
    ($type:ty: $($name:literal = $field:ident),+ $(; optional $($optional_name:literal = $optional:ident),+)?) => {
        impl crate::client::json::Write for $type {
            fn write(&self, to: &mut String) {
                let mut object = crate::client::json::Members::begin(to);
                $(object.add($name, &self.$field);)+
                $($(object.add_some($optional_name, self.$optional.as_ref());)+)?
                object.end();
            }
        }
    };
}
pub(super) use write_as_object;

fn write_list<'a, T: Write + 'a>(items: impl Iterator<Item = &'a T>, to: &mut String) {
    to.push('[');
    for (at, item) in items.enumerate() {
        if at > 0 {
            to.push(',');
        }
        item.write(to);
    }
    to.push(']');
}

impl Write for Json {
    fn write(&self, to: &mut String) {
        match self {
            Json::Null => to.push_str("null"),
            Json::Flag(flag) => flag.write(to),
            Json::Count(number) => number.write(to),
            Json::Number(digits) => to.push_str(digits),
            Json::Text(text) => text.write(to),
            Json::List(items) => write_list(items.iter(), to),
            Json::Object(members) => {
                let mut object = Members::begin(to);
                for (name, value) in members {
                    object.add(name, value);
                }
                object.end();
            }
        }
    }
}

impl Write for bool {
    fn write(&self, to: &mut String) {
        to.push_str(if *self { "true" } else { "false" });
    }
}

impl Write for u64 {
    fn write(&self, to: &mut String) {
        to.push_str(&self.to_string());
    }
}

impl Write for u16 {
    fn write(&self, to: &mut String) {
        u64::from(*self).write(to);
    }
}

impl Write for str {
    fn write(&self, to: &mut String) {
        to.push('"');
        for letter in self.chars() {
            match letter {
                '"' => to.push_str("\\\""),
                '\\' => to.push_str("\\\\"),
                '\n' => to.push_str("\\n"),
                '\0'..' ' => {
                    let digit = |value: u32| char::from_digit(value & 15, 16).unwrap_or('0');
                    to.push_str("\\u00");
                    to.push(digit(u32::from(letter) >> 4));
                    to.push(digit(u32::from(letter)));
                }
                _ => to.push(letter),
            }
        }
        to.push('"');
    }
}

impl Write for String {
    fn write(&self, to: &mut String) {
        self.as_str().write(to);
    }
}

impl Write for Cow<'_, str> {
    fn write(&self, to: &mut String) {
        str::write(self, to);
    }
}

impl Write for SessionId {
    fn write(&self, to: &mut String) {
        self.as_str().write(to);
    }
}

impl Write for MessageId {
    fn write(&self, to: &mut String) {
        self.as_str().write(to);
    }
}

impl Write for Role {
    fn write(&self, to: &mut String) {
        let name = match self {
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::System => "system",
        };
        name.write(to);
    }
}

impl<T: Write + ?Sized> Write for &T {
    fn write(&self, to: &mut String) {
        (**self).write(to);
    }
}

impl<T: Write> Write for Option<T> {
    fn write(&self, to: &mut String) {
        match self {
            Some(value) => value.write(to),
            None => Json::Null.write(to),
        }
    }
}

impl<T: Write> Write for Vec<T> {
    fn write(&self, to: &mut String) {
        write_list(self.iter(), to);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_json_and_says_the_same() {
        for (value, expected) in [
            (Json::Null, "null"),
            (Json::Flag(true), "true"),
            (Json::Count(9_007_199_254_740_991), "9007199254740991"),
            (Json::Number("-1.5e-7".into()), "-1.5e-7"),
            (Json::List(vec![]), "[]"),
            (Json::Object(vec![]), "{}"),
            (Json::List(vec![Json::Count(0), Json::Text("é\u{2028}😀".into())]), "[0,\"é\u{2028}😀\"]"),
            (
                Json::Object(vec![("a\"".into(), Json::Null), ("b".into(), Json::Flag(false))]),
                r#"{"a\"":null,"b":false}"#,
            ),
        ] {
            assert_eq!(text(&value), expected);
        }
        let nasty: String = (0..0x80).map(|code| char::from_u32(code).unwrap()).collect();
        assert_eq!(serde_json::from_str::<String>(&text(&nasty)).unwrap(), nasty);
    }
}

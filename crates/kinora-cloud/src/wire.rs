//! Replies as they really come: numbers in quotes, absent members, null.

use core::fmt;
use core::marker::PhantomData;

use kinora_errors::Secret;
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serializer};

use crate::SecretUrl;

struct Number;

impl Visitor<'_> for Number {
    type Value = f64;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, perhaps in quotes")
    }
    fn visit_bool<E: de::Error>(self, value: bool) -> Result<f64, E> {
        Ok(f64::from(u8::from(value)))
    }
    fn visit_f64<E: de::Error>(self, value: f64) -> Result<f64, E> {
        Ok(value)
    }
    #[allow(clippy::cast_precision_loss)] // sizes and rates stay far below 2^53
    fn visit_u64<E: de::Error>(self, value: u64) -> Result<f64, E> {
        Ok(value as f64)
    }
    #[allow(clippy::cast_precision_loss)]
    fn visit_i64<E: de::Error>(self, value: i64) -> Result<f64, E> {
        Ok(value as f64)
    }
    fn visit_unit<E: de::Error>(self) -> Result<f64, E> {
        Ok(0.0)
    }
    fn visit_str<E: de::Error>(self, value: &str) -> Result<f64, E> {
        let value = value.trim();
        if value.is_empty() {
            return Ok(0.0);
        }
        let number: f64 = value.parse().map_err(E::custom)?;
        if number.is_finite() {
            Ok(number)
        } else {
            Err(E::custom("not a finite number"))
        }
    }
}

/// A number or its text; nothing is zero.
pub(crate) fn real<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    from.deserialize_any(Number)
}

/// As [`real`], cut to whole numbers; what is below zero is zero.
pub(crate) fn whole<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    // A cast of a float saturates: no value is out of range.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    real(from).map(|number| number as u64)
}

struct Text;

/// Lists and objects are refused at once, so that none is built up in memory.
impl Visitor<'_> for Text {
    type Value = String;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text, a number or nothing")
    }
    fn visit_bool<E: de::Error>(self, value: bool) -> Result<String, E> {
        Ok(value.to_string())
    }
    fn visit_f64<E: de::Error>(self, value: f64) -> Result<String, E> {
        Ok(serde_json::Number::from_f64(value)
            .map_or_else(String::new, |number| number.to_string()))
    }
    fn visit_u64<E: de::Error>(self, value: u64) -> Result<String, E> {
        Ok(value.to_string())
    }
    fn visit_i64<E: de::Error>(self, value: i64) -> Result<String, E> {
        Ok(value.to_string())
    }
    fn visit_unit<E: de::Error>(self) -> Result<String, E> {
        Ok(String::new())
    }
    fn visit_str<E: de::Error>(self, value: &str) -> Result<String, E> {
        Ok(value.to_owned())
    }
    fn visit_string<E: de::Error>(self, value: String) -> Result<String, E> {
        Ok(value)
    }
}

/// Text, a number as text, or nothing.
pub(crate) fn text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    from.deserialize_any(Text)
}

/// Items that a list of a reply may have: a video has a few renditions.
const MAX_ITEMS: usize = 1_000;

struct BoundedList<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for BoundedList<T> {
    type Value = Vec<T>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {MAX_ITEMS} items")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            if items.len() == MAX_ITEMS {
                return Err(de::Error::invalid_length(MAX_ITEMS + 1, &self));
            }
            items.push(item);
        }
        Ok(items)
    }
}

/// A list that no reply makes long.
pub(crate) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Vec<T>, D::Error> {
    from.deserialize_seq(BoundedList(PhantomData))
}

/// Reads a secret.
pub(crate) fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<Secret, D::Error> {
    text(from).map(Secret::new)
}

/// Writes a secret out whole: only for the reply or credential that exists to carry it.
pub(crate) fn expose<S: Serializer>(value: &Secret, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(value.expose())
}

/// Writes a URL out whole: only for the reply that exists to carry it.
pub(crate) fn expose_url<S: Serializer>(value: &SecretUrl, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(value.expose())
}

/// Reads a URL that may be null.
pub(crate) fn url<'de, D: Deserializer<'de>>(from: D) -> Result<SecretUrl, D::Error> {
    text(from).map(SecretUrl::new)
}

//! How our types are columns: ids and names as text, times as milliseconds, data as JSON.

use std::fmt::Display;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use rusqlite::Row;
use rusqlite::types::Type;
use serde::Serialize;
use serde::de::value::Error as ValueError;
use serde::de::{DeserializeOwned, IntoDeserializer as _};

/// A time as it is stored.
pub(crate) fn millis(at: DateTime<Utc>) -> i64 {
    at.timestamp_millis()
}

/// Data as it is stored.
pub(crate) fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("our types have string keys and are always JSON")
}

/// A count for a `LIMIT` clause, within `1..=max`.
pub(crate) fn limit(asked: usize, max: usize) -> i64 {
    i64::try_from(asked.clamp(1, max)).expect("limits are small")
}

fn bad<E>(column: usize, kind: Type, error: E) -> rusqlite::Error
where
    E: std::error::Error + Send + Sync + 'static,
{
    rusqlite::Error::FromSqlConversionFailure(column, kind, Box::new(error))
}

/// Reads columns as our types.
pub(crate) trait Columns {
    /// An id or a name, checked again on the way out.
    fn word<T>(&self, column: usize) -> rusqlite::Result<T>
    where
        T: FromStr,
        T::Err: std::error::Error + Send + Sync + 'static;

    /// An id or a name, or NULL.
    fn maybe_word<T>(&self, column: usize) -> rusqlite::Result<Option<T>>
    where
        T: FromStr,
        T::Err: std::error::Error + Send + Sync + 'static;

    /// JSON.
    fn data<T: DeserializeOwned>(&self, column: usize) -> rusqlite::Result<T>;

    /// JSON or NULL.
    fn maybe_data<T: DeserializeOwned>(&self, column: usize) -> rusqlite::Result<Option<T>>;

    /// One of our enums, by the name that it has in JSON.
    fn kind<T: DeserializeOwned>(&self, column: usize) -> rusqlite::Result<T>;

    /// A time.
    fn time(&self, column: usize) -> rusqlite::Result<DateTime<Utc>>;

    /// A time or NULL.
    fn maybe_time(&self, column: usize) -> rusqlite::Result<Option<DateTime<Utc>>>;
}

impl Columns for Row<'_> {
    fn word<T>(&self, column: usize) -> rusqlite::Result<T>
    where
        T: FromStr,
        T::Err: std::error::Error + Send + Sync + 'static,
    {
        let text = self.get_ref(column)?.as_str()?;
        text.parse().map_err(|error| bad(column, Type::Text, error))
    }

    fn maybe_word<T>(&self, column: usize) -> rusqlite::Result<Option<T>>
    where
        T: FromStr,
        T::Err: std::error::Error + Send + Sync + 'static,
    {
        match self.get_ref(column)?.as_str_or_null()? {
            None => Ok(None),
            Some(_) => self.word(column).map(Some),
        }
    }

    fn data<T: DeserializeOwned>(&self, column: usize) -> rusqlite::Result<T> {
        let text = self.get_ref(column)?.as_str()?;
        serde_json::from_str(text).map_err(|error| bad(column, Type::Text, error))
    }

    fn maybe_data<T: DeserializeOwned>(&self, column: usize) -> rusqlite::Result<Option<T>> {
        match self.get_ref(column)?.as_str_or_null()? {
            None => Ok(None),
            Some(text) => {
                serde_json::from_str(text).map(Some).map_err(|error| bad(column, Type::Text, error))
            }
        }
    }

    fn kind<T: DeserializeOwned>(&self, column: usize) -> rusqlite::Result<T> {
        let name = self.get_ref(column)?.as_str()?.into_deserializer();
        T::deserialize(name).map_err(|error: ValueError| bad(column, Type::Text, error))
    }

    fn time(&self, column: usize) -> rusqlite::Result<DateTime<Utc>> {
        let millis: i64 = self.get(column)?;
        DateTime::from_timestamp_millis(millis)
            .ok_or(rusqlite::Error::IntegralValueOutOfRange(column, millis))
    }

    fn maybe_time(&self, column: usize) -> rusqlite::Result<Option<DateTime<Utc>>> {
        match self.get::<_, Option<i64>>(column)? {
            None => Ok(None),
            Some(_) => self.time(column).map(Some),
        }
    }
}

/// An id as text, for a parameter.
pub(crate) fn text(id: impl Display) -> String {
    id.to_string()
}

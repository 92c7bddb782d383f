//! The conditions of a query: each is there only if it is asked for, so that SQLite
//! picks the index for those that are.

use rusqlite::types::Value;

use crate::sight::Sight;

/// The conditions, all of which must hold, and their values.
#[derive(Debug, Default)]
pub(crate) struct Conditions {
    sql: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    /// What may be seen, on a joined table `repository`.
    pub(crate) fn in_sight(sight: &Sight) -> Self {
        let mut all = Self::default();
        if let Some(some) = sight.parameter() {
            all.and(Sight::condition, some);
        }
        all
    }

    /// One more condition, made of the name of the parameter that is bound to its value.
    pub(crate) fn and(&mut self, condition: impl FnOnce(&str) -> String, value: impl Into<Value>) {
        let parameter = self.bind(value);
        self.sql.push(condition(&parameter));
    }

    /// One more condition, if there is a value.
    pub(crate) fn and_some(
        &mut self,
        condition: impl FnOnce(&str) -> String,
        value: Option<impl Into<Value>>,
    ) {
        if let Some(value) = value {
            self.and(condition, value);
        }
    }

    /// One more condition that needs no value.
    pub(crate) fn and_always(&mut self, condition: &str) {
        self.sql.push(condition.to_owned());
    }

    /// A further value; gives its parameter's name.
    pub(crate) fn bind(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("?{}", self.values.len())
    }

    /// The conditions as SQL, to stand after `WHERE`.
    pub(crate) fn sql(&self) -> String {
        if self.sql.is_empty() { "1".to_owned() } else { self.sql.join(" AND ") }
    }

    /// The values in the order of their parameters.
    pub(crate) fn values(self) -> impl rusqlite::Params {
        rusqlite::params_from_iter(self.values)
    }
}

//! Reading one table of a universe file: typed, bounded, with the place of every value at hand.
//!
//! Owns the step from TOML values to numbers, texts and names. Every reader notes what is wrong in
//! the [`ProblemReport`] and returns a harmless stand-in, so that one pass finds many problems. Call
//! [`Section::close`] last: it reports the fields that nobody asked for.

use std::ops::RangeInclusive;

use toml::de::{DeTable, DeValue};

use super::error::ProblemReport;
use crate::ids::Name;
use crate::limits::TITLE_BYTES_MAX;

/// One table of the file, with the path that leads to it.
pub(super) struct Section<'t, 'i> {
    table: &'t DeTable<'i>,
    /// Byte at which the table begins.
    pub(super) start: usize,
    path: String,
    asked: Vec<&'static str>,
}

/// What a number may be.
#[derive(Clone, Copy)]
pub(super) enum TextSpan {
    /// More than 0, at most this.
    Positive(f32),
    /// From the first to the second, both included.
    Within(f32, f32),
}

impl<'t, 'i> Section<'t, 'i> {
    pub(super) fn new(table: &'t DeTable<'i>, start: usize, path: String) -> Self {
        Self {
            table,
            start,
            path,
            asked: Vec::new(),
        }
    }

    /// The dotted path of a field of this table.
    pub(super) fn field(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// The byte at which a field's value begins; the table's own where it has none.
    pub(super) fn at(&self, key: &str) -> usize {
        self.table
            .get(key)
            .map_or(self.start, |value| value.span().start)
    }

    /// Whether the file gives this field.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    fn value(&mut self, key: &'static str) -> Option<(&'t DeValue<'i>, usize)> {
        self.asked.push(key);
        self.table
            .get(key)
            .map(|value| (value.get_ref(), value.span().start))
    }

    fn missing(&self, report: &mut ProblemReport<'_>, key: &str, kind: &str) {
        report.problem(
            self.start,
            self.field(key),
            format!("is missing; give {kind}"),
        );
    }

    fn mistyped(
        &self,
        report: &mut ProblemReport<'_>,
        key: &str,
        at: usize,
        kind: &str,
        value: &DeValue<'_>,
    ) {
        let found = value.type_str();
        report.problem(
            at,
            self.field(key),
            format!("must be {kind}, found {found}"),
        );
    }

    /// A number; `default` where the file gives none, `None` for a field that must be given.
    pub(super) fn number(
        &mut self,
        report: &mut ProblemReport<'_>,
        key: &'static str,
        span: TextSpan,
        default: Option<f32>,
    ) -> f32 {
        let stand_in = default.unwrap_or(1.0);
        let Some((value, at)) = self.value(key) else {
            if default.is_none() {
                self.missing(report, key, "a number");
            }
            return stand_in;
        };
        let (parsed, found) = match value {
            DeValue::Float(float) => (float.as_str().parse::<f32>().ok(), float.as_str()),
            DeValue::Integer(whole) => {
                let number = i64::from_str_radix(whole.as_str(), whole.radix()).ok();
                (number.map(|number| number as f32), whole.as_str())
            }
            other => {
                self.mistyped(report, key, at, "a number", other);
                return stand_in;
            }
        };
        let number = parsed.unwrap_or(f32::INFINITY);
        let (allowed, rule) = match span {
            TextSpan::Positive(max) => (
                number > 0.0 && number <= max,
                format!("more than 0 and at most {max}"),
            ),
            TextSpan::Within(min, max) => (
                number >= min && number <= max,
                format!("from {min} to {max}"),
            ),
        };
        if allowed {
            return number;
        }
        report.problem(
            at,
            self.field(key),
            format!("must be {rule}, found {found}"),
        );
        stand_in
    }

    /// A whole number; `default` as in [`Self::number`].
    pub(super) fn whole_number(
        &mut self,
        report: &mut ProblemReport<'_>,
        key: &'static str,
        allowed: RangeInclusive<i64>,
        default: Option<i64>,
    ) -> i64 {
        let stand_in = default.unwrap_or(*allowed.start());
        let Some((value, at)) = self.value(key) else {
            if default.is_none() {
                self.missing(report, key, "a whole number");
            }
            return stand_in;
        };
        let DeValue::Integer(text) = value else {
            self.mistyped(report, key, at, "a whole number", value);
            return stand_in;
        };
        match i64::from_str_radix(text.as_str(), text.radix()) {
            Ok(number) if allowed.contains(&number) => number,
            _ => {
                let (min, max) = (allowed.start(), allowed.end());
                report.problem(
                    at,
                    self.field(key),
                    format!("must be a whole number from {min} to {max}, found {text}"),
                );
                stand_in
            }
        }
    }

    /// True or false; must be given.
    pub(super) fn flag(&mut self, report: &mut ProblemReport<'_>, key: &'static str) -> bool {
        match self.value(key) {
            Some((DeValue::Boolean(flag), _)) => *flag,
            Some((other, at)) => {
                self.mistyped(report, key, at, "true or false", other);
                false
            }
            None => {
                self.missing(report, key, "true or false");
                false
            }
        }
    }

    fn text(
        &mut self,
        report: &mut ProblemReport<'_>,
        key: &'static str,
        kind: &str,
    ) -> Option<(&'t str, usize)> {
        match self.value(key) {
            Some((DeValue::String(text), at)) => Some((text, at)),
            Some((other, at)) => {
                self.mistyped(report, key, at, kind, other);
                None
            }
            None => {
                self.missing(report, key, kind);
                None
            }
        }
    }

    /// A text for people: 1 to [`TITLE_BYTES_MAX`] bytes, no control characters; must be given.
    pub(super) fn title(&mut self, report: &mut ProblemReport<'_>, key: &'static str) -> String {
        let Some((text, at)) = self.text(report, key, "a text in quotes") else {
            return String::new();
        };
        if text.is_empty() || text.len() > TITLE_BYTES_MAX || text.chars().any(char::is_control) {
            let what = format!("must be 1 to {TITLE_BYTES_MAX} bytes without control characters");
            report.problem(at, self.field(key), what);
        }
        text.to_owned()
    }

    /// An identifier; must be given. `None` where it is missing or not an identifier.
    pub(super) fn name(
        &mut self,
        report: &mut ProblemReport<'_>,
        key: &'static str,
    ) -> Option<Name> {
        let (text, at) = self.text(report, key, "an identifier in quotes")?;
        match Name::parse(text) {
            Ok(name) => Some(name),
            Err(error) => {
                report.problem(at, self.field(key), error.to_string());
                None
            }
        }
    }

    /// A table inside this one, `None` where the file has none.
    pub(super) fn section(
        &mut self,
        report: &mut ProblemReport<'_>,
        key: &'static str,
    ) -> Option<Section<'t, 'i>> {
        match self.value(key)? {
            (DeValue::Table(table), at) => Some(Section::new(table, at, self.field(key))),
            (other, at) => {
                self.mistyped(report, key, at, "a table", other);
                None
            }
        }
    }

    /// A list of tables, none where the file has none; at most `max` are read.
    pub(super) fn list(
        &mut self,
        report: &mut ProblemReport<'_>,
        key: &'static str,
        max: usize,
    ) -> Vec<Section<'t, 'i>> {
        let Some((value, at)) = self.value(key) else {
            return Vec::new();
        };
        let DeValue::Array(array) = value else {
            self.mistyped(report, key, at, "a list of tables", value);
            return Vec::new();
        };
        if array.len() > max {
            let what = format!("has {} entries, at most {max} are allowed", array.len());
            report.problem(at, self.field(key), what);
        }
        let mut sections = Vec::with_capacity(array.len().min(max));
        for (nth, entry) in array.iter().take(max).enumerate() {
            let path = format!("{}[{nth}]", self.field(key));
            match entry.get_ref() {
                DeValue::Table(table) => {
                    sections.push(Section::new(table, entry.span().start, path));
                }
                other => report.problem(
                    entry.span().start,
                    path,
                    format!("must be a table, found {}", other.type_str()),
                ),
            }
        }
        sections
    }

    /// Reports the fields that no reader asked for, with the nearest one that exists.
    pub(super) fn close(self, report: &mut ProblemReport<'_>) {
        for key in self.table.keys() {
            let written: &str = key.get_ref();
            if self.asked.contains(&written) {
                continue;
            }
            let shown: String = written.chars().take(40).collect();
            let nearest = self
                .asked
                .iter()
                .map(|known| (edits(written, known), *known))
                .min();
            let advice = match nearest {
                Some((edits, known)) if edits <= 1 + known.len() / 3 => {
                    format!("did you mean `{known}`?")
                }
                _ => format!("known here: {}", self.asked.join(", ")),
            };
            report.problem(
                key.span().start,
                self.field(&shown),
                format!("is no known field; {advice}"),
            );
        }
    }
}

/// Edit distance of two short texts; the first is cut at 64 bytes, which bounds the work.
fn edits(written: &str, known: &str) -> usize {
    let mut row: Vec<usize> = (0..=known.len()).collect();
    for (i, a) in written.bytes().take(64).enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in known.bytes().enumerate() {
            let substituted = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or(0) + written.len().saturating_sub(64)
}

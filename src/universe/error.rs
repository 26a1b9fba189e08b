//! What is wrong with a universe file: where, in which field, and what to do about it.
//!
//! Owns the list of [`Problem`]s that the loader collects and the text that an operator reads.
//! A report is bounded: after [`PROBLEMS_MAX`] problems it only counts.

use std::fmt;

use thiserror::Error;

/// Problems that one report spells out; the rest is counted.
pub const PROBLEMS_MAX: usize = 32;

/// One thing to repair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Line in the file, from 1.
    pub line: usize,
    /// Column in the line, in characters from 1.
    pub column: usize,
    /// Dotted path of the field, for example `systems[0].stations[2].radius`; empty for syntax.
    pub field: String,
    /// What is wrong and what to do.
    pub what: String,
}

/// Why a file is not a universe: each problem on a line of its own, as `file:line:column: field: what`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct UniverseError {
    /// The file as the operator named it.
    pub file: String,
    /// In the order of the file; never empty.
    pub problems: Vec<Problem>,
    /// Problems found beyond those listed.
    pub more: usize,
}

impl fmt::Display for UniverseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, problem) in self.problems.iter().enumerate() {
            if nth > 0 {
                writeln!(f)?;
            }
            let Problem {
                line,
                column,
                field,
                what,
            } = problem;
            write!(f, "{}:{line}:{column}: ", self.file)?;
            if !field.is_empty() {
                write!(f, "{field}: ")?;
            }
            f.write_str(what)?;
        }
        if self.more > 0 {
            write!(f, "\n{}: and {} more", self.file, self.more)?;
        }
        Ok(())
    }
}

/// Collects problems while a file is read.
#[derive(Debug)]
pub(super) struct ProblemReport<'a> {
    text: &'a str,
    file: &'a str,
    found: Vec<(usize, String, String)>,
    more: usize,
}

impl<'a> ProblemReport<'a> {
    pub(super) fn new(text: &'a str, file: &'a str) -> Self {
        Self {
            text,
            file,
            found: Vec::new(),
            more: 0,
        }
    }

    /// Notes a problem at a byte of the text.
    pub(super) fn problem(&mut self, at: usize, field: impl Into<String>, what: impl Into<String>) {
        if self.found.len() < PROBLEMS_MAX {
            self.found.push((at, field.into(), what.into()));
        } else {
            self.more += 1;
        }
    }

    /// How many problems were noted so far.
    pub(super) fn count(&self) -> usize {
        self.found.len() + self.more
    }

    /// The verdict: `value` where nothing was noted. Work: one pass over the text a problem.
    pub(super) fn close<T>(mut self, value: Option<T>) -> Result<T, UniverseError> {
        if let (Some(value), true) = (value, self.found.is_empty()) {
            return Ok(value);
        }
        self.found.sort_by_key(|(at, _, _)| *at);
        let problems = self.found.iter().map(|(at, field, what)| {
            let (line, column) = position(self.text, *at);
            Problem {
                line,
                column,
                field: field.clone(),
                what: what.clone(),
            }
        });
        Err(UniverseError {
            file: self.file.to_owned(),
            problems: problems.collect(),
            more: self.more,
        })
    }
}

/// Line and column of a byte, both from 1, the column in characters.
pub(super) fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.as_bytes().get(..at).unwrap_or(text.as_bytes());
    let line = before.split(|byte| *byte == b'\n').count();
    let start = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |nl| nl + 1);
    // Continuation bytes of UTF-8 are no characters of their own.
    let column = before
        .iter()
        .skip(start)
        .filter(|byte| **byte & 0xC0 != 0x80)
        .count()
        + 1;
    (line, column)
}

//! Which files a JavaScript module names, and whether only its comments do.
//!
//! A module that another one imports runs with it; a type that a comment imports is words for
//! the type checker. The text is read token by token, so that a `from "…"` inside a string, a
//! template or a comment is no import.

/// A module that a file names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct JsImport {
    /// Line of the name.
    pub(crate) line: usize,
    /// The module as written: `../game/flight.js`.
    pub(crate) target: String,
    /// Only a comment names it, as the home of a type.
    pub(crate) is_type: bool,
}

/// Every module that a file names. A computed `import(…)` is told as `import(…)`.
pub(crate) fn js_imports(text: &str) -> Vec<JsImport> {
    let tokens = tokens(text);
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let next = |by: usize| tokens.get(at + by).map(|token| &token.kind);
        let is_import = token.kind == Kind::Word("import".into());
        let target = match (&token.kind, next(1)) {
            (Kind::Word(word), Some(Kind::Text(target))) if word == "from" || is_import => {
                target.clone()
            }
            (_, Some(Kind::Sign('('))) if is_import => match next(2) {
                Some(Kind::Text(target)) => target.clone(),
                _ => "import(…)".to_owned(),
            },
            (Kind::Comment(comment), _) => {
                found.extend(type_imports(comment, token.line));
                continue;
            }
            _ => continue,
        };
        let line = token.line;
        found.push(JsImport {
            line,
            target,
            is_type: false,
        });
    }
    found
}

/// Modules that a comment imports types from: `import("…")` and `@import … from "…"`.
fn type_imports(comment: &str, first_line: usize) -> Vec<JsImport> {
    let mut found = Vec::new();
    for (index, line) in comment.lines().enumerate() {
        for opening in ["import(\"", "import('", "from \"", "from '"] {
            let is_statement = opening.starts_with("from");
            if is_statement && !line.contains("@import") {
                continue;
            }
            for rest in line.split(opening).skip(1) {
                let target = rest.split(['"', '\'']).next().unwrap_or_default();
                found.push(JsImport {
                    line: first_line + index,
                    target: target.to_owned(),
                    is_type: true,
                });
            }
        }
    }
    found
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Word(String),
    Sign(char),
    /// A string's content.
    Text(String),
    Comment(String),
    /// A template or a regular expression: nothing in it is an import.
    Opaque,
}

struct Token {
    line: usize,
    kind: Kind,
}

fn tokens(text: &str) -> Vec<Token> {
    let mut reader = Reader {
        rest: text,
        line: 1,
    };
    let mut found: Vec<Token> = Vec::new();
    while let Some(first) = reader.rest.chars().next() {
        let line = reader.line;
        let kind = match first {
            _ if reader.rest.starts_with("//") => Kind::Comment(reader.until("\n")),
            _ if reader.rest.starts_with("/*") => Kind::Comment(reader.until("*/")),
            '"' | '\'' => Kind::Text(reader.quoted(first)),
            '`' => {
                reader.template();
                Kind::Opaque
            }
            '/' if begins_expression(&found) => {
                reader.regular_expression();
                Kind::Opaque
            }
            _ if is_word_sign(first) => Kind::Word(reader.word()),
            _ => {
                reader.skip(first.len_utf8());
                if first.is_whitespace() {
                    continue;
                }
                Kind::Sign(first)
            }
        };
        found.push(Token { line, kind });
    }
    found
}

fn is_word_sign(sign: char) -> bool {
    sign.is_alphanumeric() || sign == '_' || sign == '$' || sign == '#'
}

/// Whether a slash after these tokens opens a regular expression and does not divide.
fn begins_expression(before: &[Token]) -> bool {
    let last = before
        .iter()
        .rev()
        .find(|token| !matches!(token.kind, Kind::Comment(_)));
    match last.map(|token| &token.kind) {
        None => true,
        Some(Kind::Sign(sign)) => !matches!(sign, ')' | ']' | '}'),
        Some(Kind::Word(word)) => {
            matches!(word.as_str(), "return" | "typeof" | "case" | "of" | "in")
        }
        Some(_) => false,
    }
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
}

impl Reader<'_> {
    fn skip(&mut self, bytes: usize) -> String {
        let (taken, rest) = self.rest.split_at(bytes);
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken.to_owned()
    }

    /// Up to and with the mark, or to the end.
    fn until(&mut self, mark: &str) -> String {
        let end = self
            .rest
            .find(mark)
            .map_or(self.rest.len(), |at| at + mark.len());
        self.skip(end)
    }

    fn word(&mut self) -> String {
        let end = self.rest.find(|c| !is_word_sign(c));
        self.skip(end.unwrap_or(self.rest.len()))
    }

    /// The content of a string in these quotes, its escapes as they are written.
    fn quoted(&mut self, quote: char) -> String {
        self.skip(quote.len_utf8());
        let content = self.skip_to(&[quote]);
        self.skip(quote.len_utf8().min(self.rest.len()));
        content
    }

    fn regular_expression(&mut self) {
        self.skip(1);
        while !self.rest.is_empty() {
            self.skip_to(&['/', '[']);
            let in_class = self.rest.starts_with('[');
            self.skip(1.min(self.rest.len()));
            if !in_class {
                break;
            }
            self.skip_to(&[']']);
        }
        self.word();
    }

    /// A template with whatever code its `${…}` hold, which in turn may hold templates.
    fn template(&mut self) {
        self.skip(1);
        loop {
            self.skip_to(&['`', '$']);
            if self.rest.starts_with("${") {
                self.skip(2);
                self.braces();
            } else if self.rest.starts_with('$') {
                self.skip(1);
            } else {
                self.skip(1.min(self.rest.len()));
                return;
            }
        }
    }

    /// Code up to the brace that closes it.
    fn braces(&mut self) {
        let mut depth = 1;
        while let Some(first) = self.rest.chars().next() {
            match first {
                '"' | '\'' => drop(self.quoted(first)),
                '`' => self.template(),
                _ => {
                    self.skip(first.len_utf8());
                    depth += i32::from(first == '{') - i32::from(first == '}');
                    if depth == 0 {
                        return;
                    }
                }
            }
        }
    }

    /// Up to one of these signs, escaped ones skipped.
    fn skip_to(&mut self, signs: &[char]) -> String {
        let mut is_escaped = false;
        let end = self.rest.find(|sign| {
            let is_end = !is_escaped && signs.contains(&sign);
            is_escaped = !is_escaped && sign == '\\';
            is_end
        });
        self.skip(end.unwrap_or(self.rest.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each line that names a module ends in what is to be found there.
    const EVERY_FORM: &str = r#"
import { a } from "./one.js"; //= ./one.js
import b, * as c from './two.js'; //= ./two.js
import "../three.js"; //= ../three.js
export { d } from "./four.js"; //= ./four.js
export * from"./five.js"; //= ./five.js
const late = await import("./six.js"); //= ./six.js
const computed = import(`./${late}.js`); //= import(…)
import {
  long,
} from "./seven.js"; //= ./seven.js
/** @typedef {import("../types.js").Row} Row */ //= type ../types.js
/** @import { Zone } from "../zones.js" */ //= type ../zones.js
// @type {import('./eight.js').Eight} //= type ./eight.js
const words = "import x from './never.js'";
const more = `from "${`./never.js ${"}"}`}" from "./never.js"`;
const pattern = /[/"]from "never"/.test(words) / 2; from(words);
const divided = words.length / 2; import { e } from "./nine.js"; const half = 1 / 2; //= ./nine.js
/* import f from "./never.js"; */
"#;

    #[test]
    fn every_form_in_which_a_module_names_another_is_found_and_nothing_else() {
        let found: Vec<String> = js_imports(EVERY_FORM)
            .into_iter()
            .map(|one| {
                let kind = if one.is_type { "type " } else { "" };
                format!("{}: {kind}{}", one.line, one.target)
            })
            .collect();
        let wanted: Vec<String> = EVERY_FORM
            .lines()
            .enumerate()
            .filter_map(|(index, line)| {
                let (_, mark) = line.split_once("//= ")?;
                Some(format!("{}: {mark}", index + 1))
            })
            .collect();
        assert_eq!(found, wanted);
    }
}

//! Names, comments and sizes: one name a type, no empty comment, no retired word, nothing too long.
//!
//! Whatever is found is told with its file, its line and what to do. The exceptions come first,
//! each with its reason.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use syn::visit::{self, Visit};

use super::module_tree::parse;
use super::sources::{Source, assert_none, files_below};
use super::words;

/// Files of Rust that may be longer than [`FILE_LINES_MAX`], and why.
const LONG_FILES: &[(&str, &str)] = &[(
    "src/limits.rs",
    "the table of all bounds belongs in one file",
)];

/// Functions that may be longer than [`FUNCTION_LINES_MAX`], by file and name, and why.
const LONG_FUNCTIONS: &[(&str, &str, &str)] = &[
    (
        "tests/simulation/cluster/check.rs",
        "check",
        "one walk over systems and seats",
    ),
    (
        "tests/simulation/cluster/play.rs",
        "act",
        "one match on what a pilot may do",
    ),
    (
        "tests/simulation/cluster/seat.rs",
        "reply",
        "one match on what a reply answers",
    ),
];

/// Names that more than one public type may have, and why.
const SHARED_NAMES: &[(&str, &str)] = &[
    (
        "Cause",
        "why money or goods moved, in a world and in the ledger",
    ),
    (
        "Command",
        "what a client wants, by name; what a world is given, by handle",
    ),
    ("Order", "buy, sell or repair, by names and by indices"),
    ("Place", "where a ship is, in a world and as a record"),
    (
        "Stock",
        "units of a commodity at a station, in a world and as a record",
    ),
];

/// The file that holds the retired words.
const WORDS: &str = "tests/units/house/words.rs";

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 60;
const DOC_WORDS_MIN: usize = 3;

/// Everything that people write here.
const FOLDERS: [&str; 4] = ["src", "benches", "fuzz", "tests"];

fn rust_files() -> Vec<Source> {
    let files: Vec<Source> = FOLDERS
        .iter()
        .flat_map(|folder| files_below(folder, &[".rs"]))
        .collect();
    assert!(files.len() > 200, "the scan must see the sources");
    files
}

#[test]
fn every_file_says_what_it_is_for_and_fits_in_the_head() {
    let mut broken = Vec::new();
    for Source { path, text } in rust_files() {
        if !text.starts_with("//!") {
            broken.push(format!("{path}:1: does not open with //!"));
        }
        let lines = text.lines().count();
        let is_long = lines > FILE_LINES_MAX;
        let may_be = LONG_FILES.iter().any(|(file, _)| *file == path);
        if is_long && !may_be {
            broken.push(format!("{path}:{lines}: too long, split it by idea"));
        }
        if !is_long && may_be {
            broken.push(format!("{path}:{lines}: no exception any more"));
        }
    }
    assert_none(&broken);
}

#[test]
fn every_function_fits_on_a_screen() {
    let mut broken = Vec::new();
    let mut excused = BTreeSet::new();
    for Source { path, text } in rust_files() {
        for long in long_functions(&parse(&path, &text)) {
            let excuse = LONG_FUNCTIONS
                .iter()
                .find(|(file, name, _)| *file == path && *name == long.name);
            if excuse.is_some_and(|excuse| excused.insert(excuse)) {
                continue;
            }
            broken.push(format!(
                "{path}:{}: {} has {} lines, split it by idea",
                long.line, long.name, long.lines
            ));
        }
    }
    let stale = LONG_FUNCTIONS.iter().filter(|one| !excused.contains(one));
    broken.extend(stale.map(|(file, name, _)| format!("{file}: {name} is no exception any more")));
    assert_none(&broken);
}

struct LongFunction {
    name: String,
    line: usize,
    /// Lines between its braces.
    lines: usize,
}

fn long_functions(syntax: &syn::File) -> Vec<LongFunction> {
    let mut finder = LongFunctions(Vec::new());
    finder.visit_file(syntax);
    finder.0
}

struct LongFunctions(Vec<LongFunction>);

impl LongFunctions {
    fn measure(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let line = signature.ident.span().start().line;
        let braces = block.brace_token.span;
        let between = braces.close().start().line - braces.open().end().line;
        let lines = between.saturating_sub(1);
        if lines > FUNCTION_LINES_MAX {
            let name = signature.ident.to_string();
            self.0.push(LongFunction { name, line, lines });
        }
    }
}

impl<'ast> Visit<'ast> for LongFunctions {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.measure(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.measure(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.measure(&item.sig, block);
        }
        visit::visit_trait_item_fn(self, item);
    }
}

#[test]
fn no_two_public_types_have_one_name() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for Source { path, text } in files_below("src", &[".rs"]) {
        for (name, line) in public_types(&parse(&path, &text)) {
            places
                .entry(name)
                .or_default()
                .push(format!("{path}:{line}"));
        }
    }
    let is_shared = |name: &str| SHARED_NAMES.iter().any(|(shared, _)| *shared == name);
    let mut broken: Vec<String> = places
        .iter()
        .filter(|(name, places)| places.len() > 1 && !is_shared(name))
        .map(|(name, places)| format!("{name}: {}", places.join(" ")))
        .collect();
    let is_stale = |name: &str| places.get(name).is_none_or(|places| places.len() < 2);
    let stale = SHARED_NAMES.iter().filter(|(name, _)| is_stale(name));
    broken.extend(stale.map(|(name, _)| format!("{name}: no exception any more")));
    assert_none(&broken);
}

/// Names and lines of the types and traits that another module can name, tests left out.
fn public_types(syntax: &syn::File) -> Vec<(String, usize)> {
    let mut finder = PublicTypes(Vec::new());
    if !syntax.attrs.iter().any(is_test_only) {
        finder.visit_file(syntax);
    }
    finder.0
}

struct PublicTypes(Vec<(String, usize)>);

impl<'ast> Visit<'ast> for PublicTypes {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let (attributes, visibility, ident) = match item {
            syn::Item::Struct(one) => (&one.attrs, &one.vis, &one.ident),
            syn::Item::Enum(one) => (&one.attrs, &one.vis, &one.ident),
            syn::Item::Union(one) => (&one.attrs, &one.vis, &one.ident),
            syn::Item::Trait(one) => (&one.attrs, &one.vis, &one.ident),
            syn::Item::Type(one) => (&one.attrs, &one.vis, &one.ident),
            syn::Item::Mod(one) if one.attrs.iter().any(is_test_only) => return,
            _ => {
                visit::visit_item(self, item);
                return;
            }
        };
        let is_public = !matches!(visibility, syn::Visibility::Inherited);
        if is_public && !attributes.iter().any(is_test_only) {
            self.0.push((ident.to_string(), ident.span().start().line));
        }
    }

    /// What a function declares inside is its own.
    fn visit_block(&mut self, _: &'ast syn::Block) {}
}

/// Whether an attribute is `#[cfg(test)]`.
fn is_test_only(attribute: &syn::Attribute) -> bool {
    matches!(&attribute.meta, syn::Meta::List(list)
        if list.path.is_ident("cfg") && list.tokens.to_string() == "test")
}

#[test]
fn no_doc_comment_is_shorter_than_three_words() {
    let mut broken = Vec::new();
    for Source { path, text } in rust_files() {
        for (line, words) in short_docs(text.parse().unwrap()) {
            broken.push(format!(
                "{path}:{line}: \"{words}\" says too little: its unit, range, owner or why, or nothing"
            ));
        }
    }
    assert_none(&broken);
}

/// First line and text of every doc comment that is too short.
fn short_docs(tokens: TokenStream) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    doc_lines(tokens, &mut lines);
    let mut blocks: Vec<DocBlock> = Vec::new();
    for line in lines {
        match blocks.last_mut() {
            Some(block) if block.last + 1 == line.first && block.is_inner == line.is_inner => {
                block.last = line.last;
                block.text = format!("{} {}", block.text, line.text);
            }
            _ => blocks.push(line),
        }
    }
    let is_word = |word: &&str| word.chars().any(char::is_alphanumeric);
    blocks
        .into_iter()
        .filter(|block| block.text.split_whitespace().filter(is_word).count() < DOC_WORDS_MIN)
        .map(|block| (block.first, block.text.trim().to_owned()))
        .collect()
}

/// A doc comment, or a line of one.
struct DocBlock {
    first: usize,
    last: usize,
    /// Whether it is about what surrounds it: `//!` and not `///`.
    is_inner: bool,
    text: String,
}

/// Every doc comment line, those in macros included: to the compiler each is `#[doc = "…"]`.
fn doc_lines(tokens: TokenStream, found: &mut Vec<DocBlock>) {
    let mut signs = String::new();
    for token in tokens {
        match token {
            TokenTree::Punct(sign) => {
                if sign.spacing() == Spacing::Alone && sign.as_char() == '#' {
                    signs.clear();
                }
                signs.push(sign.as_char());
                continue;
            }
            TokenTree::Group(group) => {
                let is_attribute = group.delimiter() == Delimiter::Bracket;
                if let Some(text) = doc_text(group.stream()).filter(|_| is_attribute) {
                    found.push(DocBlock {
                        first: group.span().start().line,
                        last: group.span().end().line,
                        is_inner: signs.ends_with("#!"),
                        text,
                    });
                } else {
                    doc_lines(group.stream(), found);
                }
            }
            TokenTree::Ident(_) | TokenTree::Literal(_) => {}
        }
        signs.clear();
    }
}

/// The text of `doc = "…"`.
fn doc_text(tokens: TokenStream) -> Option<String> {
    let mut tokens = tokens.into_iter();
    let name = tokens.next()?;
    let _equals = tokens.next()?;
    let (TokenTree::Ident(name), TokenTree::Literal(text)) = (name, tokens.next()?) else {
        return None;
    };
    match syn::Lit::new(text) {
        syn::Lit::Str(text) if name == "doc" => Some(text.value()),
        _ => None,
    }
}

#[test]
fn no_retired_word_is_left() {
    let mut broken = Vec::new();
    let mut tell = |path: &str, found: Vec<words::Found>| {
        let lines = found
            .into_iter()
            .map(|one| format!("{path}:{}: {} → {}", one.line, one.word, one.instead));
        broken.extend(lines);
    };
    for Source { path, text } in rust_files() {
        if path != WORDS {
            tell(&path, words::in_rust(&text, text.parse().unwrap()));
        }
    }
    for folder in FOLDERS {
        for Source { path, text } in files_below(folder, &[".js", ".md", ".sql", ".toml", ".html"])
        {
            tell(&path, words::in_text(&text));
        }
    }
    assert_none(&broken);
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIXTURE: &str = r"
//! Who.

/// Its number.
pub struct One {
    /// Speed in
    ///
    /// u/s.
    pub(crate) speed: f32,
    /// Where.
    pub place: u8,
}
macro_rules! made { () => {
    /// Why.
    pub struct Two;
} }
struct Private;
mod nested { pub(super) enum Three {} pub trait Four { type Inner; } }
#[cfg(test)] mod tests { pub struct OfTests; }
#[cfg(test)] pub struct AlsoOfTests;
pub type Five = u8;
fn body() { pub struct Local; }
";

    #[test]
    fn a_doc_comment_of_two_words_is_found_wherever_it_stands() {
        let found = short_docs(FIXTURE.parse().unwrap());
        let found: Vec<(usize, &str)> = found
            .iter()
            .map(|(line, text)| (*line, text.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                (2, "Who."),
                (4, "Its number."),
                (10, "Where."),
                (14, "Why.")
            ]
        );
    }

    #[test]
    fn public_types_are_those_that_another_module_can_name() {
        let found = public_types(&parse("fixture", FIXTURE));
        let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["One", "Three", "Four", "Five"]);
    }

    #[test]
    fn a_function_of_one_line_too_many_is_found() {
        let of = |lines: usize| format!("impl A {{\nfn f() {{{}}}\n}}", "\n".repeat(lines + 1));
        let count = |text: &str| long_functions(&parse("fixture", text)).len();
        assert_eq!(count(&of(FUNCTION_LINES_MAX)), 0);
        assert_eq!(count(&of(FUNCTION_LINES_MAX + 1)), 1);
    }
}

//! Every path that a file names, as it reads from the crate's root.
//!
//! Finds `use` trees with groups, globs and renames, paths in expressions, types and patterns,
//! paths inside macro calls and `macro_rules!`, and paths in the strings of attributes
//! (`#[serde(with = "crate::…")]`). `super::`, `self::` and names that a `use` of the same module
//! brought in are resolved. Links in doc comments and `pub(in …)` import nothing and are left out.

use std::collections::HashMap;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::visit::{self, Visit};

/// What the crate calls itself from outside.
const OWN_NAME: &str = "orrery";

/// Renames of renames are followed so far: more would be a circle.
const ALIAS_STEPS_MAX: usize = 8;

/// A path that a file names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Named {
    /// Line of its first segment.
    pub(crate) line: usize,
    /// Its segments; the first is `crate` where it leads into the crate itself.
    pub(crate) path: Vec<String>,
}

impl Named {
    /// Which layer of the crate the path leads to: empty for the crate's root as a whole, `None`
    /// for a path out of the crate.
    pub(crate) fn layer(&self) -> Option<&str> {
        match self.path.first() {
            Some(first) if first == "crate" => Some(self.path.get(1).map_or("", String::as_str)),
            _ => None,
        }
    }
}

/// Every path that a file names whose text is the given module's.
pub(crate) fn named(syntax: &syn::File, module: &[String]) -> Vec<Named> {
    let mut aliases = Aliases {
        module: module.to_vec(),
        known: HashMap::new(),
    };
    aliases.visit_file(syntax);
    let mut finder = Finder {
        module: module.to_vec(),
        aliases: aliases.known,
        found: Vec::new(),
    };
    finder.visit_file(syntax);
    finder.found.sort();
    finder.found.dedup();
    finder.found
}

/// What a `use` brings in under a name of its own, by module and name: the path as it is written.
type Known = HashMap<(Vec<String>, String), Vec<String>>;

struct Aliases {
    module: Vec<String>,
    known: Known,
}

impl<'ast> Visit<'ast> for Aliases {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let name = item.ident.to_string();
        let itself = vec!["self".to_owned(), name.clone()];
        self.known
            .insert((self.module.clone(), name.clone()), itself);
        self.module.push(name);
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_extern_crate(&mut self, item: &'ast syn::ItemExternCrate) {
        let target = match item.ident.to_string().as_str() {
            "self" => "crate".to_owned(),
            name => name.to_owned(),
        };
        if let Some((_, name)) = &item.rename {
            let key = (self.module.clone(), name.to_string());
            self.known.insert(key, vec![target]);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        for leaf in leaves(&item.tree) {
            if let Some(name) = leaf.name {
                self.known.insert((self.module.clone(), name), leaf.path);
            }
        }
    }
}

/// One path of a `use` tree.
struct Leaf {
    line: usize,
    path: Vec<String>,
    /// What it is called from now on; `None` for a glob.
    name: Option<String>,
}

fn leaves(tree: &syn::UseTree) -> Vec<Leaf> {
    let mut found = Vec::new();
    let mut waiting = vec![(Vec::<(String, usize)>::new(), tree)];
    while let Some((before, tree)) = waiting.pop() {
        let with = |ident: &syn::Ident| {
            let mut path = before.clone();
            path.push((ident.to_string(), ident.span().start().line));
            path
        };
        match tree {
            syn::UseTree::Path(one) => waiting.push((with(&one.ident), &one.tree)),
            syn::UseTree::Name(one) => found.push(leaf(with(&one.ident), None, true)),
            syn::UseTree::Rename(one) => {
                found.push(leaf(with(&one.ident), Some(one.rename.to_string()), true));
            }
            syn::UseTree::Glob(_) => found.push(leaf(before, None, false)),
            syn::UseTree::Group(group) => {
                waiting.extend(group.items.iter().map(|item| (before.clone(), item)));
            }
        }
    }
    found
}

fn leaf(mut path: Vec<(String, usize)>, rename: Option<String>, is_named: bool) -> Leaf {
    let line = path.last().map_or(0, |(_, line)| *line);
    if path.len() > 1 && path.last().is_some_and(|(name, _)| name == "self") {
        path.pop();
    }
    let path: Vec<String> = path.into_iter().map(|(name, _)| name).collect();
    let name = if is_named {
        rename.or_else(|| path.last().cloned())
    } else {
        None
    };
    Leaf { line, path, name }
}

struct Finder {
    module: Vec<String>,
    aliases: Known,
    found: Vec<Named>,
}

impl Finder {
    fn note(&mut self, line: usize, path: Vec<String>) {
        let path = self.resolve(path, ALIAS_STEPS_MAX);
        self.found.push(Named { line, path });
    }

    /// The path from the crate's root, or as it is where it leads out of the crate.
    fn resolve(&self, mut path: Vec<String>, steps: usize) -> Vec<String> {
        let from_root =
            |module: &[String], rest: &[String]| [&["crate".to_owned()], module, rest].concat();
        let Some(first) = path.first() else {
            return from_root(&self.module, &[]);
        };
        match first.as_str() {
            "crate" | OWN_NAME => from_root(&[], &path[1..]),
            "self" => from_root(&self.module, &path[1..]),
            "super" => {
                let above = path.iter().take_while(|name| *name == "super").count();
                let depth = self.module.len().saturating_sub(above);
                from_root(&self.module[..depth], &path[above..])
            }
            name => {
                let key = (self.module.clone(), name.to_owned());
                match self.aliases.get(&key) {
                    Some(target) if steps > 0 && target.first() != path.first() => {
                        let rest = path.split_off(1);
                        self.resolve([target.as_slice(), &rest].concat(), steps - 1)
                    }
                    _ => path,
                }
            }
        }
    }

    /// Paths of at least two segments among loose tokens, groups like `a::{b, c}` taken apart.
    fn note_tokens(&mut self, before: &[String], tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Ident(ident) => {
                    let line = ident.span().start().line;
                    let mut path = before.to_vec();
                    path.push(ident.to_string());
                    at += 1;
                    while is_path_sign(&tokens, at) {
                        match tokens.get(at + 2) {
                            Some(TokenTree::Ident(next)) => path.push(next.to_string()),
                            Some(TokenTree::Group(group))
                                if group.delimiter() == Delimiter::Brace =>
                            {
                                self.note_tokens(&path, group.stream());
                            }
                            _ => {}
                        }
                        at += if matches!(tokens.get(at + 2), Some(TokenTree::Ident(_))) {
                            3
                        } else {
                            2
                        };
                    }
                    if path.len() > 1 {
                        self.note(line, path);
                    }
                }
                TokenTree::Group(group) => {
                    self.note_tokens(&[], group.stream());
                    at += 1;
                }
                TokenTree::Literal(literal) => {
                    self.note_text(literal.span().start().line, &literal.to_string());
                    at += 1;
                }
                TokenTree::Punct(_) => at += 1,
            }
        }
    }

    /// A path of the crate in a string literal, as attributes have them.
    fn note_text(&mut self, line: usize, literal: &str) {
        let text = literal.trim_matches('"');
        let path: Vec<String> = text.split("::").map(str::to_owned).collect();
        let is_word = |part: &String| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        let leads_here = matches!(path[0].as_str(), "crate" | "self" | "super" | OWN_NAME);
        if path.len() > 1 && leads_here && path.iter().all(is_word) {
            self.note(line, path);
        }
    }
}

fn is_path_sign(tokens: &[TokenTree], at: usize) -> bool {
    let is_colon =
        |at: usize| matches!(tokens.get(at), Some(TokenTree::Punct(sign)) if sign.as_char() == ':');
    is_colon(at) && is_colon(at + 1)
}

impl<'ast> Visit<'ast> for Finder {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        for leaf in leaves(&item.tree) {
            self.note(leaf.line, leaf.path);
        }
    }

    fn visit_item_extern_crate(&mut self, item: &'ast syn::ItemExternCrate) {
        if item.ident == "self" {
            self.note(item.ident.span().start().line, vec!["crate".to_owned()]);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if let Some(first) = path.segments.first() {
            let names = path
                .segments
                .iter()
                .map(|segment| segment.ident.to_string());
            let names: Vec<String> = names.collect();
            // `self` alone is a value.
            if names != ["self"] {
                self.note(first.ident.span().start().line, names);
            }
        }
        visit::visit_path(self, path);
    }

    fn visit_vis_restricted(&mut self, _: &'ast syn::VisRestricted) {}

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.visit_path(&call.path);
        self.note_tokens(&[], call.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        self.visit_path(attribute.meta.path());
        match &attribute.meta {
            syn::Meta::List(list) => self.note_tokens(&[], list.tokens.clone()),
            syn::Meta::NameValue(pair) if !pair.path.is_ident("doc") => {
                visit::visit_expr(self, &pair.value);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::module_tree::parse;
    use super::*;

    /// Every form in which a file of the module `sim::npc` can name another layer. A line that
    /// does ends in a comment that says which layers are to be found; any other names none.
    const EVERY_FORM: &str = r#"
//! A link to [`net`](crate::net) imports nothing.
use crate::net; // net
use crate::net::Waker; // net
use crate::{
    ids::Name, // ids
    store::{self, Record as Stored}, // store
};
use super::super::server as composition; // server
use super::super::*; // the whole crate
use super::{market, world::World}; // sim
use self::mind::Mind; // sim
use crate as everything; // the whole crate
extern crate self as again; // the whole crate
use everything::session::token; // session
pub use again::wire::Reply; // wire
use std::time::Instant as Moment;
pub(in crate::sim) struct Agent {
    link: crate::net::Waker, // net
    rows: Vec<super::super::replication::Row>, // replication
    #[serde(with = "crate::wire::fixed")] // wire
    speed: f32,
}
fn body(book: &composition::Book) { // server
    let made = <crate::store::Record as crate::wire::Encode>::encode(book); // store wire
    assert_eq!(made, everything::limits::TICK_RATE, "{}", super::super::net::port()); // limits net
    match made { crate::recorder::Kind::Tick => {} _ => {} } // recorder
    let now = Moment::now();
    use crate::{page, ops::asset}; // page ops
    impl crate::swarm::Bot for Agent { type Of = Vec<crate::cli::Args>; } // swarm cli
}
macro_rules! read {
    ($name:ident) => { $crate::universe::$name(crate::{files, bucket::Bucket}) }; // universe files bucket
}
#[derive(Debug, crate::derive::Row)] // derive
enum Kind { One(crate::replication::Frame) } // replication
mod nested {
    use super::super::super::session; // session
    use super::super::market; // sim
    const X: u8 = super::super::super::bucket::X; // bucket
    mod deeper { use super::super::super::super::net; } // net
}
"#;

    #[test]
    fn every_form_in_which_a_file_names_another_layer_is_found() {
        let module = ["sim".to_owned(), "npc".to_owned()];
        let found = named(&parse("fixture", EVERY_FORM), &module);
        for (index, text) in EVERY_FORM.lines().enumerate() {
            let line = index + 1;
            let layers: BTreeSet<&str> = found
                .iter()
                .filter(|one| one.line == line)
                .filter_map(Named::layer)
                .collect();
            let wanted: BTreeSet<&str> = match text.rsplit_once("// ") {
                Some((_, "the whole crate")) => [""].into(),
                Some((_, marks)) => marks.split(' ').collect(),
                None => BTreeSet::new(),
            };
            // Resolving a name of its own module leads a file into its own layer.
            let layers: BTreeSet<&str> = layers
                .into_iter()
                .filter(|layer| *layer != "sim" || wanted.contains("sim"))
                .collect();
            assert_eq!(layers, wanted, "line {line}: {text}");
        }
    }

    #[test]
    fn a_renamed_type_of_the_standard_library_is_still_found() {
        let found = named(&parse("fixture", EVERY_FORM), &[]);
        let call = ["std", "time", "Instant", "now"].map(str::to_owned);
        assert!(found.iter().any(|one| one.path == call), "{found:?}");
    }
}

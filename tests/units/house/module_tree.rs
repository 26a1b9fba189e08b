//! Which file holds which module: the walk that the compiler makes from a crate's first file.
//!
//! Follows `mod name;` through nested modules and `#[path]`, so that `super::` in any file can be
//! resolved. A file that no walk reaches is compiled by nobody.

use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};

/// A file of a crate, and where its text hangs in the crate's tree of modules.
pub(crate) struct ModuleFile {
    /// Where the file lies.
    pub(crate) file: PathBuf,
    /// Names of the modules from the crate's root down to this one; none for the root itself.
    pub(crate) module: Vec<String>,
    /// The parsed file.
    pub(crate) syntax: syn::File,
}

/// Every file of the crate whose first file is this one.
pub(crate) fn walk(first: &Path) -> Vec<ModuleFile> {
    let mut found = Vec::new();
    let mut waiting = vec![(first.to_owned(), Vec::new(), true)];
    while let Some((file, module, owns_folder)) = waiting.pop() {
        let text =
            fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let syntax = parse(&file.display().to_string(), &text);
        for child in children(&file, owns_folder, &syntax) {
            let names = [module.as_slice(), &child.names].concat();
            waiting.push((child.file, names, child.owns_folder));
        }
        found.push(ModuleFile {
            file,
            module,
            syntax,
        });
    }
    found
}

/// Parses a file, or says where it is not Rust.
pub(crate) fn parse(name: &str, text: &str) -> syn::File {
    syn::parse_file(text).unwrap_or_else(|error| {
        panic!("{name}:{}: {error}", error.span().start().line);
    })
}

/// A module that a file declares and another file holds.
struct Child {
    /// Names of the modules from the declaring file's own down to this one.
    names: Vec<String>,
    file: PathBuf,
    /// Its own modules lie beside it and not in a folder of its name: `mod.rs`, and whatever
    /// `#[path]` leads to.
    owns_folder: bool,
}

/// Every `mod name;` of a file, those inside nested modules included.
fn children(file: &Path, owns_folder: bool, syntax: &syn::File) -> Vec<Child> {
    let beside = file.parent().unwrap().to_owned();
    let below = if owns_folder {
        beside.clone()
    } else {
        beside.join(file.file_stem().unwrap())
    };
    let mut finder = ChildFinder {
        beside,
        below,
        nested: Vec::new(),
        found: Vec::new(),
    };
    finder.visit_file(syntax);
    finder.found
}

struct ChildFinder {
    /// Folder of the file.
    beside: PathBuf,
    /// Folder of the modules that the file declares.
    below: PathBuf,
    /// Modules written out in the file that surround the place of the walk.
    nested: Vec<String>,
    found: Vec<Child>,
}

impl<'ast> Visit<'ast> for ChildFinder {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let name = item.ident.to_string();
        if item.content.is_some() {
            self.nested.push(name);
            visit::visit_item_mod(self, item);
            self.nested.pop();
            return;
        }
        let inner: PathBuf = self.nested.iter().collect();
        let (file, owns_folder) = if let Some(path) = path_attribute(&item.attrs) {
            let folder = if self.nested.is_empty() {
                &self.beside
            } else {
                &self.below
            };
            (folder.join(inner).join(path), true)
        } else {
            let folder = self.below.join(inner);
            let flat = folder.join(format!("{name}.rs"));
            if flat.exists() {
                (flat, false)
            } else {
                (folder.join(&name).join("mod.rs"), true)
            }
        };
        let names = [self.nested.as_slice(), &[name]].concat();
        self.found.push(Child {
            names,
            file,
            owns_folder,
        });
    }
}

/// What `#[path = "…"]` says.
fn path_attribute(attributes: &[syn::Attribute]) -> Option<String> {
    attributes.iter().find_map(|attribute| {
        let syn::Meta::NameValue(pair) = &attribute.meta else {
            return None;
        };
        match &pair.value {
            syn::Expr::Lit(value) if pair.path.is_ident("path") => match &value.lit {
                syn::Lit::Str(text) => Some(text.value()),
                _ => None,
            },
            _ => None,
        }
    })
}

#[test]
fn a_module_is_found_where_its_path_attribute_and_its_nesting_put_it() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("lib.rs", "mod a; #[path = \"odd/b.rs\"] mod other;"),
        ("a.rs", "mod inner { mod c; #[path = \"d.rs\"] mod e; }"),
        ("odd/b.rs", "mod f; mod g;"),
        ("odd/f/mod.rs", ""),
        ("odd/g.rs", "mod h;"),
        ("odd/g/h.rs", ""),
        ("a/inner/c.rs", ""),
        ("a/inner/d.rs", ""),
    ] {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    let mut found: Vec<(String, String)> = walk(&folder.path().join("lib.rs"))
        .into_iter()
        .map(|one| {
            let file = one.file.strip_prefix(folder.path()).unwrap();
            (one.module.join("::"), file.to_str().unwrap().to_owned())
        })
        .collect();
    found.sort();
    let wanted = [
        ("", "lib.rs"),
        ("a", "a.rs"),
        ("a::inner::c", "a/inner/c.rs"),
        ("a::inner::e", "a/inner/d.rs"),
        ("other", "odd/b.rs"),
        ("other::f", "odd/f/mod.rs"),
        ("other::g", "odd/g.rs"),
        ("other::g::h", "odd/g/h.rs"),
    ];
    let wanted = wanted.map(|(module, file)| (module.to_owned(), file.to_owned()));
    assert_eq!(found, wanted);
}

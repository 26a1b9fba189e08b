//! The house rules that a compiler does not check, read off the syntax trees of the whole repository.

mod js_imports;
mod layers;
mod module_tree;
mod paths;
mod sources;
mod tidy;
mod words;

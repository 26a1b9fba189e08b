//! Pages about the whole: start with [`architecture`].

#[doc = include_str!("architecture.md")]
pub mod architecture {}
#[doc = include_str!("changelog.md")]
pub mod changelog {}
#[doc = include_str!("contributing.md")]
pub mod contributing {}
#[doc = include_str!("glossary.md")]
pub mod glossary {}
#[doc = include_str!("operating.md")]
pub mod operating {}
#[doc = include_str!("testing.md")]
pub mod testing {}

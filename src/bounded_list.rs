//! Lists that a stranger's bytes may fill only so far.
//!
//! A list read by serde's own means grows as long as there are bytes for it. The ones here stop at a
//! bound that stands beside the field.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

/// Reads a list, for `#[serde(deserialize_with = "…")]`. Allocates nothing for items that are
/// promised and do not come.
///
/// # Errors
/// The list has more than `MAX` items: the item after the last is read and no further one.
pub(crate) fn at_most<'de, D, T, const MAX: usize>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    deserializer.deserialize_seq(Items::<T, MAX>(PhantomData))
}

struct Items<T, const MAX: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for Items<T, MAX> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {MAX} items")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            if items.len() == MAX {
                return Err(A::Error::invalid_length(MAX + 1, &self));
            }
            items.push(item);
        }
        Ok(items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Three(#[serde(deserialize_with = "at_most::<_, _, 3>")] Vec<u8>);

    #[test]
    fn a_list_is_read_up_to_its_bound_and_refused_beyond() {
        let read = |text: &str| serde_json::from_str(text).map(|Three(items)| items);
        assert_eq!(read("[]").unwrap(), Vec::<u8>::new());
        assert_eq!(read("[1, 2, 3]").unwrap(), [1, 2, 3]);
        let error = read("[1, 2, 3, 4, 5]").unwrap_err().to_string();
        assert!(error.contains("a list of at most 3 items"), "{error}");
    }
}

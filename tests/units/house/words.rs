//! The words that are retired, and the field's word for each: the glossary's table as data.
//!
//! Only this file may hold them. A word that means something else elsewhere is retired only as far
//! as it misled: `Turn` as the name of a type, not `turn` of a ship's rudder.

use proc_macro2::{TokenStream, TokenTree};

/// Where a word is retired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// In identifiers, as a part of them too (`open_theatre`), in comments and in strings.
    Anywhere,
    /// In identifiers, as a part of them too.
    Names,
    /// As the whole name of a type or a trait.
    Types,
    /// As the whole name of a function.
    Functions,
}

use Reach::{Anywhere, Functions, Names, Types};

/// The word, how far it is retired, and what to use instead.
pub(crate) const RETIRED: &[(&str, Reach, &str)] = &[
    ("theatre", Anywhere, "SystemInstance, instance"),
    ("vault", Anywhere, "DurableStore, StoreClient, store"),
    ("roster", Anywhere, "Players, players"),
    ("purse", Anywhere, "Wallet, wallet"),
    ("mailbox", Anywhere, "BoundedQueue, queue, inbox"),
    ("bell", Anywhere, "Notify, waker"),
    ("Gate", Types, "Gateway"),
    ("desk", Anywhere, "orders, SessionContext"),
    ("beat", Anywhere, "tick, TickThread"),
    ("thrift", Anywhere, "ShedLevel, load shedding"),
    ("berth", Anywhere, "docking slot"),
    ("refuge", Anywhere, "respawn station"),
    ("whence", Anywhere, "from which account, system or place"),
    ("pilotage", Anywhere, "steering"),
    ("letter", Names, "Reply, AddressedReply"),
    ("stir", Names, "wake"),
    ("rouse", Names, "take"),
    ("wish", Names, "Order"),
    ("sniff", Names, "parse once"),
    ("portrait", Names, "to_record, stored_pilot"),
    ("Core", Types, "Node"),
    ("ToCore", Types, "ToNode"),
    ("Ring", Types, "Notify"),
    ("Notices", Types, "DurabilityNotifier"),
    ("Pace", Types, "TickSchedule"),
    ("Turn", Types, "StepDecision"),
    ("Book", Types, "BatchBuilder"),
    ("OpenOrder", Types, "PendingOrder"),
    ("Done", Types, "OrderOutcome"),
    ("PlayerKey", Types, "PlayerHandle"),
    ("Kept", Types, "RestoredState"),
    ("Doors", Types, "ConnectionLimiter, HttpRoutes"),
    ("DoorFigures", Types, "ConnectionMetrics"),
    ("Pass", Types, "ConnectionPermit"),
    ("Tally", Types, "Counters"),
    ("Chart", Types, "SystemChart"),
    ("Stage", Types, "PublishContext, or what the stage is of"),
    ("Stretch", Types, "chunk, or what the stretch is of"),
    ("Besides", Types, "a name that says its contents"),
    ("Growing", Types, "a name that says its contents"),
    ("Oldest", Types, "OldestBatch"),
    ("Gone", Types, "RemovalReason"),
    ("Departure", Types, "Removal"),
    ("Spiral", Types, "SpiralSearch"),
    ("Curve", Types, "MortonCurve"),
    ("Ground", Types, "PatrolMap"),
    ("Mind", Types, "NpcAgent"),
    ("Senses", Types, "perception"),
    ("Helm", Types, "Steering"),
    ("TapedWorld", Types, "RecordedWorld"),
    ("ring", Functions, "notify"),
    ("revive", Functions, "from_record"),
    ("boarding", Functions, "login, join"),
    ("settling", Functions, "apply_outcome"),
    ("whole", Functions, "write_full_rows"),
    ("entered", Functions, "write_entered_cells"),
    ("thinned", Functions, "write_thinned_cells"),
    ("arrivals", Functions, "write_arrivals"),
    ("removals", Functions, "write_removals"),
    ("forgotten", Functions, "write_forgotten"),
];

/// A retired word that a file holds.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Found {
    /// Where it stands.
    pub(crate) line: usize,
    /// The identifier or word that holds it.
    pub(crate) word: String,
    /// What to use.
    pub(crate) instead: &'static str,
}

/// Every retired word of a Rust file.
pub(crate) fn in_rust(text: &str, tokens: TokenStream) -> Vec<Found> {
    let mut found = in_text(text);
    in_tokens(tokens, &mut found);
    found.sort();
    found.dedup();
    found
}

/// Every word of a text that is retired anywhere.
pub(crate) fn in_text(text: &str) -> Vec<Found> {
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for word in line.split(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_') {
            found.extend(
                retired(word, |reach| reach == Anywhere).map(|instead| Found {
                    line: index + 1,
                    word: word.to_owned(),
                    instead,
                }),
            );
        }
    }
    found
}

fn in_tokens(tokens: TokenStream, found: &mut Vec<Found>) {
    let mut before = String::new();
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => {
                let word = ident.to_string();
                let whole = match before.as_str() {
                    "struct" | "enum" | "union" | "trait" | "type" => Some(Types),
                    "fn" => Some(Functions),
                    _ => None,
                };
                let as_definition = RETIRED
                    .iter()
                    .find(|(name, reach, _)| *name == word && Some(*reach) == whole)
                    .map(|(_, _, instead)| *instead);
                let instead = as_definition.or_else(|| retired(&word, |reach| reach == Names));
                found.extend(instead.map(|instead| Found {
                    line: ident.span().start().line,
                    word: word.clone(),
                    instead,
                }));
                before = word;
            }
            TokenTree::Group(group) => {
                before.clear();
                in_tokens(group.stream(), found);
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => before.clear(),
        }
    }
}

/// What to use instead of a word, one of whose parts is retired so far.
fn retired(word: &str, reaches: impl Fn(Reach) -> bool) -> Option<&'static str> {
    let parts = parts(word);
    RETIRED
        .iter()
        .find(|(name, reach, _)| {
            let is_it = |part: &String| part == name || part.strip_suffix('s') == Some(name);
            reaches(*reach) && parts.iter().any(is_it)
        })
        .map(|(_, _, instead)| *instead)
}

/// The words that an identifier is made of, in lower case: `OpenVault` and `open_vault` alike.
fn parts(word: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut was_lower = false;
    for sign in word.chars() {
        if sign == '_' || sign.is_ascii_uppercase() && was_lower {
            parts.push(String::new());
        }
        was_lower = sign.is_ascii_lowercase() || sign.is_ascii_digit();
        if sign != '_'
            && let Some(part) = parts.last_mut()
        {
            part.push(sign.to_ascii_lowercase());
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each line that holds a retired word ends in the word to use instead.
    const FIXTURE: &str = r#"
struct StoreVault; //= DurableStore, StoreClient, store
enum Turn { Rest } //= StepDecision
fn turn(turn: f32) -> Sent { Sent::Gone }
trait Ring { fn ring(&self); } //= Notify, notify
fn body() { let open_letters = "a letter of the alphabet"; } //= Reply, AddressedReply
// One theatre for every system. //= SystemInstance, instance
const NAME: &str = "purse"; //= Wallet, wallet
const VAULTS_MAX: usize = 3; //= DurableStore, StoreClient, store
fn heartbeat(gateway: Gateway) { stirrup(desktop); }
type Mind = u8; //= NpcAgent
fn think() { assert!(matches!(mind, Mind)); }
fn check() { assert!(is_roused(roused)); let wishes = wish(); } //= Order
"#;

    #[test]
    fn a_retired_word_is_found_in_every_reach_that_it_has_and_no_further() {
        let found = in_rust(FIXTURE, FIXTURE.parse().unwrap());
        for (index, text) in FIXTURE.lines().enumerate() {
            let line = index + 1;
            let instead: Vec<&str> = found
                .iter()
                .filter(|one| one.line == line)
                .map(|one| one.instead)
                .collect();
            let wanted = text.split_once("//= ").map_or("", |(_, mark)| mark);
            assert_eq!(instead.join(", "), wanted, "line {line}: {text}");
        }
    }
}

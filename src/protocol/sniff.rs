//! A look at a text before it is parsed: which request it seems to be, and its `seq`.
//!
//! Rate limits come before parsing, and they need the class of a message and something to answer.
//! The look is one linear scan of the top level, it allocates nothing and promises nothing: text
//! that is no JSON, or keys written with escapes, are just not recognised. Whoever parses
//! the message later must not trust what was sniffed.

use super::request::RequestKind;
use super::value::Seq;

/// What a text seems to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sniff {
    /// The request its `type` names.
    pub kind: Option<RequestKind>,
    /// Number of the message, if it has one.
    pub seq: Option<Seq>,
}

/// Looks for `type` and `seq` among the top-level fields; stops as soon as both are found.
///
/// Work is linear in the text, a byte at a time, whatever the text holds.
pub fn sniff(text: &[u8]) -> Sniff {
    let mut found = Sniff::default();
    let mut scan = Scan { text, at: 0 };
    scan.blank();
    if !scan.take(b'{') {
        return found;
    }
    scan.blank();
    let mut name_known = false;
    while let Some(key) = scan.string() {
        scan.blank();
        if !scan.take(b':') {
            break;
        }
        scan.blank();
        match key {
            b"type" => {
                let name = scan.string().and_then(|name| str::from_utf8(name).ok());
                found.kind = name.and_then(RequestKind::from_wire_name);
                name_known = true;
            }
            b"seq" => found.seq = scan.number(),
            _ => {}
        }
        if name_known && found.seq.is_some() {
            break;
        }
        scan.past_value();
    }
    found
}

struct Scan<'t> {
    text: &'t [u8],
    at: usize,
}

impl<'t> Scan<'t> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let taken = self.peek() == Some(byte);
        self.at += usize::from(taken);
        taken
    }

    fn blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// The raw content of a string that begins here, escapes and all.
    fn string(&mut self) -> Option<&'t [u8]> {
        if !self.take(b'"') {
            return None;
        }
        let from = self.at;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        let content = self.text.get(from..self.at)?;
        self.at += 1;
        Some(content)
    }

    fn number(&mut self) -> Option<Seq> {
        let mut number: Option<u64> = None;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            let digit = u64::from(digit - b'0');
            number = Some(number.unwrap_or(0).checked_mul(10)?.checked_add(digit)?);
            self.at += 1;
        }
        number.and_then(Seq::new)
    }

    /// Moves behind what is left of a value and its comma, to the next key.
    fn past_value(&mut self) {
        let mut depth = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => {
                    if self.string().is_none() {
                        return;
                    }
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' if depth == 0 => return,
                b'}' | b']' => depth -= 1,
                b',' if depth == 0 => {
                    self.at += 1;
                    self.blank();
                    return;
                }
                _ => {}
            }
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seen(text: &str) -> (Option<RequestKind>, Option<u64>) {
        let Sniff { kind, seq } = sniff(text.as_bytes());
        (kind, seq.map(Seq::number))
    }

    #[test]
    fn fields_are_found_in_any_order() {
        let buy = (Some(RequestKind::Buy), Some(7));
        for text in [
            r#"{"type":"trade.buy","seq":7,"payload":{}}"#,
            r#"{"payload":{"type":"ping","seq":1,"x":["}",{"a":"\"]"}]},"seq":7,"type":"trade.buy"}"#,
            " {\n \"ts\" : 1.5e3 , \"seq\" : 7 , \"type\" : \"trade.buy\" } ",
        ] {
            assert_eq!(seen(text), buy, "{text}");
        }
    }

    #[test]
    fn what_is_not_recognised_stays_unknown() {
        assert_eq!(seen(r#"{"type":"nope","seq":1}"#), (None, Some(1)));
        assert_eq!(seen(r#"{"seq":99999999999999999999}"#), (None, None));
        assert_eq!(seen(r#"["type","ping"]"#), (None, None));
        assert_eq!(seen(r#"{"type":"ping"#), (None, None));
    }

    proptest! {
        #[test]
        fn any_bytes_are_looked_at_without_harm(bytes: Vec<u8>) {
            sniff(&bytes);
        }

        #[test]
        fn nearly_json_is_looked_at_without_harm(text in r#"[{}\[\]",:\\a1 ]{0,60}"#) {
            sniff(text.as_bytes());
        }
    }
}

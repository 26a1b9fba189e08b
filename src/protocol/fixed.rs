//! Decimal numbers of the wire as integers: [`Fixed2`] counts hundredths, [`Angle`] ten-thousandths
//! of a radian.
//!
//! Rounding happens once, when the value is made. The text has no trailing zeros, no exponent and
//! no negative zero, and NaN cannot be held: `1200`, `-0.5`, `1.57`. Both encoders (simd-json-derive
//! for hot rows, serde for everything else) write the same text.

use std::borrow::Cow;
use std::io::Write;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number with two decimals, within ±21 474 836.47.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fixed2(i32);

impl Fixed2 {
    /// Rounds half away from zero; beyond the range saturates, NaN becomes 0.
    #[inline]
    pub fn new(value: f32) -> Self {
        Self::from_f64(f64::from(value))
    }

    /// As [`Self::new`], from double precision.
    #[inline]
    pub fn from_f64(value: f64) -> Self {
        let scaled = value * 100.0;
        Self((scaled + 0.5_f64.copysign(scaled)) as i32)
    }

    /// From a count of hundredths.
    #[inline]
    pub const fn from_hundredths(hundredths: i32) -> Self {
        Self(hundredths)
    }

    /// The number of hundredths.
    #[inline]
    pub const fn hundredths(self) -> i32 {
        self.0
    }

    /// The number as a double.
    pub fn to_f64(self) -> f64 {
        f64::from(self.0) / 100.0
    }
}

/// Ten-thousandths of a radian, in (-π, π] after rounding too: -31415..=31415.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Angle(i32);

impl Angle {
    /// Largest count that is still at most π.
    const MAX: i32 = 31_415;

    /// Wraps into (-π, π] and rounds half away from zero; NaN and infinities become 0.
    #[inline]
    pub fn new(radians: f32) -> Self {
        use std::f64::consts::{PI, TAU};
        let mut radians = f64::from(radians);
        if radians.abs() > PI {
            radians = PI - (PI - radians).rem_euclid(TAU);
        }
        let scaled = radians * 10_000.0;
        let rounded = (scaled + 0.5_f64.copysign(scaled)) as i32;
        Self(rounded.clamp(-Self::MAX, Self::MAX))
    }

    /// The number of ten-thousandths of a radian.
    #[inline]
    pub const fn ten_thousandths(self) -> i32 {
        self.0
    }

    /// The angle in radians.
    pub fn to_f64(self) -> f64 {
        f64::from(self.0) / 10_000.0
    }
}

/// Longest text of a fixed-point number: sign, ten digits, point.
const TEXT_BYTES_MAX: usize = 12;

/// `count / 10^DECIMALS` as text without trailing zeros, filled from the buffer's end.
#[inline]
fn text<const DECIMALS: usize>(count: i32, buffer: &mut [u8; TEXT_BYTES_MAX]) -> &[u8] {
    let mut at = TEXT_BYTES_MAX;
    let mut rest = count.unsigned_abs();
    let mut written = false;
    for _ in 0..DECIMALS {
        let digit = (rest % 10) as u8;
        rest /= 10;
        if written || digit != 0 {
            at -= 1;
            buffer[at] = b'0' + digit;
            written = true;
        }
    }
    if written {
        at -= 1;
        buffer[at] = b'.';
    }
    loop {
        at -= 1;
        buffer[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if count < 0 {
        at -= 1;
        buffer[at] = b'-';
    }
    &buffer[at..]
}

impl simd_json_derive::Serialize for Fixed2 {
    #[inline]
    fn json_write<W: Write>(&self, writer: &mut W) -> simd_json_derive::Result {
        writer.write_all(text::<2>(self.0, &mut [0; TEXT_BYTES_MAX]))
    }
}

impl simd_json_derive::Serialize for Angle {
    #[inline]
    fn json_write<W: Write>(&self, writer: &mut W) -> simd_json_derive::Result {
        writer.write_all(text::<4>(self.0, &mut [0; TEXT_BYTES_MAX]))
    }
}

impl Serialize for Fixed2 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 % 100 == 0 {
            serializer.serialize_i32(self.0 / 100)
        } else {
            serializer.serialize_f64(self.to_f64())
        }
    }
}

impl Serialize for Angle {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 % 10_000 == 0 {
            serializer.serialize_i32(self.0 / 10_000)
        } else {
            serializer.serialize_f64(self.to_f64())
        }
    }
}

impl<'de> Deserialize<'de> for Fixed2 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        f64::deserialize(deserializer).map(Self::from_f64)
    }
}

impl<'de> Deserialize<'de> for Angle {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        f64::deserialize(deserializer).map(|radians| Self::new(radians as f32))
    }
}

impl JsonSchema for Fixed2 {
    fn schema_name() -> Cow<'static, str> {
        "Fixed2".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "description": "A number with at most two decimals." })
    }
}

impl JsonSchema for Angle {
    fn schema_name() -> Cow<'static, str> {
        "Angle".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "number",
            "description": "An angle in radians in (-π, π], with at most four decimals.",
            "exclusiveMinimum": -std::f64::consts::PI,
            "maximum": std::f64::consts::PI,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use simd_json_derive::Serialize as _;

    use super::*;

    fn fixed(value: f32) -> String {
        Fixed2::new(value).json_string().unwrap()
    }

    #[test]
    fn text_is_short_and_never_negative_zero() {
        let cases: [(f32, &str); 12] = [
            (1200.0, "1200"),
            (-0.5, "-0.5"),
            (1.57, "1.57"),
            (0.0, "0"),
            (-0.0, "0"),
            (-0.004, "0"),
            (0.375, "0.38"),
            (-10.1, "-10.1"),
            (100.05, "100.05"),
            (f32::NAN, "0"),
            (f32::INFINITY, "21474836.47"),
            (f32::NEG_INFINITY, "-21474836.48"),
        ];
        for (value, expected) in cases {
            assert_eq!(fixed(value), expected, "{value}");
        }
    }

    #[test]
    fn an_angle_stays_within_pi_after_rounding() {
        use std::f32::consts::PI;
        let text = |radians| Angle::new(radians).json_string().unwrap();
        assert_eq!(text(PI - 1e-6), "3.1415");
        assert_eq!(text(1e-6 - PI), "-3.1415");
        assert_eq!(text(1.62), "1.62");
        assert_eq!(text(4.0), "-2.2832");
        assert_eq!(text(-0.00004), "0");
        assert_eq!(text(f32::NAN), "0");
        assert_eq!(text(f32::INFINITY), "0");
    }

    proptest! {
        #[test]
        fn both_encoders_write_the_same_text(hundredths: i32, radians in -100.0_f32..100.0) {
            let value = Fixed2::from_hundredths(hundredths);
            prop_assert_eq!(value.json_string().unwrap(), serde_json::to_string(&value).unwrap());
            let angle = Angle::new(radians);
            prop_assert_eq!(angle.json_string().unwrap(), serde_json::to_string(&angle).unwrap());
        }

        #[test]
        fn text_reads_back_as_the_same_number(hundredths: i32) {
            let value = Fixed2::from_hundredths(hundredths);
            let back: Fixed2 = serde_json::from_str(&value.json_string().unwrap()).unwrap();
            prop_assert_eq!(back, value);
        }

        #[test]
        fn an_angle_names_the_same_direction(radians in -1000.0_f32..1000.0) {
            let angle = Angle::new(radians);
            prop_assert!(angle.to_f64().abs() < std::f64::consts::PI);
            let turn = f64::from(radians) - angle.to_f64();
            prop_assert!(turn.sin().abs() < 2e-4 && turn.cos() > 0.0);
        }
    }
}

//! Exact decimal numbers.
//!
//! A policy that says `at_most: 50` must not be passed by `50.000000000000001`, so nothing here is ever a float. A number
//! keeps the text it was written in (that text is what the tool receives) beside the decimal it means (that decimal is what
//! a matcher compares and what the canonical call holds).

use std::cmp::Ordering;
use std::fmt;

/// Significant digits in a number at most: what an `i128` holds with room to align two of them.
pub const NUMBER_DIGITS_MAX: usize = 36;
/// Decimal exponent at most, either sign: the range of an IEEE 754 double, beyond which no tool can read the number.
pub const NUMBER_EXPONENT_MAX: i32 = 308;

/// A JSON number: its text as written and its exact value.
#[derive(Clone, Debug)]
pub struct Number {
    text: String,
    decimal: Decimal,
}

impl Number {
    /// Reads a number in JSON's grammar (RFC 8259, section 6).
    pub fn parse(text: &str) -> Result<Number, NumberError> {
        Ok(Number { text: text.to_owned(), decimal: Decimal::parse(text)? })
    }

    /// The text as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The exact value.
    pub fn decimal(&self) -> Decimal {
        self.decimal
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Number {
        Number { text: value.to_string(), decimal: Decimal::new(i128::from(value), 0) }
    }
}

/// Two numbers are equal when their values are: `1.0` equals `1`.
impl PartialEq for Number {
    fn eq(&self, other: &Number) -> bool {
        self.decimal == other.decimal
    }
}

impl Eq for Number {}

/// A JSON number beyond what is exact: more digits than are compared, or a power of ten beyond a double's. It is passed on as it
/// was written, and never compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WideNumber(String);

/// Zeros that are written out behind the digits of a number at most, to look at it as an integer.
const WRITTEN_ZEROS_MAX: usize = 64;

impl WideNumber {
    /// Takes a number in JSON's grammar that [`Number::parse`] finds too wide.
    pub(crate) fn parse(text: &str) -> Result<WideNumber, NumberError> {
        let rest = text.strip_prefix('-').unwrap_or(text);
        let (significand, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let (whole, fraction) = significand.split_once('.').unwrap_or((significand, "0"));
        let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let fits =
            [whole, fraction, exponent].into_iter().all(are_digits) && !(whole.len() > 1 && whole.starts_with('0'));
        if fits { Ok(WideNumber(text.to_owned())) } else { Err(NumberError::Syntax) }
    }

    /// The text as it was written.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Why it cannot be compared.
    pub(crate) fn why(&self) -> NumberError {
        Number::parse(&self.0).err().unwrap_or(NumberError::OutOfRange)
    }

    /// Its digits in plain notation where the power of ten is near, and otherwise its digits alone: what a reader would look for
    /// in it.
    pub(crate) fn plain(&self) -> String {
        let rest = self.0.strip_prefix('-').unwrap_or(&self.0);
        let (significand, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
        let (whole, fraction) = significand.split_once('.').unwrap_or((significand, ""));
        let mut digits = format!("{whole}{fraction}");
        let places = parse_exponent(exponent).ok().and_then(|exponent| isize::try_from(exponent).ok());
        let point = places.and_then(|places| whole.len().checked_add_signed(places));
        match point {
            Some(point) if point <= digits.len() => digits.insert(point, '.'),
            Some(point) if point - digits.len() <= WRITTEN_ZEROS_MAX => {
                digits.extend(std::iter::repeat_n('0', point - digits.len()));
            }
            _ => {}
        }
        digits
    }
}

/// An exact decimal: `mantissa * 10^exponent`, with no trailing zero in the mantissa.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Decimal {
    mantissa: i128,
    exponent: i32,
}

impl Decimal {
    /// Zero.
    pub const ZERO: Decimal = Decimal { mantissa: 0, exponent: 0 };

    /// The decimal `mantissa * 10^exponent`, normalised.
    pub fn new(mut mantissa: i128, mut exponent: i32) -> Decimal {
        if mantissa == 0 {
            return Decimal::ZERO;
        }
        while mantissa % 10 == 0 {
            mantissa /= 10;
            exponent = exponent.saturating_add(1);
        }
        Decimal { mantissa, exponent }
    }

    /// Reads a number in JSON's grammar: no leading zero or plus sign, no bare point, no infinity.
    pub fn parse(text: &str) -> Result<Decimal, NumberError> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (significand, exponent) = match rest.split_once(['e', 'E']) {
            Some((significand, exponent)) => (significand, parse_exponent(exponent)?),
            None => (rest, 0),
        };
        let (whole, fraction) = match significand.split_once('.') {
            Some((_, "")) => return Err(NumberError::Syntax),
            Some((whole, fraction)) => (whole, fraction),
            None => (significand, ""),
        };
        let leading_zero = whole.len() > 1 && whole.starts_with('0');
        if whole.is_empty() || leading_zero || !(whole.bytes().chain(fraction.bytes())).all(|b| b.is_ascii_digit()) {
            return Err(NumberError::Syntax);
        }
        let digits: String = whole.chars().chain(fraction.chars()).collect();
        let significant = digits.trim_start_matches('0').trim_end_matches('0');
        if significant.is_empty() {
            return Ok(Decimal::ZERO);
        }
        if significant.len() > NUMBER_DIGITS_MAX {
            return Err(NumberError::TooManyDigits);
        }
        let trailing_zeros = digits.len() - digits.trim_end_matches('0').len();
        let scale =
            i64::try_from(trailing_zeros).unwrap_or(i64::MAX) - i64::try_from(fraction.len()).unwrap_or(i64::MAX);
        let exponent = i32::try_from(i64::from(exponent).saturating_add(scale)).map_err(|_| NumberError::OutOfRange)?;
        let magnitude: i128 = significant.parse().map_err(|_| NumberError::TooManyDigits)?;
        let decimal = Decimal::new(if negative { -magnitude } else { magnitude }, exponent);
        if decimal.top_exponent().abs() > NUMBER_EXPONENT_MAX { Err(NumberError::OutOfRange) } else { Ok(decimal) }
    }

    /// Whether the value is below zero.
    pub fn is_negative(self) -> bool {
        self.mantissa < 0
    }

    /// Whether the value has no fractional part.
    pub fn is_integer(self) -> bool {
        self.exponent >= 0
    }

    /// The value in millionths, rounded away from zero so that a budget is never under-counted; `None` where a log entry
    /// could not hold it (RFC 8785 integers end at 2^53).
    pub fn to_micros(self) -> Option<i64> {
        let shift = self.exponent.checked_add(6)?;
        let micros = if shift >= 0 {
            self.mantissa.checked_mul(10i128.checked_pow(u32::try_from(shift).ok()?)?)?
        } else {
            match 10i128.checked_pow(shift.unsigned_abs()) {
                Some(divisor) => {
                    let floor = self.mantissa / divisor;
                    if self.mantissa % divisor == 0 { floor } else { floor + self.mantissa.signum() }
                }
                None => self.mantissa.signum(),
            }
        };
        let micros = i64::try_from(micros).ok()?;
        (micros.unsigned_abs() <= MICROS_MAX).then_some(micros)
    }

    /// The power of ten of the first digit: what two numbers of one sign are compared by first.
    fn top_exponent(self) -> i32 {
        let digits =
            self.mantissa.unsigned_abs().checked_ilog10().map_or(0, |log| i32::try_from(log).unwrap_or(i32::MAX));
        self.exponent.saturating_add(digits)
    }
}

/// The largest magnitude of micro-units in a log entry, in millionths: 2^53 - 1, the last integer every JSON reader agrees on.
pub const MICROS_MAX: u64 = (1 << 53) - 1;

impl Ord for Decimal {
    fn cmp(&self, other: &Decimal) -> Ordering {
        let sign = self.mantissa.signum();
        if sign != other.mantissa.signum() || sign == 0 {
            return self.mantissa.signum().cmp(&other.mantissa.signum());
        }
        let magnitude = self.top_exponent().cmp(&other.top_exponent()).then_with(|| {
            // With the first digits at one power of ten, aligning moves at most NUMBER_DIGITS_MAX places: no overflow.
            let low = self.exponent.min(other.exponent);
            let align = |d: &Decimal| {
                let places = d.exponent.saturating_sub(low).unsigned_abs();
                10i128.checked_pow(places).and_then(|p| d.mantissa.abs().checked_mul(p)).unwrap_or(i128::MAX)
            };
            align(self).cmp(&align(other))
        });
        if sign > 0 { magnitude } else { magnitude.reverse() }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Decimal) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The normalised decimal text: plain digits where that is short, otherwise `<digits>e<exponent>`.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let digits = self.mantissa.unsigned_abs().to_string();
        let places = usize::try_from(self.exponent.unsigned_abs()).unwrap_or(usize::MAX);
        if places > NUMBER_DIGITS_MAX {
            write!(f, "{sign}{digits}e{}", self.exponent)
        } else if self.exponent >= 0 {
            write!(f, "{sign}{digits}{}", "0".repeat(places))
        } else if places < digits.len() {
            let (whole, fraction) = digits.split_at_checked(digits.len() - places).unwrap_or((&digits, ""));
            write!(f, "{sign}{whole}.{fraction}")
        } else {
            write!(f, "{sign}0.{}{digits}", "0".repeat(places - digits.len()))
        }
    }
}

/// Why a number cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Not JSON's grammar of a number.
    #[error("not a number in JSON's grammar")]
    Syntax,
    /// More than [`NUMBER_DIGITS_MAX`] significant digits.
    #[error("a number with more than {NUMBER_DIGITS_MAX} significant digits")]
    TooManyDigits,
    /// Beyond [`NUMBER_EXPONENT_MAX`].
    #[error("a number beyond the range of a double (10^{NUMBER_EXPONENT_MAX})")]
    OutOfRange,
}

fn parse_exponent(text: &str) -> Result<i32, NumberError> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(NumberError::Syntax);
    }
    let magnitude: i32 = digits.parse().map_err(|_| NumberError::OutOfRange)?;
    Ok(if text.starts_with('-') { -magnitude } else { magnitude })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, NumberError>) {
        let got = Decimal::parse(text).map(|d| d.to_string());
        assert_eq!(got, expected.map(str::to_owned), "{text}");
    }

    #[test]
    fn numbers_are_read_exactly_or_refused() {
        for (text, expected) in [
            ("0", Ok("0")),
            ("-0.00", Ok("0")),
            ("100", Ok("100")),
            ("100.0", Ok("100")),
            ("1e2", Ok("100")),
            ("100.000000000000001", Ok("100.000000000000001")),
            ("0.05", Ok("0.05")),
            ("-12.50E-1", Ok("-1.25")),
            ("1e300", Ok("1e300")),
            ("1e400", Err(NumberError::OutOfRange)),
            ("1e99999999999", Err(NumberError::OutOfRange)),
            ("1234567890123456789012345678901234567", Err(NumberError::TooManyDigits)),
            ("01", Err(NumberError::Syntax)),
            ("+1", Err(NumberError::Syntax)),
            (".5", Err(NumberError::Syntax)),
            ("5.", Err(NumberError::Syntax)),
            ("1e", Err(NumberError::Syntax)),
            ("0x10", Err(NumberError::Syntax)),
            ("NaN", Err(NumberError::Syntax)),
            ("1_000", Err(NumberError::Syntax)),
            ("", Err(NumberError::Syntax)),
            ("-", Err(NumberError::Syntax)),
            ("٣", Err(NumberError::Syntax)),
        ] {
            check(text, expected);
        }
    }

    #[test]
    fn order_is_exact() {
        let sorted =
            ["-1e300", "-50.01", "-50", "-1e-300", "0", "1e-300", "49.99", "50", "50.000000000000001", "1e300"];
        for (i, a) in sorted.iter().enumerate() {
            for (j, b) in sorted.iter().enumerate() {
                let (a, b) = (Decimal::parse(a).unwrap(), Decimal::parse(b).unwrap());
                assert_eq!(a.cmp(&b), i.cmp(&j), "{a} {b}");
            }
        }
    }

    #[test]
    fn micros_round_away_from_zero_and_end_at_two_to_the_53() {
        let micros = |text: &str| Decimal::parse(text).unwrap().to_micros();
        assert_eq!(micros("49.99"), Some(49_990_000));
        assert_eq!(micros("0.0000001"), Some(1));
        assert_eq!(micros("-0.0000001"), Some(-1));
        assert_eq!(micros("1e-300"), Some(1));
        assert_eq!(micros("9007199254.740991"), Some(9_007_199_254_740_991));
        assert_eq!(micros("9007199254.740992"), None);
        assert_eq!(micros("1e300"), None);
    }

    #[test]
    fn a_wide_number_is_kept_as_it_is_written_and_looked_at_in_plain_digits() {
        for (text, plain) in [
            ("1E400", "1"),
            ("-5e-324", "5"),
            ("4.1111111111111110000000000000000000000001e15", "4111111111111111.0000000000000000000000001"),
            ("41111111111111110000000000000000000000001e-25", "4111111111111111.0000000000000000000000001"),
            ("1234567890123456789012345678901234567e3", "1234567890123456789012345678901234567000"),
            ("1e99999999999", "1"),
            ("4111111111111111e400", "4111111111111111"),
        ] {
            let number = WideNumber::parse(text).unwrap();
            assert_eq!((number.text(), number.plain().as_str()), (text, plain));
            assert!(Number::parse(text).is_err(), "{text}");
        }
        for text in ["", "-", "01e400", "+1e400", ".5e400", "5.e400", "1e", "1e+", "x1e400", "Infinity", "nan"] {
            assert_eq!(WideNumber::parse(text), Err(NumberError::Syntax), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn text_round_trips(mantissa in -(10i128.pow(35))..10i128.pow(35), exponent in -200i32..200) {
            let decimal = Decimal::new(mantissa, exponent);
            proptest::prop_assert_eq!(Decimal::parse(&decimal.to_string()), Ok(decimal));
        }
    }
}

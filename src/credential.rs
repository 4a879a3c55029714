//! Secrets that people and machines present: one-time codes, recovery codes, tokens. The only place that knows argon2.

use std::num::NonZeroU32;

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use totp_rs::{Builder, Totp};
use zeroize::Zeroizing;

use crate::clock::Random;
use crate::domain::Instant;
use crate::domain::digest::Digest;

/// Length of an authenticator's seed in bytes: what RFC 4226 (4, R6) recommends.
pub const SEED_BYTES: usize = 20;
/// Length of a time step in seconds.
pub const STEP: i64 = 30;
/// Recovery codes made at an enrolment.
pub const RECOVERY_CODES: usize = 10;

/// Letters and digits that nobody confuses: 32 of them, five bits each.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// How a random secret is kept: its SHA-256. A fast hash is right for 256 random bits, which nobody guesses.
#[must_use]
pub fn token_hash(token: &str) -> [u8; 32] {
    *Digest::of(token.as_bytes()).as_bytes()
}

/// Compares without telling where two values differ.
#[must_use]
pub fn same(one: &[u8], other: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(one, other).is_ok()
}

fn totp(seed: &[u8]) -> Totp {
    // The seed is ours and long enough: the checks of `build` have nothing to refuse.
    Builder::new().with_secret(seed).build_noncompliant()
}

fn seconds(at: Instant) -> u64 {
    u64::try_from(at.timestamp()).unwrap_or(0)
}

/// The six digits somebody typed, whatever the spaces between them.
#[must_use]
pub fn digits(typed: &str) -> Option<String> {
    let digits: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
    (digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(digits)
}

/// The time step that a code belongs to, within one step of now (RFC 6238 5.2); none if it is wrong.
#[must_use]
pub fn matching_step(seed: &[u8], typed: &str, now: Instant) -> Option<i64> {
    let code = digits(typed)?;
    // The library's generator, our window: the newest step first, so that a code never counts as older than it is.
    let present = now.timestamp().div_euclid(STEP);
    let totp = totp(seed);
    let matches = |step: &i64| {
        let at = u64::try_from(step * STEP).unwrap_or(0);
        same(totp.generate(at).to_string().as_bytes(), code.as_bytes())
    };
    [present + 1, present, present - 1].into_iter().find(matches)
}

/// The code of an instant, for the page of the demonstration and for tests.
#[must_use]
pub fn code_at(seed: &[u8], at: Instant) -> String {
    totp(seed).generate(seconds(at)).to_string()
}

/// The seed in base32, as people copy it.
#[must_use]
pub fn seed_text(seed: &[u8]) -> String {
    totp_rs::Secret::from(seed).to_base32()
}

/// The address an authenticator application reads from the QR code.
#[must_use]
pub fn enrolment_address(service: &str, email: &str, seed: &[u8]) -> String {
    // A colon separates issuer and account: neither may hold one.
    let issuer = service.replace(':', " ");
    let label = format!("{}:{}", encode(&issuer), encode(email));
    format!("otpauth://totp/{label}?secret={}&issuer={}", seed_text(seed), encode(&issuer))
}

fn encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// Recovery codes to print: 50 random bits each, as `ABCDE-FGHJK`.
#[must_use]
pub fn new_recovery_codes(random: &Random) -> Vec<String> {
    (0..RECOVERY_CODES).map(|_| recovery_code(random)).collect()
}

fn recovery_code(random: &Random) -> String {
    let letters =
        random.bytes::<10>().map(|byte| ALPHABET.get(usize::from(byte % 32)).map_or('A', |letter| char::from(*letter)));
    let text: String = letters.iter().collect();
    let (head, tail) = text.split_at(5);
    format!("{head}-{tail}")
}

/// What somebody typed, if it has the shape of a recovery code, in its one form.
#[must_use]
pub fn as_recovery_code(typed: &str) -> Option<String> {
    let text: String = typed.to_ascii_uppercase().chars().filter(char::is_ascii_alphanumeric).collect();
    let fits = text.len() == 10 && text.bytes().all(|byte| ALPHABET.contains(&byte));
    fits.then(|| format!("{}-{}", text.get(..5).unwrap_or_default(), text.get(5..).unwrap_or_default()))
}

/// OWASP's recommendation for argon2id: 19 MiB, two passes, one lane.
fn argon2() -> Argon2<'static> {
    let params = Params::new(19_456, 2, NonZeroU32::MIN.get(), None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// The hash of a recovery code, for the database. Slow on purpose: never inside a transaction.
#[must_use]
pub fn hash_recovery_code(code: &str) -> Option<String> {
    argon2().hash_password(code.as_bytes()).ok().map(|hash| hash.to_string())
}

/// The position of the code among these hashes. As many hashes are computed for a wrong code as for a right one, and for an account
/// without codes as for one with all of them.
#[must_use]
pub fn find_recovery_code(code: &str, hashes: &[(i32, String)]) -> Option<i32> {
    let mut found = None;
    for (position, hash) in hashes {
        if argon2().verify_password(code.as_bytes(), hash.as_str()).is_ok() {
            found = Some(*position);
        }
    }
    for _ in hashes.len()..RECOVERY_CODES {
        std::hint::black_box(hash_recovery_code(code));
    }
    found
}

/// A seed for a new authenticator.
#[must_use]
pub fn new_seed(random: &Random) -> Zeroizing<[u8; SEED_BYTES]> {
    Zeroizing::new(random.bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Instant {
        Instant::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn codes_are_those_of_rfc_6238() {
        // The RFC's SHA-1 vectors have eight digits: ours are the last six.
        let seed = b"12345678901234567890";
        for (time, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            assert_eq!(code_at(seed, at(time)), code);
            assert_eq!(matching_step(seed, code, at(time)), Some(time / STEP));
        }
    }

    #[test]
    fn one_step_of_drift_is_forgiven_and_no_more() {
        let seed = b"12345678901234567890";
        let code = code_at(seed, at(3_000));
        for (now, expected) in
            [(2_940, None), (2_970, Some(100)), (3_029, Some(100)), (3_059, Some(100)), (3_060, None)]
        {
            assert_eq!(matching_step(seed, &code, at(now)), expected, "{now}");
        }
        assert_eq!(matching_step(seed, &format!(" {} {} ", &code[..3], &code[3..]), at(3_000)), Some(100));
        for wrong in ["", "12345", "1234567", "abcdef", "１２３４５６"] {
            assert_eq!(matching_step(seed, wrong, at(3_000)), None);
        }
    }

    #[test]
    fn a_recovery_code_is_found_however_it_is_typed() {
        let codes = new_recovery_codes(&Random::system());
        assert_eq!(codes.len(), RECOVERY_CODES);
        let hashes: Vec<_> = (0..).zip(codes.iter().take(2).map(|code| hash_recovery_code(code).unwrap())).collect();
        let typed = codes[1].to_lowercase().replace('-', " ");
        let code = as_recovery_code(&typed).unwrap();
        assert_eq!(find_recovery_code(&code, &hashes), Some(1));
        assert_eq!(find_recovery_code("AAAAA-AAAAA", &hashes), None);
        assert_eq!(as_recovery_code("123456"), None);
        assert_eq!(as_recovery_code("AAAAA-AAAA0"), None, "0 and O are not used");
    }

    #[test]
    fn an_enrolment_address_quotes_what_it_holds() {
        let address = enrolment_address("Mandataire: démo", "a+b@example.fr", &[0; 20]);
        assert!(address.starts_with("otpauth://totp/Mandataire%20%20d%C3%A9mo:a%2Bb%40example.fr?secret=AAAA"));
    }
}

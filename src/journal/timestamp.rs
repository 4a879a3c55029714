//! Timestamps of RFC 3161: the request, and what must be in the reply. The authority's signature is not checked here: `openssl ts -verify`
//! does that for whoever doubts, with the authority's certificate.

use super::Fault;
use super::leaf::Hash;

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const OID: u8 = 0x06;
const TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const FIRST: u8 = 0xa0;

/// SHA-256 and no parameters, as an algorithm.
const SHA256: [u8; 15] = [0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00];
/// Its name alone, 2.16.840.1.101.3.4.2.1: some leave the absence of parameters out.
const SHA256_NAME: [u8; 9] = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
/// Signed data, 1.2.840.113549.1.7.2.
const SIGNED: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
/// What a timestamp says, 1.2.840.113549.1.9.16.1.4.
const SAID: [u8; 11] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04];

/// The request for a timestamp of these bytes' hash, with the authority's certificate in the reply.
#[must_use]
pub fn request(hash: &Hash, nonce: u64) -> Vec<u8> {
    let imprint = value(SEQUENCE, &[&SHA256, &value(OCTETS, &[hash])]);
    let certificate = [0x01, 0x01, 0xff];
    value(SEQUENCE, &[&[INTEGER, 1, 1], &imprint, &number(nonce), &certificate])
}

/// Checks that a reply grants a timestamp of this hash, to this request. Answers the instant it says, as `20261122150548Z`.
///
/// # Errors
/// It is malformed, refuses, or answers something else.
pub fn check(reply: &[u8], hash: &Hash, nonce: u64) -> Result<String, Fault> {
    const SHAPE: Fault = Fault::Malformed("a reply of RFC 3161");
    let mut reply = Der(Der(reply).only(SEQUENCE).ok_or(SHAPE)?);
    let status = reply.next(SEQUENCE).and_then(|info| Der(info).next(INTEGER)).ok_or(SHAPE)?;
    if !matches!(status, [0 | 1]) {
        return Err(Fault::Malformed("the authority did not grant it"));
    }
    let mut said = Der(said(&mut reply).ok_or(SHAPE)?);
    said.next(INTEGER).and_then(|_| said.next(OID)).ok_or(SHAPE)?;
    let mut imprint = Der(said.next(SEQUENCE).ok_or(SHAPE)?);
    let algorithm = imprint.next(SEQUENCE).and_then(|algorithm| Der(algorithm).next(OID));
    if algorithm != Some(SHA256_NAME.as_slice()) || imprint.next(OCTETS) != Some(hash.as_slice()) {
        return Err(Fault::Unproved);
    }
    let at = said.next(INTEGER).and_then(|_| said.next(TIME)).and_then(|at| std::str::from_utf8(at).ok());
    let at = at.filter(|at| at.ends_with('Z') && at.is_ascii()).ok_or(SHAPE)?;
    // Accuracy and order may stand before the nonce.
    let found = std::iter::from_fn(|| said.any()).find(|(tag, _)| *tag == INTEGER);
    let expected = number(nonce);
    if found.is_none_or(|(_, bytes)| expected.get(2..) != Some(bytes)) {
        return Err(Fault::Foreign);
    }
    Ok(at.to_owned())
}

/// What the timestamp says, inside the signed data.
fn said<'b>(reply: &mut Der<'b>) -> Option<&'b [u8]> {
    let mut token = Der(reply.next(SEQUENCE)?);
    token.next(OID).filter(|kind| *kind == SIGNED)?;
    let mut signed = Der(Der(token.next(FIRST)?).next(SEQUENCE)?);
    let (_version, _digests) = (signed.next(INTEGER)?, signed.any()?);
    let mut content = Der(signed.next(SEQUENCE)?);
    content.next(OID).filter(|kind| *kind == SAID)?;
    let octets = Der(content.next(FIRST)?).next(OCTETS)?;
    Der(octets).only(SEQUENCE)
}

/// An integer that is not negative: without needless zeroes, and with one where the first bit would be a sign.
fn number(number: u64) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len() - 1);
    let digits = bytes.get(start..).unwrap_or_default();
    let sign: &[u8] = if digits.first().is_some_and(|first| first & 0x80 != 0) { &[0] } else { &[] };
    value(INTEGER, &[sign, digits])
}

/// A value that is short: fewer than 128 bytes.
fn value(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut bytes = vec![tag, u8::try_from(content.len()).unwrap_or(u8::MAX)];
    bytes.extend_from_slice(&content);
    bytes
}

/// Bytes that are values, one after the other (X.690, definite lengths).
struct Der<'b>(&'b [u8]);

impl<'b> Der<'b> {
    fn any(&mut self) -> Option<(u8, &'b [u8])> {
        let (tag, rest) = self.0.split_first()?;
        let (first, rest) = rest.split_first()?;
        let (length, rest) = match usize::from(*first) {
            short @ 0..0x80 => (short, rest),
            long => {
                let (digits, rest) =
                    rest.split_at_checked(long - 0x80).filter(|(digits, _)| (1..5).contains(&digits.len()))?;
                (digits.iter().fold(0, |length, digit| (length << 8) | usize::from(*digit)), rest)
            }
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((*tag, content))
    }

    fn next(&mut self, wanted: u8) -> Option<&'b [u8]> {
        self.any().filter(|(tag, _)| *tag == wanted).map(|(_, content)| content)
    }

    /// The one value that these bytes are.
    fn only(mut self, wanted: u8) -> Option<&'b [u8]> {
        self.next(wanted).filter(|_| self.0.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u8, hash: &Hash, nonce: u64) -> Vec<u8> {
        let imprint = value(SEQUENCE, &[&SHA256, &value(OCTETS, &[hash])]);
        let policy = value(OID, &[&[0x2a, 3]]);
        let time = value(TIME, &[b"20261122150548Z"]);
        let said =
            value(SEQUENCE, &[&[INTEGER, 1, 1], &policy, &imprint, &number(5), &time, &[1, 1, 0xff], &number(nonce)]);
        let octets = value(FIRST, &[&value(OCTETS, &[&said])]);
        let content = long(SEQUENCE, &[&value(OID, &[&SAID]), &octets].map(Vec::as_slice).concat());
        let signed = long(SEQUENCE, &[[INTEGER, 1, 3].as_slice(), &[0x31, 0], &content].concat());
        let token = long(SEQUENCE, &[value(OID, &[&SIGNED]), long(FIRST, &signed)].concat());
        long(SEQUENCE, &[value(SEQUENCE, &[&[INTEGER, 1, status]]), token].concat())
    }

    fn long(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [[tag, 0x82].as_slice(), &length, content].concat()
    }

    #[test]
    fn a_reply_must_grant_what_was_asked_for() {
        let (hash, nonce) = ([7; 32], 0xfedc_ba98_7654_3210);
        let whole = reply(0, &hash, nonce);
        assert_eq!(check(&whole, &hash, nonce), Ok("20261122150548Z".to_owned()));
        assert!(check(&reply(1, &hash, nonce), &hash, nonce).is_ok(), "granted with a change");
        assert!(check(&reply(2, &hash, nonce), &hash, nonce).is_err(), "rejected");
        assert_eq!(check(&whole, &[8; 32], nonce), Err(Fault::Unproved));
        assert_eq!(check(&whole, &hash, nonce + 1), Err(Fault::Foreign));
        for length in 0..whole.len() {
            assert!(check(&whole[..length], &hash, nonce).is_err(), "{length}");
        }
        assert!(check(&[whole, vec![0]].concat(), &hash, nonce).is_err());
    }

    #[test]
    fn a_number_has_one_spelling() {
        assert_eq!(number(0), [2, 1, 0]);
        assert_eq!(number(0x7f), [2, 1, 0x7f]);
        assert_eq!(number(0x80), [2, 2, 0, 0x80]);
        assert_eq!(number(u64::MAX).len(), 11);
    }
}

//! Signed notes (C2SP signed-note) by Ed25519, and timestamped cosignatures (C2SP tlog-cosignature).

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::Fault;
use super::leaf::sha256;

/// A note longer than this is refused: 16 signatures of the longest kind known fit.
const LONGEST: usize = 128 * 1024;
/// Signatures read of one note.
const SIGNATURES: usize = 64;
/// What begins a signature line: an em dash and a space.
const DASH: &str = "\u{2014} ";

/// What a key signs, by its byte in signed-note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The text as it is.
    Note,
    /// A checkpoint and an instant.
    Cosignature,
}

impl Purpose {
    const fn byte(self) -> u8 {
        match self {
            Self::Note => 1,
            Self::Cosignature => 4,
        }
    }

    fn of(byte: u8) -> Option<Self> {
        [Self::Note, Self::Cosignature].into_iter().find(|purpose| purpose.byte() == byte)
    }
}

/// A public key and its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    purpose: Purpose,
    public: [u8; 32],
}

impl Verifier {
    /// The name before each of its signatures.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it verifies.
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// Whether both are one key, whatever its name and purpose.
    #[must_use]
    pub fn is_same_key(&self, other: &Self) -> bool {
        self.public == other.public
    }

    /// The same key for another purpose.
    #[must_use]
    pub fn with(&self, purpose: Purpose) -> Self {
        Self { purpose, ..self.clone() }
    }

    fn id(&self) -> [u8; 4] {
        let [a, b, c, d, ..] = sha256(&[self.name.as_bytes(), &[b'\n', self.purpose.byte()], &self.public]);
        [a, b, c, d]
    }

    /// Checks a note. Answers the instant of a cosignature, in seconds since 1970; of a plain signature, nothing.
    ///
    /// # Errors
    /// This key did not sign, or one of the signatures that bear its name is not its own.
    pub fn check(&self, note: &Note) -> Result<Option<u64>, Fault> {
        let id = self.id();
        let mut ours = note.signatures.iter().filter(|one| one.name == self.name && one.bytes.starts_with(&id));
        let first = ours.next().ok_or(Fault::Unsigned)?;
        let at = self.check_one(&note.text, &first.bytes)?;
        ours.try_for_each(|other| self.check_one(&note.text, &other.bytes).map(drop))?;
        Ok(at)
    }

    fn check_one(&self, text: &str, bytes: &[u8]) -> Result<Option<u64>, Fault> {
        let signed = bytes.get(4..).ok_or(Fault::Forged)?;
        let (message, signature, at) = match self.purpose {
            Purpose::Note => (text.as_bytes().to_vec(), signed, None),
            Purpose::Cosignature => {
                let (at, signature) = signed.split_first_chunk().ok_or(Fault::Forged)?;
                let at = u64::from_be_bytes(*at);
                (cosigned(text, at), signature, Some(at))
            }
        };
        let key = UnparsedPublicKey::new(&ED25519, &self.public);
        key.verify(&message, signature).map(|()| at).map_err(|_| Fault::Forged)
    }
}

/// The verifier key of signed-note: `name+id+base64(purpose ‖ key)`.
impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = u32::from_be_bytes(self.id());
        write!(f, "{}+{id:08x}+{}", self.name, STANDARD.encode(with_purpose(self.purpose, &self.public).as_slice()))
    }
}

impl FromStr for Verifier {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        const WRONG: Fault = Fault::Malformed("a verifier key is name+id+base64");
        let (name, rest) = text.split_once('+').ok_or(WRONG)?;
        let (_, key) = rest.split_once('+').ok_or(WRONG)?;
        let (purpose, public) = key_of(key).ok_or(WRONG)?;
        let verifier = Self { name: name.to_owned(), purpose, public: *public };
        if is_name(name) && verifier.to_string() == text { Ok(verifier) } else { Err(WRONG) }
    }
}

/// A private key and its name.
pub struct Signer {
    verifier: Verifier,
    pair: Ed25519KeyPair,
    seed: Zeroizing<[u8; 32]>,
}

impl Signer {
    /// The key with this seed.
    ///
    /// # Errors
    /// The name cannot stand in a signature line.
    pub fn new(name: &str, purpose: Purpose, seed: &[u8; 32]) -> Result<Self, Fault> {
        const WRONG: Fault = Fault::Malformed("a name without spaces and plus signs, and a seed");
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| WRONG)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| WRONG)?;
        let verifier = Verifier { name: name.to_owned(), purpose, public };
        if is_name(name) { Ok(Self { verifier, pair, seed: Zeroizing::new(*seed) }) } else { Err(WRONG) }
    }

    /// Reads [`Self::secret`].
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        const WRONG: Fault = Fault::Malformed("a signer key is PRIVATE+KEY+name+id+base64");
        let (name, rest) = text.strip_prefix(SECRET).and_then(|rest| rest.split_once('+')).ok_or(WRONG)?;
        let (_, key) = rest.split_once('+').ok_or(WRONG)?;
        let (purpose, seed) = key_of(key).ok_or(WRONG)?;
        let signer = Self::new(name, purpose, &seed)?;
        if *signer.secret() == text { Ok(signer) } else { Err(WRONG) }
    }

    /// The key as a text for a file: `PRIVATE+KEY+name+id+base64(purpose ‖ seed)`.
    #[must_use]
    pub fn secret(&self) -> Zeroizing<String> {
        let Verifier { name, purpose, .. } = &self.verifier;
        let key = Zeroizing::new(STANDARD.encode(with_purpose(*purpose, &self.seed).as_slice()));
        let id = u32::from_be_bytes(self.verifier.id());
        Zeroizing::new(format!("{SECRET}{name}+{id:08x}+{}", key.as_str()))
    }

    /// Its public key.
    #[must_use]
    pub const fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// The signature line over a text, which ends in a newline. A cosignature says `at`, in seconds since 1970.
    #[must_use]
    pub fn line(&self, purpose: Purpose, text: &str, at: u64) -> String {
        let verifier = self.verifier.with(purpose);
        let mut bytes = verifier.id().to_vec();
        match purpose {
            Purpose::Note => bytes.extend_from_slice(self.pair.sign(text.as_bytes()).as_ref()),
            Purpose::Cosignature => {
                bytes.extend_from_slice(&at.to_be_bytes());
                bytes.extend_from_slice(self.pair.sign(&cosigned(text, at)).as_ref());
            }
        }
        format!("{DASH}{} {}\n", verifier.name, STANDARD.encode(bytes))
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Signer").field(&self.verifier.to_string()).finish()
    }
}

/// What begins a private key as text.
const SECRET: &str = "PRIVATE+KEY+";

/// A name that can stand in a signature line and in a key.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let odd = |letter: char| letter.is_whitespace() || letter.is_control() || letter == '+';
    !name.is_empty() && !name.contains(odd)
}

fn with_purpose(purpose: Purpose, key: &[u8; 32]) -> Zeroizing<[u8; 33]> {
    let mut bytes = Zeroizing::new([purpose.byte(); 33]);
    if let Some((_, rest)) = bytes.split_first_mut() {
        rest.copy_from_slice(key);
    }
    bytes
}

fn key_of(text: &str) -> Option<(Purpose, Zeroizing<[u8; 32]>)> {
    let bytes = Zeroizing::new(STANDARD.decode(text).ok()?);
    let (purpose, key) = bytes.split_first()?;
    Some((Purpose::of(*purpose)?, Zeroizing::new(key.try_into().ok()?)))
}

/// What a cosignature signs.
fn cosigned(text: &str, at: u64) -> Vec<u8> {
    format!("cosignature/v1\ntime {at}\n{text}").into_bytes()
}

/// A signature line, whoever's.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Signature {
    name: String,
    /// Four bytes of the key, then what it made.
    bytes: Vec<u8>,
}

/// A text and the signatures under it, none checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

impl Note {
    /// Reads a note.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(note: &str) -> Result<Self, Fault> {
        const WRONG: Fault = Fault::Malformed("a signed note is a text, an empty line, and signature lines");
        let odd = |letter: char| letter < ' ' && letter != '\n';
        if note.len() > LONGEST || note.contains(odd) || !note.ends_with('\n') {
            return Err(WRONG);
        }
        let end = note.rfind("\n\n").ok_or(WRONG)? + 1;
        let (text, below) = note.split_at_checked(end).ok_or(WRONG)?;
        let lines = below.strip_prefix('\n').and_then(|below| below.strip_suffix('\n')).ok_or(WRONG)?;
        let signatures = lines.split('\n').map(signature).collect::<Option<Vec<_>>>().ok_or(WRONG)?;
        if signatures.len() > SIGNATURES {
            return Err(WRONG);
        }
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// The text, with its last newline.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

fn signature(line: &str) -> Option<Signature> {
    let (name, bytes) = line.strip_prefix(DASH)?.split_once(' ')?;
    let bytes = STANDARD.decode(bytes).ok().filter(|bytes| bytes.len() > 4)?;
    is_name(name).then(|| Signature { name: name.to_owned(), bytes })
}

/// Whether lines are signature lines, each with its newline, and nothing else.
#[must_use]
pub fn are_lines(lines: &str) -> bool {
    lines.strip_suffix('\n').is_some_and(|lines| lines.split('\n').all(|line| signature(line).is_some()))
}

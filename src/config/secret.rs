//! Secrets, read from the files that the configuration names, into memory that is wiped.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::keys::{key_of, refusal};
use super::{Config, FranceConnect, Journal, Mail, Problem, Tls};

/// With or without the final `=`.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Fewer characters than this cannot be a client secret made by a machine.
const CLIENT_SECRET_LEAST: usize = 32;

impl Config {
    /// The key that wraps every other key.
    ///
    /// # Errors
    /// What is the matter with the file.
    pub fn master_key(&self) -> Result<Zeroizing<[u8; 32]>, Problem> {
        const KEY: &str = "secrets.master_key_file";
        let text = read(KEY, &self.secrets.master_key_file)?;
        let mut key = Zeroizing::new([0; 32]);
        // A byte more than wanted, so that a longer key is seen and refused, not cut.
        let mut bytes = Zeroizing::new([0; 33]);
        let length = BASE64.decode_slice(text.as_bytes(), bytes.as_mut_slice()).ok().filter(|length| *length == 32);
        let decoded = length.and_then(|length| bytes.get(..length));
        let decoded = decoded.ok_or_else(|| refusal(KEY, "names a file that does not hold 32 bytes in base64"))?;
        if is_made_up(decoded) {
            return Err(refusal(KEY, "names a file that holds no random bytes"));
        }
        key.copy_from_slice(decoded);
        Ok(key)
    }
}

impl Journal {
    /// The key that signs the journal, as text; none if nothing is signed.
    ///
    /// # Errors
    /// What is the matter with the file.
    pub fn key(&self) -> Result<Option<Zeroizing<String>>, Problem> {
        const KEY: &str = "journal.key_file";
        let Some(path) = &self.key_file else { return Ok(None) };
        let text = read(KEY, path)?;
        if text.starts_with("PRIVATE+KEY+") {
            return Ok(Some(text));
        }
        Err(refusal(KEY, "names a file that does not hold a key of a journal"))
    }

    /// Where it is remembered what was signed last; nowhere if nothing is signed.
    #[must_use]
    pub fn remembered(&self) -> Option<PathBuf> {
        let beside = |key: &PathBuf| {
            let mut path = key.clone().into_os_string();
            path.push(".signed");
            PathBuf::from(path)
        };
        self.signed_file.clone().or_else(|| self.key_file.as_ref().map(beside))
    }
}

impl FranceConnect {
    /// The secret shared with the provider, whose `name` is that of its addresses.
    ///
    /// # Errors
    /// What is the matter with the file.
    pub fn client_secret(&self, name: &str) -> Result<SecretString, Problem> {
        let key = &key_of(name, "client_secret_file");
        Ok(client_secret(key, &self.client_secret_file)?.as_str().into())
    }

    /// Our keys for its encrypted tokens, in PEM, the current one first; none if it does not encrypt. `name` is its own.
    ///
    /// # Errors
    /// What is the matter with a file.
    pub fn encryption_keys(&self, name: &str) -> Result<Vec<Zeroizing<String>>, Problem> {
        let key = key_of(name, "encryption_key_files");
        self.encryption_key_files.iter().map(|path| read(&key, path)).collect()
    }
}

/// The secret of a client in a file that `key` names: ours at FranceConnect, or that of a client of ours.
///
/// # Errors
/// What is the matter with the file.
pub fn client_secret(key: &str, path: &Path) -> Result<Zeroizing<String>, Problem> {
    let text = read(key, path)?;
    if text.len() < CLIENT_SECRET_LEAST || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        let found = format!("names a file that does not hold {CLIENT_SECRET_LEAST} or more characters without spaces");
        return Err(refusal(key, found));
    }
    if is_made_up(text.as_bytes()) {
        return Err(refusal(key, "names a file that holds a made-up secret"));
    }
    Ok(text)
}

impl Tls {
    /// The certificates and the key, in PEM; nothing if TLS is a proxy's.
    ///
    /// # Errors
    /// One without the other, or a file that cannot be read.
    pub fn pem(&self) -> Result<Option<Pem>, Problem> {
        const CERTIFICATE: &str = "tls.certificate_file";
        const KEY: &str = "tls.key_file";
        match (&self.certificate_file, &self.key_file) {
            (None, None) => Ok(None),
            (Some(_), None) => Err(refusal(KEY, "is not set, and tls.certificate_file is")),
            (None, Some(_)) => Err(refusal(CERTIFICATE, "is not set, and tls.key_file is")),
            (Some(certificate), Some(key)) => {
                let cannot = |error| {
                    refusal(CERTIFICATE, format!("names {}, which cannot be read ({error})", certificate.display()))
                };
                // A certificate is public: only the key must be private.
                let certificates = fs::read_to_string(certificate).map_err(cannot)?;
                Ok(Some(Pem { certificates, key: read(KEY, key)? }))
            }
        }
    }
}

/// What TLS needs, as its files hold it.
pub struct Pem {
    /// The certificates, ours first.
    pub certificates: String,
    /// The key of the first.
    pub key: Zeroizing<String>,
}

/// Whether a secret was typed by somebody instead of drawn. 32 random bytes, or their base64, have many different values; they do not
/// say the same twice; and few of them are followed by their neighbour, as in `0123456789abcdef`.
fn is_made_up(secret: &[u8]) -> bool {
    let alike = |apart: usize| secret.iter().zip(secret.iter().skip(apart));
    let few = secret.iter().collect::<BTreeSet<_>>().len() < 10;
    let again = (1..=secret.len() / 2).any(|length| alike(length).all(|(one, other)| one == other));
    let steps = alike(1).filter(|(one, other)| one.abs_diff(**other) <= 1).count();
    // Two thirds: of 32 drawn digits, one in a million is so regular; of 32 bytes, none.
    few || again || 3 * steps >= 2 * secret.len()
}

impl Mail {
    /// The password of the account on the SMTP server, if there is one.
    ///
    /// # Errors
    /// What is the matter with the file.
    pub fn password(&self) -> Result<Option<SecretString>, Problem> {
        const KEY: &str = "mail.password_file";
        let Some(path) = &self.password_file else { return Ok(None) };
        let text = read(KEY, path)?;
        if text.is_empty() {
            return Err(refusal(KEY, "names a file that is empty"));
        }
        Ok(Some(text.as_str().into()))
    }
}

/// The file's text without the end of its line, if the rest of the machine cannot read it.
pub(super) fn read(key: &str, path: &Path) -> Result<Zeroizing<String>, Problem> {
    if path.as_os_str().is_empty() {
        return Err(refusal(key, "is not set"));
    }
    let cannot =
        |error: std::io::Error| refusal(key, format!("names {}, which cannot be read ({error})", path.display()));
    let metadata = fs::metadata(path).map_err(cannot)?;
    if let Some(open) = too_open(&metadata) {
        return Err(refusal(key, format!("names {}, {open}; run chmod 600 on it", path.display())));
    }
    let text = Zeroizing::new(fs::read_to_string(path).map_err(cannot)?);
    Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// What is wrong with who may open the file. Its group may read it: that is how some machines hand out secrets.
#[cfg(unix)]
fn too_open(metadata: &fs::Metadata) -> Option<&'static str> {
    use std::os::unix::fs::PermissionsExt;
    match metadata.permissions().mode() {
        mode if mode & 0o007 != 0 => Some("which every account of this machine may open"),
        mode if mode & 0o020 != 0 => Some("which its group may change"),
        _ => None,
    }
}

#[cfg(not(unix))]
fn too_open(_: &fs::Metadata) -> Option<&'static str> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_typed_is_known_from_what_was_drawn() {
        let ascending: [u8; 32] = std::array::from_fn(|at| u8::try_from(at).unwrap());
        let drawn: [u8; 32] = [
            0xd5, 0xbd, 0x0e, 0x8f, 0xfa, 0x98, 0xf5, 0x7d, 0xae, 0x40, 0xe2, 0x31, 0xbe, 0x3a, 0x50, 0xb2, 0xa9, 0x9d,
            0x18, 0x0e, 0x9b, 0x24, 0x3e, 0x31, 0x1c, 0x0f, 0xf7, 0x88, 0x37, 0x63, 0x2b, 0x63,
        ];
        let half = drawn.iter().take(16).copied().collect::<Vec<_>>();
        let typed: [&[u8]; 8] = [
            &ascending,
            &ascending.map(|byte| 200 - byte),
            b"0123456789abcdef0123456789abcdef",
            b"0123456789abcdefghijklmnopqrstuv",
            b"abcdefghijklmnopqrstuvwxyz0123456789",
            b"aabbccddeeffgghhiijjkkllmmnnoopp",
            &half.repeat(2),
            b"correct-horse-9correct-horse-9correct-horse",
        ];
        for typed in typed {
            assert!(is_made_up(typed), "{typed:?}");
        }
        let hexadecimal = drawn.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        for drawn in [drawn.to_vec(), BASE64.encode(drawn).into_bytes(), hexadecimal.into_bytes()] {
            assert!(!is_made_up(&drawn), "{drawn:?}");
        }
        assert!(!is_made_up(b"14159265358979323846264338327950"), "digits that were drawn");
    }
}

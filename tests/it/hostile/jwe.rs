//! Encrypted tokens of the stub, written apart from the service's own reading of them: for one recipient, right or wrong.

use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::{self, SystemRandom};
use aws_lc_rs::rsa::{KeySize, OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PrivateDecryptingKey};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use mandataire::oidc::relying_party::DecryptionKeys;
use serde_json::{Value, json};

use super::base64url;

/// Somebody to whom tokens are encrypted.
#[derive(Clone)]
pub(crate) struct Recipient {
    /// The private key, as its file holds it.
    pub(crate) pem: String,
    /// The same for the service.
    pub(crate) keys: DecryptionKeys,
    /// What the service publishes of it.
    pub(crate) jwk: Value,
    rsa: Option<Arc<OaepPublicEncryptingKey>>,
}

fn pem(der: &[u8]) -> String {
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der))
}

/// An encrypted token before it is put together.
pub(crate) struct Jwe {
    pub(crate) header: Value,
    pub(crate) wrapped: Vec<u8>,
    pub(crate) iv: Vec<u8>,
    pub(crate) content_key: Vec<u8>,
    /// What becomes of the compact text.
    pub(crate) spelled: fn(String) -> String,
}

impl Recipient {
    /// With a new key on P-256.
    pub(crate) fn ec() -> Self {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
        Self::with(pem(document.as_ref()), None)
    }

    /// With a new RSA key.
    pub(crate) fn rsa() -> Self {
        let private = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
        let public = OaepPublicEncryptingKey::new(private.public_key()).unwrap();
        Self::with(pem(private.as_der().unwrap().as_ref()), Some(Arc::new(public)))
    }

    fn with(pem: String, rsa: Option<Arc<OaepPublicEncryptingKey>>) -> Self {
        let keys = DecryptionKeys::from_pem(&[&pem]).unwrap().unwrap();
        let jwk = keys.key_set()["keys"][0].clone();
        Self { pem, keys, jwk, rsa }
    }

    /// A text encrypted as FranceConnect+ does.
    pub(crate) fn seal(&self, text: &str) -> String {
        self.seal_with(text, |_| ())
    }

    /// The same, altered before it is put together.
    pub(crate) fn seal_with(&self, text: &str, alter: impl FnOnce(&mut Jwe)) -> String {
        let mut jwe = match &self.rsa {
            Some(key) => self.wrapping(key),
            None => self.agreeing(),
        };
        alter(&mut jwe);
        jwe.compact(text)
    }

    fn wrapping(&self, key: &OaepPublicEncryptingKey) -> Jwe {
        let mut content_key = vec![0; 32];
        rand::fill(&mut content_key).unwrap();
        let mut wrapped = vec![0; key.ciphertext_size()];
        key.encrypt(&OAEP_SHA256_MGF1SHA256, &content_key, &mut wrapped, None).unwrap();
        let header = json!({"alg": "RSA-OAEP-256", "enc": "A256GCM", "cty": "JWT", "kid": self.jwk["kid"]});
        Jwe { header, wrapped, iv: vec![7; 12], content_key, spelled: |text| text }
    }

    fn agreeing(&self) -> Jwe {
        let ours = PrivateKey::generate(&ECDH_P256).unwrap();
        let point = ours.compute_public_key().unwrap();
        let part = |name: &str| URL_SAFE_NO_PAD.decode(self.jwk[name].as_str().unwrap()).unwrap();
        let theirs = [vec![4], part("x"), part("y")].concat();
        let (producer, recipient) = (b"FranceConnect+".as_slice(), b"Mandataire".as_slice());
        let content_key = agree(&ours, UnparsedPublicKey::new(&ECDH_P256, theirs), (), |secret| {
            let counted = |text: &[u8]| [&u32::try_from(text.len()).unwrap().to_be_bytes(), text].concat();
            let named = [counted(b"A256GCM"), counted(producer), counted(recipient)].concat();
            let whole = [&[0, 0, 0, 1], secret, &named, &[0, 0, 1, 0]].concat();
            Ok::<_, ()>(digest(&SHA256, &whole).as_ref().to_vec())
        });
        let (x, y) = (base64url(&point.as_ref()[1..33]), base64url(&point.as_ref()[33..]));
        let header = json!({
            "alg": "ECDH-ES", "enc": "A256GCM", "cty": "JWT", "kid": self.jwk["kid"],
            "epk": {"kty": "EC", "crv": "P-256", "x": x, "y": y},
            "apu": base64url(producer), "apv": base64url(recipient),
            "iss": "ignored", "aud": "ignored",
        });
        Jwe { header, wrapped: Vec::new(), iv: vec![7; 12], content_key: content_key.unwrap(), spelled: |text| text }
    }
}

impl Jwe {
    fn compact(&self, text: &str) -> String {
        let header = base64url(self.header.to_string().as_bytes());
        let cipher = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &self.content_key).unwrap());
        let nonce = Nonce::assume_unique_for_key(self.iv.get(..12).map_or([0; 12], |iv| iv.try_into().unwrap()));
        let mut content = text.as_bytes().to_vec();
        let tag = cipher.seal_in_place_separate_tag(nonce, Aad::from(header.as_bytes()), &mut content).unwrap();
        let parts = [&self.wrapped, &self.iv, &content, tag.as_ref()].map(base64url);
        (self.spelled)(format!("{header}.{}", parts.join(".")))
    }
}

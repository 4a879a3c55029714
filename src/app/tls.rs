//! TLS in this process: one certificate, read again when the operator says so.

use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::config::{Pem, Problem, Tls};

/// Why TLS cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The files.
    #[error("{0}")]
    Configuration(Problem),
    /// What the certificate file holds.
    #[error(
        "tls.certificate_file holds no certificate in PEM: write ours first, then those between it and its authority"
    )]
    Certificate,
    /// What the key file holds.
    #[error("tls.key_file holds no private key in PEM: write the key of the first certificate")]
    Key,
    /// Both, together.
    #[error("tls.key_file and tls.certificate_file do not belong together, or are of a kind we do not know ({0})")]
    Pair(rustls::Error),
    /// The library.
    #[error("TLS cannot be set up ({0})")]
    Setup(rustls::Error),
}

/// The certificate in use. Connections already open keep the one they began with.
#[derive(Debug)]
pub struct Certificate(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl Certificate {
    /// The certificate of a configuration, if it has one.
    ///
    /// # Errors
    /// The files cannot be used.
    pub fn of(tls: &Tls) -> Result<Option<Arc<Self>>, Fault> {
        let pem = tls.pem().map_err(Fault::Configuration)?;
        pem.map(|pem| Ok(Arc::new(Self(RwLock::new(certified(&pem)?))))).transpose()
    }

    /// Reads the files again. What cannot be used changes nothing.
    ///
    /// # Errors
    /// The files cannot be used.
    pub fn reload(&self, tls: &Tls) -> Result<(), Fault> {
        if let Some(pem) = tls.pem().map_err(Fault::Configuration)? {
            let fresh = certified(&pem)?;
            *self.0.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        }
        Ok(())
    }

    /// How the server speaks: TLS 1.2 and 1.3, with the library's own choice of ciphers, all of them with forward secrecy.
    ///
    /// # Errors
    /// The library refuses.
    pub fn server_config(self: Arc<Self>) -> Result<ServerConfig, Fault> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(Fault::Setup)?
            .with_no_client_auth()
            .with_cert_resolver(self);
        // Of the ciphers both know, ours first: the library puts the strongest there.
        config.ignore_client_order = true;
        Ok(config)
    }
}

fn certified(pem: &Pem) -> Result<Arc<CertifiedKey>, Fault> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.certificates.as_bytes()).collect();
    let chain = chain.ok().filter(|chain| !chain.is_empty()).ok_or(Fault::Certificate)?;
    let key = PrivateKeyDer::from_pem_slice(pem.key.as_bytes()).map_err(|_| Fault::Key)?;
    CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider()).map(Arc::new).map_err(Fault::Pair)
}

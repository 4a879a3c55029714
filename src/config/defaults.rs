//! What holds where the operator says nothing: `config/example.toml` shows the same.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use super::{
    Algorithm, Audit, ClientAuth, Config, Database, Encryption, FranceConnect, Journal, Log, LogFormat, LogLevel, Mail,
    MailMode, Monitoring, Retention, Secrets, Signing, Tls,
};

impl Default for Config {
    fn default() -> Self {
        Self {
            public_url: String::new(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            name: "Mandataire".to_owned(),
            development: false,
            trusted_proxies: Vec::new(),
            contact: String::new(),
            database: Database::default(),
            secrets: Secrets::default(),
            journal: Journal::default(),
            mail: Mail::default(),
            franceconnect: FranceConnect::default(),
            providers: BTreeMap::new(),
            tls: Tls::default(),
            signing: Signing::default(),
            monitoring: Monitoring::default(),
            retention: Retention::default(),
            audit: Audit::default(),
            log: Log::default(),
        }
    }
}

impl Default for Database {
    fn default() -> Self {
        Self { url: "sqlite:data/mandataire.db".into(), sequencer_url: "".into(), pool: 8 }
    }
}

impl Default for Mail {
    fn default() -> Self {
        Self {
            mode: MailMode::Smtp,
            from: String::new(),
            host: String::new(),
            port: 465,
            username: None,
            password_file: None,
            encryption: Encryption::Tls,
        }
    }
}

impl Default for FranceConnect {
    fn default() -> Self {
        let scopes = ["openid", "identite_pivot", "preferred_username", "email", "idp_birthdate"];
        Self {
            issuer: String::new(),
            label: "FranceConnect".to_owned(),
            client_id: String::new(),
            client_secret_file: PathBuf::new(),
            encryption_key_files: Vec::new(),
            scopes: scopes.map(str::to_owned).to_vec(),
            acr: "eidas1".to_owned(),
            algorithm: Algorithm::ES256,
            pkce: false,
            auth: ClientAuth::Post,
            logout: true,
        }
    }
}

impl Default for Signing {
    fn default() -> Self {
        Self { key_days: 90 }
    }
}

/// Three years in use, three more in the archive; FranceConnect asks for 36 months of traces.
impl Default for Retention {
    fn default() -> Self {
        Self {
            mandates_in_use: 36,
            mandates_archive: 36,
            mediators_in_use: 36,
            mediators_archive: 36,
            traces: 36,
            over: 7,
            phones: 90,
            hour: 2,
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, level: LogLevel::Info }
    }
}

impl Default for Audit {
    fn default() -> Self {
        Self {
            export_limit: 10_000,
            export_quota: 50_000,
            opens: 7,
            closes: 21,
            minutes: 60,
            openings: 10,
            uses: 20,
            refusals: 5,
            soon: 5,
            outcome_days: 7,
            phone_citizens: 3,
            phone_days: 90,
            answer_days: 14,
        }
    }
}

//! What the machine tells a running server: to stop, or to read its certificate again.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::Data;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::tls::Certificate;
use crate::config::Tls;
use crate::web::state::App;

/// Stops the server on SIGTERM or SIGINT: from then on it says that it is not ready, after `drain`, or a second signal, it takes
/// no more connections, and what is under way is answered.
///
/// # Errors
/// The system refuses.
pub(super) fn stop_on_request(app: Data<App>, handle: ServerHandle, drain: Duration) -> std::io::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    actix_web::rt::spawn(async move {
        asked(&mut terminate, &mut interrupt).await;
        app.draining.store(true, Ordering::Relaxed);
        // Whatever becomes of the line in the log, the server stops.
        actix_web::rt::spawn(async move {
            tokio::select! {
                () = tokio::time::sleep(drain) => {}
                () = asked(&mut terminate, &mut interrupt) => {}
            }
            handle.stop(true).await;
        });
        tracing::info!(drain = drain.as_secs(), "asked to stop");
    });
    Ok(())
}

async fn asked(terminate: &mut Signal, interrupt: &mut Signal) {
    let _ = tokio::select! { asked = terminate.recv() => asked, asked = interrupt.recv() => asked };
}

/// Reads the certificate again on SIGHUP. Files that cannot be used are said, and the certificate stays.
///
/// # Errors
/// The system refuses.
pub(super) fn reload_on_request(certificate: Option<Arc<Certificate>>, tls: Tls) -> std::io::Result<()> {
    let mut hangup: Signal = signal(SignalKind::hangup())?;
    actix_web::rt::spawn(async move {
        while hangup.recv().await.is_some() {
            match certificate.as_ref().map(|certificate| certificate.reload(&tls)) {
                Some(Ok(())) => tracing::info!("the certificate was read again"),
                Some(Err(fault)) => tracing::error!(%fault, "the certificate stays as it was"),
                None => tracing::info!("there is no certificate to read again"),
            }
        }
    });
    Ok(())
}

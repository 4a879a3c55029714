//! What the operator's machines ask: whether the process lives, whether it is ready, and its figures. On a listener of its own.

use std::net::TcpListener;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::http::header;
use actix_web::web::{self, Data};
use actix_web::{App as ActixApp, HttpResponse, HttpServer};
use chrono::TimeDelta;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::domain::Instant;
use crate::domain::signing_key::LAG;
use crate::store::{Load, Time};
use crate::web::state::App;

/// How long the database may take to answer before the process is not ready.
const PATIENCE: Duration = Duration::from_secs(2);
/// How far the database's clock may be from ours: codes and tokens live by the second.
const SKEW: TimeDelta = TimeDelta::seconds(5);
/// Upper bounds of the durations counted, in seconds.
const BUCKETS: [f64; 9] = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];

/// Starts counting, once for the process.
///
/// # Errors
/// Something in this process already counts.
pub(super) fn count() -> Result<PrometheusHandle, String> {
    let durations = Matcher::Suffix("_seconds".to_owned());
    let builder = PrometheusBuilder::new().set_buckets_for_metric(durations, &BUCKETS);
    builder.and_then(PrometheusBuilder::install_recorder).map_err(|error| error.to_string())
}

/// The server of the operator's machines.
///
/// # Errors
/// The socket cannot be used.
pub(super) fn server(app: Data<App>, listener: TcpListener, figures: PrometheusHandle) -> std::io::Result<Server> {
    let figures = Data::new(figures);
    let make = move || {
        ActixApp::new()
            .app_data(app.clone())
            .app_data(figures.clone())
            .route("/livez", web::get().to(alive))
            .route("/readyz", web::get().to(ready))
            .route("/metrics", web::get().to(metrics))
    };
    Ok(HttpServer::new(make).workers(1).disable_signals().shutdown_timeout(1).listen(listener)?.run())
}

async fn alive() -> &'static str {
    "alive\n"
}

/// Why the process should get no requests now.
pub async fn obstacle(app: &App) -> Option<&'static str> {
    if app.draining.load(Ordering::Relaxed) {
        return Some("stopping\n");
    }
    if TimeDelta::from_std(app.provider.keys.age()).is_ok_and(|age| age > LAG) {
        return Some("the signing keys were not read for too long\n");
    }
    let now = app.clock.now();
    match tokio::time::timeout(PATIENCE, app.store.time()).await {
        Ok(Ok(known)) => wrong(known, now),
        Ok(Err(_)) => Some("the database cannot be used\n"),
        Err(_) => Some("the database does not answer\n"),
    }
}

/// What is the matter with our clock, if anything.
fn wrong(known: Time, now: Instant) -> Option<&'static str> {
    match known {
        Time::Server(theirs) if (theirs - now).abs() > SKEW => Some("the database's clock is not ours\n"),
        Time::Recorded(Some(newest)) if newest - now > SKEW => Some("the clock is behind what was recorded\n"),
        _ => None,
    }
}

/// Whether our clock can be believed, as far as the database knows.
pub(super) async fn clock_is_right(app: &App) -> bool {
    let now = app.clock.now();
    matches!(tokio::time::timeout(PATIENCE, app.store.time()).await, Ok(Ok(known)) if wrong(known, now).is_none())
}

/// What a node says that looks on and could not take over.
const JOINS: &str = "this node cannot sign yet: it remembers no checkpoint, and has seen no other node sign\n";

async fn ready(app: Data<App>) -> HttpResponse {
    match obstacle(&app).await {
        // Requests are answered, and every fact is recorded: what is not signed yet is for the operator, not for the balancer.
        None => {
            let signing = app.signing.now();
            let trouble = signing.trouble.map(|trouble| format!("the journal is not signed: {trouble}\n"));
            let joins = signing.joins.then(|| JOINS.to_owned());
            let alarms = signing.alarms.iter().map(|(name, alarm)| format!("{name}: {alarm}\n"));
            let lines: String = trouble.into_iter().chain(joins).chain(alarms).collect();
            HttpResponse::Ok().body(format!("ready\n{lines}"))
        }
        Some(why) => HttpResponse::ServiceUnavailable().body(why),
    }
}

#[expect(clippy::cast_precision_loss, reason = "numbers of connections and of waiting writes are small")]
async fn metrics(app: Data<App>, figures: Data<PrometheusHandle>) -> HttpResponse {
    let Load { connections, idle, waiting } = app.store.load();
    metrics::gauge!("database_connections").set(f64::from(connections));
    metrics::gauge!("database_connections_idle").set(f64::from(idle));
    metrics::gauge!("database_writes_waiting").set(waiting as f64);
    figures.run_upkeep();
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"))
        .body(figures.render())
}

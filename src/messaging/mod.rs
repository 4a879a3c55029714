//! Messages: what the outbox holds, and who sends it.

pub mod mail;
pub mod outbox;

//! Reading the journal.

pub mod activity;
pub mod activity_pages;
pub mod chart;
pub mod entry;
pub mod export;
pub mod handler;
pub mod inquiries;
pub mod inquiry_pages;
pub mod pages;
pub mod reading;
pub mod search;
pub mod signal_pages;
pub mod signals;
pub mod timeline;

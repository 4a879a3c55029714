//! What anybody may see, and signing in.

pub mod pages;

//! What anybody may see, and signing in.

pub mod enrolment;
pub mod handler;
pub mod pages;
pub mod sign_in;
pub mod step_up;

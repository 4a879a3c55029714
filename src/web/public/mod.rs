//! What anybody may see, and signing in.

mod attempt;
pub mod enrolment;
pub mod handler;
pub mod pages;
pub mod sign_in;
pub mod step_up;

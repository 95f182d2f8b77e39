//! Who is right: digest of a request, comparison of requests, majority. Pure and total: no I/O, no memory of others.
#![no_std]

pub mod digest;
pub mod majority;
pub mod meeting;

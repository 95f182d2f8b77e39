//! One call from request to result: `post` makes the request visible, `meet` waits until all peers have posted the
//! same, `record` carries the leader's result and bytes to the followers, `walk` finds the bytes that a row names, `reach`
//! those that a failed call has left.

pub mod meet;
pub mod post;
pub mod reach;
pub mod record;
pub mod walk;

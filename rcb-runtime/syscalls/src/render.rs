//! Text for people, made from the rows: the page of all calls, the same as JSON, and single calls as `strace` shows
//! them.
//!
//! Behind the feature `render`, because it allocates and formats; the agent does neither.

pub mod json;
pub mod markdown;
pub mod text;
mod words;

pub use crate::errno::errno_name;
pub use crate::flags::signal_name;
pub use text::format_call;

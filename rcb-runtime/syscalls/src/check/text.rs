//! The rules in words, rules for names and sentences, and a line of text that can be made while compiling.

/// A rule that a row can break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Rows are not in rising order of number or key, or one is there twice.
    Order,
    /// The number is beyond the table, or the key has bits that the family ignores.
    Number,
    /// The name is not spelled as the kernel spells such names.
    Name,
    /// More than six arguments.
    TooMany,
    /// A length or count refers to an argument that the row does not have.
    NoSuchArg,
    /// A length or count refers to an argument that is no integer.
    NotInteger,
    /// A pointed length refers to an argument that is no pointer to a `u32` read and written.
    NotPointer,
    /// A length that makes no sense for the direction of the bytes, or of zero bytes.
    Length,
    /// A set of flags without names.
    Flags,
    /// Performed rows are supported at least in part; rows that are not performed are not supported.
    Support,
    /// A sentence is missing, too short, or ends with a full stop.
    Sentence,
    /// The errno is not one of the kernel's.
    Errno,
    /// A row that is not performed may neither block nor make descriptors nor have a family.
    NotPerformed,
    /// The class does not fit who performs the call.
    Class,
    /// Descriptors come from nowhere, or the class or performer does not allow them.
    Makes,
    /// The argument that selects a row of the family is missing or no integer.
    Select,
    /// A family inside a family.
    Nested,
}

impl Why {
    /// The rule as a sentence.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Order => "rows must rise by number, each number once",
            Self::Number => "the number is beyond the table, or the key has bits that the family ignores",
            Self::Name => "the name is not spelled as the kernel spells such names",
            Self::TooMany => "a call has at most six arguments",
            Self::NoSuchArg => "a length refers to an argument that the row does not have",
            Self::NotInteger => "a length refers to an argument that is no integer",
            Self::NotPointer => "a pointed length must refer to an InOut of four bytes",
            Self::Length => "this length makes no sense for this direction",
            Self::Flags => "a set of flags needs names",
            Self::Support => "exactly the rows that are not performed have Support::None",
            Self::Sentence => "what is missing, or why, must be said in a sentence without full stop",
            Self::Errno => "not an errno of the kernel, or an empty family",
            Self::NotPerformed => "a row that is not performed cannot block, make descriptors or have a family",
            Self::Class => "the class does not fit who performs the call",
            Self::Makes => "the descriptors made do not fit arguments, class or performer",
            Self::Select => "the selecting argument must exist and be an integer",
            Self::Nested => "a family cannot contain a family",
        }
    }
}

/// Lower-case letters, digits and underscores.
pub(super) const fn is_call_name(name: &str) -> bool {
    spelled(name, b'a', b'z')
}

/// Upper-case letters, digits and underscores.
pub(super) const fn is_request_name(name: &str) -> bool {
    spelled(name, b'A', b'Z')
}

const fn spelled(name: &str, from: u8, to: u8) -> bool {
    let bytes = name.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        if !((byte >= from && byte <= to) || byte.is_ascii_digit() || byte == b'_') {
            return false;
        }
        at += 1;
    }
    !bytes.is_empty()
}

/// At least ten bytes and no full stop at the end (the page adds its own punctuation).
pub(super) const fn is_sentence(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 10 && bytes[bytes.len() - 1] != b'.' && bytes[bytes.len() - 1] != b' '
}

/// A line put together while compiling; what does not fit is cut off.
pub(super) struct Line {
    bytes: [u8; 160],
    len: usize,
}

impl Line {
    pub(super) const fn new() -> Self {
        Self { bytes: [0; 160], len: 0 }
    }

    pub(super) const fn push(&mut self, text: &str) {
        let text = text.as_bytes();
        let mut at = 0;
        while at < text.len() && self.len < self.bytes.len() {
            self.bytes[self.len] = text[at];
            self.len += 1;
            at += 1;
        }
    }

    pub(super) const fn as_str(&self) -> &str {
        match core::str::from_utf8(self.bytes.split_at(self.len).0) {
            Ok(text) => text,
            Err(_) => "a row breaks a rule",
        }
    }
}

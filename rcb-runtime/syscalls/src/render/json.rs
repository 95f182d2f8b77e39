//! The rows as JSON, for tools.
//!
//! `schema` rises when a field changes its meaning or goes; new fields may come.

use std::string::String;
use std::vec::Vec;

use serde_json::{Value, json};

use super::words;
use crate::spec::{Arg, Exec, Family, Row};
use crate::table::rows;

/// Version of the form.
pub const SCHEMA: u32 = 1;

/// All rows as a value.
pub fn value() -> Value {
    json!({ "schema": SCHEMA, "calls": rows().map(one).collect::<Vec<_>>() })
}

/// All rows as indented text.
pub fn page() -> String {
    std::format!("{:#}\n", value())
}

fn one(row: &Row) -> Value {
    let (level, sentence) = words::support(row.support);
    let mut value = json!({
        "nr": row.nr,
        "name": row.name,
        "args": row.args.iter().map(argument).collect::<Vec<_>>(),
        "performed_by": performer(row),
        "class": words::class(row.class),
        "compared": words::compared(row),
        "delivered": words::delivered(row),
        "blocks": row.blocks,
        "makes": words::makes(row),
        "support": { "level": level, "note": sentence },
    });
    if let Exec::Refused(errno) | Exec::Absent(errno) = row.exec {
        value["errno"] = words::errno(errno).into();
        value["warns"] = matches!(row.exec, Exec::Refused(_)).into();
    }
    if let Exec::Handled(by) = row.exec {
        value["handler"] = std::format!("{by:?}").into();
    }
    if let Some(of) = row.family {
        value["family"] = family(of);
    }
    value
}

fn performer(row: &Row) -> &'static str {
    match row.exec {
        Exec::Each => "each",
        Exec::Once => "leader",
        Exec::Handled(_) => "handler",
        Exec::Refused(_) | Exec::Absent(_) => "nobody",
    }
}

fn argument(arg: &Arg) -> Value {
    let mut value = json!({ "kind": words::kind(arg) });
    if let Some(length) = words::length(arg) {
        value["length"] = length.into();
    }
    value
}

fn family(family: &Family) -> Value {
    json!({
        "select": family.select,
        "mask": family.mask,
        "unknown": words::errno(family.unknown),
        "rows": family.rows.iter().map(one).collect::<Vec<_>>(),
    })
}

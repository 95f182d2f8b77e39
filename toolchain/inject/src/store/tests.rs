//! What is written is read back, a campaign goes on, parts become one, and what is no store is refused.

use super::*;
use crate::strike::Hit;
use crate::target::Target;

fn key(seed: u64) -> Key {
    Key {
        version: "1".into(),
        command: vec!["ls".into(), "a b".into()],
        replicas: 3,
        options: vec![],
        targets: vec!["ip".into()],
        kind: "flip".into(),
        bits: 1,
        seed,
    }
}

fn trial(number: u64, class: Class) -> Trial {
    Trial {
        number,
        attempt: 1,
        hit: Hit {
            target: Target::Ip,
            place: "rip bit 3".into(),
            at: "ls+0x1".into(),
            replica: Some(2),
            pid: 9,
            after: Duration::from_micros(7),
        },
        class,
        ended: Ended::Exit(120),
        fault: Some("died".into()),
        blamed: vec![2],
        heal_us: None,
        length: Duration::from_millis(3),
        difference: "status 120 instead of 0".into(),
        report: String::new(),
    }
}

const LENGTH: Duration = Duration::from_millis(20);

#[test]
fn a_campaign_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("store");
    {
        let store = Store::open(&path).expect("made");
        let id = store.campaign(&key(1), "g", LENGTH).expect("campaign");
        store.add(id, &trial(4, Class::Stopped)).expect("added");
    }
    let store = Store::open(&path).expect("opened");
    let id = store.campaign(&key(1), "g", LENGTH).expect("campaign");
    assert_eq!(store.made(id).expect("numbers"), BTreeSet::from([4]));
    store.add(id, &trial(4, Class::Silent)).expect("the first stays");
    store.add(id, &trial(2, Class::NoEffect)).expect("added");
    assert_ne!(store.campaign(&key(2), "h", LENGTH).expect("another one"), id);
    let campaigns = store.campaigns().expect("campaigns");
    assert_eq!((campaigns.len(), campaigns[0].length_us), (2, 20_000));
    let rows = &campaigns[0].trials;
    assert_eq!((rows[0].number, rows[1].number, rows[1].class), (2, 4, Class::Stopped));
    assert_eq!((rows[1].replica, &rows[1].blamed[..], rows[1].ended.as_str()), (Some(2), &[2][..], "exit 120"));
    assert_eq!((rows[1].after_us, rows[1].length_us, rows[1].fault.as_deref()), (7, 3000, Some("died")));
}

#[test]
fn a_program_that_does_something_else_is_another_one() {
    let store = Store::in_memory().expect("store");
    store.campaign(&key(1), "g", LENGTH).expect("campaign");
    let error = store.campaign(&key(1), "h", LENGTH).expect_err("refused").to_string();
    assert!(error.contains("use another store"), "{error}");
}

#[test]
fn what_is_no_store_is_refused() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("store");
    std::fs::write(&path, "not a database, but long enough to look at").expect("written");
    assert!(Store::open(&path).is_err());
    let other = folder.path().join("other");
    Connection::open(&other).expect("made").execute_batch("create table mine (x)").expect("table");
    let error = format!("{:#}", Store::open(&other).err().expect("refused"));
    assert!(error.contains("version 0 of the tables"), "{error}");
    assert!(Store::open(&folder.path().join("no/such")).is_err());
}

#[test]
fn parts_become_one() {
    let parts = [[0, 2].as_slice(), &[1, 2]].map(|numbers| {
        let store = Store::in_memory().expect("store");
        let id = store.campaign(&key(1), "g", LENGTH).expect("campaign");
        for number in numbers {
            store.add(id, &trial(*number, Class::Stopped)).expect("added");
        }
        store.campaigns().expect("campaigns")
    });
    let merged = merge(parts.clone()).expect("merged");
    assert_eq!(merged.len(), 1);
    assert_eq!(merged[0].trials.iter().map(|row| row.number).collect::<Vec<_>>(), [0, 1, 2]);
    let mut other = parts[0].clone();
    other[0].golden = "h".into();
    assert!(merge([parts[1].clone(), other]).is_err());
}

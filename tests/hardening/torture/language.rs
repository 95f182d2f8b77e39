// Standard library and language: collections, formatting, parsing, wide integers, floats, closures, trait objects, threads,
// atomics, thread-local variables, pattern matching, slices, strings, checked arithmetic, drop order.
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BinaryHeap, HashMap, VecDeque};
use std::fmt::Write;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};

thread_local! { static OWN: Cell<u64> = const { Cell::new(3) }; }
static COUNT: AtomicUsize = AtomicUsize::new(0);

trait Shape {
    fn area(&self) -> f64;
    fn name(&self) -> String { "shape".into() }
}
struct Square(f64);
struct Circle { r: f64 }
impl Shape for Square { fn area(&self) -> f64 { self.0 * self.0 } fn name(&self) -> String { format!("square of {}", self.0) } }
impl Shape for Circle { fn area(&self) -> f64 { std::f64::consts::PI * self.r.powi(2) } }

struct Noisy<'a>(&'a RefCell<String>, u8);
impl Drop for Noisy<'_> { fn drop(&mut self) { write!(self.0.borrow_mut(), "{} ", self.1).unwrap(); } }

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Token { Number(i64), Word(String), Pair(Box<Token>, Box<Token>), End }

fn parse(text: &str) -> Vec<Token> {
    let mut out: Vec<Token> = Vec::new();
    for word in text.split_whitespace() {
        let token = match word.parse::<i64>() {
            Ok(number @ -9..=9) => Token::Number(number * 100),
            Ok(number) => Token::Number(number),
            Err(_) if word == "join" && out.len() >= 2 => { let (b, a) = (out.pop().unwrap(), out.pop().unwrap()); Token::Pair(Box::new(a), Box::new(b)) }
            Err(_) => Token::Word(word.to_uppercase()),
        };
        out.push(token);
    }
    out.push(Token::End);
    out
}

fn power(mut x: u128, mut n: u32) -> Option<u128> { let mut r = 1u128; while n > 0 { if n & 1 == 1 { r = r.checked_mul(x)?; } n >>= 1; if n > 0 { x = x.checked_mul(x)?; } } Some(r) }

fn main() {
    let mut words: HashMap<String, Vec<usize>> = HashMap::new();
    let text = "the quick brown fox jumps over the lazy dog while the cat sleeps over there";
    for (at, word) in text.split(' ').enumerate() { words.entry(word.to_owned()).or_default().push(at); }
    let mut sorted: Vec<_> = words.iter().collect();
    sorted.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then(a.0.cmp(b.0)));
    println!("{:?}", &sorted[..3]);
    let tree: BTreeMap<i32, String> = (0..200).map(|i| (i * 7919 % 211, format!("{i:>04x}"))).collect();
    println!("{:?}", tree.range(50..60).collect::<Vec<_>>());
    let mut heap: BinaryHeap<_> = (0..100u32).map(|i| (i * 2654435761u32.wrapping_mul(i)) % 1000).collect();
    println!("{:?} {:?}", heap.pop(), heap.into_sorted_vec().iter().take(5).collect::<Vec<_>>());
    let shapes: Vec<Box<dyn Shape>> = vec![Box::new(Square(2.5)), Box::new(Circle { r: 1.5 })];
    println!("{:.6} {}", shapes.iter().map(|s| s.area()).sum::<f64>(), shapes.iter().map(|s| s.name()).collect::<Vec<_>>().join("|"));
    println!("{:?}", parse("12 -3 hello join x join 99999999999999999999 7"));
    println!("{:?} {:?} {}", power(7, 40), power(7, 60), u128::MAX / 1_000_000_007);
    for number in ["3.25", "1e-310", "6.02214076e23", "NaN", "inf", "0.1", "x"] { print!("{:?} ", number.parse::<f64>().map(|f| (f.to_bits(), format!("{f:e}")))); }
    println!();
    let log = RefCell::new(String::new());
    { let _a = Noisy(&log, 1); let b = Noisy(&log, 2); let _c = Noisy(&log, 3); drop(b); }
    println!("{}", log.borrow());
    let total = Arc::new(Mutex::new(0u64));
    let (sender, receiver) = mpsc::channel();
    let threads: Vec<_> = (0..4u64).map(|i| { let (total, sender) = (total.clone(), sender.clone()); std::thread::spawn(move || { OWN.with(|own| own.set(own.get() + i)); for k in 0..300 { *total.lock().unwrap() += k * OWN.with(Cell::get); COUNT.fetch_add(1, Ordering::Relaxed); } sender.send(i * i).unwrap(); }) }).collect();
    drop(sender);
    for thread in threads { thread.join().unwrap(); }
    println!("{} {} {} {}", total.lock().unwrap(), COUNT.load(Ordering::SeqCst), receiver.iter().sum::<u64>(), OWN.with(Cell::get));
    let swap = AtomicU64::new(5);
    println!("{:?} {:?} {}", swap.compare_exchange(5, 9, Ordering::AcqRel, Ordering::Relaxed), swap.compare_exchange(5, 1, Ordering::AcqRel, Ordering::Relaxed), swap.swap(4, Ordering::SeqCst));
    let shared = Rc::new(RefCell::new(VecDeque::from([1, 2, 3])));
    let other = shared.clone();
    let turn = move |n: i32| { other.borrow_mut().push_front(n); other.borrow_mut().rotate_left(2); other.borrow().iter().fold(0i32, |a, b| a.wrapping_mul(31) + b) };
    println!("{} {} {:?}", turn(9), turn(-4), shared.borrow());
    println!("{:?} {:?} {:?} {}", 200u8.checked_add(100), i32::MIN.checked_abs(), 7i32.checked_rem(0), i64::MIN.wrapping_div(-1));
    let bytes: Vec<u8> = (0..=255).collect();
    let sum = bytes.chunks(7).map(|c| c.iter().rev().fold(0u32, |a, &b| a.rotate_left(5) ^ u32::from(b))).fold(0u64, |a, b| a.wrapping_mul(1099511628211) ^ u64::from(b));
    println!("{sum:016x} {:?} {}", String::from_utf8_lossy(&bytes[0xc0..0xc8]), "ßtraße größer".chars().rev().collect::<String>());
    let mut grid = [[0i16; 9]; 9];
    for (y, row) in grid.iter_mut().enumerate() { for (x, cell) in row.iter_mut().enumerate() { *cell = (x as i16 - 4) * (y as i16 + 1) % 5; } }
    println!("{}", grid.concat().iter().map(|&c| i64::from(c)).enumerate().map(|(i, c)| i as i64 * c).sum::<i64>());
    let v: Vec<f32> = (0..37).map(|i| i as f32 * 0.5).collect();
    println!("{:?} {}", v.iter().zip(v.iter().rev()).map(|(a, b)| a * b).sum::<f32>(), std::panic::Location::caller().line() > 0);
    println!("done");
}

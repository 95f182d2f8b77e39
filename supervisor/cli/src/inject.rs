//! `--inject`: one fault in words, see the help of `rcb run`.

use anyhow::{Context, Result, bail};
use rcb_abi::control::{Hook, hook_target};
use rcb_abi::fault::Regs;

/// Reads `replica=1,call=200,reg=rbx,bit=5` and its like.
pub(crate) fn parse(text: &str) -> Result<Hook> {
    parse_words(text).with_context(|| format!("--inject {text}"))
}

fn parse_words(text: &str) -> Result<Hook> {
    let (mut replica, mut call, mut bit, mut target) = (None, None, None, None);
    for word in text.split(',') {
        let (name, value) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
        let number = || number(name, value);
        let chosen = match name {
            "replica" => {
                replica = Some(number()?);
                continue;
            }
            "call" => {
                call = Some(number()?);
                continue;
            }
            "bit" => {
                bit = Some(number()?);
                continue;
            }
            "reg" => (hook_target::REGISTER, register(value.unwrap_or_default())?),
            "mem" => (hook_target::MEMORY, number()?),
            "stack" => (hook_target::STACK, number()?),
            "heap" => (hook_target::HEAP, number()?),
            "data" => (hook_target::DATA, number()?),
            "result" => (hook_target::RESULT, 0),
            "input" => (hook_target::INPUT, 0),
            "hang" => (hook_target::HANG, 0),
            "kill" => (hook_target::KILL, 0),
            "kill-begun" => (hook_target::KILL_BEGUN, 0),
            "kill-done" => (hook_target::KILL_DONE, 0),
            _ => bail!("'{word}' is not known"),
        };
        if target.replace(chosen).is_some() {
            bail!("more than one target");
        }
    }
    let (target, place) = target.context("nothing to change is named (reg, mem, stack, heap, data, result, ...)")?;
    let call = call.filter(|call| *call > 0).context("call=NUMBER is missing (from 1)")?;
    let bits = if matches!(target, hook_target::REGISTER | hook_target::RESULT) { 64 } else { 8 };
    let bit = bit.unwrap_or(0);
    if bit >= bits {
        bail!("bit {bit}: there are only {bits}");
    }
    let replica = u32::try_from(replica.context("replica=NUMBER is missing (from 0)")?).context("the replica")?;
    Ok(Hook { target, replica, call, place, bit: bit as u32, reserved: 0 })
}

/// Decimal or hexadecimal, with an optional sign for offsets (two's complement).
fn number(name: &str, value: Option<&str>) -> Result<u64> {
    let text = value.with_context(|| format!("{name}=NUMBER is wanted"))?;
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let parsed = match digits.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => digits.parse(),
    };
    let magnitude = parsed.with_context(|| format!("{name}={text} is not a number"))?;
    Ok(if negative { magnitude.wrapping_neg() } else { magnitude })
}

fn register(name: &str) -> Result<u64> {
    let index = Regs::NAMES.iter().position(|known| *known == name);
    index.map(|index| index as u64).with_context(|| format!("'{name}' is none of {}", Regs::NAMES.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target() {
        let hook = parse("replica=1,call=200,reg=rbx,bit=5").expect("register");
        assert_eq!((hook.target, hook.replica, hook.call, hook.bit), (hook_target::REGISTER, 1, 200, 5));
        assert_eq!(Regs::NAMES[hook.place as usize], "rbx");
        for (text, target, place) in [
            ("mem=0x7fff0000", hook_target::MEMORY, 0x7fff_0000),
            ("stack=+64", hook_target::STACK, 64),
            ("stack=-8", hook_target::STACK, 8u64.wrapping_neg()),
            ("heap=+4096", hook_target::HEAP, 4096),
            ("data=16", hook_target::DATA, 16),
            ("result", hook_target::RESULT, 0),
            ("input", hook_target::INPUT, 0),
            ("hang", hook_target::HANG, 0),
            ("kill", hook_target::KILL, 0),
        ] {
            let hook = parse(&format!("replica=0,call=1,{text}")).expect(text);
            assert_eq!((hook.target, hook.place, hook.bit), (target, place, 0), "{text}");
        }
    }

    #[test]
    fn mistakes_are_told() {
        for bad in [
            "",
            "replica=0",
            "replica=0,call=1",
            "call=1,hang",
            "replica=0,hang",
            "replica=0,call=0,hang",
            "replica=0,call=1,hang,kill",
            "replica=0,call=1,reg=xyz",
            "replica=0,call=1,mem=0x1,bit=8",
            "replica=0,call=1,reg=rax,bit=64",
            "replica=0,call=1,mem",
            "replica=0,call=1,hang,now",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}

//! Digest of requests and data: 64 bits from four lanes of multiply-and-fold (after wyhash by Wang Yi).
//!
//! Not cryptographic: it has to notice accidents of hardware. Two different inputs collide with a probability of about
//! 2^-64. A lane adds each fold to its old value, so that a product of zero does not erase what came before.

/// Multiplier.
pub const KEY: u64 = 0xa076_1d64_78bd_642f;
/// Start values of the lanes.
pub const LANES: [u64; 4] =
    [0xe703_7ed1_a0b4_28db, 0x8ebc_6af0_9c88_c6e3, 0x5899_65cc_7537_4cc3, 0x1d8e_4e27_c47d_124f];

/// 64x64 to 128 bits, both halves folded.
#[inline]
pub const fn fold(a: u64, b: u64) -> u64 {
    let wide = a as u128 * b as u128;
    wide as u64 ^ (wide >> 64) as u64
}

/// Feeds one block of 64 bytes.
#[inline]
pub fn block(lanes: &mut [u64; 4], bytes: &[u8; 64]) {
    let word = |i: usize| {
        let mut raw = [0; 8];
        raw.copy_from_slice(&bytes[i * 8..i * 8 + 8]);
        u64::from_le_bytes(raw)
    };
    for (i, lane) in lanes.iter_mut().enumerate() {
        *lane = lane.wrapping_add(fold(word(2 * i) ^ *lane, word(2 * i + 1) ^ KEY));
    }
}

/// Feeds one block given as words.
#[inline]
pub fn words(lanes: &mut [u64; 4], words: &[u64; 8]) {
    lanes[0] = lanes[0].wrapping_add(fold(words[0] ^ lanes[0], words[1] ^ KEY));
    lanes[1] = lanes[1].wrapping_add(fold(words[2] ^ lanes[1], words[3] ^ KEY));
    lanes[2] = lanes[2].wrapping_add(fold(words[4] ^ lanes[2], words[5] ^ KEY));
    lanes[3] = lanes[3].wrapping_add(fold(words[6] ^ lanes[3], words[7] ^ KEY));
}

/// Closes a digest over `length` bytes.
#[inline]
pub const fn finish(lanes: &[u64; 4], length: u64) -> u64 {
    let half = fold(lanes[0] ^ KEY, lanes[1] ^ length);
    let other = fold(lanes[2] ^ KEY, lanes[3] ^ 0x2d35_8dcc_aa6c_78a5);
    fold(half ^ 0x8bb8_4b93_962e_acc9, other ^ KEY).wrapping_add(half ^ other)
}

/// Digest of a byte string: whole blocks, then the rest padded with zeros, then the length.
pub fn bytes(data: &[u8]) -> u64 {
    let mut lanes = LANES;
    let mut chunks = data.chunks_exact(64);
    for chunk in &mut chunks {
        let mut whole = [0; 64];
        whole.copy_from_slice(chunk);
        block(&mut lanes, &whole);
    }
    let rest = chunks.remainder();
    if !rest.is_empty() {
        let mut padded = [0; 64];
        padded[..rest.len()].copy_from_slice(rest);
        block(&mut lanes, &padded);
    }
    finish(&lanes, data.len() as u64)
}

/// The chain after a request: `state` are 16 words (number, addresses, registers, arguments, digest of the input).
#[inline]
pub fn chain_request(chain: u64, state: &[u64; 16]) -> u64 {
    let mut lanes = [LANES[0] ^ chain, LANES[1], LANES[2] ^ chain, LANES[3]];
    let (low, high) = state.split_at(8);
    let mut half = [0; 8];
    half.copy_from_slice(low);
    words(&mut lanes, &half);
    half.copy_from_slice(high);
    words(&mut lanes, &half);
    finish(&lanes, 128)
}

/// Digest of eight words that travel together.
#[inline]
pub fn seal(state: &[u64; 8]) -> u64 {
    let mut lanes = LANES;
    words(&mut lanes, state);
    finish(&lanes, 64)
}

/// The chain after a result and the digest of what was delivered with it.
#[inline]
pub const fn chain_result(chain: u64, result: u64, delivered: u64) -> u64 {
    fold(chain ^ KEY, result ^ 0xd6e8_feb8_6659_fd93).wrapping_add(chain.rotate_left(17) ^ delivered)
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    proptest! {
        #[test]
        fn one_flipped_bit_changes_the_digest(mut data in prop::collection::vec(any::<u8>(), 1..600), place in any::<prop::sample::Index>(), bit in 0u8..8) {
            let before = bytes(&data);
            let i = place.index(data.len());
            data[i] ^= 1 << bit;
            prop_assert_ne!(before, bytes(&data));
        }

        #[test]
        fn length_counts(data in prop::collection::vec(Just(0u8), 0..300)) {
            let mut longer: Vec<u8> = data.clone();
            longer.push(0);
            prop_assert_ne!(bytes(&data), bytes(&longer));
        }

        #[test]
        fn one_flipped_bit_of_a_request_changes_the_chain(chain in any::<u64>(), state in any::<[u64; 16]>(), word in 0usize..16, bit in 0u32..64) {
            let mut other = state;
            other[word] ^= 1 << bit;
            prop_assert_ne!(chain_request(chain, &state), chain_request(chain, &other));
            prop_assert_ne!(chain_request(chain, &state), chain_request(chain ^ (1 << bit), &state));
        }

        #[test]
        fn result_and_delivery_change_the_chain(chain in any::<u64>(), result in any::<u64>(), delivered in any::<u64>(), bit in 0u32..64) {
            let whole = chain_result(chain, result, delivered);
            prop_assert_ne!(whole, chain_result(chain, result ^ (1 << bit), delivered));
            prop_assert_ne!(whole, chain_result(chain, result, delivered ^ (1 << bit)));
            prop_assert_ne!(whole, chain_result(chain ^ (1 << bit), result, delivered));
        }

        #[test]
        fn one_flipped_bit_breaks_the_seal(state in any::<[u64; 8]>(), word in 0usize..8, bit in 0u32..64) {
            let mut other = state;
            other[word] ^= 1 << bit;
            prop_assert_ne!(seal(&state), seal(&other));
        }

        #[test]
        fn words_and_bytes_agree(state in any::<[u64; 8]>()) {
            let mut raw = [0u8; 64];
            for (i, word) in state.iter().enumerate() {
                raw[i * 8..i * 8 + 8].copy_from_slice(&word.to_le_bytes());
            }
            let (mut a, mut b) = (LANES, LANES);
            words(&mut a, &state);
            block(&mut b, &raw);
            prop_assert_eq!(a, b);
        }
    }
}

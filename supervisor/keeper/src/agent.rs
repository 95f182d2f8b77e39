//! The agent's image, carried inside this library, and the words in it that differ from replica to replica.

use crate::error::{Error, Result};
use rcb_abi::descriptors::{BOOT_MAGIC, BootWord};
use std::mem::offset_of;

/// The agent as an ELF executable, as built by the build script.
pub static AGENT: &[u8] = include_bytes!(env!("RCB_AGENT_PATH"));

/// A copy of the agent for one replica.
pub fn image_for(agent: &[u8], fd_base: u32, replica: u32) -> Result<Vec<u8>> {
    let mut places = agent.windows(BOOT_MAGIC.len()).enumerate().filter(|(_, window)| *window == BOOT_MAGIC);
    let (Some((place, _)), None) = (places.next(), places.next()) else {
        return Err(Error::Internal("the agent's image does not hold exactly one boot word: build rcb again".into()));
    };
    if place + size_of::<BootWord>() > agent.len() {
        return Err(Error::Internal("the agent's boot word is cut off: build rcb again".into()));
    }
    let mut image = agent.to_vec();
    for (offset, value) in [(offset_of!(BootWord, fd_base), fd_base), (offset_of!(BootWord, replica), replica)] {
        image[place + offset..place + offset + 4].copy_from_slice(&value.to_le_bytes());
    }
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_words(count: usize) -> Vec<u8> {
        let mut image = vec![7u8; 64];
        for _ in 0..count {
            image.extend_from_slice(&BOOT_MAGIC);
            image.extend_from_slice(&[0; 16]);
        }
        image
    }

    #[test]
    fn boot_word_is_filled_in() {
        let image = image_for(&with_words(1), 960, 3).expect("one boot word");
        assert_eq!(image.len(), 96);
        assert_eq!(image[64..80], BOOT_MAGIC);
        assert_eq!(image[80..84], 960u32.to_le_bytes());
        assert_eq!(image[84..88], 3u32.to_le_bytes());
        assert_eq!(image[88..], [0; 8]);
    }

    #[test]
    fn any_other_count_is_an_error() {
        assert!(image_for(&with_words(0), 960, 0).is_err());
        assert!(image_for(&with_words(2), 960, 0).is_err());
    }
}

//! A part of the selected cases, for machines that share the work. The parts are disjoint and together complete.

use std::fmt;
use std::str::FromStr;

use crate::catalogue::Entry;

/// A part of the cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    kind: Kind,
    /// Which part, from 1.
    index: u64,
    /// Of how many.
    of: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// By the id: a case stays in its part when others come and go.
    Hash,
    /// By the place in the selection: parts are of one size.
    Slice,
}

/// Why a text is no shard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a shard is `hash:I/N` or `slice:I/N` with I from 1 to N, as in `hash:2/5`; this is `{0}`")]
pub struct BadShard(String);

impl FromStr for Shard {
    type Err = BadShard;

    fn from_str(text: &str) -> Result<Self, BadShard> {
        let bad = || BadShard(text.to_owned());
        let (kind, part) = text.split_once(':').ok_or_else(bad)?;
        let (index, of) = part.split_once('/').ok_or_else(bad)?;
        let kind = match kind {
            "hash" => Kind::Hash,
            "slice" => Kind::Slice,
            _ => return Err(bad()),
        };
        let (index, of) = (index.parse().map_err(|_| bad())?, of.parse().map_err(|_| bad())?);
        if index == 0 || index > of { Err(bad()) } else { Ok(Self { kind, index, of }) }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Hash => "hash",
            Kind::Slice => "slice",
        };
        write!(f, "{kind}:{}/{}", self.index, self.of)
    }
}

impl Shard {
    /// The entries that belong to it.
    pub fn of(self, entries: Vec<Entry>) -> Vec<Entry> {
        let kept =
            |(place, entry): (usize, Entry)| (self.place(place, &entry.case.id) == self.index - 1).then_some(entry);
        entries.into_iter().enumerate().filter_map(kept).collect()
    }

    fn place(self, place: usize, id: &str) -> u64 {
        match self.kind {
            // Variants of a case stay together.
            Kind::Hash => hash(id.split_once('[').map_or(id, |(plain, _)| plain).as_bytes()) % self.of,
            Kind::Slice => place as u64 % self.of,
        }
    }

    /// Every part, for those who ask whether all are there.
    pub fn all(self) -> impl Iterator<Item = Self> {
        (1..=self.of).map(move |index| Self { index, ..self })
    }
}

/// FNV-1a: the same on every machine and in every version.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Names a selection of cases by everything that is in it; two runs with the same fingerprint ran the same cases.
pub fn fingerprint(entries: &[Entry]) -> String {
    let mut text = String::new();
    for entry in entries {
        text.push_str(&entry.case.id);
        text.push('\0');
        text.push_str(&entry.file.text);
        text.push('\0');
    }
    format!("{:016x}", hash(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;
    use crate::catalogue::Catalogue;

    static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
        let all = Catalogue::built_in().entries;
        all.into_iter().filter(|entry| entry.case.id.starts_with("concurrency/")).collect()
    });

    #[test]
    fn what_is_no_shard_is_told() {
        for text in ["", "hash", "hash:1", "hash:0/2", "hash:3/2", "half:1/2", "hash:1/0", "hash:a/b", "hash:-1/2"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
        assert_eq!("slice:2/5".parse::<Shard>().unwrap().to_string(), "slice:2/5");
    }

    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!(hash(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash(b"foobar"), 0x8594_4171_f739_67e8);
    }

    proptest! {
        #[test]
        fn parts_are_disjoint_and_complete(of in 1_u64..9, by_hash: bool) {
            let entries = &*ENTRIES;
            let kind = if by_hash { Kind::Hash } else { Kind::Slice };
            let mut ids: Vec<String> = Shard { kind, index: 1, of }
                .all()
                .flat_map(|shard| shard.of(entries.clone()))
                .map(|entry| entry.case.id)
                .collect();
            ids.sort();
            let mut all: Vec<String> = entries.iter().map(|entry| entry.case.id.clone()).collect();
            all.sort();
            prop_assert_eq!(ids, all);
        }
    }
}

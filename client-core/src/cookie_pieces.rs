//! A value that is too long for one cookie, in pieces, as Auth.js cuts it: `name.0`, `name.1`, and so on.
//!
//! Answers of one browser may cross, so that pieces of a longer value are left behind a shorter one, or a whole value beside
//! pieces. Reading takes that into account: the last piece is the first that is not full.

use std::collections::BTreeMap;
use std::fmt;

/// The longest piece: 4096 bytes, which every browser takes, less 160 for name and attributes.
pub const PIECE: usize = 3936;

/// What becomes of one cookie of the browser.
#[derive(Clone, PartialEq, Eq)]
pub struct CookieWrite {
    /// Its name.
    pub name: String,
    /// Its value; none takes it away.
    pub value: Option<String>,
}

impl fmt::Debug for CookieWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = self.value.as_ref().map(String::len);
        f.debug_struct("CookieWrite").field("name", &self.name).field("length", &length).finish_non_exhaustive()
    }
}

/// Writes an ASCII value, and takes away what of an earlier one is among the cookies `present` and not needed any more.
pub(crate) fn write(name: &str, value: &str, present: &BTreeMap<String, String>) -> Vec<CookieWrite> {
    let new = cut(name, value);
    let left_over = clear(name, present).into_iter().filter(|old| new.iter().all(|new| new.name != old.name));
    left_over.chain(new.iter().cloned()).collect()
}

fn cut(name: &str, value: &str) -> Vec<CookieWrite> {
    if value.len() <= PIECE {
        return vec![CookieWrite { name: name.to_owned(), value: Some(value.to_owned()) }];
    }
    let pieces = value.as_bytes().chunks(PIECE).map(|piece| String::from_utf8_lossy(piece).into_owned());
    pieces
        .enumerate()
        .map(|(number, piece)| CookieWrite { name: format!("{name}.{number}"), value: Some(piece) })
        .collect()
}

/// Takes away everything of this name that is among the cookies `present`.
pub(crate) fn clear(name: &str, present: &BTreeMap<String, String>) -> Vec<CookieWrite> {
    let ours = present.keys().filter(|known| is_of(name, known));
    ours.map(|known| CookieWrite { name: known.clone(), value: None }).collect()
}

fn is_of(name: &str, known: &str) -> bool {
    let Some(rest) = known.strip_prefix(name) else { return false };
    rest.is_empty() || rest.strip_prefix('.').is_some_and(|number| number.parse::<u16>().is_ok())
}

/// The values that stand among these cookies: a whole one, one in pieces, or one of each.
pub(crate) fn read(name: &str, cookies: &BTreeMap<String, String>) -> Vec<String> {
    cookies.get(name).cloned().into_iter().chain(joined(name, cookies)).collect()
}

fn joined(name: &str, cookies: &BTreeMap<String, String>) -> Option<String> {
    let mut value = String::new();
    for number in 0..u16::MAX {
        let Some(piece) = cookies.get(&format!("{name}.{number}")) else { break };
        value.push_str(piece);
        if piece.len() < PIECE {
            break;
        }
    }
    (!value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn apply(jar: &mut BTreeMap<String, String>, writes: Vec<CookieWrite>) {
        for CookieWrite { name, value } in writes {
            match value {
                Some(value) => drop(jar.insert(name, value)),
                None => drop(jar.remove(&name)),
            }
        }
    }

    fn jar(names: &[&str]) -> BTreeMap<String, String> {
        names.iter().map(|name| ((*name).to_owned(), "x".to_owned())).collect()
    }

    #[test]
    fn a_value_is_cut_where_auth_js_cuts_it() {
        let names = |length: usize| {
            let writes = write("s", &"x".repeat(length), &BTreeMap::new());
            writes.iter().map(|write| (write.name.clone(), write.value.as_ref().unwrap().len())).collect::<Vec<_>>()
        };
        assert_eq!(names(PIECE), [("s".to_owned(), PIECE)]);
        assert_eq!(names(PIECE + 1), [("s.0".to_owned(), PIECE), ("s.1".to_owned(), 1)]);
    }

    #[test]
    fn only_cookies_of_the_name_are_taken_away() {
        let present = jar(&["s", "s.0", "s.10", "s.x", "s.", "ss", "t"]);
        let gone: Vec<String> = clear("s", &present).into_iter().map(|write| write.name).collect();
        assert_eq!(gone, ["s", "s.0", "s.10"]);
    }

    #[test]
    fn a_longer_value_that_an_answer_left_behind_does_no_harm() {
        let mut jar = BTreeMap::new();
        apply(&mut jar, write("s", &"l".repeat(3 * PIECE), &BTreeMap::new()));
        apply(&mut jar, write("s", &"m".repeat(PIECE + 5), &BTreeMap::new()));
        assert_eq!(read("s", &jar), ["m".repeat(PIECE + 5)]);
        apply(&mut jar, write("s", "whole", &BTreeMap::new()));
        assert_eq!(read("s", &jar), ["whole".to_owned(), "m".repeat(PIECE + 5)]);
    }

    proptest! {
        #[test]
        fn pieces_come_together_in_any_order(
            lengths in prop::collection::vec(0..5 * PIECE, 1..5),
            shuffled in any::<prop::sample::Index>(),
        ) {
            let mut jar = BTreeMap::new();
            for length in lengths {
                let value = "abcdefghijklmnopqrstuvw".repeat(length / 23 + 1)[..=length].to_owned();
                let mut writes = write("s", &value, &jar);
                let middle = shuffled.index(writes.len());
                writes.rotate_left(middle);
                apply(&mut jar, writes);
                prop_assert_eq!(read("s", &jar), [value]);
            }
            let writes = clear("s", &jar);
            apply(&mut jar, writes);
            prop_assert!(jar.is_empty());
        }

        #[test]
        fn any_cookies_are_read_without_panic(
            cookies in prop::collection::btree_map("é?s?[.]?[0-9é]{0,6}", ".{0,8}", 0..8),
            name in "é?s?",
        ) {
            let _ = (read(&name, &cookies), clear(&name, &cookies));
        }
    }
}

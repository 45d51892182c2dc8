//! The loaded contracts in shared data: a linear hash table of which readers see whole generations only.
//!
//! Keys, all under the prefix of the plugin and its configuration:
//!
//! * `…/root`: what is in force, for whoever asks, and where polling stands ([`root::Root`]);
//! * `…/<bucket>/0` and `…/<bucket>/1`: two slots per bucket ([`bucket`]), one of them current.
//!
//! The manifest in the root alone says which slot of each bucket is current. A new generation is written into the other
//! slots, then one compare-and-swap of the root commits all of it. Whoever writes first claims the next draft number in
//! the manifest; each slot write reads the slot's version, then makes sure that the claim still stands, then swaps: a
//! writer that was superseded cannot touch a slot that has become current. A reader reads the slot, then makes sure
//! that the generation is still the one it took the slot from.
//!
//! Space. A contract takes 5 bytes, its `api` and `client_id`, one byte and the text for each of `provider`, `tier` and
//! `name`, and about 6 bytes for each date: some 60 in all. No contract takes more than 2.9 KB, see the limits in
//! [`row`](crate::contract::row). On average 24 contracts share a bucket, whose two keys and host bookkeeping add some
//! 20 bytes to each contract. While a snapshot is swapped in, both sets are there; after that the older one is emptied,
//! slot by slot. Deltas leave the older versions of the buckets they change, so that twice the set is never exceeded.
//! Keys are not removed, which the host cannot do, but used again: there are as many as the largest set needed. Only
//! the polling worker ever holds a set in its own memory, beside the page it is reading: about one and a half times the
//! set's bytes.
//!
//! Why linear hashing, and not two halves that take turns, each rewritten as a whole by every generation. Measured
//! natively over a store that counts (release build, rows of some 40 bytes), 10⁵ contracts / 10⁶:
//!
//! | | linear hashing | two halves | |---|---|---| | a delta of one row, time | 0.2 / 2.3 ms | 61 / 616 ms | | bytes
//! written by it | 2.2 / 11 KiB | 3.9 / 38.6 MiB | | shared-data calls for it | 8 / 8 | 16,700 / 166,700 | | a whole
//! set, time | 0.7 / 8.2 s | 0.3 / 4.7 s | | bytes of a whole set, in memory | 4.1 / 41 MiB | 4.1 / 41 MiB |
//!
//! Deltas are what happens every few seconds; whole sets are the exception, and are read in slices.

pub mod bucket;
pub mod draft;
pub mod keys;
pub mod manifest;
pub mod publication;
pub mod root;
pub mod row_codec;
pub mod seal;
pub mod slice;
pub mod sweep;
pub mod view;

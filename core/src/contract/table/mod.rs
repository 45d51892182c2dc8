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
//! Linear hashing and the bit per bucket earn their place with deltas. The alternative, two halves of which each change
//! rewrites the one that is not in force, with a number of buckets fixed by doubling while a whole set is read, saves
//! some 80 lines. Measured on a model of it over these buckets (native release build, a store that counts, CPU time,
//! medians of three runs) at 10⁵ / 10⁶ contracts of 50 bytes:
//!
//! | | this table | two halves | |---|---|---| | one row changed: CPU | 0.05 / 0.2 ms | 15 / 160 ms | | … calls to
//! shared data | 9 / 9 | 33,000 / 262,000 | | … bytes written | 2.5 / 12 KB | 5 / 51 MB | | … slices | 1 / 1 | 129 /
//! 1,025 | | … bytes stored then | 5 / 51 MB | 10 / 102 MB, or half of that for 1.75 times the calls | | a whole set:
//! CPU | 0.27 / 2.9 s | 0.23 / 2.4 s | | … longest slice | 4 / 8 ms | 20 / 136 ms, where its table in memory doubles |
//! | a look-up | 3.3 / 4.3 µs | 2.0 / 2.6 µs |
//!
//! Whole sets take more CPU because buckets split one by one, which keeps each slice short; look-ups because buckets
//! are fuller (24 contracts, against 12 / 15 after doubling) and the root has 5 KB of bits at 10⁶. Deltas come every
//! few seconds, whole sets seldom.

pub(super) mod bucket;
pub(super) mod draft;
pub(super) mod keys;
pub(super) mod manifest;
pub(super) mod publication;
pub(super) mod root;
pub(super) mod row_codec;
pub(super) mod seal;
pub(super) mod slice;
pub(super) mod sweep;
pub(super) mod view;

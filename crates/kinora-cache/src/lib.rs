//! Bytes of web resources, kept so that they need not be asked for twice.
//!
//! An [`Entry`] holds the stretches of one resource that came so far, wherever they lie in it. A [`Store`] holds entries:
//! [`DiskStore`] in a directory that several processes may share, [`MemoryStore`] for as long as it lives. What may be kept
//! and used again is HTTP's affair and decided by `kinora-net`; here is what is known of a resource, where its bytes are,
//! whether they are still what was written, and what has to go when room is needed.
//!
//! ```
//! use bytes::Bytes;
//! use kinora_cache::{CacheKey, EntryId, MemoryStore, Meta, Store};
//!
//! # fn main() -> Result<(), kinora_cache::CacheError> {
//! let store = MemoryStore::new(1 << 20);
//! let id = CacheKey::Url.id_of("https://example.com/film.mp4").unwrap_or_else(|| unreachable!());
//! let mut entry = store.create(id, &Meta { total_len: 8, ..Meta::default() })?;
//! entry.append(4, &[Bytes::from_static(b"moov")])?;
//! assert_eq!(entry.next_from(0), Some(4));
//! assert_eq!(entry.read(6)?, "ov");
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod disk;
mod entry_file;
mod error;
mod eviction;
mod key;
mod log;
mod memory;
mod meta;
mod store;
mod stretches;

pub use disk::{DiskStore, EntryInfo, Verdict};
pub use error::CacheError;
pub use eviction::Limits;
pub use key::{CacheKey, EntryId};
pub use memory::MemoryStore;
pub use meta::Meta;
pub use store::{Entry, Store};

//! Plays a file that only the application can read: here one that is scrambled by a key. Anything else that implements `Read`
//! and `Seek` is played the same way: memory, an entry of an archive, a store of one's own.
//!
//! ```sh
//! cargo run --example encrypted_blob -- scramble film.mp4 film.blob 42
//! cargo run --example encrypted_blob -- play film.blob 42
//! ```

use std::error::Error;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use kinora::{BitStreamSource, Event, Player};

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

fn main() -> Outcome {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["scramble", film, blob, key] => Ok(std::fs::write(
            blob,
            encrypt(&std::fs::read(film)?, key.parse()?),
        )?),
        ["play", blob, key] => play(Path::new(blob), key.parse()?),
        _ => Err("encrypted_blob scramble FILM BLOB KEY | play BLOB KEY".into()),
    }
}

/// A file that is decrypted as it is read. The stream of the cipher is a toy: a real one is sought in the same way, by its
/// counter.
struct Blob {
    file: File,
    key: u64,
    position: u64,
}

impl Read for Blob {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        for byte in buffer.iter_mut().take(count) {
            *byte ^= mask(self.key, self.position);
            self.position += 1;
        }
        Ok(count)
    }
}

impl Seek for Blob {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = self.file.seek(to)?;
        Ok(self.position)
    }
}

/// The byte of the cipher's stream at a place.
fn mask(key: u64, position: u64) -> u8 {
    let mixed = (key ^ position).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed.to_le_bytes()[7]
}

pub(crate) fn encrypt(film: &[u8], key: u64) -> Vec<u8> {
    let bytes = (0..).zip(film);
    bytes.map(|(at, byte)| byte ^ mask(key, at)).collect()
}

pub(crate) fn play(blob: &Path, key: u64) -> Outcome {
    let blob = Blob {
        file: File::open(blob)?,
        key,
        position: 0,
    };
    let player = Player::builder().autoplay(true).build()?;
    player.open(BitStreamSource::seekable(blob));
    for event in player.events() {
        match event {
            #[allow(clippy::print_stdout)] // A program for the terminal.
            Event::FirstFrame { pts } => println!("first picture at {pts}"),
            Event::Error(fault) => return Err(fault.into()),
            Event::Completion => break,
            _ => {}
        }
    }
    Ok(())
}

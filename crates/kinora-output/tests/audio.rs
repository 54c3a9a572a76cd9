//! Sound comes out as a WAV file that any program reads.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use std::path::Path;

use kinora_errors::Coded;
use kinora_media::Time;
use kinora_output::*;

const STEREO: AudioFormat = AudioFormat {
    sample_rate: 48_000,
    channels: 2,
};

#[test]
fn what_was_played_is_in_the_file_and_the_header_has_its_length() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wav");
    let mut sink = WavFile::create(&path).unwrap();
    sink.configure(STEREO).unwrap();
    sink.run(Time::ZERO);
    let samples: Vec<f32> = (0..960).map(|i| [0.5, -1.0][i % 2]).collect();
    sink.queue(Time::ZERO, &samples).unwrap();
    // Half of the ten milliseconds sound; the rest is flushed.
    assert_eq!(sink.played(Time::from_millis(5)), 240);
    sink.flush(Time::from_millis(5));
    sink.finish().unwrap();
    let file = std::fs::read(&path).unwrap();
    assert_eq!(file.len(), 44 + 240 * 4);
    let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
    assert_eq!(
        (&file[..4], word(4) as usize, &file[8..16]),
        (&b"RIFF"[..], file.len() - 8, &b"WAVEfmt "[..])
    );
    assert_eq!((word(24), word(28), word(40)), (48_000, 192_000, 960));
    assert_eq!(i16::from_le_bytes([file[44], file[45]]), 16384);
    assert_eq!(i16::from_le_bytes([file[46], file[47]]), -32767);
}

#[test]
fn a_dropped_sink_leaves_a_valid_header() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wav");
    let mut writer = WavWriter::create(&path).unwrap();
    writer.begin(STEREO).unwrap();
    writer.write(&[0.0; 10]).unwrap();
    drop(writer);
    assert_eq!(std::fs::read(&path).unwrap()[40..44], 20u32.to_le_bytes());
}

#[test]
fn another_format_can_not_follow_in_the_same_file() {
    let dir = tempfile::tempdir().unwrap();
    let mut sink = WavFile::create(&dir.path().join("a.wav")).unwrap();
    sink.configure(STEREO).unwrap();
    sink.configure(STEREO).unwrap();
    let error = sink
        .configure(AudioFormat {
            sample_rate: 44_100,
            channels: 2,
        })
        .unwrap_err();
    assert_eq!(error.reason(), "sink.format_changed");
}

#[test]
fn a_full_disk_and_a_missing_folder_have_their_numbers() {
    let error = WavWriter::create(Path::new("/no/such/folder/a.wav"))
        .err()
        .unwrap();
    assert_eq!(
        (error.code().number(), error.reason()),
        (0x2008_0002, "sink.no_such_folder")
    );
    #[cfg(target_os = "linux")]
    {
        let mut full = WavWriter::create(Path::new("/dev/full")).unwrap();
        full.begin(STEREO).unwrap();
        let error = (0..64)
            .find_map(|_| full.write(&[0.0; 4096]).err())
            .unwrap();
        assert_eq!(
            (error.code().number(), error.reason()),
            (0x2008_001c, "sink.disk_full")
        );
    }
}

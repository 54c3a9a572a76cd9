use kinora_media::{CodecId, Time};

use super::*;
use crate::Demuxer;
use crate::contract::{assert_demuxer, assert_survives};
use crate::test_files::{read, seed, total};

fn make() -> Box<dyn Demuxer> {
    Box::new(DtsDemuxer::new())
}

#[test]
fn a_file_is_read_as_promised() {
    let file = seed!("dts/tone.dts");
    let (info, packets) = read(&mut *make(), file).unwrap();
    assert_eq!(
        (info.container, info.tracks[0].codec),
        ("dts", CodecId::Dts)
    );
    assert_eq!(
        info.tracks[0].audio.map(|audio| audio.sample_rate),
        Some(48_000)
    );
    assert_eq!(total(&packets), file.len());
    assert_eq!(packets[3].pts, Time::from_millis(32));
    assert_demuxer(make, file);
    assert_survives(make, &file[..1500]);
}

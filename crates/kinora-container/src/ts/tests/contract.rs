use super::*;
use crate::contract::{assert_demuxer, assert_survives};

fn make() -> Box<dyn Demuxer> {
    Box::new(TsDemuxer::default())
}

#[test]
fn a_film_is_read_as_promised() {
    assert_demuxer(make, &film(6, 0, 300).bytes);
}

#[test]
fn a_film_over_the_wrap_of_its_clock_is_read_as_promised() {
    assert_demuxer(make, &film(6, (1 << 33) - 200_000, 300).bytes);
}

#[test]
fn a_film_in_packets_with_times_is_read_as_promised() {
    let mut bytes = Vec::new();
    for packet in film(6, 9, 300).bytes.chunks(188) {
        bytes.extend([0x12, 1, 2, 3]);
        bytes.extend(packet);
    }
    assert_demuxer(make, &bytes);
}

#[test]
fn what_is_no_film_is_survived() {
    let film = film(1, 0, 300).bytes;
    assert_survives(make, &[]);
    assert_survives(make, &film[..300]);
    assert_survives(make, &[0x47; 10_000]);
    assert_survives(make, &film.repeat(3));
}

use super::*;

#[test]
fn every_container_has_a_name_of_its_own() {
    for kind in ContainerKind::ALL {
        assert_eq!(ContainerKind::by_name(kind.name()), Some(*kind));
        assert!(!kind.extensions().is_empty(), "{kind:?}");
        assert!(!kind.container().signatures.is_empty(), "{kind:?}");
    }
}

#[test]
fn a_demuxer_names_its_container_as_the_registry_does() {
    let playable = ContainerKind::ALL.iter().filter(|kind| kind.is_playable());
    let opened: Vec<&str> = playable
        .filter_map(|kind| kind.demuxer().map(|_| kind.name()))
        .collect();
    assert_eq!(
        opened,
        [
            "mp4", "ts", "mp3", "adts", "ac3", "mkv", "flv", "ogg", "wav", "w64", "flac", "amr",
            "dts", "loas", "aiff", "caf"
        ]
    );
}

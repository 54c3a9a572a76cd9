//! Every type that a signature of the SDK holds can be named with `kinora` alone, and what an application builds can be built.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::any::type_name;
use std::time::Duration;

use kinora::output::{
    AudioOutput, BackgroundVideo, ContactSheet, NullAudio, NullVideo, NullWriter, OutputSpecError,
    PacedAudio, PngDir, Presenter, RgbImage, ScaleMode, SheetLayout, SinkError, TeeVideo, Terminal,
    VideoFormat, VideoOutput, WavFile, WavWriter, YuvFile, video::Colors,
};
use kinora::{
    Attachment, AudioFrame, AudioParams, AudioReader, Bytes, CacheConfig, CacheError, CacheKey,
    CacheNotice, Cause, Chapter, Code, CodecId, Coded, ColorInfo, ColorRange, CommandKind, Context,
    Credential, Credentials, DecoderChoice, Definition, DemuxerChoice, DiskStore, Disposition,
    EncryptType, Entry, EntryId, EntryInfo, Errno, Event, EventStream, Events, Fault, FrameBuffer,
    Freshness, Header, HttpCache, InfoCode, IpFamily, JsonValue, Lang, Limits, ListError,
    ListOptions, ListPlayer, LoadAmount, LoadEvent, LoadId, LoaderOptions, LoopMode, MediaInfo,
    MediaLoader, MediaReader, MemoryStore, Meta, Mirror, NetConfig, NoEvent, NoProxy, Orientation,
    Origin, OutputStats, Packet, PacketDump, PacketFlags, Phase, PhaseWatch, PixelFormat,
    PlaneView, PlayConfig, PlayInfo, PlayInfoEntry, PlayInfoList, PlayOptions, Player,
    PlayerBuilder, PlayerConfig, Preloaded, Proxy, ProxyConfig, ProxyError, Quality, ReadOptions,
    ReaderStatus, Refusal, RenditionChoice, Repeat, Replay, ReplayError, ReportStyle, Resolve,
    Resolving, Retry, Rotation, Row, Secret, SecretUrl, SeekAccuracy, SeekMode, SeekTo, Severity,
    Source, SpriteThumbnail, SpriteThumbnails, State, Stats, Store, SystemResolver, TapeSink, Text,
    Thumbnail, ThumbnailList, Time, TimingMark, TrackChoice, TrackId, TrackInfo, TrackKind,
    TrackOption, UnknownDefinition, UserData, VecPlanes, Verdict, VidAuth, VidSource, VidSts,
    VideoBase, VideoFrame, VideoParams, VideoReader, Waiting, codes, explain, replay,
};

macro_rules! names {
    ($($name:ty),* $(,)?) => { [$(type_name::<$name>()),*] };
}

#[test]
fn the_types_of_the_player_have_names_here() {
    let names = names![
        CommandKind,
        Credential,
        DecoderChoice,
        DemuxerChoice,
        Event,
        EventStream,
        Events,
        InfoCode,
        JsonValue,
        LoopMode,
        NoEvent,
        OutputStats,
        Player,
        PlayerBuilder,
        PlayerConfig,
        Refusal,
        Repeat,
        Replay,
        ReplayError,
        SeekAccuracy,
        Source,
        State,
        Stats,
        TapeSink,
        TimingMark,
        TrackChoice,
        TrackOption,
    ];
    assert!(names.iter().all(|name| !name.is_empty()));
}

#[test]
fn the_types_of_the_faults_have_names_here() {
    let names = names![
        Cause,
        Code,
        Context,
        Errno,
        Fault,
        Lang,
        Origin,
        ReportStyle,
        Retry,
        Row,
        Secret,
        Severity,
        Text,
        Box<dyn Coded>,
    ];
    assert!(names.iter().all(|name| !name.is_empty()));
}

#[test]
fn the_types_of_the_media_have_names_here() {
    let names = names![
        Attachment,
        AudioFrame,
        AudioParams,
        AudioReader,
        Bytes,
        Chapter,
        CodecId,
        ColorInfo,
        ColorRange,
        Disposition,
        MediaInfo,
        MediaReader,
        Mirror,
        Orientation,
        Packet,
        PacketDump,
        PacketFlags,
        PixelFormat,
        PlaneView<'_>,
        ReadOptions,
        ReaderStatus<'_>,
        RenditionChoice,
        Rotation,
        SpriteThumbnail,
        SpriteThumbnails,
        SeekMode,
        SeekTo,
        Time,
        TrackId,
        TrackInfo,
        TrackKind,
        UserData,
        VecPlanes,
        VideoFrame,
        VideoParams,
        VideoReader,
        Box<dyn FrameBuffer>,
    ];
    assert!(names.iter().all(|name| !name.is_empty()));
}

#[test]
fn the_types_of_the_service_have_names_here() {
    let names = names![
        Credentials,
        Definition,
        EncryptType,
        PlayInfoEntry,
        Header,
        IpFamily,
        NetConfig,
        NoProxy,
        Phase,
        PhaseWatch,
        PlayConfig,
        PlayInfo,
        PlayInfoList,
        PlayOptions,
        Proxy,
        ProxyConfig,
        ProxyError,
        Quality,
        Resolving,
        SecretUrl,
        SystemResolver,
        Thumbnail,
        ThumbnailList,
        UnknownDefinition,
        VidAuth,
        VidSource,
        VidSts,
        VideoBase,
        Waiting,
        Box<dyn Resolve>,
    ];
    assert!(names.iter().all(|name| !name.is_empty()));
}

#[test]
fn the_types_of_caches_and_lists_have_names_here() {
    let names = names![
        CacheConfig,
        CacheError,
        CacheKey,
        CacheNotice,
        DiskStore,
        EntryId,
        EntryInfo,
        Freshness,
        HttpCache,
        Limits,
        ListError,
        ListOptions,
        ListPlayer,
        LoadAmount,
        LoadEvent,
        LoadId,
        LoaderOptions,
        MediaLoader,
        MemoryStore,
        Meta,
        Preloaded,
        Verdict,
        Box<dyn Entry>,
        Box<dyn Store>,
    ];
    assert!(names.iter().all(|name| !name.is_empty()));
}

#[test]
fn the_types_of_the_outputs_have_names_here() {
    let names = names![
        AudioOutput,
        BackgroundVideo,
        Colors,
        ContactSheet,
        NullAudio,
        NullVideo,
        OutputSpecError,
        PacedAudio<NullWriter>,
        PngDir,
        Presenter<NullVideo>,
        RgbImage,
        SheetLayout,
        ScaleMode,
        SinkError,
        TeeVideo,
        Terminal,
        VideoFormat,
        VideoOutput,
        WavFile,
        WavWriter,
        YuvFile,
    ];
    assert!(names.iter().all(|name| !name.is_empty()));
}

#[test]
fn a_frame_of_the_applications_own_can_be_built_and_drawn() {
    let luma = (vec![128; 16 * 8], 16);
    let chroma = (vec![128; 8 * 4], 8);
    let frame = VideoFrame {
        pts: Time::ZERO,
        duration: Time::from_millis(40),
        width: 16,
        height: 8,
        format: PixelFormat::I420,
        color: ColorInfo::default(),
        pixel_aspect: None,
        rotation: Rotation::Cw90,
        mirror: Mirror::None,
        buffer: std::sync::Arc::new(VecPlanes {
            planes: vec![luma, chroma.clone(), chroma],
        }),
    };
    let image = RgbImage::upright(&frame).unwrap();
    assert_eq!((image.width, image.height), (8, 16));
    let PlaneView { data, stride } = frame.buffer.plane(0);
    assert_eq!((data.len(), stride), (128, 16));
}

#[test]
fn settings_and_sources_can_be_built() {
    let net = NetConfig {
        ip_family: IpFamily::V4,
        proxy: ProxyConfig::all(Proxy::parse("http://127.0.0.1:1").unwrap()),
        connect_timeout: Some(Duration::from_secs(1)),
        ..NetConfig::default()
    };
    let config = PlayerConfig {
        max_buffer: Duration::from_secs(9),
        ..PlayerConfig::default()
    };
    let quality = Quality {
        definition: "HD".parse::<Definition>().ok(),
        forced: true,
    };
    let source = Source::VidAuth(Box::new(VidAuth {
        vid: "v".into(),
        play_auth: Secret::new("p"),
        quality,
        ..VidAuth::default()
    }));
    let player = Player::builder()
        .network(net)
        .config(config)
        .resolver(SystemResolver)
        .decoders(DecoderChoice::Rust)
        .demuxers(DemuxerChoice::Auto)
        .build()
        .unwrap();
    player.set_source(source);
    player.refresh(Credential::PlayAuth(Secret::new("p")));
    let seek = SeekTo {
        time: Time::ZERO,
        mode: SeekMode::Before,
    };
    assert_eq!(seek.mode, SeekMode::Before);
}

#[test]
fn a_fault_is_reported_in_both_languages() {
    let fault =
        Fault::new(codes::ERROR_NETWORK_HTTP_403, "http.status").at_url("http://a.test/?k=s");
    let texts = [Lang::En, Lang::Zh].map(|lang| fault.report(lang, ReportStyle::Plain));
    assert!(texts.iter().all(|text| !text.contains("k=s")), "{texts:?}");
    assert_ne!(texts[0], texts[1]);
    let answer = explain::look_up("403");
    assert!(explain::render(&answer, Lang::En, ReportStyle::Plain).contains("403"));
}

#[test]
fn a_recording_is_read_without_another_crate() {
    let lines = "not a recording".parse::<JsonValue>();
    assert!(lines.is_err());
    let line = "{\"kinora_session\":0}".parse::<JsonValue>().unwrap();
    assert!(matches!(
        replay([line].into_iter()),
        Err(ReplayError::NotARecording)
    ));
}

#!/bin/sh
# Makes the first inputs of the corpus: small films and texts of our own. Needs ffmpeg with libx264 and libx265.
# What fuzzing adds to them is kept by `cargo fuzz cmin` and lies beside them.
set -eu
cd "$(dirname "$0")/corpus"
mkdir -p mp4 ts adts mp3 hls subtitle play_auth pop urls lookup dash flv ogg wav flac amr dts loas aiff caf mkv protect w64 ffmpeg cache ac3 overlay tape
make_av() { # output, then options
    out=$1
    shift
    ffmpeg -v error -y -f lavfi -i testsrc=size=32x32:rate=5:duration=0.8 \
        -f lavfi -i sine=frequency=440:sample_rate=16000:duration=0.8 \
        -map_metadata -1 -fflags +bitexact -flags +bitexact -pix_fmt yuv420p -ac 1 "$@" "$out"
}
h264="-c:v libx264 -preset veryfast -crf 51 -g 2 -bf 1"
h265="-c:v libx265 -preset veryfast -crf 51 -x265-params log-level=none:info=0"
aac="-c:a aac -b:a 8k"
make_av mp4/front.mp4 $h264 $aac -movflags +faststart
make_av mp4/back.mp4 $h264 $aac
make_av mp4/fragments.mp4 $h264 $aac -movflags +frag_keyframe+empty_moov+default_base_moof
make_av mp4/sidx.mp4 $h264 $aac -movflags +dash+global_sidx -frag_duration 400000
make_av mp4/hevc_ac3.mp4 $h265 -c:a ac3 -b:a 32k
make_av mp4/quicktime.mov $h264 -c:a pcm_s16le -t 0.2
make_av mp4/edit.mp4 $h264 -c:a libmp3lame -b:a 8k -ss 0.3
make_av mp4/opus_flac.mp4 $h264 -c:a flac -strict -2
make_av ffmpeg/mpeg4.avi -t 0.4 -c:v mpeg4 -qscale:v 31 -g 2 -bf 1 -c:a libmp3lame -b:a 8k
make_av ffmpeg/film.nut -t 0.4 $h264 $aac
make_av ffmpeg/film.wmv -t 0.4 -c:v wmv2 -qscale:v 31 -g 2 -c:a wmav2 -b:a 24k
make_av mkv/avc_aac.mkv $h264 $aac
make_av mkv/vp9_opus.webm -c:v libvpx-vp9 -b:v 8k -g 2 -c:a libopus -b:a 8k
make_av mkv/live.webm -c:v libvpx -b:v 8k -g 2 -c:a libopus -b:a 8k -live 1 -cluster_time_limit 300
make_av mkv/front.mkv $h264 -c:a flac -reserve_index_space 400 -cues_to_front 1 -t 0.4
make_av mkv/pcm.mka -vn -c:a pcm_s16le -t 0.1
make_av ts/avc_aac.ts $h264 $aac
make_av ts/hevc_ac3.ts $h265 -c:a ac3 -b:a 32k
make_av ts/mp3_192.ts $h264 -c:a libmp3lame -b:a 8k -mpegts_m2ts_mode 1
make_av ts/latm.ts $h264 $aac -mpegts_flags +latm
make_av ts/opus.ts $h264 -c:a libopus -b:a 8k
make_av flv/avc_aac.flv $h264 $aac
make_av flv/index.flv $h264 $aac -flvflags add_keyframe_index
make_av flv/mp3.flv -c:v flv -qscale:v 31 -c:a libmp3lame -b:a 8k -ar 22050
make_av ogg/tone.opus -vn -c:a libopus -b:a 8k
make_av ogg/tone.ogg -vn -c:a libvorbis -q:a -1
make_av ogg/tone.oga -vn -c:a flac -t 0.2
make_av ogg/film.ogv -c:v libtheora -qscale:v 1 -g 2 -c:a libvorbis -q:a -1
cat ogg/tone.oga ogg/tone.opus >ogg/chained.ogg
make_av adts/tone.aac -vn $aac
make_av adts/stereo.aac -vn $aac -ac 2
make_av mp3/cbr.mp3 -vn -c:a libmp3lame -b:a 8k
make_av mp3/vbr.mp3 -vn -c:a libmp3lame -q:a 9
make_av mp3/plain.mp3 -vn -c:a libmp3lame -b:a 8k -write_xing 0 -id3v2_version 0
make_av mp3/layer2.mp2 -vn -c:a mp2 -b:a 8k

make_tone() { # output, then options
    out=$1
    shift
    ffmpeg -v error -y -f lavfi -i sine=frequency=440:sample_rate=8000:duration=0.8 \
        -metadata title=Tone -fflags +bitexact -flags +bitexact "$@" "$out"
}
make_tone wav/s16.wav -t 0.3
make_tone wav/s24.wav -t 0.3 -ac 2 -c:a pcm_s24le
make_tone wav/f32.wav -t 0.3 -c:a pcm_f32le
make_tone wav/alaw.wav -t 0.3 -c:a pcm_alaw
make_tone wav/ima.wav -ac 2 -c:a adpcm_ima_wav -block_size 256
make_tone wav/ms.wav -c:a adpcm_ms -block_size 256
make_tone wav/rf64.wav -t 0.3 -rf64 always
make_tone wav/mp3.wav -c:a libmp3lame -b:a 8k
ffmpeg -v error -f lavfi -i sine=frequency=440:sample_rate=8000:duration=0.3 -f wav - >wav/piped.wav
make_tone w64/s16.w64 -t 0.3
make_tone w64/ima.w64 -ac 2 -c:a adpcm_ima_wav -block_size 256
make_tone flac/tone.flac -c:a flac -frame_size 512
make_tone flac/wide.flac -t 0.4 -c:a flac -ac 2 -sample_fmt s32 -frame_size 1024
ffmpeg -v error -f lavfi -i sine=frequency=440:sample_rate=8000:duration=0.4 -c:a flac -f flac - >flac/piped.flac
make_tone dts/tone.dts -ar 48000 -t 0.2 -c:a dca -strict -2 -b:a 256k
make_tone loas/tone.loas -c:a aac -b:a 8k -f latm
make_tone aiff/s16.aiff -t 0.3 -write_id3v2 1
make_tone aiff/f32.aifc -t 0.3 -c:a pcm_f32be -f aiff
make_tone aiff/sowt.aifc -t 0.3 -c:a pcm_s16le -f aiff
make_tone aiff/ima4.aifc -c:a adpcm_ima_qt -f aiff
make_tone caf/s16.caf -t 0.3
make_tone caf/f32.caf -t 0.3 -c:a pcm_f32be
make_tone caf/alac.caf -c:a alac
make_tone caf/opus.caf -c:a libopus -b:a 8k
make_tone caf/ima4.caf -c:a adpcm_ima_qt
silence() { # file, magic, first byte of a frame in octal, bytes behind it, frames
    printf "$2" >"$1"
    for _ in $(seq "$5"); do
        printf "\\$3" >>"$1"
        head -c "$4" /dev/zero >>"$1"
    done
}
silence amr/narrow.amr '#!AMR\n' 074 31 60
silence amr/wide.amr '#!AMR-WB\n' 104 60 60

cat >hls/vod.m3u8 <<'M'
#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:6
#EXT-X-MEDIA-SEQUENCE:3
#EXT-X-DISCONTINUITY-SEQUENCE:1
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-KEY:METHOD=AES-128,URI="key?id=1",IV=0x000102030405060708090A0B0C0D0E0F
#EXT-X-MAP:URI="init.mp4",BYTERANGE="720@0"
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.123Z
#EXT-X-BITRATE:800
#EXTINF:5.96,one
#EXT-X-BYTERANGE:1000@720
a.mp4
#EXT-X-BYTERANGE:1000
#EXTINF:6,
a.mp4
#EXT-X-DISCONTINUITY
#EXT-X-KEY:METHOD=NONE
#EXT-X-GAP
#EXTINF:6,
//other.example.org/b.ts
#EXT-X-DATERANGE:ID="x",CLASS="ad",START-DATE="2026-01-01T00:00:00Z",DURATION=3,SCTE35-OUT=0xFC
#EXT-X-START:TIME-OFFSET=-3,PRECISE=YES
#EXT-X-ENDLIST
M
cat >hls/live.m3u8 <<'M'
#EXTM3U
#EXT-X-DEFINE:NAME="v",VALUE="abc"
#EXT-X-DEFINE:QUERYPARAM="token"
#EXT-X-TARGETDURATION:4
#EXT-X-VERSION:10
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1,CAN-SKIP-UNTIL=24,CAN-SKIP-DATERANGES=YES,HOLD-BACK=12
#EXT-X-PART-INF:PART-TARGET=0.33
#EXT-X-MEDIA-SEQUENCE:266
#EXT-X-SKIP:SKIPPED-SEGMENTS=3,RECENTLY-REMOVED-DATERANGES="a	b"
#EXTINF:4.0,
{$v}-266.mp4
#EXT-X-PART:DURATION=0.33,URI="{$v}.0.mp4",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.33,URI="{$v}.1.mp4",BYTERANGE=20@100,GAP=YES
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="{$v}.2.mp4",BYTERANGE-START=0
#EXT-X-RENDITION-REPORT:URI="../1M/w.m3u8",LAST-MSN=273,LAST-PART=2
M
cat >hls/multi.m3u8 <<'M'
#EXTM3U
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-CONTENT-STEERING:SERVER-URI="/steer",PATHWAY-ID="A"
#EXT-X-SESSION-DATA:DATA-ID="t",VALUE="x",LANGUAGE="en"
#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI="skd://k",KEYFORMAT="com.example",KEYFORMATVERSIONS="1/2"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="English",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="en.m3u8"
#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="c",NAME="cc",INSTREAM-ID="CC1"
#EXT-X-STREAM-INF:BANDWIDTH=1280000,AVERAGE-BANDWIDTH=1000000,CODECS="avc1.4d401e,mp4a.40.2",RESOLUTION=640x360,FRAME-RATE=29.97,AUDIO="a",CLOSED-CAPTIONS="c",SCORE=1.5,PATHWAY-ID="A"
low/a.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=7680000,HDCP-LEVEL=NONE,VIDEO-RANGE=SDR
file:///etc/passwd
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=86000,URI="i.m3u8"
M
cat >subtitle/film.srt <<'M'
1
00:00:01,000 --> 00:00:02,500 X1:10 X2:20
<i>One</i> {\an8}<font color="#ff0000" size=5>two</font> &amp;

three

2
00:03,5 --> 0:0:4
<b>x</i>
M
cat >subtitle/film.vtt <<'M'
WEBVTT - film
X-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:900000

STYLE
::cue(b.x), ::cue(v[voice="Ann"]) { color: rgba(0,0,0,.5); font-size: 80%; font-weight: 700 } /* c */

REGION
id:r width:40% lines:2 regionanchor:0%,100% viewportanchor:10%,90% scroll:up

NOTE n

one
00:00.500 --> 01:00:02.000 region:r line:-1,end position:20%,line-left size:30% align:end
<v.a Ann>a<b.x>b</b></v> <ruby>c<rt>d</rt></ruby> <00:01.000>&lt;&#x41;<lang zh>e
M
cat >subtitle/film.ass <<'M'
[Script Info]
PlayResX: 200
PlayResY: 100
[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, OutlineColour, Bold, BorderStyle, Outline, Alignment, MarginV
Style: Default,Serif,10,&H8000FFFF,255,-1,3,2,8,5
[Events]
Format: Layer, Start, End, Style, Text
Dialogue: 1,0:00:01.00,0:00:02:50,Default,{\an5\pos(10,20)\c&H0000FF&\t(0,1,\fs20)\b0\i1\fnX}a\Nb{\p1}m 0 0{\p0}\h{\r}c, d
M
cat >subtitle/film.ttml <<'M'
<?xml version="1.0"?><tt:tt xmlns:tt="http://www.w3.org/ns/ttml" xmlns:tts="http://www.w3.org/ns/ttml#styling" xmlns:ttp="http://www.w3.org/ns/ttml#parameter" ttp:frameRate="25" ttp:tickRate="100" tts:extent="200px 100px" ttp:cellResolution="40 20">
<tt:head><tt:styling><tt:style xml:id="s" tts:color="#ff0000" tts:fontSize="1c 2c"/></tt:styling><tt:layout><tt:region xml:id="r" tts:origin="10% 20px" tts:extent="80% 10%" tts:displayAlign="after"/></tt:layout></tt:head>
<tt:body><tt:div begin="1s" timeContainer="seq"><tt:p style="s" region="r" dur="00:00:02:05">a<tt:br/><tt:span begin="50t" end="30f" tts:fontWeight="bold">b &amp; &#233;</tt:span></tt:p></tt:div></tt:body></tt:tt>
M
iconv -f UTF-8 -t GB18030 >subtitle/gbk.srt <<'M'
1
00:00:01,000 --> 00:00:02,000
你好，世界。我们今天晚上去看电影吧？
M
iconv -f UTF-8 -t UTF-16LE subtitle/film.ass >subtitle/utf16.ass
printf '\0\0\0\0vttC\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\042vttc\0\0\0\016sttgline:0\0\0\0\014paylwxyz' >subtitle/wvtt.bin
printf '\0\0\0\0\001\377\0\0\0\200\0\120\0\0\0\144\0\310\0\0\0\0\0\007\001\012\377\377\377\377\0\003abc\0\0\0\026styl\0\001\0\001\0\002\0\007\002\024\377\0\0\377' >subtitle/tx3g.bin
# Triplets: roll-up, a row, letters, a carriage return; then a packet of CEA-708 that defines a window and writes.
printf '\374\224\045\374\224\140\374\141\142\374\224\255\374\343\144\377\007\053\376\230\040\376\313\062\376\161\011\376\030\110\376\151\000\376\000\000' >subtitle/captions.bin
cat >dash/vod.mpd <<'M'
<?xml version="1.0" encoding="UTF-8"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" xmlns:cenc="urn:mpeg:cenc:2013" type="static" mediaPresentationDuration="PT0H0M12.5S" minBufferTime="PT2S" profiles="urn:mpeg:dash:profile:isoff-live:2011">
<BaseURL serviceLocation="a">https://a.example.org/</BaseURL><BaseURL serviceLocation="b">//b.example.org/x/</BaseURL>
<Period id="1" duration="PT6S"><EventStream schemeIdUri="urn:e" timescale="1000"><Event presentationTime="5" duration="1" id="2">m</Event></EventStream>
<AdaptationSet contentType="video" mimeType="video/mp4"><Role schemeIdUri="urn:mpeg:dash:role:2011" value="main"/>
<ContentProtection schemeIdUri="urn:mpeg:dash:mp4protection:2011" value="cenc" cenc:default_KID="9eb4050d-e44b-4802-932e-27d75083e266"/>
<SegmentTemplate timescale="90000" initialization="$RepresentationID$/i.mp4" media="$RepresentationID$/$Number%05d$-$Time$.m4s" startNumber="3" presentationTimeOffset="9">
<SegmentTimeline><S t="0" d="180000" r="1"/><S d="90000" r="-1"/><S t="500000" d="40000"/></SegmentTimeline></SegmentTemplate>
<Representation id="v1" bandwidth="1000" width="32" height="32" codecs="avc1.64000a" frameRate="30000/1001"/></AdaptationSet>
<AdaptationSet mimeType="image/jpeg"><EssentialProperty schemeIdUri="http://dashif.org/guidelines/thumbnail_tile" value="10x2"/><SegmentTemplate media="t$Number$.jpg" duration="5"/><Representation id="t"/></AdaptationSet></Period>
<Period><AdaptationSet mimeType="audio/mp4" lang="en"><Label>x</Label><Representation id="a" bandwidth="9"><BaseURL>a.mp4</BaseURL><SegmentBase indexRange="800-899" timescale="48000"><Initialization range="0-799"/></SegmentBase></Representation>
<Representation id="l" bandwidth="8"><SegmentList duration="2"><SegmentURL media="1" mediaRange="0-9"/><SegmentURL media="file:///etc/passwd"/></SegmentList></Representation></AdaptationSet></Period></MPD>
M
cat >dash/live.mpd <<'M'
<MPD id="m" type="dynamic" availabilityStartTime="2023-11-14T22:00:00Z" publishTime="2023-11-14T22:13:20Z" minimumUpdatePeriod="PT2S" timeShiftBufferDepth="PT30S" suggestedPresentationDelay="PT6S">
<ServiceDescription><Latency target="3000"/><PlaybackRate min="0.9" max="1.1"/></ServiceDescription><UTCTiming schemeIdUri="urn:mpeg:dash:utc:direct:2014" value="2023-11-14T22:13:20Z"/><PatchLocation ttl="60">p.mpp</PatchLocation>
<Period id="p" start="PT0S"><AdaptationSet mimeType="video/mp4"><SegmentTemplate timescale="1000" duration="2000" media="$Number$.m4s" availabilityTimeOffset="1.5" availabilityTimeComplete="false"/><Representation id="v" bandwidth="1"/></AdaptationSet></Period></MPD>
M
{ cat dash/live.mpd; printf '\0'; cat <<'M'
<Patch mpdId="m" originalPublishTime="2023-11-14T22:13:20Z"><replace sel="/MPD/@publishTime">2023-11-14T22:13:22Z</replace><add sel="/MPD/Period[@id='p']/AdaptationSet[1]"><Representation id="w"/></add><remove sel="/MPD/UTCTiming"/></Patch>
M
} >dash/patched.bin
json='{"SecurityToken":"CAIS","AuthInfo":"{\"CI\":\"c\",\"Caller\":\"x\",\"ExpireTime\":\"2026-10-10T12:02:54Z\",\"MediaId\":\"5aed81b74ba84920be578cdfe004af4b\",\"PlayDomain\":\"h\",\"Signature\":\"s=\"}","VideoMeta":{"Status":"Normal","VideoId":"5aed81b74ba84920be578cdfe004af4b","Title":"t","CoverURL":"http://h/c.jpg","Duration":4.9},"AccessKeyId":"STS.x","PlayDomain":"h","AccessKeySecret":"y","Region":"cn-shanghai","CustomerId":1}'
printf %s "$json" >play_auth/plain.json
printf %s "$json" | base64 -w0 >play_auth/packed.txt
printf '  %s\n' "$(printf %s "$json" | base64 -w0 | tr '+/' '-_' | tr -d =)" >play_auth/urlsafe.txt
printf %s '{"RequestId":"R","VideoBase":{"VideoId":"v","Title":"t","Status":"Normal","Duration":"12.5","CoverURL":null,"MediaType":"video","ThumbnailList":{"Thumbnail":[{"URL":"http://h/t.vtt"}]}},"PlayInfoList":{"PlayInfo":[{"PlayURL":"http://h/a.m3u8?auth_key=1","Format":"m3u8","Definition":"HD","Bitrate":"800.1","Fps":25,"Duration":12.5,"Size":1000,"Width":1280,"Height":720,"Encrypt":1,"EncryptType":"HLSEncryption","StreamType":"video","Status":"Normal"}]}}' >pop/play_info.json
printf %s '{"RequestId":"R","HostId":"h","Code":"Forbidden.AccessKeyDisabled","Message":"no","Recommend":"https://h"}' >pop/refused.json
printf %s '{"RequestId":"R","PlayAuth":"eyJ9","VideoMeta":{"VideoId":"v","Title":"t","Duration":1.0,"Status":"Normal"}}' >pop/play_auth.json
printf %s '{"RequestId":"R","AssumedRoleUser":{"Arn":"acs:ram::1:role/a/b","AssumedRoleId":"1:b"},"Credentials":{"AccessKeyId":"STS.a","AccessKeySecret":"b","SecurityToken":"c","Expiration":"2026-10-10T12:02:54Z"}}' >pop/role.json
printf %s '{"RequestId":"R","Video":{"VideoId":"v","Title":"t","Status":"Normal","Duration":1,"Size":2,"CateId":3}}' >pop/video.json
printf %s '<?xml version="1.0"?><Error><RequestId>R</RequestId><Code>InvalidVideo.NotFound</Code></Error>' >pop/error.xml
printf %s '<!DOCTYPE html><html><body>502</body></html>' >pop/proxy.html
printf %s '{"keys":[{"kty":"oct","k":"tQ0bJVWb6b0KPL6KtZIy_A","kid":"LwVHf8JLtPrv2GUXFW2v_A"}],"type":"temporary"}' >protect/licence.json
printf 'urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed\nskd://asset' >protect/system.txt
printf '\0\0\0\001\145%0200d\0\0\003\001%090d\0\0\001\101%060d' 1 2 3 >protect/picture.h264
printf '\013\167\0\077\077\200\0\0%0120d\013\167\100\017\077\200\0\0%024d' 1 2 >protect/frames.eac3
printf %s 'https://user:word@vod.cn-shanghai.example.com:8080/a/b.mp4?auth_key=1444435200-0-0-80cd3862d699b7118eed99103f2a3a4f&end=5#f' >urls/signed.txt
printf %s '1444435200-0-0-80cd3862d699b7118eed99103f2a3a4f' >urls/auth_key.txt
printf %s 'http://[::ffff:127.0.0.1]:80/%2e%2e/%00' >urls/private.txt
printf %s 'vod.cn-shanghai.example.com' >urls/host.txt
printf %s '0x20050006' >lookup/hex.txt
printf %s '-1' >lookup/negative.txt
printf %s 'ERROR_DECODE_VIDIO' >lookup/nearly.txt
printf %s 'the token expired' >lookup/words.txt
printf %s '解码 失败' >lookup/zh.txt
make_av ac3/tone.ac3 -vn -c:a ac3 -b:a 32k -t 0.2
make_av ac3/tone.eac3 -vn -c:a eac3 -b:a 32k -t 0.2
cat >overlay/moving.ass <<'A'
[Script Info]
PlayResX: 160
PlayResY: 90
[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, OutlineColour, BackColour, Bold, Italic, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV
Style: a,x,20,&H00FFFFFF,&H00000000,&H80000000,-1,-1,3,2,2,8,9,9,9
[Events]
Format: Layer, Start, End, Style, MarginL, MarginR, MarginV, Text
Dialogue: 0,0:00:00.00,0:00:05.00,a,0,0,0,{\move(-20,0,300,200)\fad(100,200)\t(\fs90\bord9)}one{\k30}two\N{\pos(1,2)\an5\clip(0,0,9,9)}three
Dialogue: 1,0:00:01.00,0:00:02.00,a,0,0,0,{\p1}m 0 0 l 99 0 99 99{\p0}{\r\u1\s1\fsp9\blur4}four
A
cat >overlay/places.vtt <<'V'
WEBVTT

REGION
id:r
width:40%
lines:2
regionanchor:0%,100%
viewportanchor:10%,90%
scroll:up

STYLE
::cue(.big){font-size:400%;background-color:rgba(255,0,0,.5);text-shadow:2px 2px #fff}

00:00.000 --> 00:04.000 vertical:rl line:-1 position:90%,line-right size:10% align:end
漢<ruby>字<rt>かな</rt></ruby>vertical

00:00.500 --> 00:03.000 region:r
<c.big>שלום</c> <b>x</b><i>y</i><u>z</u>

00:01.000 --> 00:02.000 line:0 position:0% size:100% align:start
e&#x301; a line that is too long to stand in one, and another one
V
printf '1\n00:00:00,000 --> 00:00:02,000\n{\\an7}<font color="#ff0000" size="40">up</font>\n\n2\n00:00:01,000 --> 00:00:03,000\ndown\n' >overlay/marks.srt
# Sessions: `kinora play --headless --record`, of a file and of an HLS playlist.
# Stretches that overlap, one that is damaged, one at the end of all offsets.
printf '\003\000\000abc\003\000\002def\202\000\010gh\104\000\001ijkl\000\000\000' >cache/stretches.bin
printf 'KINCACH1META\000\000\000\002' >cache/cut.bin

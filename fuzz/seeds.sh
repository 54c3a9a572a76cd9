#!/bin/sh
# Makes the first inputs of the corpus: small films and texts of our own. Needs ffmpeg with libx264 and libx265.
# What fuzzing adds to them is kept by `cargo fuzz cmin` and lies beside them.
set -eu
cd "$(dirname "$0")/corpus"
mkdir -p mp4 ts adts mp3 hls subtitle protect play_auth pop urls lookup
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
make_av ts/avc_aac.ts $h264 $aac
make_av ts/hevc_ac3.ts $h265 -c:a ac3 -b:a 32k
make_av ts/mp3_192.ts $h264 -c:a libmp3lame -b:a 8k -mpegts_m2ts_mode 1
make_av ts/latm.ts $h264 $aac -mpegts_flags +latm
make_av ts/opus.ts $h264 -c:a libopus -b:a 8k
make_av adts/tone.aac -vn $aac
make_av adts/stereo.aac -vn $aac -ac 2
make_av mp3/cbr.mp3 -vn -c:a libmp3lame -b:a 8k
make_av mp3/vbr.mp3 -vn -c:a libmp3lame -q:a 9
make_av mp3/plain.mp3 -vn -c:a libmp3lame -b:a 8k -write_xing 0 -id3v2_version 0
make_av mp3/layer2.mp2 -vn -c:a mp2 -b:a 8k

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

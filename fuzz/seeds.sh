#!/bin/sh
# Makes the first inputs of the corpus: small films and texts of our own. Needs ffmpeg with libx264 and libx265.
# What fuzzing adds to them is kept by `cargo fuzz cmin` and lies beside them.
set -eu
cd "$(dirname "$0")/corpus"
mkdir -p mp4 mkv ts adts mp3 hls play_auth pop urls lookup
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
printf %s 'https://user:word@vod.cn-shanghai.example.com:8080/a/b.mp4?auth_key=1444435200-0-0-80cd3862d699b7118eed99103f2a3a4f&end=5#f' >urls/signed.txt
printf %s '1444435200-0-0-80cd3862d699b7118eed99103f2a3a4f' >urls/auth_key.txt
printf %s 'http://[::ffff:127.0.0.1]:80/%2e%2e/%00' >urls/private.txt
printf %s 'vod.cn-shanghai.example.com' >urls/host.txt
printf %s '0x20050006' >lookup/hex.txt
printf %s '-1' >lookup/negative.txt
printf %s 'ERROR_DECODE_VIDIO' >lookup/nearly.txt
printf %s 'the token expired' >lookup/words.txt
printf %s '解码 失败' >lookup/zh.txt

#!/usr/bin/env bash
# Kinora beside other players, in one run on this machine: peers from apt, media made on the spot (11 minutes, once).
#   scripts/bench.sh            the comparison (about 25 minutes); BENCH_METRICS=ff_local,seek_warm for a part of it
#   scripts/bench.sh micro      demuxers, playlists, signing and look-up alone, by micro-benchmarks
# BENCH_RUNS sets the rounds. The figures land in bench/results/, ratios and goals in the summary at the end.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "${1-}" = micro ]; then
  cargo bench --package kinora-container --package kinora-manifest --package kinora-cloud --package kinora-errors
  exit
fi

# What Kinora can do by now: downloads are not among it. FLV and Matroska are cases of ff_local and demux.
all=ff_local,ff_codecs,ff_http,ff_http2,ff_link_mp4,ff_link_mp4end,ff_link_ts,seek_local,seek_http,seek_link
all+=,seek_warm,seek_warm_http,seek_warm_link,decode_h264,decode_hevc,decode_av1,decode_vp9,demux,probe,play_cost
all+=,hls_start,hls_start_master,hls_start_fmp4,dash_start,hls_drop,startup,verify

cargo build --release --package kinora-cli
bench/peers/setup.sh
mkdir -p bench/results
kinora=$(realpath "${CARGO_TARGET_DIR:-target}/release/kinora")
result=bench/results/$(date -u +%Y-%m-%dT%H%M%SZ).json
python3 bench/peers/run.py -m "${BENCH_METRICS:-$all}" ${BENCH_RUNS:+--runs "$BENCH_RUNS"} \
  --ours "$kinora {args}" --json "$result"
echo "the figures: $result"

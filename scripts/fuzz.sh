#!/usr/bin/env bash
# Fuzzes every parser for a while: FUZZ_SECONDS each (60), all targets or those named in FUZZ_TARGETS.
# New inputs gather in fuzz/found; an input that breaks a promise is left in fuzz/artifacts, and this fails.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${FUZZ_SECONDS:-60}
# The parsers need no nightly features: libFuzzer's flags alone are unstable, and a stable compiler takes them so.
export RUSTC_BOOTSTRAP=1

if ! command -v cargo-fuzz >/dev/null 2>&1; then
  echo "fuzz: installing cargo-fuzz"
  cargo install --quiet --locked cargo-fuzz
fi
if ! command -v c++ >/dev/null 2>&1; then
  echo "fuzz: libFuzzer needs a C++ compiler; on Debian: apt-get install g++" >&2
  exit 1
fi

read -ra targets <<<"${FUZZ_TARGETS:-$(cargo fuzz list | tr '\n' ' ')}"
echo "fuzz: ${#targets[@]} targets, $seconds s each: ${targets[*]}"
cargo fuzz build

failed=()
for target in "${targets[@]}"; do
  printf '\n== %s\n' "$target"
  mkdir -p "fuzz/found/$target"
  log=$(mktemp)
  cargo fuzz run "$target" "fuzz/found/$target" "fuzz/corpus/$target" -- \
    -max_total_time="$seconds" -timeout=5 -malloc_limit_mb=256 -print_final_stats=1 >"$log" 2>&1 || failed+=("$target")
  grep -aE '^stat::(number_of_executed|average_exec|peak_rss)|panicked|ERROR: |SUMMARY|Test unit written' "$log" || tail -n 5 "$log"
  rm -f "$log"
done

if [ ${#failed[@]} -gt 0 ]; then
  echo
  echo "fuzz: broken: ${failed[*]}. The inputs lie in fuzz/artifacts; replay one with" >&2
  echo "    RUSTC_BOOTSTRAP=1 cargo fuzz run TARGET fuzz/artifacts/TARGET/FILE" >&2
  exit 1
fi
echo
echo "fuzz: nothing broke"

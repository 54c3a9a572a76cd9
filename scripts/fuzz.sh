#!/usr/bin/env bash
# Fuzzes every parser: FUZZ_SECONDS of processor time each (60), all targets or those named in FUZZ_TARGETS.
# New inputs gather in fuzz/found; an input that breaks a promise is left in fuzz/artifacts, and this fails.
# FUZZ_RECORD=1 keeps the figures in docs/fuzzing.md.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${FUZZ_SECONDS:-60}
# A busy machine gives less than it could: so much longer than the processor time a target may take.
patience=20
record=docs/fuzzing.md
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

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Runs a target for a while; its processor time in whole seconds goes to $work/cpu.
run() { # target, wall seconds
  local TIMEFORMAT='%U %S' status=0
  { time cargo fuzz run "$1" "fuzz/found/$1" "fuzz/corpus/$1" -- \
    -max_total_time="$2" -timeout=20 -malloc_limit_mb=256 -print_final_stats=1 >"$work/log" 2>&1 || status=$?; } 2>"$work/time"
  awk '{ printf "%d\n", $1 + $2 + 0.5 }' "$work/time" >"$work/cpu"
  return $status
}

stat() { # name: a figure of the last run
  grep -aoE "stat::$1: *[0-9]+" "$work/log" | grep -oE '[0-9]+$' || echo 0
}

# Puts the row of a target in its place in the table.
write_row() { # target, seconds, executions, edges, features, finds
  awk -v name="$1" -v row="| \`$1\` | $2 | $3 | $4 | $5 | $6 |" '
    /^\| `/ { inside = 1
      split($0, cell, "`")
      if (cell[2] == name) { print row; done = 1; next }
      if (!done && cell[2] > name) { print row; done = 1 } }
    inside && !/^\|/ && !done { print row; done = 1 }
    { print }
    END { if (!done) print row }' "$record" >"$work/table"
  cp "$work/table" "$record"
}

failed=()
for target in "${targets[@]}"; do
  printf '\n== %s\n' "$target"
  mkdir -p "fuzz/found/$target"
  spent=0 executions=0 finds=0 until=$((SECONDS + seconds * patience))
  while [ "$spent" -lt "$seconds" ] && [ "$SECONDS" -lt "$until" ] && [ "$finds" -eq 0 ]; do
    run "$target" "$((seconds - spent))" || finds=1
    spent=$((spent + $(cat "$work/cpu")))
    executions=$((executions + $(stat number_of_executed_units)))
  done
  grep -aE 'panicked|ERROR: |SUMMARY|Test unit written' "$work/log" || true
  reached=$(grep -aoE 'cov: [0-9]+ ft: [0-9]+' "$work/log" | tail -n 1)
  read -r _ edges _ features <<<"${reached:-cov: 0 ft: 0}"
  printf '%s s, %s executions, %s edges, %s features, %s found\n' "$spent" "$executions" "$edges" "$features" "$finds"
  if [ "$finds" -ne 0 ]; then
    failed+=("$target")
    tail -n 5 "$work/log"
  fi
  if [ -n "${FUZZ_RECORD-}" ]; then
    write_row "$target" "$spent" "$executions" "$edges" "$features" "$finds"
  fi
done

if [ ${#failed[@]} -gt 0 ]; then
  echo
  echo "fuzz: broken: ${failed[*]}. The inputs lie in fuzz/artifacts; replay one with" >&2
  echo "    RUSTC_BOOTSTRAP=1 cargo fuzz run TARGET fuzz/artifacts/TARGET/FILE" >&2
  exit 1
fi
echo
echo "fuzz: nothing broke"

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Makes the GPU bundle from what is in target and runs all of its stages here in an environment without Java, Maven and JAVA_HOME:
# on the software CUDA device when target/native/hostcuda is there and the library has a CUDA backend, otherwise on the CPU.
#
#   src/gpu/dryrun.sh [DIR]      DIR: folder for the bundle and its results, default target/gpu-dryrun; replaced
#
# The last line on stdout is "gpu bundle: N passed, N failed, N skipped". Exit code 1 when a stage failed or a count or a file is not right.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=${1:-$root/target/gpu-dryrun}
device=$root/target/native/hostcuda
start=$SECONDS

fail() {
  echo "dryrun.sh: $*" >&2
  exit 1
}

rm -rf "$work"
mkdir -p "$work/bin"
"$root/src/gpu/bundle.sh" --no-build --compress none --out "$work/bundle"

# Nothing but a shell, coreutils, what unpacks, and Python.
python=$(PATH=/usr/bin:$PATH command -v python3 || true)
for tool in sh dirname mkdir cat date tr tail head uname nproc rm ls timeout mktemp env tee cksum tar; do
  ln -s "$(type -P "$tool")" "$work/bin/$tool"
done
[ -z "$python" ] || ln -s "$python" "$work/bin/python3"
clean=(env -i "PATH=$work/bin" "HOME=$work")

# Usage errors are told from failures.
code=0
"${clean[@]}" "$work/bundle/run.sh" --device none >/dev/null 2>&1 || code=$?
[ "$code" -eq 2 ] || fail "run.sh --device none ended with $code, not 2"

if [ -d "$device" ] && [ -d "$root/target/classes/org/nullspace/backend/cuda" ]; then
  kind=cuda
  clean+=("NULLSPACE_JAVA_OPTS=-Dnullspace.cuda.libraries=$device")
else
  kind=cpu
fi
echo "dryrun.sh: on ${kind/cuda/the software CUDA device} ($((SECONDS - start)) s)"
code=0
"${clean[@]}" "$work/bundle/run.sh" all --quick --scale tiny --patience 4 --device "$kind" --out "$work/results" || code=$?

# What came back: few files, every line of the results an object, all stages there, every test that the build runs.
[ "$(find "$work/results" -type f | wc -l)" -le 8 ] || fail "more than 8 files in $work/results"
[ -z "$(find "$work/results" -type f -size +16M)" ] || fail "a file over 16 MiB in $work/results"
member() { sed -n "s/^{\"stage\": \"$1\".*\"$2\": \"\{0,1\}\([^\",}]*\).*/\1/p" "$work/results/results.jsonl"; }
passed=$(member test passed) failed=$(member test failed) skipped=$(member test skipped)
if [ "$code" -ne 0 ]; then
  tail -n 40 "$work/results/test.log" "$work/results/bench.log" >&2 || true
  fail "run.sh ended with $code"
fi
for stage in machine doctor test bench; do
  [ "$(grep -c "^{\"stage\": \"$stage\"" "$work/results/results.jsonl")" -ge 1 ] || fail "no line of the stage $stage in results.jsonl"
done
# As many as Maven ran, if it did; tests of the command line and of the software device stay behind.
if [ "$kind" = cpu ]; then
  reports=TEST-org.nullspace.conformance.OpenBlasConformanceTest.xml
else
  reports='TEST-*-*.xml' # of the executions that have a suffix
fi
built=$(find "$root/target/surefire-reports" -name "$reports" ! -name '*.SoftwareDevice*' ! -name '*.cli.*' -exec sed -n 's/.*<testsuite .* tests="\([0-9]*\)".*/\1/p' {} + 2>/dev/null |
  awk '{ sum += $1 } END { print sum + 0 }' || true)
[ "$built" -eq 0 ] || [ "$built" -eq "$((passed + failed + skipped))" ] ||
  fail "the bundle ran $((passed + failed + skipped)) tests, the build $built"
[ "$passed" -ge 500 ] || fail "only $passed tests passed"
[ "$skipped" -lt "$passed" ] || fail "$skipped tests were skipped, $passed passed"
if [ -n "$python" ]; then
  "$python" - "$work/results/results.jsonl" <<'PY'
import json, sys

rows = [json.loads(line, parse_constant=lambda c: sys.exit(f"{c} is no JSON")) for line in open(sys.argv[1], encoding="utf-8")]
own = [r for r in rows if r["stage"] == "bench" and r.get("peer", "").startswith("nullspace")]
names = {r["workload"] for r in own}
assert len(names) == 6 and len(own) >= 28, (sorted(names), len(own))
for r in own:
    assert r["status"] == "ok" and r["median_s"] > 0 and r["repeats"] >= 1, r
    assert 0 <= r["forward_error"] < (1e-4 if "float32" in r["workload"] else 1e-12), r
    assert r["rank"] == (10 if "rank10" in r["workload"] else 6 if "6x12" in r["workload"] else 20), r
PY
fi
echo "dryrun.sh: took $((SECONDS - start)) s"
echo "gpu bundle: $passed passed, $failed failed, $skipped skipped"

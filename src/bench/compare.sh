#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Times this library, the Python peers and the Java libraries EJML, ojAlgo and Hipparchus alternately on the same planted problems, and prints the table of ratios.
#
#   src/bench/compare.sh [--scale full|tiny] [--only KIND,KIND] [--peer TEXT] [--rounds 3] [--repeats 5] [--threads 2]
#                        [--dir FOLDER] [--out FILE] [--no-build]
#
#   --only     kinds of workload: solve, spectrum, project, memory, loop, wide, deficient, targets, ridge, loo, basis
#              (definitions: src/bench/python/peers.py)
#   --peer     only the Python peers whose name holds TEXT
#   --rounds   passes over all workloads; in a pass the peers of a workload run first, then this library, each in a
#              process of its own. Peers whose first run took more than 10 s run in the first pass only
#   --dir      keep the problems (1 GB at full scale) in FOLDER and use those there; default: a temporary folder
#   --out      file for the rows (JSON lines) as well as the table on stdout; overwritten
#   --no-build use target/nullspace.jar and target/bench-classes as they are
#
# Environment: PYTHON (default /usr/bin/python3), JAVA_HOME, MVN (default mvn), JAVA_OPTS.
# Both sides run with OPENBLAS_NUM_THREADS = --threads. Exit code 1 when the Java side failed on a workload.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
python=${PYTHON:-/usr/bin/python3}
java=${JAVA_HOME:+$JAVA_HOME/bin/}java
javac=${JAVA_HOME:+$JAVA_HOME/bin/}javac
scale=full rounds=3 repeats=5 threads=2 build=yes slow_seconds=10
only="" peer="" dir="" out=""

usage() {
  sed -n '/^#   src/,/^set/p' "${BASH_SOURCE[0]}" | sed '$d; s/^# \{0,1\}//' >&2
  exit 2
}

while [ $# -gt 0 ]; do
  case $1 in
    --no-build) build=no; shift; continue ;;
    --scale | --only | --peer | --rounds | --repeats | --threads | --dir | --out)
      [ $# -ge 2 ] || { echo "compare.sh: $1 needs a value" >&2; usage; }
      printf -v "${1#--}" %s "$2"
      shift 2 ;;
    *) echo "compare.sh: unknown option $1" >&2; usage ;;
  esac
done

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
dir=${dir:-$scratch/problems}
rows=$scratch/rows.jsonl
peers=$root/src/bench/python/peers.py
classes=$root/target/bench-classes
jar=$root/target/nullspace.jar

export OPENBLAS_NUM_THREADS=$threads OMP_NUM_THREADS=$threads

if [ "$build" = yes ]; then
  (cd "$root" && ${MVN:-mvn} -q -DskipTests package)
  rm -rf "$classes"
  mkdir -p "$classes"
  (cd "$root" && ${MVN:-mvn} -q dependency:build-classpath -DincludeScope=test -Dmdep.outputFile="$classes/classpath")
  "$javac" --release 17 -proc:none -d "$classes" -cp "$jar:$(cat "$classes/classpath")" -sourcepath "$root/src/jmh/java" \
    "$root/src/jmh/java/org/nullspace/bench/Headline.java" "$root/src/jmh/java/org/nullspace/bench/JavaPeers.java"
fi

echo "compare.sh: writing the problems" >&2
"$python" "$peers" prepare --dir "$dir" --scale "$scale" --only "$only"
workloads=$("$python" "$peers" list --dir "$dir" --scale "$scale" --only "$only")

failures=0
touch "$rows"
for round in $(seq "$rounds"); do
  for workload in $workloads; do
    echo "compare.sh: round $round, $workload" >&2
    options=(--dir "$dir" --workload "$workload" --threads "$threads" --repeats "$repeats" --round "$round"
      --slow-seconds "$slow_seconds")
    "$python" "$peers" run "${options[@]}" --peer "$peer" --previous "$rows" > "$scratch/peers.jsonl"
    # shellcheck disable=SC2086  # JAVA_OPTS is a list of words
    if ! "$java" ${JAVA_OPTS:-} -cp "$jar:$classes" org.nullspace.bench.Headline "${options[@]}" \
      > "$scratch/java.jsonl"; then
      echo "compare.sh: org.nullspace.bench.Headline failed on $workload" >&2
      failures=$((failures + 1))
    fi
    # The Java libraries use no BLAS; those that take part in a workload run in the first pass only.
    # shellcheck disable=SC2086
    "$java" ${JAVA_OPTS:-} -cp "$jar:$classes:$(cat "$classes/classpath")" org.nullspace.bench.JavaPeers "${options[@]}" \
      > "$scratch/javapeers.jsonl"
    cat "$scratch/peers.jsonl" "$scratch/javapeers.jsonl" "$scratch/java.jsonl" >> "$rows"
  done
done

"$python" "$peers" table "$rows"
[ -z "$out" ] || cp "$rows" "$out"
[ "$failures" -eq 0 ]

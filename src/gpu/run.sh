#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Tests and times Nullspace on this machine, which needs neither Java nor Maven nor a network:
#
#   run.sh [doctor|test|bench|all] [--out DIR] [--quick] [--device cuda|cpu] [--scale full|quick|tiny] [--patience FACTOR]
#
#   doctor    says what the machine offers and, with `nullspace doctor`, what the library makes of it
#   test      the conformance suite (JUnit, tag gpu)
#   bench     the library and its peers (PyTorch, CuPy, JAX, as far as Python has them), alternating, on planted problems
#   all       the three, one after the other; the default. A stage that fails does not stop the next
#   --out     folder for results.jsonl, summary.txt and the logs, seven files at most; default: results beside this script
#   --quick   about 2 minutes instead of 8
#   --device  cpu: a rehearsal on a machine without a GPU; its times say nothing
#   --scale   sizes of the benchmark; default: full, with --quick quick
#   --patience  whole number by which the time limit of every stage is multiplied; default: 1
#
# Environment: NULLSPACE_JAVA_OPTS are words for every Java process. Folders with CUDA libraries that belong to the first python3 on the
# PATH are appended to LD_LIBRARY_PATH of the Java processes.
# Exit code: 0 if every stage passed, 1 if one did not, 2 for wrong usage.
set -u

here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd) || exit 1
stages="" out=$here/results quick=no device=cuda scale="" patience=1

usage() {
    while IFS= read -r line; do
        case $line in
            '#!'* | '# SPDX'*) ;;
            '#'*) printf '%s\n' "${line#"#"}" ;;
            *) break ;;
        esac
    done <"$0" >&2
    exit 2
}

while [ $# -gt 0 ]; do
    case $1 in
        doctor | test | bench) stages="$stages $1" ;;
        all) stages="doctor test bench" ;;
        --quick) quick=yes ;;
        --out | --device | --scale | --patience)
            [ $# -ge 2 ] || { echo "run.sh: $1 needs a value" >&2; usage; }
            case $1 in
                --out) out=$2 ;;
                --device) device=$2 ;;
                --scale) scale=$2 ;;
                --patience) patience=$2 ;;
            esac
            shift ;;
        *) echo "run.sh: unknown argument $1" >&2; usage ;;
    esac
    shift
done
stages=${stages:-doctor test bench}
case $device in cuda | cpu) ;; *) echo "run.sh: --device is cuda or cpu, not $device" >&2; usage ;; esac
case ${scale:-full} in full | quick | tiny) ;; *) echo "run.sh: --scale is full, quick or tiny, not $scale" >&2; usage ;; esac
case $patience in [1-9] | [1-9][0-9]) ;; *) echo "run.sh: --patience is a number from 1 to 99, not $patience" >&2; usage ;; esac

# Seconds that each stage may take. The benchmark leaves out what it has no time for.
if [ "$quick" = yes ]; then
    doctor_limit=20 test_limit=75 bench_limit=60 scale=${scale:-quick}
else
    doctor_limit=30 test_limit=200 bench_limit=260 scale=${scale:-full}
fi
doctor_limit=$((doctor_limit * patience)) test_limit=$((test_limit * patience)) bench_limit=$((bench_limit * patience))

mkdir -p "$out" || exit 1
rm -f "$out/crash.log"
out=$(CDPATH= cd -- "$out" && pwd)
results=$out/results.jsonl
summary=$out/summary.txt
: >"$results"
: >"$summary"
begin=$(date +%s)
seconds() { echo $(($(date +%s) - begin)); }
have() { command -v "$1" >/dev/null 2>&1; }
text() { printf '%s' "$1" | tr '"\\\n\t\r' "'/   "; }
status=0

# ---- unpack

payload=""
for file in "$here"/payload.tar "$here"/payload.tar.*; do
    [ -f "$file" ] && payload=$file
done
if [ -z "$payload" ]; then
    echo "run.sh: there is no payload.tar beside $0" >&2
    exit 1
fi
sum=$(cksum <"$payload")
home=$here/unpacked
if ! mkdir -p "$home" 2>/dev/null || ! [ -w "$home" ]; then
    home=$(mktemp -d) || exit 1
fi
if [ "$(cat "$home/complete" 2>/dev/null)" != "$sum" ]; then
    rm -rf "$home"
    mkdir -p "$home" || exit 1
    case $payload in *.xz) tool=xz ;; *.gz) tool=gzip ;; *) tool=true ;; esac
    if have tar && have $tool; then
        if [ $tool = true ]; then tar -xf "$payload" -C "$home"; else $tool -dc "$payload" | tar -xf - -C "$home"; fi
    elif have python3; then
        python3 -c 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])' "$payload" "$home"
    else
        echo "run.sh: to unpack $payload, either tar and $tool or python3 is needed" >&2
        exit 1
    fi
    if ! [ -x "$home/runtime/bin/java" ]; then
        echo "run.sh: $payload could not be unpacked to $home" >&2
        exit 1
    fi
    printf '%s' "$sum" >"$home/complete"
fi

# ---- Java

scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM

python_cuda=""
if have python3; then
    python_cuda=$(timeout 20 python3 -c '
import glob, os, site, sys
roots = list(dict.fromkeys(sys.path + site.getsitepackages() + [site.getusersitepackages()]))
found = [f for r in roots if r for f in sorted(glob.glob(os.path.join(r, "nvidia", "*", "lib"))) if glob.glob(f + "/*.so*")]
print(":".join(found))' 2>/dev/null)
fi

# Every process has a folder of its own for natives that libraries unpack: some of them reuse what they find there unchecked.
quoted() { printf "'%s'" "$1"; }
{
    printf 'own=$(mktemp -d %s/java.XXXXXX) || exit 1\n' "$(quoted "$scratch")"
    printf 'export LD_LIBRARY_PATH=%s\n' "$(quoted "${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$python_cuda")"
    printf 'exec %s -Djava.io.tmpdir="$own" -Dorg.bytedeco.javacpp.cachedir=%s -Djava.awt.headless=true -XX:ErrorFile=%s %s %s %s -cp %s "$@"\n' \
        "$(quoted "$home/runtime/bin/java")" "$(quoted "$home/natives")" "$(quoted "$out/crash.log")" --enable-native-access=ALL-UNNAMED \
        "-Dfile.encoding=UTF-8 -Dstdout.encoding=UTF-8 -Dstderr.encoding=UTF-8 -Dsun.stdout.encoding=UTF-8 -Dsun.stderr.encoding=UTF-8" \
        "${NULLSPACE_JAVA_OPTS:-}" "$(quoted "$home/tests:$home/lib/*")"
} >"$scratch/java"

# Runs a class in a Java process: java LIMIT CLASS ARGUMENTS
java() {
    limit=$1
    shift
    timeout -k 5 "$limit" sh "$scratch/java" "$@"
}

# finished STAGE STATUS SECONDS TEXT [JSON MEMBERS]
finished() {
    printf '{"stage": "%s", "status": "%s", "seconds": %s, "message": "%s"%s}\n' \
        "$1" "$2" "$3" "$(text "$4")" "${5:+, $5}" >>"$results"
    printf '%-8s %-7s %4s s  %s\n' "$1" "$2" "$3" "$4" >>"$summary"
    printf '== %s: %s, %s s, %s\n' "$1" "$2" "$3" "$4"
    case $2 in passed | absent) ;; *) status=1 ;; esac
}

# ---- stages

machine() {
    {
        uname -a
        [ -r /etc/os-release ] && while IFS= read -r line; do
            case $line in PRETTY_NAME=*) echo "$line" ;; esac
        done </etc/os-release
        cpu=""
        while IFS= read -r line; do
            case $line in 'model name'*) cpu=${line#*: } && break ;; esac
        done </proc/cpuinfo
        echo "cpu: $cpu, $(nproc) processors"
        while IFS= read -r line; do
            case $line in MemTotal* | MemAvailable*) echo "$line" ;; esac
        done </proc/meminfo
        have nvidia-smi && timeout 15 nvidia-smi
        gpu=$(have nvidia-smi && timeout 15 nvidia-smi --query-gpu=name,driver_version,memory.total,compute_cap --format=csv,noheader 2>&1)
        echo "gpu: ${gpu:-nvidia-smi was not found}"
        echo "CUDA libraries:"
        IFS_before=$IFS
        IFS=:
        for folder in ${CUDA_HOME:-}/lib64 ${CUDA_PATH:-}/lib64 ${LD_LIBRARY_PATH:-} $python_cuda; do
            IFS=$IFS_before
            for file in "$folder"/libcublas.so.* "$folder"/libcusolver.so.* "$folder"/libcusolverMg.so.* "$folder"/libnvrtc.so.*; do
                [ -e "$file" ] && echo "  $file"
            done
        done
        IFS=$IFS_before
        for folder in /usr/local/cuda*/lib64 /usr/local/nvidia/lib64 /usr/lib/x86_64-linux-gnu /usr/lib64; do
            for file in "$folder"/libcuda.so.* "$folder"/libcublas.so.* "$folder"/libcusolver.so.* "$folder"/libcusolverMg.so.* \
                "$folder"/libnvrtc.so.*; do
                [ -e "$file" ] && echo "  $file"
            done
        done
        "$home/runtime/bin/java" -version 2>&1
    } >"$out/machine.txt" 2>&1
    printf '{"stage": "machine", "cpu": "%s", "processors": %s, "gpu": "%s", "date": "%s", "bundle": "%s"}\n' \
        "$(text "$cpu")" "$(nproc)" "$(text "${gpu:-none}")" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$(text "$(cat "$home/version.txt")")" \
        >>"$results"
    {
        echo "bundle   $(cat "$home/version.txt")"
        echo "gpu      ${gpu:-none}"
        echo "cpu      $cpu, $(nproc) processors"
    } | tee -a "$summary"
}

doctor() {
    start=$(seconds)
    java "$doctor_limit" org.nullspace.cli.Main --help >"$out/doctor.txt" 2>&1
    case $(cat "$out/doctor.txt") in
        *'
  doctor '*) ;;
        *)
            finished doctor absent $(($(seconds) - start)) "this version has no such command"
            return ;;
    esac
    java "$doctor_limit" org.nullspace.cli.Main doctor >"$out/doctor.txt" 2>&1
    code=$?
    java "$doctor_limit" org.nullspace.cli.Main doctor --json >>"$out/doctor.txt" 2>&1
    head -n 40 "$out/doctor.txt"
    if [ $code -eq 0 ] || [ "$device" = cpu ]; then
        finished doctor passed $(($(seconds) - start)) "see doctor.txt"
    else
        finished doctor failed $(($(seconds) - start)) "exit code $code, see doctor.txt"
    fi
}

suite() {
    start=$(seconds)
    if [ "$device" = cuda ]; then
        # Tests of the software device itself belong to the build.
        select="--include-tag=gpu --include-classname=.*Test --exclude-classname=.*[.]SoftwareDevice.*"
    else
        select="--exclude-tag=gpu --include-classname=.*OpenBlasConformanceTest"
    fi
    # shellcheck disable=SC2086  # a list of words
    (cd "$scratch" && java "$test_limit" org.junit.platform.console.ConsoleLauncher execute --disable-banner \
        --disable-ansi-colors --details=testfeed --fail-if-no-tests --scan-classpath="$home/tests" $select) \
        >"$out/test.log" 2>&1
    code=$?
    passed=0 bad=0 skipped=0
    while IFS= read -r line; do
        case $line in
            'JUnit '*' :: SUCCESSFUL') passed=$((passed + 1)) ;;
            'JUnit '*' :: FAILED') bad=$((bad + 1)) ;;
            'JUnit '*' :: ABORTED' | 'JUnit '*' :: SKIPPED'*) skipped=$((skipped + 1)) ;;
        esac
    done <"$out/test.log"
    message="$passed passed, $bad failed, $skipped skipped"
    counts="\"passed\": $passed, \"failed\": $bad, \"skipped\": $skipped"
    if [ $code -eq 0 ] && [ $bad -eq 0 ] && [ $passed -gt 0 ]; then
        finished test passed $(($(seconds) - start)) "$message" "$counts"
        return
    fi
    [ $code -eq 124 ] && message="$message when the time of $test_limit s was over"
    finished test failed $(($(seconds) - start)) "$message, exit code $code, see test.log" "$counts"
    tail -n 30 "$out/test.log"
    # The end of a long log holds the failures.
    tail -c 15000000 "$out/test.log" >"$scratch/tail" && cat "$scratch/tail" >"$out/test.log"
}

bench() {
    start=$(seconds)
    if have python3; then
        timeout -k 5 $((bench_limit + 15)) python3 "$home/bench/bench.py" drive --workloads "$home/bench/workloads.txt" --scale "$scale" \
            --device "$device" --out "$results" --log "$out/bench.log" --limit "$bench_limit" \
            --java "sh $(quoted "$scratch/java") org.nullspace.bench.GpuBench $device"
        code=$?
        timeout 20 python3 "$home/bench/bench.py" table "$results" >"$scratch/table"
    else
        echo "no python3: no peers, no table" | tee "$scratch/table"
        while read -r a b; do
            # shellcheck disable=SC2086
            set -- $b
            [ "$a" = "$scale" ] && echo "$1 $2 $3 $4 $5 $6 $7 $8 5 1.5 1" && echo release
        done <"$home/bench/workloads.txt" >"$scratch/commands"
        java "$bench_limit" org.nullspace.bench.GpuBench "$device" <"$scratch/commands" >"$scratch/rows" 2>>"$out/bench.log"
        code=$?
        rows=0
        while IFS= read -r line; do
            case $line in
                '{"workload"'*)
                    echo "{\"stage\": \"bench\", ${line#"{"}" >>"$results"
                    case $line in *'"status": "ok"'*) rows=$((rows + 1)) ;; *) code=1 ;; esac ;;
                *'"event": "absent"'* | *'"event": "failed"'*) echo "$line" | tee -a "$scratch/table" && code=1 ;;
            esac
        done <"$scratch/rows"
        [ $rows -gt 0 ] || code=1
    fi
    if [ $code -eq 0 ]; then
        finished bench passed $(($(seconds) - start)) "scale $scale"
    else
        finished bench failed $(($(seconds) - start)) "scale $scale, exit code $code, see results.jsonl and bench.log"
    fi
}

machine
for stage in $stages; do
    case $stage in
        doctor) doctor ;;
        test) suite ;;
        bench) bench ;;
    esac
done
echo "all      $([ $status -eq 0 ] && echo passed || echo failed) $(seconds) s" >>"$summary"
[ -f "$scratch/table" ] && cat "$scratch/table" >>"$summary"
echo
cat "$summary"
exit $status

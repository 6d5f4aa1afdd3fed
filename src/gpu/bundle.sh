#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Makes a folder to be copied to a Linux x86-64 machine with a GPU that has no Java, Maven or network; what is in it: src/gpu/run.sh there.
#
#   src/gpu/bundle.sh [--out DIR] [--jdk HOME] [--compress xz|gz|none] [--no-build]
#
#   --out       folder to make, replaced if it is there; default: target/gpu-bundle
#   --jdk       JDK whose runtime goes into the bundle; default: JAVA_HOME, or the java on the PATH
#   --compress  xz (default): smallest, needs xz or python3 there; gz: half as large again, needs gzip or python3
#   --no-build  take target/classes and target/test-classes as they are
#
# Environment: MVN (default mvn).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
out=$root/target/gpu-bundle jdk="" compress=xz build=yes

usage() {
  sed -n '/^#   src/,/^set/p' "${BASH_SOURCE[0]}" | sed '$d; s/^# \{0,1\}//' >&2
  exit 2
}
fail() {
  echo "bundle.sh: $*" >&2
  exit 1
}

while [ $# -gt 0 ]; do
  case $1 in
    --no-build) build=no; shift; continue ;;
    --out | --jdk | --compress)
      [ $# -ge 2 ] || { echo "bundle.sh: $1 needs a value" >&2; usage; }
      printf -v "${1#--}" %s "$2"
      shift 2 ;;
    *) echo "bundle.sh: unknown option $1" >&2; usage ;;
  esac
done
case $compress in xz | gz | none) ;; *) echo "bundle.sh: --compress is xz, gz or none" >&2; usage ;; esac
[ "$(uname -sm)" = "Linux x86_64" ] || fail "the bundle is for Linux x86-64 and is made there, this is $(uname -sm)"
if [ -z "$jdk" ]; then
  jdk=${JAVA_HOME:-$(dirname "$(dirname "$(readlink -f "$(command -v javac)")")")}
fi
for tool in javac jar jdeps jlink; do
  [ -x "$jdk/bin/$tool" ] || fail "there is no $jdk/bin/$tool: --jdk names a whole JDK"
done
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
tree=$scratch/tree
mkdir -p "$tree/lib" "$tree/bench"

if [ "$build" = yes ]; then
  (cd "$root" && "${MVN:-mvn}" -q -DskipTests package)
fi
[ -d "$root/target/classes" ] && [ -d "$root/target/test-classes" ] || fail "target/classes or target/test-classes is missing"
[ -f "$root/target/test.classpath" ] || fail "target/test.classpath is missing: mvn -DskipTests package writes it"
IFS=: read -ra path <<<"$(<"$root/target/test.classpath")"

# ---- the library and its dependencies, stored: the whole is compressed at the end

# Those that run.sh needs, and parts of them that nothing here loads.
needed='picocli|fastcsv|jspecify|openblas|javacpp|jcuda|jcublas|jcusolver|.*-natives|junit-.*|opentest4j|apiguardian-api|assertj-core|byte-buddy|hipparchus-core|ejml-core|ejml-ddense'
trimmed=(
  'org/bytedeco/*/linux-x86_64/include/*' 'org/bytedeco/*/linux-x86_64/lib/*' 'META-INF/native-image/*'
  'lib/libJNvPTXCompiler-*' 'lib/libJCublas-*'
)
for jar in "${path[@]}"; do
  name=$(basename "$jar" .jar)
  [[ $name =~ ^($needed)-[0-9] ]] || continue
  mkdir "$scratch/jar"
  (cd "$scratch/jar" && "$jdk/bin/jar" --extract --file "$jar")
  for pattern in "${trimmed[@]}"; do
    # shellcheck disable=SC2086  # a pattern
    (cd "$scratch/jar" && rm -rf $pattern)
  done
  (cd "$scratch/jar" && "$jdk/bin/jar" --create --no-compress --file "$tree/lib/$name.jar" --manifest META-INF/MANIFEST.MF \
    $(ls -A | grep -v '^META-INF$' || true) $(find META-INF -type f ! -name MANIFEST.MF))
  rm -rf "$scratch/jar"
done
"$jdk/bin/jar" --create --no-compress --file "$tree/lib/nullspace.jar" -C "$root/target/classes" .

# Tests of the documentation, the command line, the pictures and the layers need this source tree or a library that is left out.
cp -r "$root/target/test-classes" "$tree/tests"
(cd "$tree/tests" && rm -rf org/nullspace/{docs,cli,plot,spark} org/nullspace/ArchitectureTest*)

mkdir "$scratch/bench"
"$jdk/bin/javac" --release 17 -proc:none -nowarn -d "$scratch/bench" -cp "$tree/lib/*" -sourcepath "$root/src/jmh/java" \
  "$root/src/jmh/java/org/nullspace/bench/GpuBench.java"
"$jdk/bin/jar" --create --no-compress --file "$tree/lib/nullspace-bench.jar" -C "$scratch/bench" .
cp "$root/src/gpu/bench.py" "$root/src/gpu/workloads.txt" "$tree/bench/"

# Only pictures and their command may lack a class: the plotting libraries stay behind.
jdeps() { "$jdk/bin/jdeps" --multi-release 17 --class-path "$tree/lib/*" "$@"; }
missing=$(jdeps --missing-deps "$tree"/lib/nullspace*.jar "$tree/tests" 2>/dev/null |
  awk '/not found/ && $1 !~ /^org\.nullspace\.plot\./ && $2 == "->" && $3 != "not" { print $1, "needs", $3 }')
[ -z "$missing" ] || fail "classes that the bundle lacks:"$'\n'"$missing"

# ---- the runtime

# What the project's classes use except for pictures, and what its dependencies use without saying so in their bytecode.
modules=$(jdeps --no-recursive --ignore-missing-deps --print-module-deps "$tree"/lib/nullspace*.jar "$tree/tests" "$tree"/lib/j{cuda,cublas,cusolver}-[0-9]*.jar |
  tr ',' '\n' | grep -vx 'java.desktop' || true)
modules=$(printf '%s\n' $modules java.base java.logging java.management jdk.management jdk.unsupported | sort -u | paste -sd,)
"$jdk/bin/jlink" --add-modules "$modules" --strip-debug --no-header-files --no-man-pages --compress 0 --output "$tree/runtime" \
  2> >(grep -v 'deprecated' >&2)
# Libraries of this machine that the runtime links and a bare machine may lack.
for library in $(find "$tree/runtime" -type f \( -name '*.so' -o -name java \) -exec ldd {} + | awk '$1 == "libz.so.1" { print $3 }' | sort -u); do
  cp -L "$library" "$tree/runtime/lib/"
done

version=$(sed -n 's|^  <version>\(.*\)</version>|\1|p' "$root/pom.xml" | head -n 1)
commit=$(git -C "$root" rev-parse --short HEAD 2>/dev/null || echo unknown)
[ -z "$(git -C "$root" status --porcelain 2>/dev/null)" ] || commit="$commit with changes"
echo "nullspace $version, commit $commit, runtime $("$tree/runtime/bin/java" -version 2>&1 | sed -n '2p')" >"$tree/version.txt"

# ---- pack

rm -rf "$out"
mkdir -p "$out"
pack() { tar -cf - -C "$tree" --sort=name --owner=0 --group=0 --numeric-owner .; }
case $compress in
  xz) pack | xz -T1 --lzma2=preset=6,dict=128MiB >"$out/payload.tar.xz" ;;
  gz) pack | gzip -9 >"$out/payload.tar.gz" ;;
  none) pack >"$out/payload.tar" ;;
esac
cp "$root/src/gpu/run.sh" "$out/run.sh"

mib() { du -sk --apparent-size "$1" | awk '{ printf "%.1f MiB", $1 / 1024 }'; }
echo "bundle.sh: $out: $(mib "$out"); unpacked $(mib "$tree"): runtime $(mib "$tree/runtime") ($modules), jars $(mib "$tree/lib")"

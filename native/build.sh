#!/bin/sh
# Builds native parts on Linux x86-64:  native/build.sh BUILD_DIRECTORY CLASSES_DIRECTORY PART...
#   cusolver  routines of cuSOLVER that JCuda cannot call, which go into the jar: CLASSES_DIRECTORY
#   memory    large pages for large matrices, which goes into the jar: CLASSES_DIRECTORY
#   cuda13    forwarding libraries, which go into the jar: CLASSES_DIRECTORY
#   hostcuda  the software CUDA device, for tests only: BUILD_DIRECTORY/hostcuda
# A part whose tools are not on this machine is left out; a line on stderr says so, and the build goes on.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
build=$1
classes=$2
shift 2

missing() {
    for tool in "$@"; do
        command -v "$tool" >/dev/null 2>&1 || { echo "$tool"; return; }
    done
}

part() {
    name=$1
    shift
    [ -f "$here/$name/Makefile" ] || return 0
    lacking=$(missing make "$@")
    if [ -n "$lacking" ]; then
        echo "native/$name is left out: there is no '$lacking' on this machine" >&2
        return 0
    fi
    make -s -C "$here/$name" BUILD="$build/$name" CLASSES="$classes"
}

for name in "$@"; do
    case $name in
    cusolver | cuda13 | memory) part "$name" cc ;;
    hostcuda) part "$name" c++ ;;
    *) echo "native/build.sh: there is no part '$name'" >&2 && exit 2 ;;
    esac
done

#!/bin/sh
# C of the routines that are not implemented:  stubs.sh LIBRARY_NUMBER LIST.symbols OBJECT…
# LIBRARY_NUMBER is that of enum Library in hostcuda.h; what the objects define is left out.
set -eu
library=$1
list=$2
shift 2
nm --defined-only "$@" | awk -v library="$library" '
    FNR == NR { if ($2 == "T") defined[$3] = 1; next }
    NF == 1 && !($1 in defined) { print "int " $1 "(void) { return hostcuda_unsupported(\"" $1 "\", " library "); }" }
    BEGIN { print "int hostcuda_unsupported(const char *, int);" }
' - "$list"

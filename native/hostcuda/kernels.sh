#!/bin/sh
# Makes C++ of CUDA kernel sources:  kernels.sh SOURCE.cu      a translation unit that registers the kernels of the source
#                                    kernels.sh --shared FILE… assembler: names of dynamic shared memory, all one array
set -eu

if [ "$1" = --shared ]; then
    shift
    names=$(cat /dev/null "$@" | grep -E '^[^/]*extern +__shared__' | sed -E 's/\[[^]]*\].*//; s/.*[^A-Za-z0-9_]([A-Za-z0-9_]+) *$/\1/' | sort -u)
    echo '    .bss'
    echo '    .balign 256'
    for name in hostcuda_dynamic_shared $names; do
        printf '    .globl %s\n    .hidden %s\n%s:\n' "$name" "$name" "$name"
    done
    echo '    .zero 262144'
    echo '    .section .note.GNU-stack,"",@progbits'
    exit 0
fi

source=$1
names=$(${CXX:-g++} -E -P -w -x c++ -DNULLSPACE_HOSTCUDA "$source" | tr '\n' ' ' | sed -E 's/__launch_bounds__ *\([^)]*\)//g' |
    grep -oE 'extern +"C" +__global__ +void +[A-Za-z0-9_]+' | awk '{ print $NF }' || true)
echo "#line 1 \"$source\""
sed -E 's/extern +__shared__/HOSTCUDA_EXTERN_SHARED/' "$source"
echo '#line 1 "kernels.sh"'
echo 'namespace {'
list=
for name in $names; do
    echo "const hostcuda::Registration register_$name(\"$name\", $name);"
    list="$list\"$name\", "
done
echo 'constexpr unsigned char source_text[] = {'
od -An -v -tu1 "$source" | sed -E 's/ +([0-9]+)/\1,/g'
echo '0};'
echo 'const hostcuda::SourceRegistration register_source('
echo '        hostcuda::hashOf(reinterpret_cast<const char *>(source_text), sizeof source_text - 1),'
echo "        std::vector<std::string>{$list});"
echo '} // namespace'

# Linker version script: the symbols of a list belong to one version node, the JNI functions to none.
BEGIN { printf "%s {\n  global:\n", node }
{ printf "    %s;\n", $1 }
END {
    if (jni) print "    Java_org_nullspace_*;"
    print "  local: *;\n};"
}

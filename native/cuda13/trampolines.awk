# Assembler for one forwarding library, from a list of symbols: awk -v texts="NAMES" -f trampolines.awk LIST
# Each symbol jumps through its slot, so that registers and stack arrive as the caller left them. Until a slot is filled it leads to a
# stub that says which symbol is missing: an int status, or a text for the symbols in "texts".
BEGIN {
    split(texts, list, " ")
    for (i in list) text[list[i]] = 1
    print "\t.section .note.GNU-stack,\"\",@progbits"
    print "\t.text"
}
{
    name[NR - 1] = $1
    printf "\t.globl %s\n\t.type %s,@function\n\t.p2align 4\n%s:\n", $1, $1, $1
    printf "\tjmp *nullspace_slots+%d(%%rip)\n\t.size %s,.-%s\n", 8 * (NR - 1), $1, $1
    printf "nullspace_stub_%d:\n\tmovl $%d,%%edi\n", NR - 1, NR - 1
    printf "\tjmp nullspace_missing%s\n", ($1 in text) ? "_text" : ""
}
END {
    print "\t.section .data.rel.local,\"aw\"\n\t.p2align 3"
    print "\t.globl nullspace_slots\n\t.hidden nullspace_slots\nnullspace_slots:"
    for (i = 0; i < NR; i++) printf "\t.quad nullspace_stub_%d\n", i
    print "\t.section .rodata"
    print "\t.globl nullspace_names\n\t.hidden nullspace_names\nnullspace_names:"
    for (i = 0; i < NR; i++) printf "\t.asciz \"%s\"\n", name[i]
    print "\t.p2align 2\n\t.globl nullspace_count\n\t.hidden nullspace_count"
    printf "nullspace_count:\n\t.long %d\n", NR
}

# Assembler of a stand-in for a library, for tests: awk -v texts="NAMES" -f stubs.awk LIST
# Each symbol hands its name, its register arguments and the address of its stack arguments to record() of stub.c. The functions in
# "texts" return their own name, the others 0.
BEGIN {
    split(texts, list, " ")
    for (i in list) text[list[i]] = 1
    print "\t.section .note.GNU-stack,\"\",@progbits"
    print "\t.text"
}
{
    name[NR - 1] = $1
    printf "\t.globl %s\n\t.type %s,@function\n%s:\n", $1, $1, $1
    printf "\tleaq .Lname_%d(%%rip),%%r10\n\tmovl $%d,%%r11d\n\tjmp .Lcommon\n", NR - 1, ($1 in text) ? 1 : 0
}
END {
    print ".Lcommon:"
    print "\tpushq %rbp\n\tmovq %rsp,%rbp\n\tpushq %r10\n\tpushq %r11"
    print "\tsubq $112,%rsp"
    n = split("rdi rsi rdx rcx r8 r9", integer, " ")
    for (i = 1; i <= n; i++) printf "\tmovq %%%s,%d(%%rsp)\n", integer[i], 8 * (i - 1)
    for (i = 0; i < 8; i++) printf "\tmovsd %%xmm%d,%d(%%rsp)\n", i, 48 + 8 * i
    print "\tmovq %r10,%rdi\n\tmovq %rsp,%rsi\n\tleaq 48(%rsp),%rdx\n\tleaq 16(%rbp),%rcx"
    print "\tcall nullspace_record"
    print "\txorl %eax,%eax\n\ttestl $1,-16(%rbp)\n\tcmovneq -8(%rbp),%rax"
    print "\tleave\n\tret"
    print "\t.section .rodata"
    for (i = 0; i < NR; i++) printf ".Lname_%d:\n\t.asciz \"%s\"\n", i, name[i]
}

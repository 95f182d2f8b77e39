// covers: write exit_group
// variants: bare
// status: 7
// token: DONE
// No libc at all: the stack as the kernel leaves it, registers zero at the start, two calls.
    .globl _start
    .text
_start:
    mov %rsp, %r15
    // All general registers but the stack pointer are zero at the start of a program.
    or %rax, %rbx
    or %rcx, %rbx
    or %rdx, %rbx
    or %rsi, %rbx
    or %rdi, %rbx
    or %rbp, %rbx
    or %r8, %rbx
    or %r9, %rbx
    or %r10, %rbx
    or %r11, %rbx
    or %r12, %rbx
    or %r13, %rbx
    or %r14, %rbx
    jnz wrong
    // So are the vector registers, and their control word is the usual one.
    por %xmm1, %xmm0
    por %xmm2, %xmm0
    por %xmm3, %xmm0
    por %xmm4, %xmm0
    por %xmm5, %xmm0
    por %xmm6, %xmm0
    por %xmm7, %xmm0
    por %xmm8, %xmm0
    por %xmm9, %xmm0
    por %xmm10, %xmm0
    por %xmm11, %xmm0
    por %xmm12, %xmm0
    por %xmm13, %xmm0
    por %xmm14, %xmm0
    por %xmm15, %xmm0
    movq %xmm0, %rax
    psrldq $8, %xmm0
    movq %xmm0, %rbx
    or %rax, %rbx
    jnz wrong
    stmxcsr -8(%rsp)
    cmpl $0x1f80, -8(%rsp)
    jne wrong
    test $15, %r15b             // aligned to 16
    jnz wrong
    cmpq $1, (%r15)             // argc
    jne wrong
    cmpq $0, 16(%r15)           // end of argv
    jne wrong
    mov $1, %eax
    mov $1, %edi
    lea good(%rip), %rsi
    mov $5, %edx
    syscall
    cmp $5, %rax
    jne wrong
    mov $231, %eax
    mov $7, %edi
    syscall
    ud2
wrong:
    mov $60, %eax
    mov $1, %edi
    syscall
    ud2
    .section .rodata
good:
    .ascii "DONE\n"
    .section .note.GNU-stack,"",@progbits

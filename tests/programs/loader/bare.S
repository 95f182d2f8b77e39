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

// covers: execve argv envp auxv
// variants: pie no-pie static static-pie
// args: one two-words three
// env: COLOUR=blue
// What a program sees first: arguments, environment, and the auxiliary vector.
#include "check.h"
#include <elf.h>
#include <libgen.h>
#include <sys/auxv.h>
extern char **environ;
int main(int argc, char **argv) {
    SHOW(argc);
    for (int i = 0; i < argc; i++)
        puts(i ? argv[i] : basename(strdup(argv[i])));
    SHOW(argv[argc] == NULL);
    for (char **e = environ; *e; e++)
        if (strncmp(*e, "HOME=", 5) && strncmp(*e, "PWD=", 4))
            puts(*e);
    SHOW(getauxval(AT_PAGESZ));
    SHOW(getauxval(AT_UID) == getuid());
    SHOW(getauxval(AT_EUID) == geteuid());
    SHOW(getauxval(AT_GID) == getgid());
    SHOW(getauxval(AT_EGID) == getegid());
    SHOW(getauxval(AT_SECURE));
    SHOW(getauxval(AT_CLKTCK));
    SHOW(getauxval(AT_PHENT));
    SHOW(getauxval(AT_PHNUM));
    SHOW(getauxval(AT_RANDOM) != 0);
    SHOW(strcmp((char *)getauxval(AT_EXECFN), argv[0]));
    puts((char *)getauxval(AT_PLATFORM));
    SHOW(getauxval(AT_HWCAP));
    SHOW(getauxval(AT_HWCAP2));
    SHOW(getauxval(AT_FLAGS));
    const Elf64_Phdr *ph = (const Elf64_Phdr *)getauxval(AT_PHDR);
    for (unsigned long i = 0; i < getauxval(AT_PHNUM); i++)
        printf("%x %lx %lx\n", ph[i].p_type, ph[i].p_offset, ph[i].p_memsz);
    SHOW(getauxval(AT_ENTRY) != 0);
    SHOW((uintptr_t)argv % 8);
    SHOW(argc > 1 && argv[1] == argv[0] + strlen(argv[0]) + 1);
    SHOW(environ == argv + argc + 1);
    return DONE();
}

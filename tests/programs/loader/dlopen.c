// covers: dlopen mmap mprotect
// A library loaded while the program runs.
#include "check.h"
#include <dlfcn.h>
int main(void) {
    void *libm = dlopen("libm.so.6", RTLD_NOW);
    CHECK(libm);
    double (*cosine)(double) = dlsym(libm, "cos");
    CHECK(cosine);
    printf("%.12f\n", cosine(1.0));
    SHOW(dlclose(libm));
    SHOW(dlopen("libno-such-thing.so.1", RTLD_NOW) == NULL);
    puts(dlerror());
    return DONE();
}

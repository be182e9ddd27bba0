/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded by sanitizer builds: PHP opens its extensions with RTLD_DEEPBIND, under which the
 * sanitizer's own malloc and the C library's would both be in use; it refuses to run that way. */
#include <dlfcn.h>

void *dlopen(const char *file, int mode)
{
    void *(*next)(const char *, int) = (void *(*)(const char *, int))dlsym(RTLD_NEXT, "dlopen");
    return next(file, mode & ~RTLD_DEEPBIND);
}

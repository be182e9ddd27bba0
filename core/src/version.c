/* SPDX-License-Identifier: Apache-2.0 */
/* The version that was built, as opposed to the header that was read. */
#include <viaduct/viaduct.h>

const char *vd_version(void)
{
    return VIADUCT_VERSION;
}

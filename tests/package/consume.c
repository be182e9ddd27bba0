/* SPDX-License-Identifier: Apache-2.0 */
/* A program of somebody else's: sees only what `cmake --install` has put down. */
#include <stdio.h>
#include <string.h>

#include <viaduct/broker_driver.h>
#include <viaduct/error.h>
#include <viaduct/health.h>
#include <viaduct/scope.h>

int main(void)
{
    struct vd_error error = {0};
    const char *scope = "room:lobby";

    if (vd_scope_check(scope, strlen(scope), &error) != VD_OK)
        return 1;
    if (!vd_scope_matches("room:*", strlen("room:*"), scope, strlen(scope)))
        return 2;
    if (vd_scope_check("a b", 3, &error) != VD_ERR_INVALID)
        return 3;
    if (!vd_broker_driver_at(0)) /* all drivers are linked, and what they need */
        return 4;
    vd_health_close(NULL); /* what the listener needs is linked, too */
    return puts("consumed") < 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Probes, whatever the bytes are: what is taken for one is spelled exactly so by us, and what it
 * says of its node fits. */
#include <string.h>

#include "fuzz.h"
#include "probe.h"

#define OURS "0123456789abcdef"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char begin[] = "{\"probe\":\"";
    char text[VD_PROBE_BYTES], token[17] = {0}, node[VD_ORIGIN_MAX_BYTES + 1] = {0};
    struct vd_probe probe, whose;
    size_t length;

    if (!vd_probe_read((const char *)data, size, OURS, &probe))
        return 0;
    FUZZ_REQUIRE(size > sizeof(begin) + 16 && size < VD_PROBE_BYTES);
    FUZZ_REQUIRE(probe.node_length <= VD_ORIGIN_MAX_BYTES);
    memcpy(token, data + sizeof(begin) - 1, 16);
    memcpy(node, probe.node, probe.node_length);
    if (memchr(node, 0, probe.node_length))
        return 0; /* the handle refuses it */
    FUZZ_REQUIRE(vd_probe_read((const char *)data, size, token, &whose));
    FUZZ_REQUIRE(probe.number == 0 || probe.number == whose.number);
    length = vd_probe_write(text, token, whose.number, node[0] ? node : NULL, whose.last);
    FUZZ_REQUIRE(length == size && memcmp(text, data, size) == 0);
    return 0;
}

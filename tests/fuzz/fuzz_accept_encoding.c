/* SPDX-License-Identifier: Apache-2.0 */
/* Accept-Encoding, whatever the bytes are: in range, and the same in one line or in several. */
#include <string.h>

#include "common_coding.h"
#include "fuzz.h"

static void check_choice(const struct vd_coding_accept *accept, unsigned offered)
{
    enum vd_coding coding = vd_coding_choose(accept, offered);

    FUZZ_REQUIRE(coding == VD_CODING_IDENTITY || (offered & VD_CODING_BIT(coding)));
    FUZZ_REQUIRE(coding == VD_CODING_IDENTITY ||
                 (accept->named[coding] ? accept->weight[coding] : accept->rest) > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *at = (const char *)data, *end = at + size;
    struct vd_coding_accept whole = {0}, lines = {0};

    vd_coding_accept_line(&whole, at, size);
    for (unsigned offered = 0; offered < 8; offered++)
        check_choice(&whole, offered);
    for (int i = 0; i < VD_CODINGS; i++)
        FUZZ_REQUIRE(whole.weight[i] <= 1000 && (whole.named[i] || whole.weight[i] == 0));
    FUZZ_REQUIRE(whole.rest <= 1000);
    while (at < end) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma ? comma : end;

        vd_coding_accept_line(&lines, at, (size_t)(stop - at));
        at = comma ? comma + 1 : end;
    }
    FUZZ_REQUIRE(memcmp(&whole, &lines, sizeof(whole)) == 0);
    vd_coding_type_compresses((const char *)data, size);
    vd_coding_list_has((const char *)data, size, "accept-encoding");
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* GlobalState::remember(): one process computes a value that is missing, the others wait for it.
 *
 * Who computes has a lease: a row with his identity and the time at which it ends. He stores the
 * value if the key is still not there, gives the lease back if it is still that version of the row,
 * and bumps a counter, on which the others sleep.
 *
 * Failure modes: the callable throws: the lease is given back, the next one computes. The process
 * dies: the others find that out within a slice of their sleep, and one takes over. It is slow: one
 * takes over when the lease has ended; whoever stores first has stored. A fatal error ends the
 * process, or leaves the lease to its end. The lease of a process that waits for itself (remember()
 * of the same key inside of it) is no reason to wait: it computes. */
#include "global_state.h"

#include <viaduct/process.h>

#include "class_counter.h"
#include "state_error.h"

#define SLICE_MS 50

struct remembering {
    struct vd_php_table *values;
    struct vd_php_table *leases;
    zend_string *key;
    zval *to;
    bool holds_lease;
    struct vd_table_version lease; /* the row as it was when we had taken it */
};

/* ---- leases -----------------------------------------------------------------------------------
 */

static enum vd_err lease_look(struct remembering *r, uint64_t now_ms, struct vd_table_value *owner,
                              struct vd_table_version *version, struct vd_error *error)
{
    return vd_table_get_version(r->leases->table, ZSTR_VAL(r->key), ZSTR_LEN(r->key), now_ms, owner,
                                NULL, version, error);
}

static enum vd_err lease_write(struct remembering *r, const struct vd_table_version *version,
                               uint64_t owner, uint64_t ends_ms, uint64_t now_ms, bool *swapped,
                               struct vd_error *error)
{
    struct vd_table_change change = {.column = 0, .value.integer = (int64_t)owner};
    return vd_table_set_version(r->leases->table, ZSTR_VAL(r->key), ZSTR_LEN(r->key), version,
                                &change, 1, ends_ms, now_ms, swapped, error);
}

enum lease_result { LEASE_MINE, LEASE_OF_ANOTHER, LEASE_FAILED };

/* *@ends_ms: when the other's ends. A table that is full of leases is no reason not to compute. */
static enum lease_result lease_take(struct remembering *r, uint64_t lease_ms, uint64_t *ends_ms)
{
    uint64_t now_ms = vd_php_table_now_ms();
    uint64_t self = vd_process_identity();
    struct vd_table_version version;
    struct vd_table_value owner = {0};
    struct vd_error error = {0};
    bool swapped = false;
    enum vd_err code = lease_look(r, now_ms, &owner, &version, &error);
    if (code == VD_OK && (uint64_t)owner.integer == self) {
        return LEASE_MINE; /* of an outer call: it gives it back */
    }
    if (code == VD_OK && !vd_process_has_ended((uint64_t)owner.integer)) {
        *ends_ms = version.expiry_ms;
        return LEASE_OF_ANOTHER;
    }
    if (code == VD_OK || code == VD_ERR_NOT_FOUND) {
        code = lease_write(r, &version, self, now_ms + lease_ms, now_ms, &swapped, &error);
    }
    if (code == VD_ERR_FULL) {
        return LEASE_MINE;
    }
    if (code != VD_OK) {
        error.code = code;
        vd_php_global_state_throw(r->values, r->key, NULL, &error);
        return LEASE_FAILED;
    }
    *ends_ms = now_ms;
    r->holds_lease = swapped && lease_look(r, now_ms, &owner, &r->lease, NULL) == VD_OK &&
                     (uint64_t)owner.integer == self;
    return swapped ? LEASE_MINE : LEASE_OF_ANOTHER;
}

/* If it is still ours. */
static void lease_give_back(struct remembering *r)
{
    uint64_t now_ms = vd_php_table_now_ms();
    bool swapped;
    if (r->holds_lease) {
        lease_write(r, &r->lease, 0, now_ms, now_ms, &swapped, NULL);
        vd_counter_add(VIADUCT_G(shared)->leases_done, 1, NULL, NULL);
    }
    r->holds_lease = false;
}

/* ---- computing --------------------------------------------------------------------------------
 */

/* Where somebody has set the key meanwhile, that stays; what was computed is returned all the same.
 */
static bool store(const struct remembering *r, uint64_t ttl_ms)
{
    uint64_t now_ms;
    struct vd_table_version none = {0};
    struct vd_php_encoded encoded;
    struct vd_error error = {0};
    bool swapped = false;
    if (!vd_php_global_state_encode(&encoded, r->to)) {
        return false;
    }
    now_ms = vd_php_table_now_ms();
    vd_php_changing(r->values, r->key);
    error.code = vd_table_set_version(r->values->table, ZSTR_VAL(r->key), ZSTR_LEN(r->key), &none,
                                      encoded.changes, VD_STATE_COLUMNS,
                                      ttl_ms ? now_ms + ttl_ms : 0, now_ms, &swapped, &error);
    if (error.code != VD_OK) {
        vd_php_global_state_throw(r->values, r->key, &encoded, &error);
    }
    vd_php_encoded_finish(&encoded);
    if (swapped) {
        vd_php_changed(r->values, r->key);
    }
    return error.code == VD_OK;
}

static bool compute_and_store(struct remembering *r, zend_fcall_info *compute,
                              zend_fcall_info_cache *cache, uint64_t ttl_ms)
{
    ZVAL_UNDEF(r->to);
    compute->retval = r->to;
    compute->param_count = 0;
    bool done =
        zend_call_function(compute, cache) == SUCCESS && !EG(exception) && !Z_ISUNDEF_P(r->to);
    if (done && Z_ISREF_P(r->to)) {
        zend_unwrap_reference(r->to);
    }
    done = done && store(r, ttl_ms);
    if (!done) {
        zval_ptr_dtor(r->to);
        ZVAL_NULL(r->to);
    }
    return done;
}

/* Until a lease was given back or this one has ended, and not for long: its owner may die. */
static void await(int64_t seen, uint64_t ends_ms)
{
    uint64_t now_ms = vd_php_table_now_ms();
    uint64_t left_ms = ends_ms > now_ms ? ends_ms - now_ms : 0;
    vd_counter_wait(VIADUCT_G(shared)->leases_done, seen,
                    left_ms < SLICE_MS ? (int64_t)left_ms + 1 : SLICE_MS, NULL);
    vd_php_serve_interrupt(EG(current_execute_data));
}

bool vd_php_global_state_remember(zend_string *key, uint64_t ttl_ms, zend_fcall_info *compute,
                                  zend_fcall_info_cache *cache, uint64_t lease_ms, zval *to)
{
    struct remembering r = {.values = vd_php_global_state(), .key = key, .to = to};
    if (!r.values) {
        return false;
    }
    r.leases = VIADUCT_G(shared)->global_leases;
    for (;;) {
        int64_t seen = vd_counter_get(VIADUCT_G(shared)->leases_done);
        uint64_t ends_ms = 0;
        bool found;
        if (!vd_php_global_state_get(key, to, &found) || found) {
            return found && !EG(exception);
        }
        switch (lease_take(&r, lease_ms, &ends_ms)) {
        case LEASE_FAILED:
            return false;
        case LEASE_OF_ANOTHER:
            await(seen, ends_ms);
            if (EG(exception)) {
                return false;
            }
            continue;
        case LEASE_MINE:
            break;
        }
        /* it may have been stored between the look and the lease */
        bool done = vd_php_global_state_get(key, to, &found);
        if (done && !found) {
            done = compute_and_store(&r, compute, cache, ttl_ms);
        }
        lease_give_back(&r);
        return done;
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* All of Viaduct's C library in one include. */
#ifndef VIADUCT_VIADUCT_H
#define VIADUCT_VIADUCT_H

#include <viaduct/arena.h>
#include <viaduct/backoff.h>
#include <viaduct/broker.h>
#include <viaduct/clock.h>
#include <viaduct/counter.h>
#include <viaduct/error.h>
#include <viaduct/health.h>
#include <viaduct/history.h>
#include <viaduct/log.h>
#include <viaduct/message.h>
#include <viaduct/process.h>
#include <viaduct/ring.h>
#include <viaduct/scope.h>
#include <viaduct/table.h>
#include <viaduct/wire.h>

/* "0.1.0": the version of the library that runs. Static memory. */
const char *vd_version(void);

#endif

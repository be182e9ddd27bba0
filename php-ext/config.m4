dnl SPDX-License-Identifier: Apache-2.0
dnl phpize, PECL and PIE build the extension from here; the C library's sources are compiled in.

PHP_ARG_ENABLE([viaduct],
  [whether to enable Viaduct],
  [AS_HELP_STRING([--enable-viaduct], [Enable Viaduct: pub/sub brokers and a real-time server])],
  [yes])

if test "$PHP_VIADUCT" != "no"; then
  AC_MSG_CHECKING([for a PHP without thread safety])
  if test "$PHP_THREAD_SAFETY" = "yes"; then
    AC_MSG_RESULT([no])
    AC_MSG_ERROR([This PHP is thread-safe (ZTS). Viaduct forks its workers: use a PHP without thread safety (NTS).])
  fi
  AC_MSG_RESULT([yes])

  PKG_CHECK_MODULES([LIBEVENT], [libevent_core >= 2.1])
  PHP_EVAL_INCLINE($LIBEVENT_CFLAGS)
  PHP_EVAL_LIBLINE($LIBEVENT_LIBS, VIADUCT_SHARED_LIBADD)
  PKG_CHECK_MODULES([VIADUCT_CODERS], [zlib >= 1.2.12 libbrotlienc])
  PHP_EVAL_INCLINE($VIADUCT_CODERS_CFLAGS)
  PHP_EVAL_LIBLINE($VIADUCT_CODERS_LIBS, VIADUCT_SHARED_LIBADD)

  dnl The Redis and NATS drivers go in where their libraries are.
  viaduct_redis=no
  PKG_CHECK_MODULES([VIADUCT_REDIS], [hiredis >= 0.14 openssl >= 3.0], [viaduct_redis=yes], [viaduct_redis=no])
  if test "$viaduct_redis" = "yes"; then
    PHP_EVAL_INCLINE($VIADUCT_REDIS_CFLAGS)
    PHP_EVAL_LIBLINE($VIADUCT_REDIS_LIBS, VIADUCT_SHARED_LIBADD)
  fi
  viaduct_nats=no
  PKG_CHECK_MODULES([VIADUCT_NATS], [libnats >= 3.4 openssl >= 3.0], [viaduct_nats=yes], [viaduct_nats=no])
  if test "$viaduct_nats" = "yes"; then
    PHP_EVAL_INCLINE($VIADUCT_NATS_CFLAGS)
    PHP_EVAL_LIBLINE($VIADUCT_NATS_LIBS, VIADUCT_SHARED_LIBADD)
  fi

  viaduct_version=`sed -n 's/^project(viaduct VERSION \(@<:@0-9.@:>@*\).*/\1/p' $abs_srcdir/../CMakeLists.txt`
  viaduct_flags="-D_GNU_SOURCE -DVIADUCT_VERSION='\"$viaduct_version\"' -DZEND_ENABLE_STATIC_TSRMLS_CACHE=1 -std=gnu17 -fvisibility=hidden"
  if test "$viaduct_redis" = "yes"; then
    viaduct_flags="$viaduct_flags -DVIADUCT_REDIS"
  fi
  if test "$viaduct_nats" = "yes"; then
    viaduct_flags="$viaduct_flags -DVIADUCT_NATS"
  fi

  dnl Every other source of the folders below goes in, as in their CMakeLists.txt. They are copied here,
  dnl because the build names an object after its source up to the first dot: none may begin "..".
  for folder in core brokers health server; do
    rm -rf "$abs_srcdir/lib/$folder"
    mkdir -p "$abs_srcdir/lib" && cp -R "$abs_srcdir/../$folder" "$abs_srcdir/lib/" || AC_MSG_ERROR([cannot copy $folder])
  done
  viaduct_sources=""
  for source in $abs_srcdir/lib/*/*.c $abs_srcdir/lib/core/src/*.c $abs_srcdir/lib/core/src/shm/*.c; do
    case "$viaduct_redis $viaduct_nats $source" in
      no*/brokers/redis*.c | no*/brokers/resolve.c | no*/brokers/stream.c) continue ;;
      "yes no"*/brokers/nats*.c | "no no"*/brokers/nats*.c) continue ;;
      "no no"*/brokers/tls.c | "no no"*/brokers/url.c) continue ;;
    esac
    viaduct_sources="$viaduct_sources `echo $source | sed "s,^$abs_srcdir/,,"`"
  done

  PHP_NEW_EXTENSION([viaduct],
    [aliases.c answer.c answer_after.c answer_chunks.c answer_error.c answer_headers.c dnl
     around.c broker.c broker_exception.c broker_inbox.c broker_link.c broker_servers.c broker_settings.c broker_url.c callable.c class_app.c class_app_messages.c dnl
     class_app_routes.c class_broker.c class_broker_link.c class_broker_network.c class_config.c class_config_edge.c class_config_http.c dnl
     class_config_limits.c class_config_values.c class_counter.c class_global_state.c class_message.c dnl
     class_request.c class_response.c class_response_cookie.c class_scope.c class_store.c class_store_add.c class_store_iterator.c class_store_rows.c class_store_values.c dnl
     global_state.c global_state_remember.c notice.c request_body.c request_input.c route.c run_request.c run_sapi.c dnl
     run_worker.c shared_declared.c shared_file.c shared_state.c state.c viaduct.c $viaduct_sources],
    [$ext_shared],,
    [$viaduct_flags -I@ext_srcdir@/lib/core/include -I@ext_srcdir@/lib/core/src -I@ext_srcdir@/lib/brokers -I@ext_srcdir@/lib/health -I@ext_srcdir@/lib/server])
  for folder in core/src/shm brokers health server; do
    PHP_ADD_BUILD_DIR([$ext_builddir/lib/$folder])
  done
  dnl Never unloaded: a thread of the NATS client library may still be on its way out when php ends.
  VIADUCT_SHARED_LIBADD="$VIADUCT_SHARED_LIBADD -Wl,-z,nodelete"
  PHP_SUBST([VIADUCT_SHARED_LIBADD])
fi

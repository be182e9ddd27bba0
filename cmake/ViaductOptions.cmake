# SPDX-License-Identifier: Apache-2.0
# viaduct_options: the language level, warnings and sanitizers that every target of ours takes.
add_library(viaduct_options INTERFACE)
target_compile_features(viaduct_options INTERFACE c_std_17)
target_compile_definitions(viaduct_options INTERFACE _GNU_SOURCE VIADUCT_VERSION="${PROJECT_VERSION}")
target_compile_options(viaduct_options INTERFACE
    -Wall -Wextra -Wshadow -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes
    -Wvla -Wformat=2 -Wundef -Wwrite-strings -fno-common -fno-strict-aliasing
    $<$<CONFIG:Release,RelWithDebInfo>:-fstack-protector-strong>)
if(VIADUCT_WERROR)
    target_compile_options(viaduct_options INTERFACE -Werror)
endif()
# A fuzz build instruments our libraries too; a finding without a sanitizer would go unseen.
if(VIADUCT_FUZZ)
    if(NOT CMAKE_C_COMPILER_ID STREQUAL "Clang")
        message(FATAL_ERROR "VIADUCT_FUZZ needs clang: cmake -DCMAKE_C_COMPILER=clang")
    endif()
    if(NOT VIADUCT_SANITIZE)
        set(VIADUCT_SANITIZE address,undefined)
    endif()
    target_compile_options(viaduct_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(VIADUCT_SANITIZE)
    target_compile_options(viaduct_options INTERFACE
        -fsanitize=${VIADUCT_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    target_link_options(viaduct_options INTERFACE -fsanitize=${VIADUCT_SANITIZE})
endif()

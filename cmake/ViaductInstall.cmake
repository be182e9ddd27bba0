# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts where:
#
#   <prefix>/lib/libviaduct.so.0, libviaduct.a, pkgconfig/viaduct.pc    core, brokers, health and its listener
#   <prefix>/include/viaduct/*.h
#   <prefix>/bin/viaduct, share/man/man1/viaduct.1                      see cli/CMakeLists.txt
#   the extension and its ini: see install_php.cmake.in
#
# --prefix and DESTDIR do what they always do.
foreach(kind SHARED STATIC)
    string(TOLOWER viaduct_${kind} target)
    add_library(${target} ${kind})
    set_target_properties(${target} PROPERTIES OUTPUT_NAME viaduct LINKER_LANGUAGE C)
    target_link_libraries(${target} PRIVATE
        viaduct_core viaduct_brokers viaduct_health viaduct_health_listener)
    install(TARGETS ${target}
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
endforeach()
set_target_properties(viaduct_shared PROPERTIES
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
target_link_options(viaduct_shared PRIVATE LINKER:--no-undefined)

install(DIRECTORY core/include/viaduct DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
    FILES_MATCHING PATTERN "*.h")
file(RELATIVE_PATH VIADUCT_PC_UP /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
set(VIADUCT_PC_BROKERS "")
if(VIADUCT_REDIS)
    string(APPEND VIADUCT_PC_BROKERS " hiredis")
endif()
if(VIADUCT_NATS)
    string(APPEND VIADUCT_PC_BROKERS " libnats")
endif()
if(VIADUCT_REDIS OR VIADUCT_NATS)
    string(APPEND VIADUCT_PC_BROKERS " openssl")
endif()
configure_file(cmake/viaduct.pc.in viaduct.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/viaduct.pc
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

if(TARGET viaduct_php)
    find_program(PHP_CONFIG php-config REQUIRED)
    foreach(option extension-dir ini-dir)
        execute_process(COMMAND ${PHP_CONFIG} --${option}
            OUTPUT_VARIABLE value OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
        string(REPLACE - _ option ${option})
        set(php_${option} ${value})
    endforeach()
    configure_file(cmake/install_php.cmake.in install_php.cmake.in @ONLY)
    file(GENERATE OUTPUT install_php.cmake INPUT ${CMAKE_CURRENT_BINARY_DIR}/install_php.cmake.in)
    install(SCRIPT ${CMAKE_CURRENT_BINARY_DIR}/install_php.cmake)
endif()

# A room is a folder of harness/: its .cc files make the library oldornew_<room>, its _test.cc files one GoogleTest
# program, oldornew_<room>_test. A room names the earlier rooms it uses; the lint holds the order (scripts/lint).
add_library(oldornew_options INTERFACE)
target_compile_options(oldornew_options INTERFACE -Wall -Wextra -Werror=return-type -Werror=unused-result $<$<CXX_COMPILER_ID:GNU>:-Wshadow=local>)
target_include_directories(oldornew_options INTERFACE "${CMAKE_SOURCE_DIR}/harness")
if(OLDORNEW_SANITIZE)
  target_compile_options(oldornew_options INTERFACE -fsanitize=${OLDORNEW_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(oldornew_options INTERFACE -fsanitize=${OLDORNEW_SANITIZE})
endif()

# Most of the time of a build goes into the same few headers. They are precompiled twice: for the rooms, and for their tests,
# which are not optimised either (their time goes into the rooms they test). Sources include what they use all the same.
option(OLDORNEW_PRECOMPILE "Precompile common headers" ON)
set(OLDORNEW_COMMON_HEADERS <algorithm> <cerrno> <cstdint> <functional> <map> <memory> <optional> <set> <string> <string_view>
  <unordered_map> <unordered_set> <utility> <vector> <fmt/format.h> <tl/expected.hpp>)
# (-fPIC by hand: CMake compiles programs with -fPIE and the precompiled headers, a library, with -fPIC.)
set(OLDORNEW_TEST_OPTIONS $<$<NOT:$<BOOL:${OLDORNEW_SANITIZE}>>:-O0> -g1 -fPIC)
if(OLDORNEW_PRECOMPILE)
  file(WRITE "${CMAKE_BINARY_DIR}/precompiled.cc" "")
  add_library(oldornew_precompiled OBJECT "${CMAKE_BINARY_DIR}/precompiled.cc")
  target_link_libraries(oldornew_precompiled PRIVATE oldornew_options fmt::fmt tl::expected)
  target_precompile_headers(oldornew_precompiled PRIVATE ${OLDORNEW_COMMON_HEADERS})
  if(OLDORNEW_BUILD_TESTS)
    add_library(oldornew_test_precompiled OBJECT "${CMAKE_BINARY_DIR}/precompiled.cc")
    target_link_libraries(oldornew_test_precompiled PRIVATE oldornew_options fmt::fmt tl::expected GTest::gmock)
    target_compile_options(oldornew_test_precompiled PRIVATE ${OLDORNEW_TEST_OPTIONS})
    set_target_properties(oldornew_test_precompiled PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_precompile_headers(oldornew_test_precompiled PRIVATE ${OLDORNEW_COMMON_HEADERS} <gmock/gmock.h> <gtest/gtest.h>)
  endif()
endif()

# oldornew_add_tests(<program> [property value]...): its tests in ctest. A suite whose name ends in "Long" belongs to the long
# tier (label "long", scripts/test --all), the others to every run.
function(oldornew_add_tests program)
  gtest_discover_tests(${program} DISCOVERY_MODE PRE_TEST TEST_FILTER "-*Long.*"
    TEST_LIST ${program}_tests PROPERTIES TIMEOUT 120 ${ARGN})
  gtest_discover_tests(${program} DISCOVERY_MODE PRE_TEST TEST_FILTER "*Long.*"
    TEST_LIST ${program}_long_tests PROPERTIES TIMEOUT 1200 LABELS long ${ARGN})
endfunction()

# oldornew_room(<name> [SERIAL_TESTS] [USES <room>...] [LIBS <target>...])
# SERIAL_TESTS: one test of the room at a time, because they count or limit processes of the whole machine.
function(oldornew_room name)
  cmake_parse_arguments(ROOM "SERIAL_TESTS" "" "USES;LIBS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cc")
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$|_main\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  if(NOT sources)
    return()
  endif()
  add_library(oldornew_${name} STATIC ${sources})
  list(TRANSFORM ROOM_USES PREPEND oldornew_)
  target_link_libraries(oldornew_${name} PUBLIC oldornew_options ${ROOM_USES} ${ROOM_LIBS})
  if(OLDORNEW_PRECOMPILE)
    target_precompile_headers(oldornew_${name} REUSE_FROM oldornew_precompiled)
  endif()
  if(OLDORNEW_BUILD_TESTS AND tests)
    add_executable(oldornew_${name}_test ${tests})
    target_link_libraries(oldornew_${name}_test PRIVATE oldornew_${name} GTest::gmock_main)
    target_compile_options(oldornew_${name}_test PRIVATE ${OLDORNEW_TEST_OPTIONS})
    set_target_properties(oldornew_${name}_test PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    if(OLDORNEW_PRECOMPILE)
      target_precompile_headers(oldornew_${name}_test REUSE_FROM oldornew_test_precompiled)
    endif()
    target_compile_definitions(oldornew_${name}_test PRIVATE
      OLDORNEW_SOURCE_DIR="${CMAKE_SOURCE_DIR}" OLDORNEW_BINARY_DIR="${CMAKE_BINARY_DIR}")
    if(ROOM_SERIAL_TESTS)
      set(lock RESOURCE_LOCK oldornew_${name})
    endif()
    oldornew_add_tests(oldornew_${name}_test ${lock})
  endif()
endfunction()

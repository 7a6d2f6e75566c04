# A room is a folder of harness/: its .cc files make the library oldornew_<room>, its _test.cc files one GoogleTest
# program, oldornew_<room>_test. A room names the earlier rooms it uses; the lint holds the order (scripts/lint).
add_library(oldornew_options INTERFACE)
target_compile_options(oldornew_options INTERFACE -Wall -Wextra -Werror=return-type -Werror=unused-result $<$<CXX_COMPILER_ID:GNU>:-Wshadow=local>)
target_include_directories(oldornew_options INTERFACE "${CMAKE_SOURCE_DIR}/harness")
if(OLDORNEW_SANITIZE)
  target_compile_options(oldornew_options INTERFACE -fsanitize=${OLDORNEW_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(oldornew_options INTERFACE -fsanitize=${OLDORNEW_SANITIZE})
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
  if(OLDORNEW_BUILD_TESTS AND tests)
    add_executable(oldornew_${name}_test ${tests})
    target_link_libraries(oldornew_${name}_test PRIVATE oldornew_${name} GTest::gmock_main)
    target_compile_definitions(oldornew_${name}_test PRIVATE
      OLDORNEW_SOURCE_DIR="${CMAKE_SOURCE_DIR}" OLDORNEW_BINARY_DIR="${CMAKE_BINARY_DIR}")
    if(ROOM_SERIAL_TESTS)
      set(lock RESOURCE_LOCK oldornew_${name})
    endif()
    oldornew_add_tests(oldornew_${name}_test ${lock})
  endif()
endfunction()

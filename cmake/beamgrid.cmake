# What every target of ours shares: warnings, sanitizers, ccache, and how tests are added.

find_program(BEAMGRID_CCACHE ccache)
if(BEAMGRID_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${BEAMGRID_CCACHE})
  # The precompiled header's time stamps differ between checkouts; ccache compares contents instead.
  set(CMAKE_CXX_FLAGS "${CMAKE_CXX_FLAGS} -fpch-preprocess")
endif()

find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json)
find_package(SQLiteCpp REQUIRED)
find_package(Eigen3 REQUIRED NO_MODULE)
find_package(tomlplusplus REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(ISAL REQUIRED IMPORTED_TARGET libisal)
pkg_check_modules(HWY REQUIRED IMPORTED_TARGET libhwy)
pkg_check_modules(HWY_CONTRIB REQUIRED IMPORTED_TARGET libhwy-contrib)
pkg_check_modules(MINIZIP REQUIRED IMPORTED_TARGET minizip)
include(cmake/hdf5.cmake)
find_path(PROTOZERO_INCLUDE_DIR protozero/pbf_reader.hpp REQUIRED)

# Most of a file's time goes to headers and templates that its neighbours need too.
set(CMAKE_UNITY_BUILD_BATCH_SIZE 20)

add_library(beamgrid_options INTERFACE)
target_include_directories(beamgrid_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_definitions(beamgrid_options INTERFACE BEAMGRID_VERSION="${PROJECT_VERSION}")
target_compile_options(beamgrid_options INTERFACE -Wall -Wextra -Wpedantic -Wconversion
                       -Wno-missing-field-initializers)
# g++ 12 warns of overlapping copies in `"text" + std::string(...)` (GCC bug 105651, a false alarm).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(beamgrid_options INTERFACE -Wno-restrict)
endif()
# g++ takes a file that is compiled with others for a header, whose classes should not have members of unnamed namespaces.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_UNITY_BUILD)
  target_compile_options(beamgrid_options INTERFACE -Wno-subobject-linkage)
endif()
if(BEAMGRID_WERROR)
  target_compile_options(beamgrid_options INTERFACE -Werror)
endif()
if(BEAMGRID_SANITIZE)
  target_compile_options(beamgrid_options INTERFACE -fsanitize=${BEAMGRID_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(beamgrid_options INTERFACE -fsanitize=${BEAMGRID_SANITIZE})
endif()

# beamgrid_compiles_fast(TARGET): for what waits, reads and writes but computes little: a fifth of the compile time less.
function(beamgrid_compiles_fast target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O2>)
endfunction()

# beamgrid_tests(NAME LABEL label SOURCES globs... LIBRARIES libs...): one test executable over a folder's *_test.cpp.
# A new test is a new file; nothing here is edited for it. The target `unit` builds all that have this label.
add_custom_target(unit)
function(beamgrid_tests name)
  cmake_parse_arguments(ARG "" "LABEL;TIMEOUT" "SOURCES;LIBRARIES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${ARG_SOURCES})
  if(NOT sources)
    return()
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  # One thread: OpenMP's spin for each other where other tests hold the cores, and minutes go by.
  set(torch_environment OMP_NUM_THREADS=1)
  if(BEAMGRID_SANITIZE)
    math(EXPR ARG_TIMEOUT "${ARG_TIMEOUT} * 10")
    # What is too large to allocate is an error for the program to handle, with AddressSanitizer too.
    list(APPEND torch_environment ASAN_OPTIONS=allocator_may_return_null=1)
  endif()
  add_executable(${name} ${sources})
  target_link_libraries(${name} PRIVATE ${ARG_LIBRARIES} beamgrid_options GTest::gmock GTest::gtest_main)
  if(CMAKE_BUILD_TYPE STREQUAL "Release")
    target_compile_options(${name} PRIVATE -O1)  # what is tested has all optimisations; the tests compile in half the time
  endif()
  target_compile_definitions(${name} PRIVATE BEAMGRID_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
    BEAMGRID_BINARY_DIR="${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
  if(ARG_LABEL STREQUAL unit)
    add_dependencies(unit ${name})
  endif()
  if(ARG_LABEL MATCHES "torch|gpu")
    # Loading LibTorch costs more than most of these tests: one process for all of them.
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES LABELS ${ARG_LABEL} TIMEOUT ${ARG_TIMEOUT}
                         ENVIRONMENT "${torch_environment}")
  elseif(BEAMGRID_SANITIZE AND ARG_LABEL STREQUAL unit)
    # A program's start costs more than most of these tests: eight processes for all of them.
    foreach(shard RANGE 7)
      add_test(NAME ${name}_${shard} COMMAND ${name})
      set_tests_properties(${name}_${shard} PROPERTIES LABELS ${ARG_LABEL} TIMEOUT ${ARG_TIMEOUT}
                           ENVIRONMENT "GTEST_TOTAL_SHARDS=8;GTEST_SHARD_INDEX=${shard}")
    endforeach()
  else()
    gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60 PROPERTIES LABELS ${ARG_LABEL} TIMEOUT ${ARG_TIMEOUT})
  endif()
endfunction()

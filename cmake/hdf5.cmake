# HDF5 as target beamgrid_hdf5, from the static library where that can be linked by itself: the shared one brings libcurl
# and thirty others along, which each start of beamgrid would load.
find_path(HDF5_INCLUDE_DIR hdf5.h PATH_SUFFIXES hdf5/serial REQUIRED)
find_library(HDF5_STATIC NAMES libhdf5_serial.a libhdf5.a PATH_SUFFIXES hdf5/serial)
find_library(HDF5_SHARED NAMES hdf5_serial hdf5 PATH_SUFFIXES hdf5/serial REQUIRED)
find_library(HDF5_SZIP NAMES sz)
find_package(ZLIB REQUIRED)

if(HDF5_STATIC AND HDF5_SZIP)
  include(CheckCSourceCompiles)
  set(CMAKE_REQUIRED_INCLUDES ${HDF5_INCLUDE_DIR})
  set(CMAKE_REQUIRED_LIBRARIES ${HDF5_STATIC} ${HDF5_SZIP} ZLIB::ZLIB ${CMAKE_DL_LIBS} m Threads::Threads)
  check_c_source_compiles("#include <hdf5.h>
int main(void) { return H5Fopen(\"\", H5F_ACC_RDONLY, H5P_DEFAULT) < 0; }" BEAMGRID_HDF5_STATIC)
  set(hdf5_libraries ${CMAKE_REQUIRED_LIBRARIES})
  unset(CMAKE_REQUIRED_INCLUDES)
  unset(CMAKE_REQUIRED_LIBRARIES)
endif()
if(NOT BEAMGRID_HDF5_STATIC)
  set(hdf5_libraries ${HDF5_SHARED})
endif()
add_library(beamgrid_hdf5 INTERFACE)
target_include_directories(beamgrid_hdf5 SYSTEM INTERFACE ${HDF5_INCLUDE_DIR})
target_link_libraries(beamgrid_hdf5 INTERFACE ${hdf5_libraries})

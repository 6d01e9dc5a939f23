# What lies beside the programs where beamgrid is installed, and the Debian package. Programs and plugin headers are
# installed where they are made.

install(DIRECTORY recipes DESTINATION share/beamgrid FILES_MATCHING PATTERN "*.toml")
install(FILES README.md ARCHITECTURE.md CONTRIBUTING.md DESTINATION share/doc/beamgrid)
install(DIRECTORY docs examples DESTINATION share/doc/beamgrid)
install(FILES LICENSE DESTINATION share/doc/beamgrid RENAME copyright)

install(FILES ${PROJECT_BINARY_DIR}/installed/completion DESTINATION share/bash-completion/completions RENAME beamgrid)

if(BEAMGRID_TRAINER)
  set(CPACK_GENERATOR DEB)
  set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
  set(CPACK_STRIP_FILES ON)
  set(CPACK_DEBIAN_FILE_NAME beamgrid.deb)
  set(CPACK_DEBIAN_PACKAGE_MAINTAINER "beamgrid <beamgrid@localhost>")
  set(CPACK_DEBIAN_PACKAGE_SECTION science)
  # The libraries that the programs are linked to, in the versions of this distribution.
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
  # Without OpenBLAS, LibTorch's matrix products run an order of magnitude slower.
  set(CPACK_DEBIAN_PACKAGE_DEPENDS libopenblas0-pthread)
  set(CPACK_DEBIAN_PACKAGE_SUGGESTS "g++, cmake, libtorch-dev, libboost-json-dev, sqlite3")  # for plugins; to look at the record
  include(CPack)
endif()

// A shared library without components.
extern "C" int beamgrid_test_nothing() { return 0; }

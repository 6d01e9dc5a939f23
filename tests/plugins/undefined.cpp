// A plugin that was not linked with what it uses.
extern "C" int beamgrid_test_no_such_function();
extern "C" int beamgrid_test_calls() { return beamgrid_test_no_such_function(); }

// What a plugin looks like that was compiled against another interface and another LibTorch.
extern "C" const char beamgrid_interface_0123456789ab_libtorch_9_8_7_cxx11abi_1[];
const char* const kInterface = beamgrid_interface_0123456789ab_libtorch_9_8_7_cxx11abi_1;
extern "C" const char* beamgrid_test_interface() { return kInterface; }

// Compiled where beamgrid is built without CUDA; cuda_device.cu otherwise.

#include "search/ensemble/gpu/device.h"

namespace beamgrid::gpu {

std::unique_ptr<Device> FirstCudaDevice() { return nullptr; }

}  // namespace beamgrid::gpu

#include "registry/util/cache_folder.h"
#include "trainer/worker/attempt.h"

namespace beamgrid::trainer {

int TrainCommand(const TrainArguments& arguments) {
  return RunAsWorker([&arguments](Messenger& messenger) {
    HashCache hashes(CacheFolder());
    return CarryOut(arguments, LogTarget::kStderr, hashes, messenger).exit;
  });
}

}  // namespace beamgrid::trainer

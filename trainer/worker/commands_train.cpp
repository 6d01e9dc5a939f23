#include "trainer/worker/attempt.h"

namespace beamgrid::trainer {

int TrainCommand(const TrainArguments& arguments) {
  return RunAsWorker([&arguments](Messenger& messenger) {
    return CarryOut(arguments, LogTarget::kStderr, messenger).exit;
  });
}

}  // namespace beamgrid::trainer

#include "trainer/attempt.h"
#include "trainer/log.h"
#include "trainer/stop_request.h"

namespace beamgrid::trainer {

int TrainCommand(const TrainArguments& arguments) {
  OpenLog();
  CatchStopSignals();
  Messenger messenger;
  return static_cast<int>(CarryOut(arguments, LogTarget::kStderr, messenger).exit);
}

}  // namespace beamgrid::trainer

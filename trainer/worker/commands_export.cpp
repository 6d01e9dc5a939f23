#include <ostream>

#include "registry/util/json.h"
#include "trainer/export/export_model.h"
#include "trainer/protocol/protocol.h"
#include "trainer/training/device.h"
#include "trainer/worker/commands.h"

namespace beamgrid::trainer {

int ExportCommand(const std::filesystem::path& folder, std::ostream& out) {
  // The kernels of a trial: what the sample says is what the trial's evaluation said.
  PrepareProcess(1);
  const std::string question = ReadFile(folder / kExportQuestionFile);
  const ExportAnswer answer = CarryOutExport(ExportQuestionFromJson(ParseJson(question)), folder);
  out << boost::json::serialize(ToJson(answer)) << std::endl;
  return static_cast<int>(out ? TrainerExit::kDone : TrainerExit::kBroken);
}

}  // namespace beamgrid::trainer

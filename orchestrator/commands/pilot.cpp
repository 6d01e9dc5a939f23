// What a job of a Slurm cluster runs; no command for people.

#include "orchestrator/slurm/pilot.h"

#include <chrono>
#include <thread>

#include "orchestrator/commands/command.h"
#include "orchestrator/interrupts.h"

namespace beamgrid {
namespace {

class PilotCommand : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.group("");  // not in the list
    app.add_option("FOLDER", folder_, "The pilot's folder, runs/<study>/slurm/<job>")
        ->type_name("DIR")
        ->required();
  }

  int Run(CommandContext& context) override {
    // Made on another machine moments ago: this one may see it some seconds later.
    AwaitPilotFolder(folder_,
                     [](std::chrono::milliseconds span) { std::this_thread::sleep_for(span); });
    Pilot pilot(folder_, PilotName());
    const InterruptSignals signals([&pilot] { pilot.Stop(); });
    context.Remark("pilot of " + folder_);
    pilot.Run();
    return kExitDone;
  }

 private:
  std::string folder_;
};

REGISTER_COMMAND("pilot", kMachine, "Carry out trials inside a Slurm job (`run` starts it)",
                 PilotCommand);

}  // namespace
}  // namespace beamgrid

// `beamgrid data verify`: every CRC and the wire format of record files.

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/record_files.h"
#include "trainer/data/inspect.h"

namespace beamgrid {
namespace {

class DataVerify : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("FILES", names_, "Record files, or folders of them")->required();
    AddJsonFlag(app, &json_);
  }

  int Run(CommandContext& context) override {
    std::vector<VerifyReport> reports;
    std::size_t damages = 0;
    for (const std::filesystem::path& file : RecordFiles(names_)) {
      reports.push_back(VerifyFile(file));
      damages += reports.back().damages.size();
      if (!json_) Print(context, reports.back());
    }
    if (json_) PrintJson(context.out, ToJson(reports));
    if (damages > 0) {
      context.err << "error: " << damages << (damages == 1 ? " damaged place" : " damaged places")
                  << "; fetch these files again, or set data.on_error = \"skip\" in the recipe\n";
    }
    return damages == 0 ? kExitDone : kExitBroken;
  }

 private:
  static void Print(CommandContext& context, const VerifyReport& report) {
    for (const Damage& damage : report.damages) {
      context.out << report.file << ": byte " << damage.offset << ": " << damage.what << "\n";
    }
    if (report.damages.empty()) {
      context.out << report.file << ": sound, " << report.records << " records, " << report.bytes
                  << " bytes\n";
    }
  }

  std::vector<std::string> names_;
  bool json_ = false;
};

REGISTER_COMMAND("data verify", kData, "Check every CRC of record files", DataVerify);

}  // namespace
}  // namespace beamgrid

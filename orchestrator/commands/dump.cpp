// `beamgrid dump`: a study's record as JSON lines.

#include "orchestrator/audit/dump_study.h"
#include "orchestrator/commands/command.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/terminal.h"

namespace beamgrid {
namespace {

class Dump : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("STUDY", study_, "Name of the study")->required();
    app.add_flag("--canonical", canonical_,
                 "Only what is equal for any number of workers and any history of crashes: no "
                 "times, attempts or environment");
    database_.AddTo(app);
    app.footer("beamgrid dump STUDY --canonical | sha256sum   # equal records, equal hashes");
  }

  int Run(CommandContext& context) override {
    const auto store = database_.OpenForReading();
    const Verbatim as_it_is(context.out);
    DumpStudy(context.out, *store, FindStudy(*store, database_, study_),
              canonical_ ? DumpForm::kCanonical : DumpForm::kWhole);
    return kExitDone;
  }

 private:
  std::string study_;
  bool canonical_ = false;
  DatabaseOption database_;
};

REGISTER_COMMAND("dump", kRecord, "A study's record as JSON lines", Dump);

}  // namespace
}  // namespace beamgrid

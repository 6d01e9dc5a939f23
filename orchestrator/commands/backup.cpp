// `beamgrid backup`: a copy of the record, with its files if asked for, while studies go on.

#include "orchestrator/audit/backup.h"
#include "orchestrator/commands/command.h"
#include "orchestrator/commands/record.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

class BackupCommand : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("TO", to_, "New database file")->required()->type_name("FILE");
    app.add_flag("--files", files_,
                 "Also copy the files of complete trials, each checked, and the checkpoints of "
                 "others, to TO.runs");
    database_.AddTo(app);
    database_.AddRunsTo(app);
    app.footer("The copy works as any database does: beamgrid table STUDY --db TO");
  }

  int Run(CommandContext& context) override {
    const auto store = database_.OpenForReading();
    const Backup backup = BackUp(*store, to_, files_ ? BackupFiles::kRecorded : BackupFiles::kNone);
    for (const std::string& remark : backup.remarks) context.Remark(remark);
    for (const std::string& file : backup.left_out) context.err << "left out: " << file << "\n";
    context.Remark(CountText(backup.trials, "trial") + " in " + to_ +
                   (files_ ? ", " + CountText(backup.files, "file") + " of " +
                                 SizeText(backup.bytes) + " in " + BackupRuns(to_).string()
                           : "; the attempts' files stay in " + store->runs().string()));
    return backup.left_out.empty() ? kExitDone : kExitBroken;
  }

 private:
  std::string to_;
  bool files_ = false;
  DatabaseOption database_;
};

REGISTER_COMMAND("backup", kRecord, "Copy the record, while studies go on", BackupCommand);

}  // namespace
}  // namespace beamgrid

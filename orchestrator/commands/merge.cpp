// `beamgrid merge`: takes the studies of another database into this one, with their files.

#include "orchestrator/housekeeping/merge.h"

#include <ranges>

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/confirm.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/upkeep_option.h"
#include "registry/util/error.h"
#include "registry/util/json.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

class Merge : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("DB", theirs_, "The other database; it is only read")->required();
    app.add_option("--their-runs", their_runs_,
                   "Folder of its attempts; default: the one that it remembers")
        ->type_name("DIR");
    option_.AddTo(app);
    AddJsonFlag(app, &json_);
    app.footer(
        "Trials that are the same (fingerprint) become one: a complete one wins; of two complete "
        "ones\n"
        "that measured something else this database's stays, is named, and the exit code is 1; "
        "ensembles\nwith it stay there. "
        "Files that\n"
        "are gone, damaged or given up (`prune`) here and sound there are copied. Killed half way "
        "it leaves\n"
        "trials that wait: the same command again takes the rest.");
  }

  int Run(CommandContext& context) override {
    if (!MayBringUpToDate(context, option_)) return kExitInterrupted;
    Tidying ours(option_.database.path, option_.database.runs);
    OtherRecord theirs(theirs_, their_runs_, ours.database());
    FinishEarlier(context, ours);
    Merger merger(theirs, ours);
    const std::string question = "take " + Join(merger.studies(), ", ", &StudyRecord::name) +
                                 " of " + theirs_ + " into " + option_.database.path.string() + "?";
    if (!Confirmed(context, question, option_.yes)) return kExitInterrupted;
    const MergeReport report = merger.Run();
    if (json_) {
      PrintJson(context.out, ToJson(report));
    } else {
      Print(context.out, report);
    }
    return report.conflicts.empty() ? kExitDone : kExitBroken;
  }

 private:
  static boost::json::object ToJson(const MergeReport& report) {
    return {{"studies", report.studies},
            {"trials", report.trials},
            {"results", report.results},
            {"references", report.references},
            {"shared", report.shared},
            {"ensembles", report.ensembles},
            {"files", report.files},
            {"bytes", report.bytes},
            {"brought_back", report.brought_back},
            {"conflicts", JsonList(report.conflicts,
                                   [](const MergeConflict& conflict) {
                                     return boost::json::object{
                                         {"id", static_cast<std::int64_t>(conflict.ours.id)},
                                         {"name", conflict.ours.name},
                                         {"seed", conflict.ours.seed},
                                         {"differences", JsonList(conflict.differences)}};
                                   })},
            {"remarks", JsonList(report.remarks)}};
  }

  static std::string TakenText(const MergeReport& report) {
    std::vector<std::string> parts;
    const auto add = [&parts](std::int64_t number, const std::string& one,
                              const std::string& many) {
      if (number > 0) parts.push_back(std::to_string(number) + " " + (number == 1 ? one : many));
    };
    add(report.studies, "new study", "new studies");
    add(report.trials, "new trial", "new trials");
    add(report.shared, "trial that was here and is of its study now, too",
        "trials that were here and are of their studies now, too");
    add(report.results, "result of a trial that was not complete here",
        "results of trials that were not complete here");
    add(report.ensembles, "ensemble", "ensembles");
    add(report.files, "file (" + SizeText(report.bytes) + ")",
        "files (" + SizeText(report.bytes) + ")");
    return parts.empty() ? "nothing new" : Join(parts);
  }

  static void Print(std::ostream& out, const MergeReport& report) {
    if (report.nothing()) {
      out << "nothing to take: all of it is here\n";
    } else {
      out << "took " << TakenText(report);
      if (report.brought_back > 0) {
        out << "; " << CountText(static_cast<std::size_t>(report.brought_back), "file")
            << " that `prune` had given up here " << (report.brought_back == 1 ? "is" : "are")
            << " there again";
      }
      out << "\n";
    }
    for (const std::string& remark : report.remarks) out << "note: " << remark << "\n";
    for (const MergeConflict& conflict : report.conflicts) {
      out << "conflict  " << conflict.label << ": both are complete and differ; ours stays\n";
      constexpr std::size_t kShown = 5;
      for (const std::string& difference : conflict.differences | std::views::take(kShown)) {
        out << "  " << difference << "\n";
      }
    }
  }

  std::string theirs_, their_runs_;
  bool json_ = false;
  UpkeepOption option_;
};

REGISTER_COMMAND("merge", kRecord, "Take the studies of another database, with their files", Merge);

}  // namespace
}  // namespace beamgrid

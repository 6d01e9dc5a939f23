// `beamgrid du`: what a record's files take on the disk, and what `prune` would give back.

#include "orchestrator/audit/backup.h"
#include "orchestrator/audit/recorded_files.h"
#include "orchestrator/commands/command.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/terminal.h"
#include "orchestrator/commands/text_table.h"
#include "orchestrator/housekeeping/disk_use.h"
#include "orchestrator/housekeeping/prune_plan.h"
#include "orchestrator/housekeeping/runs_use.h"
#include "registry/util/error.h"
#include "registry/util/json.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

/// What a narrow terminal can do without: the parts of the total, the smallest ones first.
const std::vector<std::string> kLeaveOutFirst = {"unfinished",  "logs",  "checkpoints",
                                                 "predictions", "state", "models"};

std::vector<std::string> Headings(std::vector<std::string> first) {
  for (const auto& kind : kUseKinds) first.push_back(std::string(">") + kind.word);
  first.insert(first.end(), {">total"});
  return first;
}

void AddCells(const UseByKind& use, std::vector<std::string>* cells) {
  for (const std::int64_t bytes : use.bytes) cells->push_back(bytes == 0 ? "" : SizeText(bytes));
  cells->push_back(SizeText(use.total()));
}

boost::json::object UseJson(const UseByKind& use) {
  boost::json::object json;
  for (std::size_t kind = 0; kind < use.bytes.size(); ++kind) {
    json[kUseKinds[kind].word] = use.bytes[kind];
  }
  json["total"] = use.total();
  return json;
}

class DiskUsage : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("STUDY", study_, "Only this study, by trial");
    app.add_option("--keep", keep_, "What `prune --keep N` of a study would free")
        ->capture_default_str()
        ->type_name("N");
    database_.AddTo(app);
    database_.AddRunsTo(app);
    AddJsonFlag(app, &json_);
    app.footer("A file counts once, whatever number of names or studies it has.");
  }

  int Run(CommandContext& context) override {
    const auto store = database_.OpenForReading();
    if (!study_.empty()) static_cast<void>(FindStudy(*store, database_, study_));
    const RecordOverview record = LookAtRecord(*store);
    const RunsUse use = LookAtRuns(*store, record, database_.path);
    for (const StudyOverview& study : record.studies) {
      const PruneQuestion question{
          .studies = {study.study.id}, .keep = keep_, .artifacts = {"model"}};
      const PrunePlan plan =
          PlanPrune(*store, record, RunsFolder(store->runs()), question, /*running=*/{});
      prunable_.push_back(BytesFreedBy(plan.Paths()));
    }
    halves_ = HalfBackups(database_.path);
    if (json_) {
      PrintJson(context.out, ToJson(*store, use));
    } else if (study_.empty()) {
      PrintStudies(context.out, *store, use);
    } else {
      PrintTrials(context.out, use);
    }
    return kExitDone;
  }

 private:
  [[nodiscard]] std::string PruneText(std::size_t study) const {
    return "prune --keep " + std::to_string(keep_) + " would free " + SizeText(prunable_[study]);
  }

  void PrintStudies(std::ostream& out, const Store& store, const RunsUse& use) const {
    std::vector<std::string> headings = Headings({"study", ">trials", ">shared"});
    headings.push_back(">prunable");
    TextTable table(std::move(headings));
    table.LeaveOutFirst(kLeaveOutFirst);
    std::int64_t total = use.trash + use.other + use.database;
    for (std::size_t i = 0; i < use.studies.size(); ++i) {
      const StudyUse& study = use.studies[i];
      std::vector<std::string> cells = {
          study.study, std::to_string(study.trials.size()),
          study.shared_trials == 0 ? "" : std::to_string(study.shared_trials)};
      AddCells(study.use, &cells);
      cells.push_back(SizeText(prunable_[i]));
      table.Add(std::move(cells));
      total += study.use.total();
    }
    table.Print(out);
    std::int64_t unknown = 0;
    for (const UnknownFolder& folder : use.unknown) unknown += folder.bytes;
    const auto line = [&out](const std::string& what, std::int64_t bytes) {
      if (bytes > 0) PrintProse(out, SizeText(bytes) + "  ", what, 2);
    };
    line("database and its log", use.database);
    line("given up and still to be deleted: the next rm, prune, rename or merge does it",
         use.trash);
    line("in " + CountText(use.unknown.size(), "folder") +
             " of attempts that the record does not know (`beamgrid rm --unknown` lists them and "
             "asks)",
         unknown);
    std::int64_t half = 0;
    for (const auto& path : halves_) half += DiskUse().Add(path);
    line(std::string("left by ") +
             (halves_.size() == 1 ? "a backup that was killed" : "backups that were killed") +
             " beside the database (`beamgrid rm --unknown` lists it and asks)",
         half);
    line("other files in " + store.runs().string(), use.other);
    out << SizeText(total + unknown + half) << "  in all\n";
    PrintProse(out, "",
               "prunable: what `prune STUDY --keep " + std::to_string(keep_) +
                   "` would free of files; shared: trials that are counted with an earlier study");
  }

  void PrintTrials(std::ostream& out, const RunsUse& use) const {
    TextTable table(Headings({">id", "trial", "state"}));
    table.ColourStates();
    table.LeaveOutFirst(kLeaveOutFirst);
    for (std::size_t i = 0; i < use.studies.size(); ++i) {
      const StudyUse& study = use.studies[i];
      if (study.study != study_) continue;
      for (const TrialUse& trial : study.trials) {
        std::vector<std::string> cells = {std::to_string(static_cast<std::int64_t>(trial.trial.id)),
                                          LabelOf(trial.trial), ToString(trial.trial.told_state())};
        AddCells(trial.use, &cells);
        table.Add(std::move(cells));
      }
      table.Print(out);
      std::string in_all = "in all";
      if (study.shared_trials > 0) {
        in_all += "; " + CountText(static_cast<std::size_t>(study.shared_trials), "trial") +
                  " more counted with an earlier study";
      }
      PrintProse(out, SizeText(study.use.total()) + "  ", in_all + "; " + PruneText(i), 2);
    }
  }

  [[nodiscard]] boost::json::object ToJson(const Store& store, const RunsUse& use) const {
    boost::json::array studies;
    for (std::size_t i = 0; i < use.studies.size(); ++i) {
      const StudyUse& study = use.studies[i];
      if (!study_.empty() && study.study != study_) continue;
      boost::json::object json{{"study", study.study},
                               {"bytes", UseJson(study.use)},
                               {"shared_trials", study.shared_trials},
                               {"prunable", prunable_[i]}};
      json["trials"] = JsonList(study.trials, [](const TrialUse& trial) {
        return boost::json::object{{"id", static_cast<std::int64_t>(trial.trial.id)},
                                   {"name", trial.trial.name},
                                   {"seed", trial.trial.seed},
                                   {"also_of", JsonList(trial.also_of)},
                                   {"bytes", UseJson(trial.use)}};
      });
      studies.push_back(std::move(json));
    }
    return {{"runs", store.runs().string()},
            {"keep", keep_},
            {"studies", std::move(studies)},
            {"unknown", JsonList(use.unknown,
                                 [](const UnknownFolder& folder) {
                                   return boost::json::object{{"path", folder.path.string()},
                                                              {"bytes", folder.bytes}};
                                 })},
            {"half_backups",
             JsonList(halves_, [](const std::filesystem::path& path) { return path.string(); })},
            {"trash", use.trash},
            {"other", use.other},
            {"database", use.database}};
  }

  std::string study_;
  std::size_t keep_ = 1;
  DatabaseOption database_;
  bool json_ = false;
  std::vector<std::int64_t> prunable_;         ///< bytes, by study
  std::vector<std::filesystem::path> halves_;  ///< HalfBackups
};

REGISTER_COMMAND("du", kRecord, "What studies and trials take on the disk", DiskUsage);

}  // namespace
}  // namespace beamgrid

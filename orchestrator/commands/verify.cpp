// `beamgrid verify`: trains finished trials again and compares; checks the files of the record.

#include <unistd.h>

#include <cerrno>
#include <limits>
#include <set>

#include "orchestrator/audit/precision_forms.h"
#include "orchestrator/audit/recorded_files.h"
#include "orchestrator/audit/verify_study.h"
#include "orchestrator/commands/command.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/text_table.h"
#include "orchestrator/data_places.h"
#include "orchestrator/housekeeping/tidying.h"
#include "orchestrator/interrupts.h"
#include "orchestrator/workers/local_executor.h"
#include "orchestrator/workers/process.h"
#include "orchestrator/workers/trainer_client.h"
#include "orchestrator/workers/worker_environment.h"
#include "registry/store/upkeep.h"
#include "registry/util/error.h"
#include "registry/util/json.h"
#include "registry/util/nearest_spelling.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();

std::size_t SampleSize(const std::string& text) {
  if (text == "all") return kAll;
  const auto count = ParseNumber<std::size_t>(text);
  if (!count) throw UsageError("--sample: '" + text + "' must be a number of trials, or all");
  return *count == 0 ? kAll : *count;
}

/// The most lines of a comparison. Different training differs in the metrics of every epoch and in
/// all hashes: more would say no more.
constexpr std::size_t kShownDifferences = 20;

void AddRows(const std::vector<Difference>& differences, TextTable* table) {
  for (std::size_t i = 0; i < std::min(differences.size(), kShownDifferences); ++i) {
    table->Add({differences[i].what, differences[i].recorded, differences[i].now});
  }
}

void PrintDifferences(std::ostream& out, const VerifiedTrial& verified) {
  TextTable table({"value", "recorded", "now"});
  AddRows(verified.differences, &table);
  table.Print(out, "  ");
  if (verified.differences.size() > kShownDifferences) {
    out << "  and " << verified.differences.size() - kShownDifferences
        << " more; --json shows all\n";
  }
}

void PrintEnvironment(std::ostream& out, const VerifiedTrial& verified) {
  if (verified.environment.empty()) {
    out << "  nothing differs in the environment: " << EnvironmentText(verified.now)
        << " (another build of the same version would not show here)\n";
    return;
  }
  TextTable table({"environment", "recorded", "now"});
  AddRows(verified.environment, &table);
  table.Print(out, "  ");
}

boost::json::object DifferenceJson(const Difference& difference) {
  return {{"what", difference.what}, {"recorded", difference.recorded}, {"now", difference.now}};
}

/// Prints one line, and beneath it what differs, side by side, with what differs in the
/// environment.
void PrintVerified(std::ostream& out, const VerifiedTrial& verified) {
  out << ToString(verified.verdict) << "  " << LabelOf(verified.trial);
  if (verified.verdict == Verdict::kNotTrained) out << ": " << verified.why;
  if (!verified.directory.empty()) out << "; see " << verified.directory.string();
  out << "\n";
  if (verified.verdict != Verdict::kDifferent) return;
  PrintDifferences(out, verified);
  PrintEnvironment(out, verified);
}

void PrintDamaged(std::ostream& out, const std::vector<DamagedFile>& files) {
  for (const DamagedFile& file : files) {
    out << "damaged  " << LabelOf(file.trial) << ": " << file.path.string() << " " << file.damage
        << "\n";
  }
}

boost::json::object ToJson(const VerifiedTrial& verified) {
  boost::json::object json = {{"name", verified.trial.name},
                              {"seed", verified.trial.seed},
                              {"fingerprint", verified.trial.fingerprint},
                              {"verdict", ToString(verified.verdict)},
                              {"differences", JsonList(verified.differences, DifferenceJson)},
                              {"environment", JsonList(verified.environment, DifferenceJson)},
                              {"why", nullptr},
                              {"directory", nullptr}};
  if (!verified.why.empty()) json["why"] = verified.why;
  if (!verified.directory.empty()) json["directory"] = verified.directory.string();
  return json;
}

void PrintPruned(std::ostream& out, const std::vector<DamagedFile>& files) {
  for (const DamagedFile& file : files) {
    out << "given up  " << LabelOf(file.trial) << ": " << file.path.string() << " (by `prune`, "
        << file.artifact.pruned_at << ")\n";
  }
}

/// True if the trial is called so: NAME (any seed), NAME/SEED or its id.
bool IsCalled(const TrialRecord& trial, const std::string& name) {
  return name == trial.name || name == trial.name + "/" + std::to_string(trial.seed) ||
         name == std::to_string(static_cast<std::int64_t>(trial.id));
}

/// Returns the trials of these names. Throws UsageError for a name that none has.
std::vector<TrialRecord> TrialsCalled(const std::vector<TrialRecord>& trials,
                                      const std::vector<std::string>& names) {
  if (names.empty()) return trials;
  std::set<TrialId> chosen;
  std::vector<std::string> known;
  for (const TrialRecord& trial : trials) known.push_back(trial.name);
  for (const std::string& name : names) {
    const std::size_t before = chosen.size();
    for (const TrialRecord& trial : trials) {
      if (IsCalled(trial, name)) chosen.insert(trial.id);
    }
    if (chosen.size() > before) continue;
    throw UsageError("no complete trial '" + name +
                     "' in this study: name it as NAME (all seeds), "
                     "NAME/SEED or by its id" +
                     Suggestion(name, known, ""));
  }
  std::vector<TrialRecord> called = trials;
  std::erase_if(called, [&](const TrialRecord& trial) { return !chosen.contains(trial.id); });
  return called;
}

boost::json::object PrunedJson(const DamagedFile& file) {
  return {{"name", file.trial.name},
          {"seed", file.trial.seed},
          {"artifact", file.artifact.name},
          {"path", file.path.string()},
          {"pruned_at", file.artifact.pruned_at}};
}

boost::json::object DamageJson(const DamagedFile& file) {
  return {{"name", file.trial.name},
          {"seed", file.trial.seed},
          {"artifact", file.artifact.name},
          {"path", file.path.string()},
          {"damage", file.damage}};
}

bool HasOneOf(const TrialRecord& trial, const std::vector<DamagedFile>& files) {
  return std::ranges::any_of(files,
                             [&](const DamagedFile& file) { return file.trial.id == trial.id; });
}

class Verify : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("STUDY", study_, "Name of the study")->required();
    app.add_option("NAME", names_, "Only these trials: NAME (all seeds), NAME/SEED or an id");
    auto* sample = app.add_option("--sample", sample_, "Trials to train again; 0 or all: all")
                       ->capture_default_str()
                       ->type_name("N");
    app.add_option("--seed", seed_, "Another draws other trials")->capture_default_str();
    auto* files = app.add_flag("--files", files_only_,
                               "Train nothing, only check that the files are those recorded");
    app.add_flag(
           "--repair", repair_,
           "Train the trials with damaged files again, put back what comes out the same; of trials "
           "that are named also files that `prune` gave up")
        ->excludes(files)
        ->excludes(sample);
    database_.AddTo(app);
    database_.AddRunsTo(app);
    AddJsonFlag(app, &json_);
  }

  int Run(CommandContext& context) override {
    const std::size_t sample = SampleSize(sample_);
    // What is put back must not be deleted by whoever finishes a prune that was killed.
    if (RepairsPruned()) (void)Tidying(database_.path, database_.runs).EmptyTrash();
    const auto store = database_.OpenForReading();
    const StudyRecord study = FindStudy(*store, database_, study_);
    const std::vector<TrialRecord> all = CompleteTrials(*store, study);
    if (all.empty()) throw UsageError("study '" + study_ + "' has no complete trial");
    const std::vector<TrialRecord> complete = TrialsCalled(all, names_);
    const std::vector<DamagedFile> damaged = DamagedFiles(complete), pruned = PrunedFiles(complete);
    if (!json_) {
      PrintDamaged(context.out, damaged);
      PrintPruned(context.out, pruned);
    }
    const std::vector<TrialRecord> chosen = Choose(*store, complete, damaged, pruned, sample);
    if (!chosen.empty() && !TrainAgain(context, *store, study, chosen)) {
      context.err << "interrupted; nothing was changed\n";
      return kExitInterrupted;
    }
    // Looked at again, instead of trusting what was put back.
    const std::vector<DamagedFile> still_damaged = repair_ ? DamagedFiles(complete) : damaged;
    const std::vector<DamagedFile> still_pruned = RepairsPruned() ? PrunedFiles(complete) : pruned;
    if (still_pruned.size() < pruned.size()) RecordAsKept(pruned, still_pruned);
    Report(context, complete.size(), chosen.size(), still_damaged, still_pruned);
    const bool sound = still_damaged.empty() && verified_.size() == equal_;
    return sound ? kExitDone : kExitBroken;
  }

 private:
  [[nodiscard]] bool RepairsPruned() const { return repair_ && !names_.empty(); }

  /// Notes which of the pruned files are there again.
  void RecordAsKept(const std::vector<DamagedFile>& pruned,
                    const std::vector<DamagedFile>& still_pruned) const {
    Store store(database_.path, OpenMode::kReadWrite);
    for (const DamagedFile& file : pruned) {
      if (std::ranges::find(still_pruned, file) != still_pruned.end()) continue;
      RecordUpkeep(store).KeepFile(file.trial.id, file.artifact.name);
    }
  }

  [[nodiscard]] std::vector<TrialRecord> Choose(const Store& store,
                                                const std::vector<TrialRecord>& complete,
                                                const std::vector<DamagedFile>& damaged,
                                                const std::vector<DamagedFile>& pruned,
                                                std::size_t sample) const {
    if (files_only_) return {};
    std::vector<TrialRecord> chosen = complete;
    if (!repair_) {
      std::erase_if(chosen,
                    [&](const TrialRecord& trial) { return !CanBeMadeAgain(store, trial); });
      return DrawTrials(std::move(chosen), sample, seed_);
    }
    std::erase_if(chosen, [&](const TrialRecord& trial) {
      return !HasOneOf(trial, damaged) && !(RepairsPruned() && HasOneOf(trial, pruned));
    });
    return chosen;
  }

  void Take(const CommandContext& context, const VerifiedTrial& verified) {
    if (verified.verdict == Verdict::kEqual) ++equal_;
    verified_.push_back(ToJson(verified));
    if (json_) return;
    PrintVerified(context.out, verified);
    // A trial may take hours: whoever reads along sees each verdict at once.
    context.out.flush();
  }

  /// Returns the trials whose data are there; the others are not trained.
  std::vector<TrialRecord> WithData(const CommandContext& context, DataPlaces& places,
                                    const std::vector<TrialRecord>& trials) {
    std::vector<TrialRecord> with_data;
    for (const TrialRecord& trial : trials) {
      try {
        (void)places.WithContent(trial);
        with_data.push_back(trial);
      } catch (const UsageError& error) {
        Take(context, {.trial = trial, .why = error.what()});
      }
    }
    return with_data;
  }

  /// Trains the trials again; false after an interrupt.
  bool TrainAgain(const CommandContext& context, const Store& store, const StudyRecord& study,
                  const std::vector<TrialRecord>& chosen) {
    DataPlaces places(store, study);
    const std::vector<TrialRecord> trials = WithData(context, places, chosen);
    if (trials.empty()) return true;
    const std::filesystem::path trainer = FindTrainer();
    LocalExecutor executor({.trainer = trainer,
                            .environment = CurrentEnvironment(),
                            .processor_flags = ProcessorFlags()});
    StudyVerifier verifier(
        store, executor,
        {.study = study_,
         .folder = Folder(store),
         .machine = LookAtMachineFor(trials, trainer),
         .data = [&](const TrialRecord& trial) { return places.WithContent(trial); },
         .repair = RepairsPruned() ? Repair::kPruned
                   : repair_       ? Repair::kDamaged
                                   : Repair::kNo,
         .remark = [&](const std::string& line) { context.Remark(line); }});
    const InterruptSignals signals([&verifier] { verifier.Interrupt(); });
    return verifier.Run(trials, [&](const VerifiedTrial& verified) { Take(context, verified); });
  }

  /// Returns where trials are trained again: beside the others, unless these may only be read.
  [[nodiscard]] std::filesystem::path Folder(const Store& store) const {
    const bool only_read = ::access(store.runs().c_str(), W_OK) != 0 && errno != ENOENT;
    if (!only_read || repair_) return store.runs() / study_ / ".verify";
    return std::filesystem::temp_directory_path() /
           ("beamgrid-verify-" + std::to_string(::getpid())) / study_;
  }

  void Report(const CommandContext& context, std::size_t complete, std::size_t trained,
              const std::vector<DamagedFile>& damaged,
              const std::vector<DamagedFile>& pruned) const {
    if (json_) {
      PrintJson(context.out, boost::json::object{{"study", study_},
                                                 {"complete", complete},
                                                 {"trained", trained},
                                                 {"equal", equal_},
                                                 {"trials", verified_},
                                                 {"damaged", JsonList(damaged, DamageJson)},
                                                 {"pruned", JsonList(pruned, PrunedJson)}});
    }
    const std::string again = trained == 0 ? ""
                                           : std::to_string(equal_) + " of " +
                                                 CountText(trained, "trial") + " trained again " +
                                                 (equal_ == 1 ? "is" : "are") + " equal; ";
    context.Remark(again + CountText(complete, "complete trial") +
                   ", damaged files: " + std::to_string(damaged.size()) +
                   (pruned.empty() ? "" : ", files given up: " + std::to_string(pruned.size())));
  }

  std::vector<std::string> names_;
  std::string study_, sample_ = "3";
  std::uint64_t seed_ = 1;
  bool files_only_ = false, repair_ = false, json_ = false;
  DatabaseOption database_;
  boost::json::array verified_;
  std::size_t equal_ = 0;
};

REGISTER_COMMAND("verify", kRecord, "Train finished trials again and compare with the record",
                 Verify);

}  // namespace
}  // namespace beamgrid

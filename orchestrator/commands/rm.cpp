// `beamgrid rm`: removes studies or trials from the record, with their files.

#include <algorithm>
#include <charconv>
#include <set>

#include "orchestrator/audit/backup.h"
#include "orchestrator/commands/command.h"
#include "orchestrator/commands/confirm.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/upkeep_option.h"
#include "orchestrator/housekeeping/disk_use.h"
#include "orchestrator/housekeeping/prune_plan.h"
#include "orchestrator/housekeeping/removal_plan.h"
#include "orchestrator/housekeeping/runs_use.h"
#include "orchestrator/slurm/attempt_end.h"
#include "orchestrator/workers/surviving_worker.h"
#include "registry/store/upkeep.h"
#include "registry/util/error.h"
#include "registry/util/json.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

/// Labels names trials as the studies call them that are asked about.
class Labels {
 public:
  /// Expects that `record` outlives this object.
  Labels(const RecordOverview& record, const RemovalQuestion& question)
      : record_(record), preferred_(question.studies) {
    for (const auto& [study, trial] : question.references) preferred_.push_back(study);
  }
  std::string operator()(const TrialRecord& trial) const {
    return record_.Label(trial.id, preferred_);
  }
  [[nodiscard]] std::string StudyOf(const TrialRecord& trial) const {
    return record_.StudyOf(trial.id, preferred_).study.name;
  }

 private:
  const RecordOverview& record_;
  std::vector<StudyId> preferred_;
};

class Remove : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("NAME", names_,
                   "Studies, or trials: an id or a fingerprint's first digits (of all studies), or "
                   "STUDY/NAME[/SEED] (of that study alone)");
    app.add_flag("--force", force_, "Also trials that others start from");
    app.add_flag(
        "--unknown", unknown_,
        "Folders of attempts in the runs folder that this record does not know, and what killed "
        "backups left beside the database");
    app.add_option("--ensemble", ensembles_,
                   "Recorded ensembles, by the ids that `beamgrid ensembles` lists")
        ->type_name("ID");
    option_.AddTo(app);
    AddJsonFlag(app, &json_);
    app.footer(
        "A trial that another study refers to stays and only leaves the study that is named. "
        "Ensembles\n"
        "that would lose a member go too. What is removed is trained again by the next `run` that "
        "asks\nfor it.");
  }

  int Run(CommandContext& context) override {
    const int kinds = (names_.empty() ? 0 : 1) + (unknown_ ? 1 : 0) + (ensembles_.empty() ? 0 : 1);
    if (kinds != 1) {
      throw UsageError(
          std::string("rm: ") + (kinds == 0 ? "say what is to go" : "one thing at a time") +
          ": studies or trials by name (`beamgrid rm STUDY`, `beamgrid rm STUDY/NAME/SEED`), "
          "--ensemble ID, or --unknown");
    }
    if (!MayBringUpToDate(context, option_)) return kExitInterrupted;
    Tidying tidying(option_.database.path, option_.database.runs);
    FinishEarlier(context, tidying);
    boost::json::object json{{"studies", boost::json::array()},
                             {"trials", boost::json::array()},
                             {"staying", boost::json::array()},
                             {"ensembles", boost::json::array()},
                             {"starts", boost::json::array()},
                             {"lost_names", boost::json::array()},
                             {"unknown", boost::json::array()},
                             {"bytes", 0},
                             {"freed", nullptr}};
    const int code = unknown_             ? RemoveUnknown(context, tidying, &json)
                     : ensembles_.empty() ? RemoveNamed(context, tidying, &json)
                                          : RemoveEnsembles(context, tidying, &json);
    tidying.RemoveStaleLocks();
    if (json_ && code != kExitInterrupted) PrintJson(context.out, json);
    return code;
  }

 private:
  int RemoveNamed(const CommandContext& context, Tidying& tidying,
                  boost::json::object* json) const {
    Store& store = tidying.store();
    const RemovalQuestion question = Question(store);
    const RecordOverview record = LookAtRecord(store);
    const RemovalPlan plan = PlanRemoval(store, record, question);
    const Labels labels(record, question);
    for (const std::string& study : plan.StudiesConcerned()) tidying.HoldOff(study);
    RefuseWhatIsNeeded(plan, labels);
    RefuseWhatCannotGo(plan, tidying);
    RefuseAnotherRunsFolder(plan);
    const std::int64_t bytes = BytesFreedBy(plan.directories);
    if (!json_) Print(context, plan, labels);
    AddTo(json, plan, labels, bytes);
    const std::string asked = "remove " + Join(names_) + " (" + SizeText(bytes) + " of files)?";
    if (!Confirmed(context, asked, option_.yes)) return kExitInterrupted;
    // First what the record need not hear of: on a full disk that makes room to write down the
    // rest.
    Freed freed = tidying.Delete(CheckpointsOf(store, tidying.runs(), plan.trials));
    store.Together([&] {
      if (!PlanRemoval(store, LookAtRecord(store), question).SameAs(plan)) {
        throw Error("the record was changed meanwhile, nothing was removed; look again");
      }
      CarryOut(store, plan);
    });
    if (!plan.staying.empty()) {
      context.Remark("took " + CountText(plan.staying.size(), "trial") +
                     (plan.staying.size() == 1 ? " out that another study has too"
                                               : " out that other studies have too"));
    }
    context.Remark("removed " + CountText(plan.trials.size(), "trial") +
                   (plan.studies.empty()       ? ""
                    : plan.studies.size() == 1 ? " and study "
                                               : " and studies ") +
                   Join(plan.studies, ", ", &StudyRecord::name));
    freed += tidying.EmptyTrash();
    for (const StudyRecord& study : plan.studies) EndLeftJobs(context, store, study.name);
    return Report(context, freed, json);
  }

  /// Returns the number that is an ensemble's id; 0, which none has, where it is too large.
  static std::int64_t EnsembleId(const std::string& text) {
    std::int64_t id = 0;
    const char* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, id);
    if (read.ec == std::errc() && read.ptr == end) return id;
    if (read.ec == std::errc::result_out_of_range && read.ptr == end) return 0;
    throw UsageError("--ensemble: '" + text +
                     "' is no ensemble; each has a number, which `beamgrid ensembles` lists "
                     "(`beamgrid rm " +
                     text + "` removes the study of that name, and its ensembles)");
  }

  int RemoveEnsembles(const CommandContext& context, Tidying& tidying,
                      boost::json::object* json) const {
    Store& store = tidying.store();
    std::set<std::int64_t> ids;
    for (const std::string& text : ensembles_) {
      const std::int64_t id = EnsembleId(text);
      if (!ids.insert(id).second) continue;
      // Not by what it holds: one that cannot be read must go, too.
      const Store::Table found = store.Query(
          "SELECT study.name, ensemble.created_at FROM ensemble"
          " JOIN study ON study.id = ensemble.study WHERE ensemble.id = CAST(:id AS INTEGER)",
          {{"id", std::to_string(id)}});
      if (found.rows.empty()) {
        throw UsageError("no ensemble " + text + " in " + option_.database.path.string() +
                         "; `beamgrid ensembles` lists them");
      }
      const std::string study(found.rows[0][0].as_string()), made(found.rows[0][1].as_string());
      tidying.HoldOff(study);
      json->at("ensembles").as_array().push_back(EnsembleJson(study, id, made));
      if (!json_) {
        context.out << "ensemble  " << id << " of study " << study << ", made " << made << "\n";
      }
    }
    const std::string asked =
        "remove " + CountText(ids.size(), "ensemble") + " from the record (the trials stay)?";
    if (!Confirmed(context, asked, option_.yes)) return kExitInterrupted;
    store.Together([&] {
      for (const std::int64_t id : ids) RecordUpkeep(store).RemoveEnsemble(id);
    });
    context.Remark("removed " + CountText(ids.size(), "ensemble"));
    return kExitDone;
  }

  int RemoveUnknown(const CommandContext& context, Tidying& tidying,
                    boost::json::object* json) const {
    Store& store = tidying.store();
    std::vector<std::filesystem::path> folders;
    for (const auto& folder : UnknownFolders(store)) {
      const auto worker = WorkerIn(folder);
      if (!worker) {
        folders.push_back(folder);
        json->at("unknown").as_array().emplace_back(folder.string());
      }
      if (json_) continue;
      context.out << (worker ? "kept  " : "") << folder.string()
                  << (worker ? ": process " + std::to_string(*worker) + " works there" : "")
                  << "\n";
    }
    const std::vector<std::filesystem::path> halves = HalfBackups(option_.database.path);
    for (const auto& half : halves) {
      json->at("unknown").as_array().emplace_back(half.string());
      if (!json_) context.out << half.string() << ": a backup that was killed\n";
    }
    if (folders.empty() && halves.empty()) {
      context.Remark("nothing in " + store.runs().string() + " that the record does not know");
      return kExitDone;
    }
    const std::int64_t bytes = BytesFreedBy(folders) + BytesFreedBy(halves);
    (*json)["bytes"] = bytes;
    std::vector<std::string> what;
    if (!folders.empty()) {
      what.push_back(CountText(folders.size(), "folder") + " that " +
                     option_.database.path.string() + " does not know");
    }
    if (!halves.empty()) {
      what.push_back("what is left of " + (halves.size() == 1
                                               ? std::string("a backup that was killed")
                                               : std::string("backups that were killed")));
    }
    const std::string question =
        "delete " + Join(what, " and ") + " (" + SizeText(bytes) + ")?" +
        (folders.empty() ? "" : " Another database that shares the runs folder may know them.");
    if (!Confirmed(context, question, option_.yes)) return kExitInterrupted;
    store.Together([&] {
      RecordUpkeep upkeep(store);
      for (const auto& folder : folders) upkeep.AddTrash(folder);
    });
    Freed freed = tidying.EmptyTrash();
    for (const auto& half : halves) freed += Delete(half);
    return Report(context, freed, json);
  }

  /// Deletes what lies beside the database and not in the runs folder.
  static Freed Delete(const std::filesystem::path& half) {
    DiskUse use;
    use.Add(half);
    std::error_code error;
    std::filesystem::remove_all(half, error);
    if (error) return {.problems = {half.string() + ": cannot delete: " + error.message()}};
    return {.bytes = use.freed(), .files = use.files()};
  }

  static int Report(const CommandContext& context, const Freed& freed, boost::json::object* json) {
    (*json)["freed"] = ToJson(freed);
    return ReportFreed(context, freed);
  }

  [[nodiscard]] RemovalQuestion Question(const Store& store) const {
    RemovalQuestion question;
    for (const std::string& name : names_) {
      const std::optional<StudyRecord> study = store.FindStudy(name);
      if (study) {
        RefuseIfATrialToo(store, name);
        question.studies.push_back(study->id);
        continue;
      }
      const TrialInStudy found = Find(store, name);
      if (name.find('/') != std::string::npos) {
        question.references.emplace_back(found.study.id, found.trial.id);
      } else {
        question.trials.push_back(found.trial.id);
      }
    }
    return question;
  }

  [[nodiscard]] TrialInStudy Find(const Store& store, const std::string& name) const {
    try {
      return FindTrial(store, option_.database, name);
    } catch (const UsageError& error) {
      if (name.find('/') != std::string::npos) throw;
      const std::string studies = Join(store.Studies(), ", ", &StudyRecord::name);
      throw UsageError(std::string(error.what()) + "; nor is it a study" +
                       (studies.empty() ? "" : ": studies are " + studies));
    }
  }

  /// What is deleted must not be a guess.
  void RefuseIfATrialToo(const Store& store, const std::string& name) const {
    try {
      static_cast<void>(FindTrial(store, option_.database, name));
    } catch (const UsageError&) {
      return;
    }
    throw UsageError("'" + name +
                     "' is a study and names a trial as well; name the trial as "
                     "STUDY/NAME/SEED, or give the study another name first (`beamgrid rename`)");
  }

  void RefuseWhatIsNeeded(const RemovalPlan& plan, const Labels& labels) const {
    if (force_ || plan.starts.empty()) return;
    const RemovalPlan::Start& start = plan.starts.front();
    throw UsageError(
        labels(start.trial) + " starts from " + labels(start.from) +
        (plan.starts.size() > 1 ? " (" + CountText(plan.starts.size(), "trial") + " in all do so)"
                                : "") +
        ": without its weights it cannot be trained again or verified; remove both, or "
        "--force");
  }

  /// The files would stay behind, unknown to any record.
  void RefuseAnotherRunsFolder(const RemovalPlan& plan) const {
    if (option_.database.runs.empty() || plan.directories.empty()) return;
    std::error_code ignored;
    const bool any = std::ranges::any_of(plan.directories, [&](const auto& directory) {
      return std::filesystem::exists(directory, ignored);
    });
    if (any) return;
    throw UsageError("--runs " + option_.database.runs.string() +
                     ": no folder of these trials is there");
  }

  static void RefuseWhatCannotGo(const RemovalPlan& plan, const Tidying& tidying) {
    for (const auto& directory : plan.directories) {
      const std::string obstacle = tidying.runs().Obstacle(directory);
      if (!obstacle.empty()) throw UsageError(directory.string() + " " + obstacle);
      const auto worker = WorkerIn(directory);
      if (!worker) continue;
      const std::string job = ClaimedBy(directory).value_or("");
      if (job.empty()) {
        throw Error(directory.string() + ": process " + std::to_string(*worker) +
                    " works there; end it first");
      }
      throw Error(directory.string() + ": the Slurm job " + job +
                  " works there; end it first: `beamgrid run` takes it over and Ctrl-C ends it, or "
                  "scancel --name=" +
                  job);
    }
  }

  static void Print(const CommandContext& context, const RemovalPlan& plan, const Labels& labels) {
    for (const StudyRecord& study : plan.studies) context.out << "study  " << study.name << "\n";
    for (const TrialRecord& trial : plan.trials) {
      context.out << "trial  " << static_cast<std::int64_t>(trial.id) << "  " << labels(trial)
                  << " (" << ToString(trial.told_state()) << ")\n";
    }
    for (const TrialRecord& trial : plan.staying) {
      context.out << "stays  " << labels(trial) << ": another study has it too\n";
    }
    for (const RemovalPlan::Ensemble& ensemble : plan.ensembles) {
      context.out << "ensemble  " << ensemble.id << " of study " << ensemble.study.name << ", made "
                  << ensemble.created_at << ": it would lose a member\n";
    }
    for (const RemovalPlan::Start& start : plan.starts) {
      context.out << "warning  " << labels(start.trial) << " starts from " << labels(start.from)
                  << " and cannot be trained again without it\n";
    }
    for (const RemovalPlan::LostName& lost : plan.lost_names) {
      context.out << "warning  the recipe of study " << lost.by.name << " names " << lost.name
                  << " (`from`), which means nothing then: "
                  << (lost.still.empty()
                          ? "nothing else means it, and the recipe cannot be run as it is"
                          : "write " + lost.still + " there before it is run again")
                  << "\n";
    }
  }

  static boost::json::object EnsembleJson(const std::string& study, std::int64_t id,
                                          const std::string& created_at) {
    return {{"id", id}, {"study", study}, {"created_at", created_at}};
  }

  static void AddTo(boost::json::object* json, const RemovalPlan& plan, const Labels& labels,
                    std::int64_t bytes) {
    const auto trial_json = [&](const TrialRecord& trial) {
      return TrialJson(labels.StudyOf(trial), trial);
    };
    (*json)["studies"] =
        JsonList(plan.studies, [](const StudyRecord& study) { return study.name; });
    (*json)["trials"] = JsonList(plan.trials, trial_json);
    (*json)["staying"] = JsonList(plan.staying, trial_json);
    (*json)["ensembles"] = JsonList(plan.ensembles, [](const RemovalPlan::Ensemble& ensemble) {
      return EnsembleJson(ensemble.study.name, ensemble.id, ensemble.created_at);
    });
    (*json)["starts"] = JsonList(plan.starts, [&](const RemovalPlan::Start& start) {
      return boost::json::object{{"trial", trial_json(start.trial)},
                                 {"from", trial_json(start.from)}};
    });
    (*json)["lost_names"] = JsonList(plan.lost_names, [](const RemovalPlan::LostName& lost) {
      return boost::json::object{{"study", lost.by.name},
                                 {"name", lost.name},
                                 {"still", lost.still.empty() ? boost::json::value(nullptr)
                                                              : boost::json::value(lost.still)}};
    });
    (*json)["bytes"] = bytes;
  }

  std::vector<std::string> names_;
  std::vector<std::string> ensembles_;
  bool force_ = false, unknown_ = false, json_ = false;
  UpkeepOption option_;
};

REGISTER_COMMAND("rm", kRecord, "Remove studies or trials, with their files", Remove);

}  // namespace
}  // namespace beamgrid

// `beamgrid show`: everything that the record holds of one trial.

#include "orchestrator/audit/recorded_files.h"
#include "orchestrator/commands/class_names.h"
#include "orchestrator/commands/command.h"
#include "orchestrator/commands/list_selection.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/terminal.h"
#include "orchestrator/commands/text_table.h"
#include "orchestrator/commands/trial_listing.h"
#include "orchestrator/data_places.h"
#include "registry/class_words.h"
#include "registry/util/error.h"
#include "registry/util/json.h"
#include "registry/util/printable.h"
#include "registry/util/small_numbers.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

boost::json::object EpochJson(const EpochResult& epoch) {
  boost::json::object json{{"epoch", epoch.epoch},
                           {"train_loss", NumberOrNull(epoch.train_loss)},
                           {"validate_loss", NumberOrNull(epoch.validate_loss)}};
  for (const Metric& metric : kMetrics) {
    json[metric.name] = NumberOrNull(epoch.metrics.*metric.value);
  }
  return json;
}

std::vector<std::string> EpochColumns() {
  std::vector<std::string> columns;
  const boost::json::object epoch = EpochJson({});
  for (const auto& [key, value] : epoch) columns.emplace_back(key);
  return columns;
}

boost::json::object ArtifactJson(const TrialRecord& trial, const Artifact& artifact) {
  std::error_code ignored;
  return {{"name", artifact.name},
          {"path", artifact.path},
          {"bytes", artifact.bytes},
          {"hash", artifact.hash},
          {"present", std::filesystem::exists(ArtifactPath(trial, artifact), ignored)},
          {"pruned_at", artifact.pruned_at.empty() ? boost::json::value(nullptr)
                                                   : boost::json::value(artifact.pruned_at)}};
}

/// Returns the artifacts as people read them: where a file is not there, why.
boost::json::array ArtifactsForPeople(const boost::json::array& artifacts) {
  return JsonList(artifacts, [](const boost::json::value& artifact) {
    boost::json::object line = artifact.as_object();
    const boost::json::value given_up = line.at("pruned_at");
    if (line.at("present").as_bool()) {
      line["file"] = "there";
    } else if (given_up.is_string()) {
      line["file"] = "given up by `prune`, " + std::string(given_up.get_string());
    } else {
      line["file"] = "gone";
    }
    line.erase("present");
    line.erase("pruned_at");
    return line;
  });
}

/// Returns how far a trial is that is being trained; null for any other.
boost::json::value Running(const Store& store, const TrialInStudy& found) {
  const Store::Table table = store.Query(
      "SELECT device, attempt, started_at, epoch, epochs, train_loss, objective, best_objective,"
      " seconds_per_epoch, seconds_left FROM running"
      " WHERE trial = CAST(:trial AS INTEGER) AND study = :study",
      {{"trial", std::to_string(static_cast<std::int64_t>(found.trial.id))},
       {"study", found.study.name}});
  if (table.rows.empty()) return nullptr;
  return table.Objects().front();
}

/// Returns the listing's keys, and more.
boost::json::object ToJson(const Store& store, const TrialInStudy& found) {
  const TrialRecord& trial = found.trial;
  boost::json::object json = ListingJson(trial);
  json["study"] = found.study.name;
  json["directory"] = trial.directory;
  json["spec"] = ToJson(store.Spec(trial.id));
  json["running"] = Running(store, found);
  json["epochs"] = JsonList(store.Epochs(trial.id), EpochJson);
  json["artifacts"] = JsonList(store.Artifacts(trial.id), [&](const Artifact& artifact) {
    return ArtifactJson(trial, artifact);
  });
  json["result"] = nullptr;
  if (trial.result) {
    json["result"] = {{"best_epoch", trial.result->best_epoch},
                      {"validate_loss", trial.result->validate_loss},
                      {"examples", trial.result->examples},
                      {"peak_memory_bytes", trial.result->peak_memory_bytes},
                      {"skipped_records", trial.result->skipped_records},
                      {"threads", trial.result->threads},
                      {"program_version", trial.result->program_version},
                      {"libtorch_version", trial.result->libtorch_version}};
  }
  return json;
}

void PrintMembers(std::ostream& out, const boost::json::object& object, const std::string& prefix) {
  for (const auto& [key, value] : object) {
    const std::string name = prefix + std::string(key);
    if (name == "running") continue;  // a line of its own
    if (const auto* inner = value.if_object()) {
      PrintMembers(out, *inner, name + ".");
    } else if (!value.is_null() && name != "epochs" && name != "artifacts" &&
               name != "class_names") {
      out << name << ": "
          << (value.is_string() ? std::string(value.get_string()) : CanonicalJson(value)) << "\n";
    }
  }
}

/// Prints "classes: 0 cat, 1 dog", and by name those that weigh more or less, where there are
/// names.
void PrintClasses(std::ostream& out, const DataSpec& data, const std::vector<std::string>& names) {
  const std::string classes = NumberedClasses(names);
  if (classes.empty()) return;
  out << "classes: " << PrintableLine(classes) << "\n";
  if (data.weighted_classes.empty()) return;
  std::vector<std::string> weighted;
  for (const std::int32_t label : data.weighted_classes) {
    weighted.push_back(NumberedClass(static_cast<std::size_t>(label), names));
  }
  out << "weighted classes: " << PrintableLine(JoinFirst(weighted, kClassesInLine)) << "\n";
}

/// Prints "now: epoch 3 of 10 has ended, objective 0.51 (best 0.52); 2.1s an epoch, at most 15s
/// left". The curve itself is in the list of epochs.
void PrintProgress(std::ostream& out, const boost::json::value& running) {
  if (running.is_null()) return;
  const JsonReader now(running, "running");
  out << "now: ";
  if (now.Integer("epoch") == 0) {
    out << "no epoch of " << now.Integer("epochs") << " has ended, begun at "
        << now.Text("started_at") << "\n";
    return;
  }
  out << "epoch " << now.Integer("epoch") << " of " << now.Integer("epochs") << " has ended";
  if (!now.At("objective").is_null()) {
    out << ", objective " << FixedText(now.Number("objective"), 5) << " (best "
        << FixedText(now.Number("best_objective"), 5) << ")";
  }
  // Of an attempt that went on from a checkpoint no epoch may have ended yet.
  if (!now.At("seconds_left").is_null()) {
    const std::chrono::duration<double> left(now.Number("seconds_left"));
    out << "; " << ShortTimeText(now.Number("seconds_per_epoch")) << " an epoch, at most "
        << DurationText(std::chrono::ceil<std::chrono::seconds>(left)) << " left";
  }
  out << "\n";
}

/// Prints the objects of a list as lines, their keys as headings.
void PrintList(std::ostream& out, const std::string& title, const boost::json::array& list) {
  if (list.empty()) return;
  std::vector<std::string> headings;
  for (const auto& [key, value] : list.front().as_object()) {
    headings.push_back((value.is_number() ? ">" : "") + std::string(key));
  }
  TextTable table(std::move(headings));
  for (const boost::json::value& entry : list) {
    std::vector<std::string> cells;
    for (const auto& [key, value] : entry.as_object()) {
      cells.push_back(value.is_double()   ? FixedText(value.get_double(), 5)
                      : value.is_string() ? std::string(value.get_string())
                                          : CanonicalJson(value));
    }
    table.Add(std::move(cells));
  }
  PrintHeading(out, title + ":");
  table.Print(out, "  ");
}

// ---- The history of a study's recipe ------------------------------------------------------------

boost::json::object RecipeJson(const RecipeEntry& entry) {
  return {{"position", entry.position},
          {"begun_at", entry.begun_at},
          {"program_version", entry.program_version},
          {"recipe_digest", entry.recipe_digest},
          {"changes", JsonList(entry.changes)},
          {"recipe_text", entry.recipe_text}};
}

/// Prints "2  2026-11-29T01:02:03.004Z  beamgrid 0.1.0" and what was changed then.
void PrintHistory(std::ostream& out, const std::vector<RecipeEntry>& history) {
  for (const RecipeEntry& entry : history) {
    out << entry.position << "  " << entry.begun_at;
    if (!entry.program_version.empty()) out << "  beamgrid " << entry.program_version;
    out << "\n";
    if (entry.position == 1) out << "   the study began\n";
    for (const std::string& change : entry.changes) out << "   " << change << "\n";
  }
}

class Show : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("TRIAL", name_,
                   "Id, fingerprint's first digits or [STUDY/]NAME[/SEED]; with --recipe-history "
                   "the study")
        ->required();
    app.add_option("POSITION", position_, "With --recipe-history: print the text of that recipe")
        ->check(AtLeastOne());
    app.add_flag("--recipe-history", history_,
                 "The recipes that a study has had, and what was changed");
    database_.AddTo(app);
    database_.AddRunsTo(app);
    selection_.AddTo(app, "gap > 0.8", "epoch,gap", "of its epochs");
    AddJsonFlag(app, &json_);
  }
  [[nodiscard]] bool IsList() const override { return !position_; }

  int Run(CommandContext& context) override {
    const auto store = database_.OpenForReading();
    if (history_ && selection_.asked()) {
      throw UsageError("--where, --sort, --columns and --limit are for the epochs of a trial");
    }
    if (history_) return ShowHistory(context, *store);
    if (position_) throw UsageError("POSITION is for --recipe-history");
    const TrialInStudy found = FindTrial(*store, database_, name_, ModelNames::kAlone);
    boost::json::object json = ToJson(*store, found);
    const DataSpec data = DataPlaces(*store, found.study).AsNamed(found.trial);
    const KnownNames known = NamesOf(*store, found.study.id, data);
    const std::vector<std::string>& names = known.names;
    if (!known.note.empty()) context.Remark("note: " + known.note);
    json["class_names"] = JsonList(names);
    json["epochs"] = ChosenEpochs(json.at("epochs").as_array());
    if (json_) {
      PrintJson(context.out, json);
      return kExitDone;
    }
    PrintMembers(context.out, json, "");
    PrintClasses(context.out, data, names);
    PrintProgress(context.out, json.at("running"));
    PrintList(context.out, "epochs", json.at("epochs").as_array());
    PrintList(context.out, "artifacts", ArtifactsForPeople(json.at("artifacts").as_array()));
    return kExitDone;
  }

 private:
  [[nodiscard]] boost::json::array ChosenEpochs(boost::json::array epochs) const {
    const ListRows list{.columns = EpochColumns(), .rows = std::move(epochs)};
    if (selection_.has_columns()) return selection_.Columns(list).Objects();
    boost::json::array chosen;
    for (const std::size_t place : selection_.Places(list)) chosen.push_back(list.rows[place]);
    return chosen;
  }

  int ShowHistory(const CommandContext& context, const Store& store) const {
    const StudyRecord study = FindStudy(store, database_, name_);
    std::vector<RecipeEntry> history = store.RecipeHistory(study.id);
    if (position_) {
      std::erase_if(history,
                    [&](const RecipeEntry& entry) { return entry.position != *position_; });
      if (history.empty()) {
        throw UsageError("study '" + name_ + "' has had no recipe " + std::to_string(*position_) +
                         "; `beamgrid show " + name_ + " --recipe-history` lists them");
      }
    }
    if (json_) {
      PrintJson(context.out, JsonList(history, RecipeJson));
    } else if (position_) {
      const Verbatim as_it_is(context.out);
      context.out << history.front().recipe_text;
    } else {
      PrintHistory(context.out, history);
    }
    return kExitDone;
  }

  std::string name_;
  std::optional<std::int64_t> position_;
  bool history_ = false;
  ListSelection selection_;
  DatabaseOption database_;
  bool json_ = false;
};

REGISTER_COMMAND("show", kRecord, "Everything recorded of one trial, or a study's recipes", Show);

}  // namespace
}  // namespace beamgrid

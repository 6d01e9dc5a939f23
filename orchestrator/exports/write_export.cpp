#include "orchestrator/exports/write_export.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "orchestrator/audit/recorded_files.h"
#include "orchestrator/exports/model_card.h"
#include "orchestrator/exports/unfinished_folder.h"
#include "orchestrator/workers/trainer_client.h"
#include "registry/added_options.h"
#include "registry/scoring/metrics.h"
#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/json.h"
#include "registry/util/words.h"
#include "search/ensemble/ensemble.h"
#include "search/ensemble/words.h"
#include "trainer/protocol/export.h"
#include "trainer/protocol/protocol.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

/// Labels of a member that count: as many as its predictions.bin lists of a video.
const int kListedLabels = static_cast<int>(TrialFile().predictions_top_k);

json::object MetricsJson(const Metrics& metrics) {
  json::object object = {{"videos", metrics.videos}};
  for (const Metric& metric : kMetrics) object[metric.name] = NumberOrNull(metrics.*metric.value);
  return object;
}

/// What config.json says of a model. Paths of data files are nobody's business elsewhere.
json::object ConfigOf(const StudyRecord& study, const TrialRecord& trial, const TrialSpec& spec) {
  const json::object data = ToJson(spec.data);
  json::object known;
  for (const char* key : {"format", "classes", "features", "max_frames", "digest"}) {
    known[key] = data.at(key);
  }
  for (const char* key : {"frame_types", "normalise", "frame_alignment"}) {
    if (data.contains(key)) known[key] = data.at(key);
  }
  return {{"beamgrid_export", 1},
          {"name", trial.name},
          {"study", study.name},
          {"seed", trial.seed},
          {"fingerprint", trial.fingerprint},
          {"data", known},
          {"spec", ToJson(spec.model)},
          {"objective", spec.objective},
          {"measured", MetricsJson(trial.result->metrics)},
          {"parameters", trial.parameters},
          {"size_bytes", trial.size_bytes},
          {"program_version", trial.result->program_version},
          {"libtorch_version", trial.result->libtorch_version}};
}

std::string FolderOf(const ExportRequest& request, std::size_t model) {
  return request.ensemble ? "member" + std::to_string(model + 1) : ".";
}

/// Asks the trainer to export into the folder. What it could not write there has the name that the
/// folder was to have.
std::string AskForAnswer(const ExportRequest& request, const fs::path& folder) {
  try {
    return AskTrainer(request.trainer, {"export", folder.string()}, kAnyTime);
  } catch (const Error& error) {
    std::string text = error.what();
    const std::string temporary = folder.string(), named = request.out.string();
    for (std::size_t at = text.find(temporary); at != std::string::npos;
         at = text.find(temporary, at + named.size())) {
      text.replace(at, temporary.size(), named);
    }
    throw Error(text);
  }
}

ExportAnswer AskForExport(const ExportRequest& request, const ExportQuestion& question,
                          const fs::path& folder) {
  WriteFileAtomically(folder / kExportQuestionFile, CanonicalJson(ToJson(question)));
  const std::string text = AskForAnswer(request, folder);
  try {
    ExportAnswer answer = ExportAnswerFromJson(ParseJson(text));
    if (answer.size() != question.models.size()) {
      throw std::invalid_argument("it is of " + std::to_string(answer.size()) + " models, not " +
                                  std::to_string(question.models.size()));
    }
    return answer;
  } catch (const std::invalid_argument& error) {
    throw Error("`" + request.trainer.string() +
                " export` answered with nothing that says what it "
                "wrote (" +
                error.what() + "); trainer and beamgrid must be of one build");
  }
}

void CheckSizes(const ExportRequest& request, const ExportAnswer& answer) {
  for (std::size_t i = 0; i < answer.size(); ++i) {
    const TrialRecord& trial = request.trials[i];
    if (answer[i].weight_bytes == trial.size_bytes) continue;
    throw Error(trial.directory + ": the weights of " + LabelOf(trial) + " are " +
                std::to_string(answer[i].weight_bytes) + " bytes, and the record counted " +
                std::to_string(trial.size_bytes));
  }
  if (!request.ensemble) return;
  const json::array members = request.ensemble->members();
  for (std::size_t i = 0; i < members.size(); ++i) {
    const std::int64_t counted = JsonReader(members[i], "members").Integer("size_bytes");
    if (counted == answer[i].weight_bytes) continue;
    throw Error("the ensemble counts " + std::to_string(counted) + " bytes for its member " +
                LabelOf(request.trials[i]) + ", whose weights are " +
                std::to_string(answer[i].weight_bytes) +
                "; `beamgrid ensemble` picks one of the models as they are");
  }
}

// ---- The ensemble's own files -------------------------------------------------------------------

/// The members' predictions of the sample, video by video.
std::vector<Predictions> SampleOf(const ExportAnswer& answer, std::int64_t classes) {
  std::vector<Predictions> all;
  for (const ExportedModel& model : answer) {
    Predictions& predictions = all.emplace_back();
    predictions.classes = classes;
    predictions.top_k = kListedLabels;
    for (std::size_t video = 0; video < model.sample.size(); ++video) {
      VideoPrediction& one = predictions.videos.emplace_back();
      one.id = std::to_string(video);
      for (const auto& [label, score] : model.sample[video]) one.top.push_back({label, score});
    }
  }
  return all;
}

/// The ensemble's labels of the sample: what Combine says, as it did when the ensemble was picked.
json::array CombinedSample(const std::vector<Predictions>& members,
                           const std::vector<double>& weights, ScoreDomain combine) {
  std::vector<const Predictions*> pointers;
  for (const Predictions& member : members) pointers.push_back(&member);
  const Predictions combined =
      Combine(pointers, weights, combine, Missing::kLastOfList, kListedLabels);
  return JsonList(combined.videos, [](const VideoPrediction& video) {
    return JsonList(video.top, [](const ScoredLabelDouble& label) {
      return json::array{label.label, label.score};
    });
  });
}

void WriteEnsembleFiles(const ExportRequest& request, const ExportAnswer& answer,
                        const std::vector<CardOfModel>& cards, const fs::path& folder) {
  const json::array members = request.ensemble->members();
  const JsonReader recorded(request.ensemble->answer, "ensemble");
  std::vector<double> weights;
  std::vector<MemberOfCard> rows;
  json::array list;
  for (std::size_t i = 0; i < members.size(); ++i) {
    weights.push_back(JsonReader(members[i], "members").Number("weight"));
    rows.push_back({FolderOf(request, i), cards[i], weights.back()});
    list.push_back({{"folder", rows.back().folder},
                    {"name", MemberName(request.trials[i])},
                    {"fingerprint", request.trials[i].fingerprint},
                    {"weight", weights.back()},
                    {"top_k", kListedLabels},
                    {"size_bytes", answer[i].weight_bytes}});
  }
  const ScoreDomain combine = ValueOf(kScoreDomains, "combine", recorded.Text("combine"));
  json::object config = {{"beamgrid_export", 1},
                         {"study", request.study.name},
                         {"ensemble", request.ensemble->id},
                         {"combine", recorded.Text("combine")},
                         {"top_k", kListedLabels},
                         {"size_bytes", recorded.Integer("size_bytes")},
                         {"members", list}};
  if (!request.class_names.empty()) config["class_names"] = JsonList(request.class_names);
  WriteFileAtomically(folder / kConfigFile, CanonicalJson(config) + "\n");
  const std::int64_t classes = cards.front().spec.data.classes;
  WriteFileAtomically(
      folder / "sample.json",
      CanonicalJson(CombinedSample(SampleOf(answer, classes), weights, combine)) + "\n");
  WriteFileAtomically(folder / "README.md",
                      EnsembleCard(request.study, request.ensemble->answer, rows));
}

}  // namespace

std::int64_t ExportReport::weight_bytes() const {
  return std::accumulate(
      models.begin(), models.end(), std::int64_t{0},
      [](std::int64_t sum, const Model& model) { return sum + model.weight_bytes; });
}

ExportReport WriteExport(const Store& store, const ExportRequest& request) {
  const fs::path out = WholePath(request.out);
  CheckExportFolder(out);
  ExportQuestion question{.name = "The ensemble of " + request.study.name,
                          .is_ensemble = request.ensemble.has_value()};
  std::vector<CardOfModel> cards;
  for (std::size_t i = 0; i < request.trials.size(); ++i) {
    const TrialRecord& trial = request.trials[i];
    TrialSpec spec = store.Spec(trial.id);
    FillInAsBefore(spec.model);
    question.models.push_back(
        {.folder = FolderOf(request, i),
         .weights = CheckedArtifact(trial, "model", request.study.name).string(),
         .config = ConfigOf(request.study, trial, spec)});
    if (!request.class_names.empty()) {
      question.models.back().config["class_names"] = JsonList(request.class_names);
    }
    cards.push_back({.study = request.study,
                     .trial = trial,
                     .spec = std::move(spec),
                     .class_names = request.class_names});
  }
  UnfinishedFolder unfinished(out, kExportQuestionFile);
  const ExportAnswer answer = AskForExport(request, question, unfinished.path());
  CheckSizes(request, answer);
  ExportReport report;
  for (std::size_t i = 0; i < cards.size(); ++i) {
    cards[i].weight_bytes = answer[i].weight_bytes;
    const std::string folder = FolderOf(request, i);
    WriteFileAtomically((unfinished.path() / folder / "README.md").lexically_normal(),
                        ModelCard(cards[i]));
    report.models.push_back(
        {folder, cards[i].trial.name, cards[i].trial.fingerprint, answer[i].weight_bytes});
  }
  if (request.ensemble) WriteEnsembleFiles(request, answer, cards, unfinished.path());
  fs::remove(unfinished.path() / kExportQuestionFile);
  unfinished.Finish(out);
  return report;
}

}  // namespace beamgrid

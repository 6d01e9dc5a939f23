#include "orchestrator/exports/model_card.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "registry/scoring/metrics.h"
#include "registry/util/json.h"
#include "registry/util/size_column.h"
#include "registry/util/text.h"
#include "reports/sheet.h"

namespace beamgrid {
namespace {

constexpr int kDigits = 5;

std::string FrontMatter() {
  return "---\nlibrary_name: pytorch\ntags:\n- video-classification\n- beamgrid\n---\n\n";
}

/// A cell of a Markdown table.
std::string Cell(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) {
    text.insert(at, 1, '\\');
  }
  return text;
}

std::string Row(const std::vector<std::string>& cells) {
  return "| " + Join(cells, " | ", Cell) + " |\n";
}

std::string OptionsText(const Options& options) {
  std::vector<std::string> texts;
  for (const auto& [name, value] : options) texts.push_back(name + " = " + CanonicalJson(value));
  return Join(texts);
}

std::string PartsTable(const ModelSpec& model, const std::string& format) {
  std::string table = Row({"part", "component", "options"}) + "|---|---|---|\n";
  for (const char* criterion : {"multimodal", "temporal", "classifier", "label_processing"}) {
    const auto part = model.parts.find(criterion);
    if (part == model.parts.end()) continue;
    if (format == "video" && std::string(criterion) == "temporal") continue;
    table += Row({criterion, part->second.component, OptionsText(part->second.options)});
  }
  for (const auto& [name, options] : model.extras) {
    table += Row({"extras", name, OptionsText(options)});
  }
  return table;
}

std::vector<const Metric*> MeasuredMetrics(const Metrics& metrics) {
  std::vector<const Metric*> measured;
  for (const Metric& metric : kMetrics) {
    if (std::isfinite(metrics.*metric.value)) measured.push_back(&metric);
  }
  return measured;
}

/// The model's row of the study's tables.
std::string MeasuredTable(const TrialRecord& trial) {
  const TrialResult& result = *trial.result;
  const std::vector<const Metric*> metrics = MeasuredMetrics(result.metrics);
  std::vector<std::string> head = {"model"}, row = {trial.name};
  std::string rule = "|---|";
  for (const Metric* metric : metrics) {
    head.emplace_back(metric->heading);
    row.push_back(FixedText(result.metrics.*metric->value, kDigits));
    rule += "---:|";
  }
  const SizeColumn sizes(trial.size_bytes);
  head.insert(head.end(), {sizes.heading(), "parameters", "best epoch"});
  row.insert(row.end(), {sizes.Cell(trial.size_bytes), std::to_string(trial.parameters),
                         std::to_string(result.best_epoch)});
  return Row(head) + rule + "---:|---:|---:|\n" + Row(row);
}

std::string FileNames(const std::vector<std::string>& paths) {
  constexpr std::size_t kNamed = 3;
  std::vector<std::string> names;
  for (const std::string& path : paths) {
    names.push_back("`" + std::filesystem::path(path).filename().string() + "`");
  }
  return JoinFirst(names, kNamed);
}

std::string DataText(const DataSpec& data) {
  const auto feature = [&](const Feature& one) {
    const auto type = data.frame_types.find(one.first);
    return "`" + one.first + "` (" + std::to_string(one.second) +
           (type == data.frame_types.end()
                ? ""
                : std::string(", ") + WordFor(kFrameTypes, type->second)) +
           ")";
  };
  std::string text = "- format: " + data.format + ", " + std::to_string(data.classes) +
                     " classes\n- features, in this order: " + Join(data.features, ", ", feature) +
                     "\n";
  if (!data.normalise.empty()) {
    text += "- normalised by `prepare` of modeling.py: " +
            Join(data.normalise, ", ",
                 [](const auto& one) {
                   return "`" + one.first + "` " + WordFor(kNormalisations, one.second);
                 }) +
            "\n";
  }
  if (data.format != "video") {
    text +=
        "- frames of a video: at most " + std::to_string(data.max_frames) +
        (data.frame_alignment == FrameAlignment::kNearest
             ? ", as many as its longest feature has, N; frame t is frame `(2*t + 1)*n // (2*N)` "
               "of a feature of n"
             : "") +
        "\n";
  }
  return text + "- trained on " + FileNames(data.train) + "; measured on " +
         FileNames(data.validate) + "\n- digest of names and contents: `" + data.digest + "`\n";
}

/// Names the classes, the first of many; empty where nobody knows what they are called.
std::string ClassesText(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 100;
  std::string rows;
  std::size_t named = 0;
  for (std::size_t label = 0; label < names.size(); ++label) {
    if (names[label].empty() || ++named > kShown) continue;
    rows += "| " + std::to_string(label) + " | " + MarkdownText(names[label]) + " |\n";
  }
  if (named == 0) return "";
  return "\n## Classes\n\n" + Row({"class", "name"}) + "|---:|---|\n" + rows +
         (named > kShown ? "\nand " + std::to_string(named - kShown) +
                               " more: `class_names` in `config.json` has all.\n"
                         : "");
}

/// Says what the model learnt from beside the labels; empty where there was no teacher.
std::string TeacherText(const Options& train) {
  const auto teacher = train.find("teacher");
  const auto file = teacher == train.end() ? std::nullopt : NamedFileFrom(teacher->second);
  if (!file) return "";
  const auto weight = train.find("teacher_weight");
  return "- beside the labels, predictions for the training videos: `" +
         std::filesystem::path(file->name).filename().string() + "`, content `" + file->hash +
         "`, share of the loss " + (weight == train.end() ? "0.5" : CanonicalJson(weight->second)) +
         "\n";
}

std::string LoadText(const DataSpec& data) {
  const bool video = data.format == "video";
  const std::string values =
      data.frame_types.empty()
          ? "uint8 as in the records, the features of a frame side by side;\n"
          : "floats, the features of a frame side by side,\n# 8-bit codes q of a feature as "
            "q * 4/255 + 4/512 - 2;\n";
  return std::string("```python\nfrom modeling import load, predict\n\nmodel = load()\n") +
         (video ? "# features: [videos, width], those of a video side by side\n"
                  "probabilities = predict(model, features)  # [videos, classes]\n"
                : "# frames: [videos, frames, width] " + values +
                      "# lengths: [videos], how many of them are a video's own\n"
                      "probabilities = predict(model, frames, lengths)  # [videos, classes]\n") +
         "```\n\nNeeds torch (1.13 or later) and numpy, and no network. `python modeling.py "
         "--self-test` predicts\n`sample.safetensors` and compares with what beamgrid says of "
         "it.\n";
}

std::string MadeBy(const TrialResult& result) {
  return "beamgrid " + result.program_version + " with LibTorch " + result.libtorch_version;
}

}  // namespace

std::string ModelCard(const CardOfModel& card) {
  const TrialResult& result = *card.trial.result;
  const DataSpec& data = card.spec.data;
  const std::string precision =
      card.spec.model.train.contains("precision")
          ? boost::json::value_to<std::string>(card.spec.model.train.at("precision"))
          : "fp32";
  return FrontMatter() + "# " + card.trial.name + "\n\nScores the classes of videos. Trained by " +
         MadeBy(result) + ": seed " + std::to_string(card.trial.seed) + " of study `" +
         card.study.name + "`.\n\n" + PartsTable(card.spec.model, data.format) +
         "\n## Measured\n\n" + MeasuredTable(card.trial) + "\nOn " +
         std::to_string(result.metrics.videos) + " videos that also chose the best epoch (by `" +
         card.spec.objective + "`), so all numbers are a little too high.\n\n## Load it\n\n" +
         LoadText(data) + "\n## Data\n\n" + DataText(data) + TeacherText(card.spec.model.train) +
         ClassesText(card.class_names) +
         "\n## Files\n\n- `model.safetensors`: " + std::to_string(card.weight_bytes) +
         " bytes of weights, shipped as " + precision +
         "\n- `config.json`: the parts with their options; `modeling.py`: the model, made of these "
         "parts alone\n- fingerprint of the trial: `" +
         card.trial.fingerprint + "`\n";
}

std::string EnsembleCard(const StudyRecord& study, const boost::json::object& answer,
                         const std::vector<MemberOfCard>& members) {
  std::int64_t smallest = members.front().model.trial.size_bytes;
  for (const MemberOfCard& member : members) {
    smallest = std::min(smallest, member.model.trial.size_bytes);
  }
  const SizeColumn sizes(smallest);
  std::string table =
      Row({"folder", "member", "seed", "weight", "GAP", sizes.heading(), "fingerprint"}) +
      "|---|---|---:|---:|---:|---:|---|\n";
  std::int64_t bytes = 0;
  for (const MemberOfCard& member : members) {
    const TrialRecord& trial = member.model.trial;
    bytes += member.model.weight_bytes;
    table += Row({"[" + member.folder + "](" + member.folder + "/README.md)", trial.name,
                  std::to_string(trial.seed), FixedText(member.weight, 4),
                  FixedText(trial.result->metrics.gap, kDigits), sizes.Cell(trial.size_bytes),
                  "`" + trial.fingerprint + "`"});
  }
  const DataSpec& data = members.front().model.spec.data;
  const std::string examples = data.format == "segment" ? "segments" : "videos";
  const JsonReader reader(answer, "ensemble");
  const JsonReader selection = reader.Object("selection");
  std::string measured = "- " + FixedText(selection.Number("gap"), kDigits) + " on the " +
                         std::to_string(selection.Integer("videos")) + " " + examples +
                         " that it was picked on (too high for that reason)\n";
  if (answer.contains("holdout") && answer.at("holdout").is_object()) {
    const JsonReader holdout = reader.Object("holdout");
    measured += "- " + FixedText(holdout.Number("gap"), kDigits) + " on " +
                std::to_string(holdout.Integer("videos")) + " held-out " + examples + "\n";
    for (const Metric& metric : kMetrics) {
      if (metric.needs != Metric::Needs::kOneLabel || !holdout.Has(metric.name)) continue;
      measured += std::string("- ") + metric.heading +
                  " on these: " + FixedText(holdout.Number(metric.name), kDigits) + "\n";
    }
  }
  return FrontMatter() + "# The ensemble of " + study.name + "\n\n" +
         CountText(members.size(), "member") + ", combined as " + reader.Text("combine") +
         "; trained by " + MadeBy(*members.front().model.trial.result) + ".\n\n" + table +
         "\nGAP of the ensemble:\n\n" + measured + "\nA member's GAP is of all validation " +
         examples + ", which also chose its best epoch.\n\n" +
         "## Load it\n\n```python\nfrom modeling import load, predict\n\n"
         "labels, scores = predict(load(), " +
         (data.format == "video" ? "features" : "frames, lengths") +
         ")  # best first, [videos, labels]\n```\n\nThe arguments are those of the members' "
         "`predict`. Needs torch (1.13 or later) and numpy, and no network.\n`python modeling.py "
         "--self-test` predicts the sample of every member and of the whole.\n\n## Data\n\n" +
         DataText(data) + ClassesText(members.front().model.class_names) + "\n## Size\n\n" +
         std::to_string(bytes) + " bytes of weights in all, as the size limit of " +
         std::to_string(reader.Integer("size_limit")) + " bytes counts them.\n";
}

}  // namespace beamgrid

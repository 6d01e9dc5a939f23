#include "trainer/export/export_model.h"

#include <algorithm>
#include <cstdint>
#include <random>
#include <stdexcept>
#include <vector>

#include "registry/scoring/metrics.h"
#include "registry/util/files.h"
#include "registry/util/json.h"
#include "trainer/export/modeling.h"
#include "trainer/export/safetensors.h"
#include "trainer/protocol/protocol.h"
#include "trainer/training/input.h"
#include "trainer/training/model.h"

namespace beamgrid::trainer {
namespace {

constexpr std::int64_t kSampleFrames = 12;

std::int64_t WidthOf(const DataSpec& data) {
  std::int64_t width = 0;
  for (const Feature& feature : data.features) width += feature.second;
  return width;
}

/// Random bytes, the same everywhere: the standard fixes this generator's numbers.
torch::Tensor RandomBytes(const std::vector<std::int64_t>& shape) {
  torch::Tensor bytes = torch::empty(shape, torch::kByte);
  std::mt19937 generator(1);
  auto* values = bytes.data_ptr<std::uint8_t>();
  std::generate(values, values + bytes.numel(),
                [&] { return static_cast<std::uint8_t>(generator() & 0xff); });
  return bytes;
}

/// The sample as Python gets it, and as it is before it is normalised.
struct Sample {
  NamedTensors given;
  Sequence raw;
};

/// Random floats of about the size of the released features.
torch::Tensor RandomFloats(const std::vector<std::int64_t>& shape) {
  return RandomBytes(shape).to(torch::kFloat) / 64 - 2;
}

Sample VideoSample(const DataSpec& data) {
  const torch::Tensor features = RandomFloats({3, WidthOf(data)});
  return {{{"features", features}},
          {features.clone().unsqueeze(1), torch::ones({3, 1}, torch::kBool),
           torch::ones({3}, torch::kLong)}};
}

Sample FrameSample(const DataSpec& data) {
  const std::int64_t frames = std::min(kSampleFrames, data.max_frames);
  const torch::Tensor lengths =
      torch::tensor({frames, std::max<std::int64_t>(1, frames / 2), std::int64_t{1}});
  const std::vector<std::int64_t> shape = {3, frames, WidthOf(data)};
  const bool codes = data.frame_types.empty();
  const torch::Tensor given = codes ? RandomBytes(shape) : RandomFloats(shape);
  const torch::Tensor mask = torch::arange(frames).unsqueeze(0) < lengths.unsqueeze(1);
  return {{{"frames", given}, {"lengths", lengths}},
          {codes ? Dequantised(given) : given.clone(), mask, lengths}};
}

std::vector<std::vector<std::pair<std::int32_t, double>>> BestLabels(
    const torch::Tensor& probabilities) {
  std::vector<std::vector<std::pair<std::int32_t, double>>> best;
  const auto classes = static_cast<std::size_t>(probabilities.size(1));
  const int count = static_cast<int>(TrialFile().predictions_top_k);
  for (std::int64_t video = 0; video < probabilities.size(0); ++video) {
    auto& labels = best.emplace_back();
    const float* row = probabilities.data_ptr<float>() + video * probabilities.size(1);
    for (const ScoredLabel& label : TopK({row, classes}, count)) {
      labels.emplace_back(label.label, label.score);
    }
  }
  return best;
}

struct Described {
  std::string name;
  ModelSpec spec;
  DataSpec data;
};

Described Describe(const boost::json::object& config) {
  const JsonReader reader(config, "config");
  boost::json::object data = reader.Object("data").object();
  // Where the files were says nothing about the model.
  for (const char* files : {"train", "validate"}) data[files] = boost::json::array();
  data["on_error"] = "stop";
  data["digest"] = "";
  return {.name = reader.Text("name"),
          .spec = ModelSpecFromJson(reader.At("spec")),
          .data = DataSpecFromJson(data)};
}

}  // namespace

ExportedModel ExportModel(const ModelSpec& spec, const DataSpec& data, const std::string& name,
                          const ShippedWeights& weights, const std::filesystem::path& folder) {
  const std::string modeling = ModelingText(spec, data, name);
  const torch::NoGradGuard no_gradient;
  Model model(spec, data);
  weights.CopyTo(TensorsOf(model));
  model.eval();
  Sample sample = data.format == "video" ? VideoSample(data) : FrameSample(data);
  sample.raw.frames = model.normalisation().Apply(sample.raw.frames, sample.raw.mask);
  const torch::Tensor probabilities =
      model.forward(sample.raw, {}).probabilities.to(torch::kFloat).contiguous();
  sample.given.emplace_back("probabilities", probabilities);
  WriteFileAtomically(folder / "modeling.py", modeling);
  WriteSafetensors(folder / "model.safetensors", weights.Stored(), {{"format", "pt"}});
  WriteSafetensors(folder / "sample.safetensors", sample.given);
  return {.weight_bytes = weights.Bytes(), .sample = BestLabels(probabilities)};
}

ExportAnswer CarryOutExport(const ExportQuestion& question, const std::filesystem::path& folder) {
  std::vector<Described> models;
  for (const ModelToExport& model : question.models) {
    const Described& one = models.emplace_back(Describe(model.config));
    // All of them first, so that none is written where one is refused.
    static_cast<void>(ModelingText(one.spec, one.data, one.name));
  }
  ExportAnswer answer;
  for (std::size_t i = 0; i < models.size(); ++i) {
    const std::filesystem::path place = (folder / question.models[i].folder).lexically_normal();
    answer.push_back(ExportModel(models[i].spec, models[i].data, models[i].name,
                                 ShippedWeights::Read(question.models[i].weights), place));
    WriteFileAtomically(place / kConfigFile, ConfigText(question.models[i].config));
  }
  if (question.is_ensemble) {
    WriteFileAtomically(folder / "modeling.py", EnsembleModelingText(question.name));
  }
  return answer;
}

std::string ConfigText(const boost::json::object& config) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : config) keys.emplace_back(key);
  std::ranges::sort(keys);
  std::string text = "{";
  for (const std::string& key : keys) {
    text += (text.size() > 1 ? ",\n  \"" : "\n  \"") + key + "\": " + CanonicalJson(config.at(key));
  }
  return text + "\n}\n";
}

}  // namespace beamgrid::trainer

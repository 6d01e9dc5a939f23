// Every shipped component, exported and loaded in Python: the same probabilities as here.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "registry/util/files.h"
#include "tests/support/python.h"
#include "tests/support/temporary_folder.h"
#include "tests/trainer/trial.h"
#include "trainer/contract/cases.h"
#include "trainer/export/export_model.h"
#include "trainer/export/modeling.h"
#include "trainer/training/model.h"

namespace beamgrid::trainer {
namespace {

/// A model to be exported.
struct Exported {
  std::string label;
  ModelSpec spec;
  DataSpec data;
};

DataSpec Data(const std::string& format = "frame") {
  return {
      .format = format, .classes = 24, .features = {{"rgb", 5}, {"audio", 3}}, .max_frames = 12};
}

Exported Make(const std::string& label, const Parts& parts, const DataSpec& data = Data()) {
  return {label, MakeModel(parts), data};
}

// Classifiers that score frames need states, zoneout needs cells.
Parts PartsFor(const contract::Case& c) {
  Parts parts;
  if (c.criterion == "extras") {
    parts.extras[c.name] = c.options;
    if (c.name == "zoneout") parts.parts["temporal"] = {"lstm", {{"hidden", 3}}};
  } else {
    parts.parts[c.criterion] = {c.name, c.options};
  }
  return parts;
}

bool IsOfModel(const ComponentInfo& info) {
  return info.criterion != "loss" && !contract::NeedsFile(info);
}

/// A model for each variant of each component, the rest as plain as can be.
std::vector<Exported> OneByOne() {
  std::vector<Exported> models;
  for (const ComponentInfo& info : contract::Components()) {
    if (!IsOfModel(info)) continue;
    for (const contract::Case& c : contract::CasesOf(info, {})) {
      models.push_back(Make(c.criterion + " " + c.name + " " + c.label, PartsFor(c)));
    }
  }
  return models;
}

Variant Small(const std::string& component, Options options = {}) {
  for (const char* name : {"hidden", "clusters", "half", "projection", "prenet", "filters", "banks",
                           "width", "rank", "embedding", "attention", "feed_forward", "head_width",
                           "keys", "channels", "frame_projection"}) {
    for (const ComponentInfo& info : BuiltCatalogue().components) {
      if (info.name != component) continue;
      const OptionInfo* option = info.FindOption(name);
      if (option != nullptr && option->type == OptionType::kInteger) options.try_emplace(name, 4);
    }
  }
  return {component, options};
}

/// Models of data that are not YouTube-8M's: one to eight features, floats, other normalisations.
void AddOwnFeatures(std::vector<Exported>& models) {
  using enum Normalisation;
  DataSpec three = Data();
  three.features.emplace_back("text", 4);
  for (const std::string fusion :
       {"concat", "late", "sum", "projection", "bilinear", "compact_bilinear", "shared_space"}) {
    Options options;
    if (fusion == "projection") options = {{"width", 6}, {"feed", "sum"}};
    if (fusion == "bilinear") options = {{"width", 6}, {"rank", 7}};
    models.push_back(
        Make("three features, " + fusion, {.parts = {{"multimodal", {fusion, options}}}}, three));
  }
  DataSpec eight = Data();
  for (int i = 3; i <= 8; ++i) eight.features.emplace_back("f" + std::to_string(i), i);
  models.push_back(Make("eight features", {.parts = {{"multimodal", {"sum", {}}}}}, eight));
  DataSpec floats = three;
  floats.frame_types = {{"rgb", FrameType::kFloat32}, {"text", FrameType::kFloat16}};
  models.push_back(Make("float frames", {}, floats));
  floats.normalise = {{"rgb", kL2}, {"audio", kStandardise}, {"text", kNone}};
  models.push_back(Make("float frames, each feature its own way", {}, floats));
  models.push_back(Make("standardised half weights", {.train = {{"precision", "fp16"}}}, floats));
  DataSpec codes = Data();
  codes.normalise = {{"rgb", kL2}, {"audio", kL2}};
  models.push_back(
      Make("codes, features of length 1", {.parts = {{"multimodal", {"rgb_only", {}}}}}, codes));
  codes.normalise = {{"rgb", kNone}, {"audio", kNone}};
  models.push_back(
      Make("codes as they are", {.parts = {{"multimodal", {"audio_only", {}}}}}, codes));
  DataSpec videos = Data("video");
  videos.normalise = {{"rgb", kStandardise}, {"audio", kL2}};
  models.push_back(Make("one standardised vector a video", {}, videos));
}

/// What acts together: extras in the cells and beside them, streams, sets, states of frames.
std::vector<Exported> Combined() {
  std::vector<Exported> models;
  const auto add = [&](const std::string& label, const Parts& parts,
                       const DataSpec& data = Data()) {
    models.push_back(Make(label, parts, data));
  };
  const std::map<std::string, Options> zoneout = {{"zoneout", {{"rate", 0.3}, {"cell_rate", 0.2}}}};
  const std::map<std::string, Options> skip = {{"skip_connection", {}}};
  for (const char* name :
       {"rnn", "lstm", "gru", "blstm", "bigru", "sru", "hierarchical_lstm", "han_attention"}) {
    add(std::string("zoneout in ") + name,
        {.parts = {{"temporal", Small(name)}}, .extras = zoneout});
  }
  // As wide as its input, so that the stack adds the skip itself; and not.
  for (const std::int64_t hidden : {8, 6}) {
    const Options options = {{"hidden", hidden}, {"layers", 2}};
    const std::string width = " of width " + std::to_string(hidden);
    add("skip in lstm" + width, {.parts = {{"temporal", {"lstm", options}}}, .extras = skip});
    add("skip in sru" + width, {.parts = {{"temporal", {"sru", options}}}, .extras = skip});
    add("skip in hierarchical_lstm" + width,
        {.parts = {{"temporal", {"hierarchical_lstm", options}}}, .extras = skip});
  }
  add("skip in bigru", {.parts = {{"temporal", {"bigru", {{"hidden", 4}}}}}, .extras = skip});
  add("skip beside cbhg and netvlad", {.parts = {{"temporal", Small("cbhg")}}, .extras = skip});
  add("reset before, both directions, last and final",
      {.parts = {{"temporal", Small("bigru", {{"reset", "before"}})}}, .extras = zoneout});
  add("everything in an LSTM",
      {.parts = {{"temporal",
                  Small("lstm",
                        {{"peepholes", true}, {"layers", 2}, {"embedding", "memory_candidate"}})}},
       .extras = {{"zoneout", {{"rate", 0.3}, {"cell_rate", 0.2}}}, {"skip_connection", {}}}});
  add("a layer-normalised LSTM, two layers",
      {.parts = {{"temporal",
                  Small("lstm",
                        {{"layer_norm", true}, {"layers", 2}, {"embedding", "memory_output"}})}},
       .extras = zoneout});
  for (const char* name :
       {"mean", "lstm", "gru", "blstm", "cbhg", "hm_lstm", "transformer", "temporal_dependency"}) {
    add(std::string("frames scored after ") + name,
        {.parts = {{"temporal", Small(name)}, {"classifier", {"many_to_many", {}}}},
         .extras = {{"layer_norm", {}},
                    {"context_gating", {{"batch_norm", true}}},
                    {"skip_connection", {}}}});
  }
  add("frames scored, late", {.parts = {{"temporal", Small("lstm")},
                                        {"multimodal", {"late", {{"joint", 5}}}},
                                        {"classifier", {"many_to_many", {}}}},
                              .extras = {{"embedding_mlp", {{"hidden", 6}, {"width", 7}}}}});
  add("late, own options",
      {.parts = {{"temporal", Small("blstm")},
                 {"multimodal",
                  {"late",
                   {{"joint", 5},
                    {"options", "audio.hidden = 2, audio.pool = max, rgb.layers=2"}}}}},
       .extras = {{"differential", {}}, {"skip_connection", {}}}});
  add("late, cells of their own in one stream",
      {.parts = {
           {"temporal", Small("lstm")},
           {"multimodal",
            {"late", {{"options", "audio.peepholes = true, audio.embedding = memory_output"}}}}}});
  add("late sets",
      {.parts = {{"temporal", Small("multi_attention", {{"sets", 2}, {"bottleneck", 3}})},
                 {"multimodal", {"late", {}}}},
       .extras = {{"skip_connection", {}},
                  {"layer_norm", {}},
                  {"context_gating", {{"batch_norm", true}, {"on", "both"}, {"reduction", 2}}}}});
  add("sets of fused frames",
      {.parts = {{"temporal", Small("multi_attention", {{"sets", 2}, {"attention", "sparsemax"}})},
                 {"multimodal", {"sum", {}}},
                 {"classifier", {"moe", {{"experts", 3}}}}}});
  add("descriptors of features",
      {.parts = {{"temporal", Small("nextvlad", {{"streams", "features"}, {"groups", 3}})},
                 {"classifier", {"moe", {{"layers", 3}, {"hidden", 5}, {"gate_bias", true}}}}}});
  add("all extras on the input",
      {.parts = {{"temporal", Small("position_encoding", {{"length", "video"}})}},
       .extras = {{"feature_norm", {}},
                  {"frame_sampling", {{"frames", 5}, {"skip_ends", 2}, {"evaluation", "even"}}},
                  {"input_noise", {}},
                  {"time_reversal", {}},
                  {"segment_dropout", {}},
                  {"differential", {}}}});
  add("strided frames",
      {.parts = {{"temporal", Small("cnn", {{"kernel", 3}})}},
       .extras = {{"frame_sampling",
                   {{"frames", 0}, {"stride", 2}, {"skip_ends", 1}, {"evaluation", "even"}}}}});
  for (const char* head : {"logistic", "moe"}) {
    add(std::string("conditional inference, ") + head,
        {.parts = {{"temporal", Small("mean")},
                   {"classifier",
                    {"conditional_inference",
                     {{"rank", 6}, {"steps", 5}, {"head", head}, {"constraint", 0.9}}}},
                   {"label_processing", {"correlation", {{"on", "logits"}}}}}});
  }
  add("a long chain of classes",
      {.parts = {{"classifier",
                  {"class_chaining", {{"steps", 20}, {"hidden", 5}, {"label_width", 4}}}}}});
  add("one feature", {.parts = {{"multimodal", {"rgb_only", {{"feature", 1}}}}}},
      {.format = "frame", .classes = 24, .features = {{"rgb", 7}}, .max_frames = 1});
  for (const char* precision : {"fp16", "bf16", "int8"}) {
    // Large enough for a table of int8.
    add(precision, {.parts = {{"temporal", Small("dbof", {{"clusters", 2200}, {"hidden", 9}})},
                              {"label_processing", {"correlation", {}}}},
                    .train = {{"precision", precision}}});
  }
  const std::vector<std::string> fusions = {
      "concat", "rgb_only", "late", "sum", "attention", "shared_space", "compact_bilinear"};
  AddOwnFeatures(models);
  for (const std::string& fusion : fusions) {
    add("one vector a video, " + fusion,
        {.parts = {{"multimodal", {fusion, fusion == "late" ? Options{{"joint", 6}} : Options{}}},
                   {"classifier", {"moe", {}}}},
         .extras = {{"context_gating", {{"remove_diagonal", true}}},
                    {"feature_norm", {}},
                    {"dropout", {}},
                    {"layer_norm", {}}}},
        Data("video"));
  }
  return models;
}

/// Moves everything off its initial value, running statistics too, so that nothing can be left out.
void Perturb(Model& model) {
  const torch::NoGradGuard no_gradient;
  const auto uniform = [](const torch::Tensor& like, double low, double high) {
    return torch::rand_like(like).mul_(high - low).add_(low);
  };
  for (torch::Tensor& parameter : model.parameters()) {
    parameter.add_(uniform(parameter, -0.4, 0.4));
  }
  for (auto& buffer : model.named_buffers()) {
    if (!buffer.value().is_floating_point()) continue;
    const bool is_variance =
        buffer.key().ends_with("running_var") || buffer.key().ends_with("deviation");
    buffer.value().copy_(uniform(buffer.value(), is_variance ? 0.5 : -0.3, is_variance ? 2 : 0.3));
  }
}

NamedTensors TensorsOf(const Model& model) {
  NamedTensors tensors = model.named_parameters().pairs();
  const NamedTensors buffers = model.named_buffers().pairs();
  tensors.insert(tensors.end(), buffers.begin(), buffers.end());
  return tensors;
}

/// Trains nothing and ships the model as a trial would. False where the parts refuse each other.
bool Ship(const Exported& exported, const std::filesystem::path& path) {
  torch::manual_seed(11);
  try {
    Model model(exported.spec, exported.data);
    Perturb(model);
    ShippedWeights(TensorsOf(model), PrecisionOf(exported.spec.train)).Write(path);
    return true;
  } catch (const SpecError&) {
    return false;
  }
}

ModelToExport Question(const Exported& exported, const std::string& folder,
                       const std::string& weights) {
  boost::json::object data;
  const boost::json::object whole = ToJson(exported.data);
  // As write_export does: no paths.
  for (const char* key :
       {"format", "classes", "features", "max_frames", "frame_types", "normalise"}) {
    if (whole.contains(key)) data[key] = whole.at(key);
  }
  return {.folder = folder,
          .weights = weights,
          .config = {{"name", exported.label}, {"spec", ToJson(exported.spec)}, {"data", data}}};
}

/// What a command prints on standard output; nothing where it fails.
std::optional<std::string> Output(const std::string& command) {
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return std::nullopt;
  std::string text;
  std::array<char, 4096> piece{};
  while (const std::size_t bytes = std::fread(piece.data(), 1, piece.size(), pipe)) {
    text.append(piece.data(), bytes);
  }
  if (::pclose(pipe) != 0) return std::nullopt;
  return text;
}

TEST(Export, EveryShippedComponentHasItsPython) {
  for (const ComponentInfo& info : contract::Components()) {
    if (!IsOfModel(info)) continue;
    EXPECT_TRUE(HasPython(info.criterion, info.name))
        << "trainer/components/" << info.criterion << "/" << info.name
        << ".py is missing: the component's forward in Python (CONTRIBUTING.md), or a comment "
           "alone "
           "where it acts in training only";
  }
  EXPECT_EQ(PythonFileErrors(), std::vector<std::string>());
}

TEST(Export, ComputesInPythonWhatItComputesHere) {
  const std::string python = PythonWith("torch, numpy");
  if (python.empty()) GTEST_SKIP() << "python3 has no torch; $BEAMGRID_PYTHON names one that has";
  const TemporaryFolder folder;
  std::vector<Exported> models = OneByOne();
  std::vector<Exported> combined = Combined();
  std::ranges::move(combined, std::back_inserter(models));
  std::size_t exported = 0;
  for (std::size_t i = 0; i < models.size(); ++i) {
    const std::string weights = (folder.path() / "model.pt").string();
    if (!Ship(models[i], weights)) continue;
    ExportQuestion question{.models = {Question(models[i], std::to_string(i), weights)}};
    const ExportAnswer answer = CarryOutExport(question, folder.path());
    EXPECT_EQ(answer.front().weight_bytes, MeasureModel(models[i].spec, models[i].data).size_bytes)
        << models[i].label;
    ++exported;
  }
  EXPECT_GT(exported, 150U);  // the others refuse each other
  const auto problems = Output(python + " " + BEAMGRID_SOURCE_DIR +
                               "/tests/trainer/export/compare.py " + folder.path().string());
  ASSERT_TRUE(problems) << "compare.py failed";
  EXPECT_EQ(*problems, "");
}

TEST(Export, RefusesWhatItHasNoPythonOf) {
  ModelSpec spec = MakeModel({});
  spec.parts["temporal"] = {"peak", {}};
  spec.extras["sparkle"] = {};
  try {
    static_cast<void>(ModelingText(spec, Data(), "a model"));
    FAIL() << "was exported";
  } catch (const SpecError& error) {
    EXPECT_STREQ(error.what(),
                 "the model cannot be exported: temporal 'peak' is not among the components that "
                 "beamgrid has Python of; extras 'sparkle' is not among the components that "
                 "beamgrid has Python of; only models of shipped components can be");
  }
}

}  // namespace
}  // namespace beamgrid::trainer

#pragma once
// A catalogue written by hand, with every kind of option: the tests of recipes, spaces, names and
// strategies need no trainer.

#include <string>
#include <utility>
#include <vector>

#include "registry/catalogue.h"

namespace beamgrid {

inline OptionInfo Whole(std::string name, std::int64_t fallback, double minimum, double maximum,
                        std::string tag = "") {
  return {.name = std::move(name),
          .type = OptionType::kInteger,
          .default_value = fallback,
          .minimum = minimum,
          .maximum = maximum,
          .tag = std::move(tag)};
}

inline OptionInfo Real(std::string name, double fallback, double minimum, double maximum,
                       std::string tag = "") {
  return {.name = std::move(name),
          .type = OptionType::kNumber,
          .default_value = fallback,
          .minimum = minimum,
          .maximum = maximum,
          .tag = std::move(tag)};
}

inline OptionInfo Switch(std::string name, bool fallback, std::string tag = "") {
  return {.name = std::move(name),
          .type = OptionType::kBool,
          .default_value = fallback,
          .tag = std::move(tag)};
}

inline OptionInfo Choice(std::string name, const std::vector<std::string>& words) {
  OptionInfo option{.name = std::move(name),
                    .type = OptionType::kString,
                    .default_value = OptionValue(words.front())};
  option.choices.assign(words.begin(), words.end());
  return option;
}

inline OptionInfo AlwaysNamed(OptionInfo option) {
  option.always_named = true;
  return option;
}

/// A number or the word "all".
inline OptionInfo Window() {
  OptionInfo option = Whole("window", 5, 3, 9999, "w");
  option.choices.emplace_back("all");
  return option;
}

inline ComponentInfo Component(std::string criterion, std::string name, std::string label,
                               std::vector<OptionInfo> options = {}) {
  return {.criterion = std::move(criterion),
          .name = std::move(name),
          .label = std::move(label),
          .options = std::move(options)};
}

inline Catalogue TestCatalogue() {
  const OptionInfo hidden = Whole("hidden", 1024, 1, 8192, "h");
  const OptionInfo layers = Whole("layers", 1, 1, 8, "L");
  Catalogue catalogue;
  catalogue.components = {
      Component(
          "multimodal", "attention", "MA",
          {Choice("guide", {"image", "audio"}), Window(), Choice("merge", {"add", "concat"})}),
      Component("multimodal", "concat", "MC"),
      Component("multimodal", "sum", "MS"),
      Component(
          "temporal", "blstm", "BLSTM",
          {hidden, layers, Switch("residual", true), Choice("pool", {"mean", "last", "max"})}),
      Component("temporal", "gru", "GRU", {hidden, layers}),
      Component("temporal", "lstm", "LSTM",
                {hidden,
                 layers,
                 {.name = "widths",
                  .type = OptionType::kList,
                  .default_value = boost::json::array{1, 2}}}),
      Component("temporal", "mean", "Mean"),
      Component(
          "temporal", "netvlad", "NetVLAD",
          {AlwaysNamed(Whole("clusters", 64, 1, 4096, "C")), Whole("hidden", 512, 1, 8192, "H"),
           Whole("frame_projection", 512, 0, 8192, "P"), Switch("gating", true)}),
      Component("classifier", "conditional_inference", "CI",
                {AlwaysNamed(Whole("steps", 4, 1, 100)), Whole("rank", 1024, 1, 65536, "r")}),
      Component("classifier", "logistic", "Logistic"),
      Component("classifier", "moe", "MoE", {AlwaysNamed(Whole("experts", 2, 1, 64))}),
      Component("extras", "context_gating", "CG",
                {Choice("on", {"embedding", "probabilities"}), Switch("batch_norm", true, "BN")}),
      Component("extras", "differential", "diff"),
      Component("extras", "dropout", "Dropout", {AlwaysNamed(Real("rate", 0.5, 0, 0.95))}),
      Component(
          "extras", "gradient_clip", "clip",
          {AlwaysNamed(Real("norm", 1, 1e-6, 1e6)), Choice("type", {"per_tensor", "global"})}),
      Component("extras", "layer_norm", "LN"),
      Component("extras", "skip_connection", "skip"),
      Component("extras", "zoneout", "",
                {Real("cell", 0.5, 0, 1, "zc"), Real("hidden", 0.05, 0, 1, "zh")}),
      Component("label_processing", "correlation", "corr",
                {Real("beta", 0.01, 0, 1), Real("gamma", 0, 0, 1)}),
      Component("label_processing", "none", ""),
      Component("loss", "cross_entropy", ""),
      Component("loss", "huber", "Huber", {Real("delta", 0.5, 1e-6, 100)}),
      Component("train", "train", "",
                {Choice("optimizer", {"adam"}), Real("learning_rate", 0.001, 1e-12, 1e3, "lr"),
                 Real("decay", 0.95, 1e-6, 1), Whole("decay_examples", 4'000'000, 1, 1e15),
                 Whole("batch", 128, 1, 65536, "B"), Whole("epochs", 5, 1, 1e6, "E")}),
  };
  return catalogue;
}

/// TestCatalogue with the training setting `from`: any text.
inline Catalogue CatalogueWithFrom() {
  Catalogue catalogue = TestCatalogue();
  for (ComponentInfo& component : catalogue.components) {
    if (component.criterion != "train") continue;
    component.options.push_back({.name = "from", .type = OptionType::kString, .default_value = ""});
  }
  return catalogue;
}

/// The start of a recipe that has no mistake: what a test adds decides.
inline std::string RecipeHead(const std::string& format = "frame") {
  return "beamgrid = 1\n"
         "[study]\n"
         "name = \"test\"\n"
         "[data]\n"
         "format = \"" +
         format +
         "\"\n"
         "train = \"train*.tfrecord\"\n"
         "validate = \"validate*.tfrecord\"\n"
         "classes = 10\n";
}

}  // namespace beamgrid

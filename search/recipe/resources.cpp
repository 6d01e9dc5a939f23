// [resources] and [ensemble]: what a study may use and what is made of its trials.

#include <algorithm>
#include <cmath>

#include "search/recipe/sections.h"

namespace beamgrid {
namespace {

bool IsAuto(const toml::node* node) {
  const auto* text = node == nullptr ? nullptr : node->as_string();
  return text != nullptr && text->get() == "auto";
}

/// True for "cpu", or "cuda:" and up to four digits without a leading 0.
bool IsDevice(std::string_view word) {
  if (word == "cpu") return true;
  if (!word.starts_with("cuda:")) return false;
  word.remove_prefix(5);
  if (word.empty() || word.size() > 4 || (word.size() > 1 && word.front() == '0')) return false;
  return word.find_first_not_of("0123456789") == std::string_view::npos;
}

std::vector<std::string> ReadDevices(Section& resources) {
  const toml::node* node = resources.Find("devices");
  if (node == nullptr || IsAuto(node)) return {};
  const std::string path = resources.PathOf("devices");
  if (!node->is_array()) {
    resources.Mistake(
        *node, "devices",
        "is " + (node->is_string() ? Shown(OptionValue(node->as_string()->get())) : KindOf(*node)) +
            R"(, must be "auto" or a list like ["cuda:0", "cuda:1"] or ["cpu"])");
    return {};
  }
  const std::vector<PlacedWord> devices = ReadWords(*node, path, resources.mistakes());
  for (const PlacedWord& device : devices) {
    if (IsDevice(device.word)) continue;
    resources.mistakes().Add(device.node->source(), device.path,
                             "'" + device.word + "' is no device; write \"cpu\" or \"cuda:N\"");
  }
  return Words(devices);
}

std::int64_t ReadSlots(Section& resources) {
  if (IsAuto(resources.Find("slots_per_device"))) return 0;
  return resources.ReadInteger("slots_per_device");
}

std::int64_t ReadThreads(Section& resources) {
  const toml::node* node = resources.Find("threads_per_worker");
  if (IsAuto(node)) {
    resources.Mistake(*node, "threads_per_worker",
                      "cannot be \"auto\": the number of threads is part of what makes a result "
                      "repeatable; must be 1..1024");
    return 1;
  }
  return resources.ReadInteger("threads_per_worker");
}

template <typename Value, std::size_t size>
Value ReadOneOf(Section& section, const std::string& key, const Word<Value> (&words)[size]) {
  return ValueOf(words, key, section.ReadWord(key));
}

}  // namespace

double ReadDuration(Section& section, const char* key, double fallback, int least) {
  const toml::node* node = section.Find(key);
  if (node == nullptr) return fallback;
  const auto* text = node->as_string();
  const std::optional<double> seconds = text == nullptr ? std::nullopt : ParseDuration(text->get());
  if (seconds && *seconds >= least) return *seconds;
  section.Mistake(*node, key,
                  "is " + (text == nullptr ? KindOf(*node) : Shown(OptionValue(text->get()))) +
                      ", must be a time of " + std::to_string(least) +
                      "s to 11574d with its unit (s, m, h or d): \"90s\", \"30m\", \"6h\"");
  return fallback;
}

std::int64_t ReadSize(Section& section, const char* key, std::int64_t fallback) {
  const toml::node* node = section.Find(key);
  if (node == nullptr) return fallback;
  std::optional<std::int64_t> bytes;
  if (const auto* number = node->as_integer()) bytes = number->get();
  if (const auto* text = node->as_string()) bytes = ParseSize(text->get());
  // 1e9 is a float to TOML, and a number of bytes to whoever writes it.
  const auto* power = node->as_floating_point();
  if (power != nullptr && power->get() > 0 && power->get() < 0x1p53 &&
      std::trunc(power->get()) == power->get()) {
    bytes = static_cast<std::int64_t>(power->get());
  }
  if (bytes && *bytes > 0) return *bytes;
  const std::optional<OptionValue> value = ToOptionValue(*node);
  section.Mistake(*node, key,
                  "is " + (value ? Shown(*value) : KindOf(*node)) +
                      ", must be a size from 1 byte on: \"1GiB\", \"500MB\" or a number of bytes");
  return fallback;
}

void ReadResources(Section& root, Recipe& recipe) {
  const toml::table* table = root.FindTable("resources");
  if (table == nullptr) return;
  Section resources(*table, "resources", root.mistakes());
  ResourceSettings& settings = recipe.resources;
  settings.executor = ReadOneOf(resources, "executor", kExecutors);
  settings.devices = ReadDevices(resources);
  settings.slots_per_device = ReadSlots(resources);
  settings.threads_per_worker = ReadThreads(resources);
  settings.timeout_seconds = ReadDuration(resources, "timeout", settings.timeout_seconds);
  settings.heartbeat_timeout_seconds =
      ReadDuration(resources, "heartbeat_timeout", settings.heartbeat_timeout_seconds);
  settings.stall_timeout_seconds =
      ReadDuration(resources, "stall_timeout", settings.stall_timeout_seconds);
  settings.retries = resources.ReadInteger("retries");
  settings.priority = resources.ReadInteger("priority");
  ReadSlurm(resources, recipe);
  resources.RefuseOthers();
}

void ReadEnsemble(Section& root, Recipe& recipe) {
  const toml::table* table = root.FindTable("ensemble");
  if (table == nullptr) return;
  Section ensemble(*table, "ensemble", root.mistakes());
  EnsembleQuestion settings{.missing = Missing::kLastOfList, .holdout = recipe.data.holdout};
  settings.size_limit = ReadSize(ensemble, "size_limit", settings.size_limit);
  settings.members = ensemble.ReadInteger("members");
  settings.beam_width = ensemble.ReadInteger("beam_width");
  settings.combine = ReadOneOf(ensemble, "combine", kScoreDomains);
  settings.weights = ReadOneOf(ensemble, "weights", kWeightings);
  ensemble.RefuseOthers();
  recipe.ensemble = settings;
}

}  // namespace beamgrid

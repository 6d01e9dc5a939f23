#include "orchestrator/audit/measured.h"

#include <algorithm>
#include <set>

#include "registry/scoring/metrics.h"
#include "registry/util/json.h"
#include "registry/util/text.h"
#include "trainer/protocol/protocol.h"

namespace beamgrid {
namespace {

namespace json = boost::json;

// Named one by one: a new key of a result is not repeatable until somebody has made sure.
constexpr const char* kRepeatable[] = {"metrics",  "validate_loss",  "best_epoch",
                                       "epochs",   "parameters",     "size_bytes",
                                       "examples", "skipped_records"};

/// Whether it is a metric that earlier programs did not measure and this result lacks.
bool IsNotMeasured(const std::string& path, const json::value* value) {
  if (value != nullptr && !value->is_null()) return false;
  const Metric* metric = FindMetric(path.substr(path.find_last_of('.') + 1));
  return path.find("metrics.") != std::string::npos && metric != nullptr &&
         metric->needs == Metric::Needs::kOneLabel;
}

class Comparison {
 public:
  void Compare(const std::string& path, const json::value* recorded, const json::value* now) {
    if (recorded != nullptr && now != nullptr) {
      if (recorded->is_object() && now->is_object()) {
        return CompareMembers(path, recorded->get_object(), now->get_object());
      }
      if (recorded->is_array() && now->is_array()) {
        return CompareItems(path, recorded->get_array(), now->get_array());
      }
    }
    if (IsNotMeasured(path, recorded) || IsNotMeasured(path, now)) return;
    // As text in the shortest exact form: equal text is equal bits, and it is what people are
    // shown.
    const std::string left = Text(recorded), right = Text(now);
    if (left != right) differences_.push_back({path, left, right});
  }

  void CompareMembers(const std::string& path, const json::object& recorded,
                      const json::object& now) {
    std::set<std::string> keys;
    for (const auto& member : recorded) keys.insert(member.key());
    for (const auto& member : now) keys.insert(member.key());
    for (const std::string& key : keys) {
      Compare(path.empty() ? key : path + "." + key, recorded.if_contains(key),
              now.if_contains(key));
    }
  }

  [[nodiscard]] std::vector<Difference> Take() { return std::move(differences_); }

 private:
  void CompareItems(const std::string& path, const json::array& recorded, const json::array& now) {
    for (std::size_t i = 0; i < std::max(recorded.size(), now.size()); ++i) {
      Compare(path + "[" + std::to_string(i) + "]", recorded.if_contains(i), now.if_contains(i));
    }
  }

  static std::string Text(const json::value* value) {
    return value == nullptr ? "nothing" : CanonicalJson(*value);
  }

  std::vector<Difference> differences_;
};

/// Returns "cuda:1 NVIDIA H200" without the number: which one of its kind says nothing.
std::string DeviceModel(const std::string& device) {
  if (!device.starts_with("cuda:")) return device;
  return "cuda" + device.substr(std::min(device.find(' '), device.size()));
}

json::object Environment(const TrialResult& result) {
  return {{"device", DeviceModel(result.device)},
          {"libtorch", result.libtorch_version},
          {"program", result.program_version},
          {"threads", result.threads}};
}

}  // namespace

json::object Measured(const TrialResult& result) {
  const json::object whole = ToJson(result);
  json::object measured, artifacts;
  for (const char* key : kRepeatable) measured[key] = whole.at(key);
  for (const Artifact& artifact : result.artifacts) {
    artifacts[artifact.name] = {{"bytes", artifact.bytes}, {"hash", artifact.hash}};
  }
  measured["artifacts"] = std::move(artifacts);
  return measured;
}

std::vector<Difference> Differences(const json::object& recorded, const json::object& now) {
  Comparison comparison;
  comparison.CompareMembers("", recorded, now);
  return comparison.Take();
}

std::vector<Difference> EnvironmentDifferences(const TrialResult& recorded,
                                               const TrialResult& now) {
  return Differences(Environment(recorded), Environment(now));
}

std::string EnvironmentText(const TrialResult& result) {
  return "beamgrid " + result.program_version + ", LibTorch " + result.libtorch_version + ", " +
         DeviceModel(result.device) + ", " +
         CountText(static_cast<std::size_t>(result.threads), "thread");
}

}  // namespace beamgrid

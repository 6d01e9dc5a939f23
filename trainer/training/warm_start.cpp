#include "trainer/training/warm_start.h"

#include <map>
#include <sstream>
#include <vector>

#include "registry/util/error.h"
#include "registry/util/text.h"
#include "trainer/component.h"
#include "trainer/training/model.h"
#include "trainer/training/shipped_weights.h"
#include "trainer/without_memory.h"

namespace beamgrid::trainer {
namespace {

/// Two models may differ in hundreds of tensors; the first five show what kind of difference it is.
constexpr std::size_t kListed = 5;

std::string Listed(const std::vector<std::string>& items) { return JoinFirst(items, kListed); }

std::string ShapeText(const torch::Tensor& tensor) {
  std::ostringstream text;
  text << tensor.sizes();
  return text.str();
}

/// Comparison holds the weights of the trial to start from against a model's own, all of them
/// before any value is copied, so that one message can name every difference.
class Comparison {
 public:
  Comparison(const NamedTensors& source, const NamedTensors& weights) {
    std::map<std::string, torch::Tensor> own(weights.begin(), weights.end());
    for (const auto& [name, tensor] : source) {
      const auto found = own.find(name);
      if (found == own.end()) {
        missing_.push_back(name);
      } else if (found->second.sizes() != tensor.sizes()) {
        different_.push_back(name + " is " + ShapeText(found->second) + ", was " +
                             ShapeText(tensor));
      } else {
        common_.emplace_back(name, found->second);
      }
      if (found != own.end()) own.erase(found);
    }
    for (const auto& [name, tensor] : own) added_.push_back(name);
  }

  void RequireAgreement(const std::string& start) const {
    std::string why;
    if (!different_.empty()) why += "; of another shape: " + Listed(different_);
    if (!missing_.empty()) why += "; this model lacks: " + Listed(missing_);
    if (why.empty() && common_.empty()) why = "; they have no tensor in common";
    if (why.empty()) return;
    throw SpecError("train.from: the weights of trial " + start + " do not fit this model" + why +
                    "; give these parts the options that they have there, or leave train.from out");
  }

  [[nodiscard]] const NamedTensors& common() const { return common_; }
  [[nodiscard]] const std::vector<std::string>& added() const { return added_; }

 private:
  NamedTensors common_;  ///< the model's tensors
  std::vector<std::string> missing_, different_, added_;
};

std::string WayOut() {
  return "; put the file back, or let `beamgrid verify STUDY --repair` train that trial again, "
         "where STUDY is the one that it is of";
}

ShippedWeights ReadChecked(const TrialFile& trial) {
  const std::string& path = trial.warm_start_model;
  if (!std::filesystem::exists(path)) {
    throw Error(path + ": the weights of trial " + trial.spec.warm_start +
                ", which this one starts from, are gone" + WayOut());
  }
  // The trial's fingerprint names the trial that it starts from, so other weights would be filed
  // under a wrong name.
  if (HashFile(path) != trial.warm_start_hash) {
    throw Error(path + ": not the weights that the record holds of trial " + trial.spec.warm_start +
                " (hash differs)" + WayOut());
  }
  return ShippedWeights::Read(path);
}

}  // namespace

void StartFrom(const TrialFile& trial, const NamedTensors& weights,
               const std::function<void(const std::string&)>& log) {
  if (trial.spec.warm_start.empty()) return;
  const ShippedWeights source = ReadChecked(trial);
  const Comparison comparison(source.Weights(), weights);
  comparison.RequireAgreement(trial.spec.warm_start);
  source.CopyTo(comparison.common());
  if (!log) return;
  log("starts from the weights of trial " + trial.spec.warm_start + ": " +
      std::to_string(comparison.common().size()) + " tensors" +
      (comparison.added().empty() ? "" : "; initial values for " + Listed(comparison.added())));
}

void RequireFit(const Specified& model, const Specified& start, const std::string& fingerprint) {
  const WithoutMemory guard;
  const Model own(model.model, model.data), other(start.model, start.data);
  Comparison(TensorsOf(other), TensorsOf(own)).RequireAgreement(fingerprint);
}

}  // namespace beamgrid::trainer

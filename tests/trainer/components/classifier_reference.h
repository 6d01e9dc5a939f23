#pragma once
// What the tests of classifiers share: small embeddings, and the mixture of experts in plain loops.

#include "tests/trainer/components/contract.h"
#include "tests/trainer/components/reference.h"

namespace beamgrid::trainer::reference {

inline constexpr std::int64_t kWidth = 3;
inline constexpr std::int64_t kClasses = 5;

/// Statistics that a test makes up.
class GivenLabels : public LabelStatistics {
 public:
  explicit GivenLabels(torch::Tensor pairs) : pairs_(std::move(pairs)) {}
  [[nodiscard]] torch::Tensor Counts() const override { return pairs_.diagonal().contiguous(); }
  [[nodiscard]] torch::Tensor CoOccurrence() const override { return pairs_; }

 private:
  torch::Tensor pairs_;
};

inline std::shared_ptr<Classifier> MakeClassifier(const std::string& name, const Options& set,
                                                  const LabelStatistics* labels = nullptr) {
  torch::manual_seed(11);
  const auto module = Makers<Classifier>::All().at(name)(
      {.classes = kClasses, .input_width = kWidth, .labels = labels},
      WithDefaults("classifier", name, set));
  Randomise(*module);
  return module;
}

/// Parameters of a classifier for the papers' embeddings and 3862 classes.
inline std::int64_t ParametersOf(const std::string& name, const Options& set,
                                 std::int64_t width = 1152) {
  const WithoutMemory guard;
  const auto module = Makers<Classifier>::All().at(name)({.classes = 3862, .input_width = width},
                                                         WithDefaults("classifier", name, set));
  std::int64_t count = 0;
  for (const torch::Tensor& parameter : module->parameters()) count += parameter.numel();
  EXPECT_TRUE(module->buffers().empty());
  return count;
}

/// Embeddings as videos of one frame.
inline Sequence Embeddings() {
  torch::manual_seed(12);
  return contract::RandomSequence({1, 1, 1, 1}, 1, kWidth);
}

inline Rows ProbabilitiesOf(Classifier& module, const Targets& targets = {}) {
  return [&module, targets](const Sequence& input) {
    return module.forward(input.frames.squeeze(1), targets).probabilities.unbind(0);
  };
}

inline Matrix ForEachVideo(const Videos& videos,
                           const std::function<Vector(const Vector&)>& function) {
  Matrix rows;
  for (const Matrix& video : videos) rows.push_back(function(video[0]));
  return rows;
}

inline Vector Sigmoids(Vector values) {
  for (double& value : values) value = Sigmoid(value);
  return values;
}

/// Gates "<name>gates" of one vector, experts "<name>experts" of another; row i*C + c is expert i
/// of class c.
inline Vector ReferenceMixture(const Arrays& arrays, const std::string& name,
                               const Vector& of_gates, const Vector& of_experts,
                               std::size_t classes = kClasses) {
  const Vector gates = Linear(arrays, name + "gates", of_gates);
  const Vector heads = Linear(arrays, name + "experts", of_experts);
  const std::size_t experts = heads.size() / classes;
  const std::size_t gates_of_class = gates.size() / classes;  // one more with a dummy expert
  Vector probabilities;
  for (std::size_t c = 0; c < classes; ++c) {
    Vector of_class;
    for (std::size_t i = 0; i < gates_of_class; ++i) of_class.push_back(gates[i * classes + c]);
    const Vector weights = Softmax(of_class);
    double p = 0;
    for (std::size_t i = 0; i < experts; ++i) p += weights[i] * Sigmoid(heads[i * classes + c]);
    probabilities.push_back(p);
  }
  return probabilities;
}

inline Vector ReferenceMixture(const Arrays& arrays, const std::string& name, const Vector& x) {
  return ReferenceMixture(arrays, name, x, x);
}

/// L2 regularisation applies to all of a classifier's matrices, and to nothing else.
inline void ExpectRegularisesTheMatrices(Classifier& module) {
  std::int64_t regularised = 0, in_matrices = 0;
  for (const torch::Tensor& weight : module.RegularisedWeights()) {
    EXPECT_EQ(weight.dim(), 2);
    regularised += weight.numel();
  }
  for (const torch::Tensor& parameter : module.parameters()) {
    if (parameter.dim() == 2) in_matrices += parameter.numel();
  }
  EXPECT_EQ(regularised, in_matrices);
  EXPECT_GT(regularised, 0);
}

}  // namespace beamgrid::trainer::reference

#pragma once
// A model on a dataset, without training: metrics, loss and the stored predictions.

#include <functional>
#include <vector>

#include "registry/scoring/metrics.h"
#include "registry/scoring/predictions.h"
#include "trainer/data/batches.h"
#include "trainer/training/failures.h"
#include "trainer/training/model.h"

namespace beamgrid::trainer {

/// EvaluationOptions says how a dataset is gone through and what is kept of it.
struct EvaluationOptions {
  std::int64_t batch_size = 128;
  torch::Device device = torch::kCPU;
  int top_k = 0;                         ///< labels a video to keep as predictions; 0: none
  std::function<bool()> stop_requested;  ///< asked between batches; may be empty
};

/// Evaluation is what a model is worth on a dataset.
struct Evaluation {
  Metrics metrics;
  double loss = 0;          ///< mean over the videos
  Predictions predictions;  ///< empty unless top_k > 0; sorted by id
};

/// Returns a component's probabilities, of any type and device, as contiguous 32-bit floats on the
/// CPU. A mixture's weights add up to 1 but for rounding, and what that put above 1 is 1; what is
/// further above is no rounding and stays.
[[nodiscard]] torch::Tensor ScoresOf(const torch::Tensor& probabilities);

/// Returns the counts[i] best labels of row i (TopK) of such scores [videos, classes]. On
/// so many threads as LibTorch's operators have, whose number changes no bit.
[[nodiscard]] std::vector<std::vector<ScoredLabel>> BestLabels(
    const torch::Tensor& scores, const std::vector<std::size_t>& counts);

/// Scores every video of the dataset, in order. Puts the model into evaluation mode and leaves it
/// there. Skipped records are in none of the numbers. Throws Diverged on a loss that is not
/// finite, Interrupted, DataError.
[[nodiscard]] Evaluation Evaluate(Model& model, Dataset& dataset, std::int64_t classes,
                                  const EvaluationOptions& options);

/// Passes each video's list of options.top_k labels to `sink`, in the order of the dataset; with
/// the batches of an Evaluate of the same videos they have the same bits. Labels are those of
/// the dataset, none where it ignores them. Otherwise as Evaluate.
void Predict(Model& model, Dataset& dataset, std::int64_t classes, const EvaluationOptions& options,
             const std::function<void(const VideoPrediction&)>& sink);

}  // namespace beamgrid::trainer

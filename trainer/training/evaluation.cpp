#include "trainer/training/evaluation.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "registry/scoring/segment_map.h"
#include "registry/util/threads.h"
#include "trainer/training/input.h"

namespace beamgrid::trainer {
namespace {

/// Row `video` of a contiguous [batch, classes] float tensor on the CPU.
std::span<const float> Row(const torch::Tensor& scores, std::int64_t video) {
  const std::int64_t classes = scores.size(1);
  return {scores.data_ptr<float>() + video * classes, static_cast<std::size_t>(classes)};
}

VideoPrediction PredictionOf(const Batch& batch, std::int64_t video,
                             std::span<const ScoredLabel> best, std::size_t top_k) {
  VideoPrediction prediction{.id = batch.ids[static_cast<std::size_t>(video)]};
  for (const ScoredLabel& label : best.first(std::min(best.size(), top_k))) {
    prediction.top.push_back({.label = label.label, .score = label.score});
  }
  const auto labels = batch.LabelsOf(video);
  prediction.labels.assign(labels.begin(), labels.end());
  return prediction;
}

}  // namespace

std::vector<std::vector<ScoredLabel>> BestLabels(const torch::Tensor& scores,
                                                 const std::vector<std::size_t>& counts) {
  std::vector<std::vector<ScoredLabel>> best(counts.size());
  // Of these a thread makes its lists in several times what its start costs.
  constexpr std::int64_t kScoresOfAThread = 200'000;
  const auto parts = static_cast<std::size_t>(
      std::clamp<std::int64_t>(scores.numel() / kScoresOfAThread, 1, at::get_num_threads()));
  // Whether a denormal counts as 0 is set for each thread; a new one takes it over from this one.
  ForEachOnThreads(static_cast<int>(parts), parts, [&](std::size_t part) {
    for (std::size_t i = best.size() * part / parts; i < best.size() * (part + 1) / parts; ++i) {
      best[i] = TopK(Row(scores, static_cast<std::int64_t>(i)), static_cast<int>(counts[i]));
    }
  });
  return best;
}

torch::Tensor ScoresOf(const torch::Tensor& probabilities) {
  constexpr double kRounding = 1e-5;
  const torch::Tensor scores = probabilities.to(torch::kFloat).cpu().contiguous();
  return torch::where(scores <= 1 + kRounding, scores.clamp_max(1), scores);
}

Evaluation Evaluate(Model& model, Dataset& dataset, std::int64_t classes,
                    const EvaluationOptions& options) {
  const torch::NoGradGuard no_gradient;
  model.eval();
  Batches batches(dataset, {.batch_size = options.batch_size, .order = BatchOrder::kSequential});
  batches.Start(0);
  MetricsAccumulator accumulator;
  Evaluation evaluation{.predictions = {.classes = classes, .top_k = options.top_k}};
  std::optional<SegmentMapAccumulator> segments;
  if (!dataset.RatedClasses().empty()) segments.emplace(dataset.RatedClasses(), dataset.Size());
  const auto top_k = static_cast<std::size_t>(options.top_k);
  std::int64_t videos = 0;
  for (Batch batch; batches.Next(batch);) {
    if (options.stop_requested && options.stop_requested()) throw Interrupted();
    const DeviceBatch on_device = ToDevice(batch, classes, options.device, model.normalisation());
    // Without targets, so that no component can look at the labels.
    const ModelOutput output = model.forward(on_device.input, {});
    const double loss = model.TotalLoss(output, on_device.targets).item<double>();
    if (!std::isfinite(loss)) throw Diverged("the loss on the validation data is not finite");
    const torch::Tensor scores = ScoresOf(output.probabilities);
    std::vector<std::size_t> counts;
    for (std::int64_t video = 0; video < batch.Size(); ++video) {
      counts.push_back(std::max(accumulator.BestNeeded(batch.LabelsOf(video).size()), top_k));
    }
    const std::vector<std::vector<ScoredLabel>> best = BestLabels(scores, counts);
    for (std::int64_t video = 0; video < batch.Size(); ++video) {
      const std::vector<ScoredLabel>& of_video = best[static_cast<std::size_t>(video)];
      accumulator.AddBest(of_video, static_cast<std::size_t>(scores.size(1)),
                          batch.LabelsOf(video));
      if (segments) {
        segments->AddDense(Row(scores, video), {batch.LabelsOf(video), batch.RatedOf(video)});
      }
      if (top_k == 0) continue;
      evaluation.predictions.videos.push_back(PredictionOf(batch, video, of_video, top_k));
    }
    // The last batch is smaller, and the mean is over videos, not batches.
    evaluation.loss += loss * static_cast<double>(batch.Size());
    videos += batch.Size();
  }
  evaluation.loss /= static_cast<double>(std::max<std::int64_t>(videos, 1));
  evaluation.metrics = accumulator.Compute(at::get_num_threads());
  if (segments) evaluation.metrics.segment_map = segments->Compute();
  // So that prediction files of different trials can be read side by side.
  std::ranges::sort(evaluation.predictions.videos, {}, &VideoPrediction::id);
  return evaluation;
}

void Predict(Model& model, Dataset& dataset, std::int64_t classes, const EvaluationOptions& options,
             const std::function<void(const VideoPrediction&)>& sink) {
  const torch::NoGradGuard no_gradient;
  model.eval();
  Batches batches(dataset, {.batch_size = options.batch_size, .order = BatchOrder::kSequential});
  batches.Start(0);
  const auto top_k = static_cast<std::size_t>(options.top_k);
  for (Batch batch; batches.Next(batch);) {
    if (options.stop_requested && options.stop_requested()) throw Interrupted();
    const DeviceBatch on_device = ToDevice(batch, classes, options.device, model.normalisation());
    const torch::Tensor scores = ScoresOf(model.forward(on_device.input, {}).probabilities);
    const auto best =
        BestLabels(scores, std::vector(static_cast<std::size_t>(batch.Size()), top_k));
    for (std::int64_t video = 0; video < batch.Size(); ++video) {
      sink(PredictionOf(batch, video, best[static_cast<std::size_t>(video)], top_k));
    }
  }
}

}  // namespace beamgrid::trainer

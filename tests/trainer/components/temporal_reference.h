#pragma once
// What the tests of temporal components share beside reference.h.

#include "tests/trainer/components/reference.h"

namespace beamgrid::trainer::reference {

/// All frames of the batch, video after video: what batch norm sees.
inline Matrix AllRows(const Videos& videos) {
  Matrix rows;
  for (const Matrix& video : videos) rows.insert(rows.end(), video.begin(), video.end());
  return rows;
}

/// The inverse: `rows` in videos as long as those of `videos`.
inline Videos Apart(const Matrix& rows, const Videos& videos) {
  Videos result;
  auto first = rows.begin();
  for (const Matrix& video : videos) {
    const auto end = first + static_cast<std::ptrdiff_t>(video.size());
    result.emplace_back(first, end);
    first = end;
  }
  return result;
}

inline Matrix LinearRows(const Arrays& arrays, const std::string& name, Matrix rows) {
  for (Vector& row : rows) row = Linear(arrays, name, row);
  return rows;
}

/// A temporal component whose frames are these features side by side.
inline std::shared_ptr<Temporal> MakeTemporal(const std::string& name, const Options& set,
                                              const std::vector<Feature>& features) {
  BuildContext context{.features = features};
  for (const auto& [feature, width] : features) context.input_width += width;
  torch::manual_seed(5);
  const auto module =
      Makers<Temporal>::All().at(name)(context, WithDefaults("temporal", name, set));
  Randomise(*module);
  return module;
}

/// Trainable values and running statistics, as the papers' checkpoints hold them.
inline std::int64_t Count(const torch::nn::Module& module) {
  std::int64_t count = 0;
  for (const torch::Tensor& parameter : module.parameters()) count += parameter.numel();
  for (const torch::Tensor& buffer : module.buffers()) {
    if (buffer.is_floating_point()) count += buffer.numel();
  }
  return count;
}

/// Of a component at the papers' size, which is never held in memory.
inline std::int64_t CountOf(const std::string& name, const Options& set,
                            const std::vector<Feature>& features) {
  const WithoutMemory guard;
  return Count(*MakeTemporal(name, set, features));
}

inline std::vector<Feature> PaperFeatures() { return {{"rgb", 1024}, {"audio", 128}}; }

}  // namespace beamgrid::trainer::reference

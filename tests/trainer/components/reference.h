#pragma once
// Checks a component against a slow reference: plain loops over doubles, written from the paper's
// equation, that see each video's valid frames only. Values and gradients: the component runs in
// double, and its gradients are compared with central differences of the reference.

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "registry/catalogue.h"
#include "tests/trainer/components/contract.h"
#include "trainer/component.h"
#include "trainer/without_memory.h"

namespace beamgrid::trainer::reference {

using Vector = std::vector<double>;
using Matrix = std::vector<Vector>;  ///< rows

/// A parameter's or buffer's values.
struct Array {
  std::vector<std::int64_t> sizes;
  Vector values;  ///< row-major
  double& operator()(std::size_t i) { return values[i]; }
  double operator()(std::size_t i) const { return values[i]; }
  double operator()(std::size_t i, std::size_t j) const {
    return values[i * static_cast<std::size_t>(sizes[1]) + j];
  }
  [[nodiscard]] std::size_t size(std::size_t dimension) const {
    return static_cast<std::size_t>(sizes[dimension]);
  }
};
using Arrays = std::map<std::string, Array>;  ///< by the name in the module

/// The valid frames of a batch, one matrix a video.
using Videos = std::vector<Matrix>;

/// Values of each video, in any fixed order of its frames and columns.
using Forward = std::function<Matrix(const Arrays&, const Videos&)>;

inline double Sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

inline double Dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

inline Vector Softmax(const Vector& scores) {
  double total = 0;
  for (const double score : scores) total += std::exp(score);
  Vector weights;
  for (const double score : scores) weights.push_back(std::exp(score) / total);
  return weights;
}

/// W x + b of a fully connected layer "name.weight" [out, in], "name.bias" (if there is one).
inline Vector Linear(const Arrays& arrays, const std::string& name, const Vector& x) {
  const Array& weight = arrays.at(name + ".weight");
  Vector y(weight.size(0), 0.0);
  const auto bias = arrays.find(name + ".bias");
  for (std::size_t o = 0; o < y.size(); ++o) {
    for (std::size_t i = 0; i < x.size(); ++i) y[o] += weight(o, i) * x[i];
    if (bias != arrays.end()) y[o] += bias->second(o);
  }
  return y;
}

inline Vector MeanRow(const Matrix& rows) {
  Vector mean(rows[0].size(), 0.0);
  for (const Vector& row : rows) {
    for (std::size_t j = 0; j < row.size(); ++j) {
      mean[j] += row[j] / static_cast<double>(rows.size());
    }
  }
  return mean;
}

inline Vector MaxRow(const Matrix& rows) {
  Vector greatest = rows[0];
  for (const Vector& row : rows) {
    for (std::size_t j = 0; j < row.size(); ++j) greatest[j] = std::max(greatest[j], row[j]);
  }
  return greatest;
}

/// Batch norm with the layer's epsilon 1e-3 over rows of a whole batch.
enum class Statistics { kOfTheBatch, kRunning };
inline Matrix BatchNormalise(const Arrays& arrays, const std::string& name, const Matrix& rows,
                             Statistics statistics) {
  Matrix result = rows;
  for (std::size_t j = 0; j < rows[0].size(); ++j) {
    double mean = 0, variance = 0;
    for (const Vector& row : rows) mean += row[j] / static_cast<double>(rows.size());
    for (const Vector& row : rows) {
      variance += (row[j] - mean) * (row[j] - mean) / static_cast<double>(rows.size());
    }
    if (statistics == Statistics::kRunning) {
      mean = arrays.at(name + ".running_mean")(j);
      variance = arrays.at(name + ".running_var")(j);
    }
    for (Vector& row : result) {
      row[j] = (row[j] - mean) / std::sqrt(variance + 1e-3) * arrays.at(name + ".weight")(j) +
               arrays.at(name + ".bias")(j);
    }
  }
  return result;
}

// ---- The comparison -----------------------------------------------------------------------------

inline Array ArrayOf(const torch::Tensor& tensor) {
  const torch::Tensor flat = tensor.detach().to(torch::kDouble).contiguous().flatten();
  return {tensor.sizes().vec(),
          Vector(flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel())};
}

inline Arrays ArraysOf(const torch::nn::Module& module) {
  Arrays arrays;
  for (const auto& item : module.named_parameters()) arrays[item.key()] = ArrayOf(item.value());
  for (const auto& item : module.named_buffers()) arrays[item.key()] = ArrayOf(item.value());
  return arrays;
}

inline Videos VideosOf(const Sequence& sequence) {
  Videos videos;
  for (std::int64_t b = 0; b < sequence.lengths.size(0); ++b) {
    Matrix frames;
    for (std::int64_t t = 0; t < sequence.lengths[b].item<std::int64_t>(); ++t) {
      frames.push_back(ArrayOf(sequence.frames[b][t]).values);
    }
    videos.push_back(frames);
  }
  return videos;
}

/// sum_b sum_i cos(b + 2 i + 1) values[b][i]: any fixed weights that are all different do.
inline double Weight(std::size_t b, std::size_t i) {
  return std::cos(static_cast<double>(b) + 2 * static_cast<double>(i) + 1);
}

inline double Objective(const Matrix& values) {
  double sum = 0;
  for (std::size_t b = 0; b < values.size(); ++b) {
    for (std::size_t i = 0; i < values[b].size(); ++i) sum += Weight(b, i) * values[b][i];
  }
  return sum;
}

/// Central difference of the reference's objective along `value`, which is one of its inputs.
inline double Difference(const Forward& forward, const Arrays& arrays, const Videos& videos,
                         double& value) {
  constexpr double kStep = 1e-5;
  const double middle = value;
  value = middle + kStep;
  const double above = Objective(forward(arrays, videos));
  value = middle - kStep;
  const double below = Objective(forward(arrays, videos));
  value = middle;
  return (above - below) / (2 * kStep);
}

inline void ExpectGradientOf(const std::string& name, double expected, double actual) {
  EXPECT_NEAR(expected, actual, 1e-7 + 1e-6 * std::abs(expected)) << "gradient of " << name;
}

/// `rows`: the component's values per video, as tensors of the reference's order.
using Rows = std::function<std::vector<torch::Tensor>(const Sequence&)>;

/// Values and every gradient (all parameters, all valid frames), in double.
inline void ExpectMatches(torch::nn::Module& module, const Rows& rows, const Forward& forward,
                          Sequence input) {
  module.to(torch::kDouble);
  input.frames = input.frames.to(torch::kDouble).requires_grad_();
  Arrays arrays = ArraysOf(module);
  Videos videos = VideosOf(input);
  const Matrix expected = forward(arrays, videos);
  const std::vector<torch::Tensor> actual = rows(input);

  ASSERT_EQ(actual.size(), expected.size());
  torch::Tensor objective = torch::zeros({}, torch::kDouble);
  for (std::size_t b = 0; b < expected.size(); ++b) {
    const Vector values = ArrayOf(actual[b]).values;
    ASSERT_EQ(values.size(), expected[b].size()) << "video " << b;
    Vector weights;
    for (std::size_t i = 0; i < values.size(); ++i) {
      EXPECT_NEAR(values[i], expected[b][i], 1e-10) << "video " << b << ", value " << i;
      weights.push_back(Weight(b, i));
    }
    objective = objective + (actual[b].flatten() * torch::tensor(weights, torch::kDouble)).sum();
  }
  objective.backward();

  for (const auto& parameter : module.named_parameters()) {
    ASSERT_TRUE(parameter.value().grad().defined()) << parameter.key();
    const Vector gradient = ArrayOf(parameter.value().grad()).values;
    Array& array = arrays.at(parameter.key());
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      ExpectGradientOf(parameter.key(), Difference(forward, arrays, videos, array(i)), gradient[i]);
    }
  }
  for (std::size_t b = 0; b < videos.size(); ++b) {
    for (std::size_t t = 0; t < videos[b].size(); ++t) {
      const Vector gradient =
          ArrayOf(input.frames.grad()[static_cast<std::int64_t>(b)][static_cast<std::int64_t>(t)])
              .values;
      for (std::size_t j = 0; j < gradient.size(); ++j) {
        ExpectGradientOf("frames", Difference(forward, arrays, videos, videos[b][t][j]),
                         gradient[j]);
      }
    }
  }
  const torch::Tensor into_padding =
      input.frames.grad().masked_fill(input.mask.unsqueeze(-1), 0).abs().max();
  EXPECT_EQ(into_padding.item<double>(), 0) << "padding has a gradient";
}

// ---- Components ---------------------------------------------------------------------------------

/// The catalogue's defaults with some options set; each must be one that the component has.
inline Options WithDefaults(const std::string& criterion, const std::string& name,
                            const Options& set) {
  const Catalogue catalogue = BuiltCatalogue();
  const ComponentInfo* info = catalogue.Find(criterion, name);
  if (info == nullptr) throw std::invalid_argument(criterion + " " + name);
  Options options = DefaultOptions(*info);
  for (const auto& [key, value] : set) {
    if (!options.contains(key)) throw std::invalid_argument(name + " has no option " + key);
    options[key] = value;
  }
  return options;
}

/// Random parameters instead of the initial ones, so that zero biases and unit weights are tested
/// too. Buffers become random and positive.
inline void Randomise(torch::nn::Module& module) {
  const torch::NoGradGuard no_gradient;
  for (torch::Tensor& parameter : module.parameters()) parameter.uniform_(-0.8, 0.8);
  for (torch::Tensor& buffer : module.buffers()) {
    if (buffer.is_floating_point()) buffer.uniform_(0.3, 1.5);
  }
}

inline const std::vector<std::int64_t> kLengths = {4, 1, 2, 3};
inline constexpr std::int64_t kFrames = 5;  ///< one more than the longest video has

inline std::shared_ptr<Multimodal> MakeMultimodal(const std::string& name, const Options& set,
                                                  const std::vector<Feature>& features) {
  torch::manual_seed(5);
  const auto module = Makers<Multimodal>::All().at(name)({.features = features},
                                                         WithDefaults("multimodal", name, set));
  Randomise(*module);
  return module;
}

inline std::shared_ptr<Temporal> MakeTemporal(const std::string& name, const Options& set,
                                              std::int64_t width, bool skip_connections = false) {
  torch::manual_seed(5);
  const auto module =
      Makers<Temporal>::All().at(name)({.input_width = width, .skip_connections = skip_connections},
                                       WithDefaults("temporal", name, set));
  Randomise(*module);
  return module;
}

/// A temporal component's embedding of each video.
inline Rows RowsOf(Temporal& module) {
  return [&module](const Sequence& input) { return module.forward(input, {}).unbind(0); };
}

/// A multimodal component's valid frames of each video, one after the other.
inline Rows RowsOf(Multimodal& module) {
  return [&module](const Sequence& input) {
    const Sequence output = module.forward(input, {});
    std::vector<torch::Tensor> rows;
    for (std::int64_t b = 0; b < input.lengths.size(0); ++b) {
      rows.push_back(output.frames[b].slice(0, 0, input.lengths[b].item<std::int64_t>()).flatten());
    }
    return rows;
  };
}

}  // namespace beamgrid::trainer::reference

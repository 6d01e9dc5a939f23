#include "tests/trainer/components/reference.h"

namespace beamgrid::trainer {
namespace netvlad_test {

using reference::Array;
using reference::Arrays;
using reference::BatchNormalise;
using reference::ExpectMatches;
using reference::kFrames;
using reference::kLengths;
using reference::Linear;
using reference::MakeMultimodal;
using reference::MakeTemporal;
using reference::Matrix;
using reference::RowsOf;
using reference::Sigmoid;
using reference::Softmax;
using reference::Statistics;
using reference::Vector;
using reference::Videos;

constexpr std::int64_t kWidth = 3;

Sequence Input() { return contract::RandomSequence(kLengths, kFrames, kWidth); }

void Normalise(std::vector<double*> values) {
  double squares = 0;
  for (const double* value : values) squares += *value * *value;
  for (double* value : values) *value /= std::sqrt(std::max(squares, 1e-12));
}

/// The normalised descriptor of one video from its frames and assignments, index j * K + k.
Vector Descriptor(const Array& centres, const Matrix& frames, const Matrix& assignments) {
  const std::size_t width = centres.size(0), clusters = centres.size(1);
  Vector v(width * clusters, 0.0);
  for (std::size_t t = 0; t < frames.size(); ++t) {
    for (std::size_t j = 0; j < width; ++j) {
      for (std::size_t k = 0; k < clusters; ++k) {
        v[j * clusters + k] += assignments[t][k] * (frames[t][j] - centres(j, k));
      }
    }
  }
  for (std::size_t k = 0; k < clusters; ++k) {
    std::vector<double*> column;
    for (std::size_t j = 0; j < width; ++j) column.push_back(&v[j * clusters + k]);
    Normalise(column);
  }
  std::vector<double*> all;
  for (double& value : v) all.push_back(&value);
  Normalise(all);
  return v;
}

/// x W, without a bias.
Vector Product(const Vector& x, const Array& w) {
  Vector y(w.size(1), 0.0);
  for (std::size_t i = 0; i < x.size(); ++i) {
    for (std::size_t j = 0; j < y.size(); ++j) y[j] += x[i] * w(i, j);
  }
  return y;
}

/// All frames of the batch, video after video: what batch norm sees.
Matrix AllRows(const Videos& videos) {
  Matrix rows;
  for (const Matrix& video : videos) rows.insert(rows.end(), video.begin(), video.end());
  return rows;
}

Matrix Gated(const Arrays& arrays, const Matrix& embeddings, Statistics statistics) {
  Matrix gates;
  for (const Vector& y : embeddings) gates.push_back(Linear(arrays, "gate", y));
  gates = BatchNormalise(arrays, "gate_norm", gates, statistics);
  Matrix result = embeddings;
  for (std::size_t b = 0; b < result.size(); ++b) {
    for (std::size_t i = 0; i < result[b].size(); ++i) result[b][i] *= Sigmoid(gates[b][i]);
  }
  return result;
}

reference::Forward NetVlad(Statistics statistics) {
  return [statistics](const Arrays& arrays, const Videos& videos) {
    Matrix rows = AllRows(videos);
    if (arrays.contains("projection.weight")) {
      for (Vector& row : rows) row = Linear(arrays, "projection", row);
    }
    rows = BatchNormalise(arrays, "input_norm", rows, statistics);
    Matrix assignments;
    for (const Vector& row : rows) {
      assignments.push_back(Product(row, arrays.at("assignment")));
    }
    assignments = BatchNormalise(arrays, "assignment_norm", assignments, statistics);
    for (Vector& scores : assignments) scores = Softmax(scores);

    Matrix embeddings;
    std::ptrdiff_t first = 0;
    for (const Matrix& video : videos) {
      const auto end = first + static_cast<std::ptrdiff_t>(video.size());
      const auto part = [&](const Matrix& all) {
        return Matrix(all.begin() + first, all.begin() + end);
      };
      embeddings.push_back(Linear(arrays, "to_hidden",
                                  Descriptor(arrays.at("centres"), part(rows), part(assignments))));
      first = end;
    }
    return arrays.contains("gate.weight") ? Gated(arrays, embeddings, statistics) : embeddings;
  };
}

struct Structure {
  std::int64_t projection;
  bool gating;
};
class NetVladTest : public ::testing::TestWithParam<Structure> {
 protected:
  static std::shared_ptr<Temporal> Make() {
    return MakeTemporal("netvlad",
                        {{"clusters", 2},
                         {"hidden", 3},
                         {"frame_projection", GetParam().projection},
                         {"gating", GetParam().gating}},
                        kWidth);
  }
};

TEST_P(NetVladTest, FollowsTheEquationsInEvaluation) {
  const auto module = Make();
  module->eval();
  EXPECT_EQ(module->output_width(), 3);
  ExpectMatches(*module, RowsOf(*module), NetVlad(Statistics::kRunning), Input());
}

TEST_P(NetVladTest, FollowsTheEquationsInTraining) {
  const auto module = Make();
  ExpectMatches(*module, RowsOf(*module), NetVlad(Statistics::kOfTheBatch), Input());
}

INSTANTIATE_TEST_SUITE_P(Structures, NetVladTest,
                         ::testing::Values(Structure{0, false}, Structure{0, true},
                                           Structure{2, false}, Structure{2, true}),
                         [](const auto& info) {
                           return "Projection" + std::to_string(info.param.projection) +
                                  (info.param.gating ? "Gated" : "");
                         });

// ---- Sizes --------------------------------------------------------------------------------------

/// Trainable values and running statistics, as the papers' checkpoints hold them.
std::int64_t Count(const torch::nn::Module& module) {
  std::int64_t count = 0;
  for (const torch::Tensor& parameter : module.parameters()) count += parameter.numel();
  for (const torch::Tensor& buffer : module.buffers()) {
    if (buffer.is_floating_point()) count += buffer.numel();
  }
  return count;
}

std::int64_t NetVladCount(const Options& set, std::int64_t width) {
  const WithoutMemory guard;
  return Count(*MakeTemporal("netvlad", set, width));
}

TEST(NetVlad, HasTheSizesOfThePapers) {
  EXPECT_EQ(NetVladCount({}, 1152), 17'700'096);
  EXPECT_EQ(NetVladCount({{"clusters", 128}}, 1152), 34'543'104);
  // Miech et al.'s form on one stream: input norm, core 2 D K + 4 K, and the hidden layer.
  const Options plain = {{"frame_projection", 0}, {"gating", false}, {"hidden", 1024}};
  EXPECT_EQ(NetVladCount(plain, 1152), 4 * 1152 + 147'712 + 75'498'496);
}

/// A model of Kim et al. 2018's final ensemble (section 5): the parts here are counted, the mixture
/// of k experts is (2 k + 1) C d + k C, the context gate with batch norm d^2 + 4 d.
struct PaperModel {
  const char* name;
  const char* fusion;
  Options fusion_options;
  const char* temporal;
  Options temporal_options;
  bool differential, gate;
  std::int64_t experts;
  std::int64_t parameters;  ///< of the structure that fits the reported size
  double reported;          ///< in units of 2^20 bytes, rounded up by the authors
};

std::int64_t Count(const PaperModel& model) {
  constexpr std::int64_t kClasses = 3862;
  const WithoutMemory guard;
  const auto fusion =
      MakeMultimodal(model.fusion, model.fusion_options, {{"rgb", 1024}, {"audio", 128}});
  const std::int64_t frames = fusion->output_width() * (model.differential ? 2 : 1);
  const auto temporal = MakeTemporal(model.temporal, model.temporal_options, frames);
  const std::int64_t d = temporal->output_width();
  const std::int64_t gate = model.gate ? d * d + 4 * d : 0;
  return Count(*fusion) + Count(*temporal) + gate + (2 * model.experts + 1) * kClasses * d +
         model.experts * kClasses;
}

TEST(Models, HaveTheSizesOfKimEtAl) {
  // LibTorch's second bias vector, 4 values a cell and direction.
  constexpr std::int64_t kSecondBias = 2 * 4 * 1024;
  const Options replaces = {{"merge", "concat"}};
  const Options large = {{"clusters", 128}};
  const std::vector<PaperModel> models = {
      {"MC-BLSTM-MoE2", "concat", {}, "blstm", {}, false, false, 2, 42'447'276 + kSecondBias, 162},
      {"MA-BLSTM-MoE2",
       "attention",
       replaces,
       "blstm",
       {},
       false,
       false,
       2,
       42'578'348 + kSecondBias,
       163},
      {"MC-BLSTM-CG-MoE2",
       "concat",
       {},
       "blstm",
       {},
       false,
       true,
       2,
       43'778'988 + kSecondBias,
       168},
      {"MC-NetVLAD-diff-C64-MoE4", "concat", {}, "netvlad", {}, true, false, 4, 36'101'464, 138},
      {"MS-NetVLAD-C64-MoE4", "sum", {}, "netvlad", {}, false, false, 4, 35'578'200, 136},
      {"MC-NetVLAD-C128-MoE4", "concat", {}, "netvlad", large, false, false, 4, 52'354'648, 200}};
  for (const PaperModel& model : models) {
    const std::int64_t count = Count(model);
    EXPECT_EQ(count, model.parameters) << model.name;
    EXPECT_EQ(std::ceil(static_cast<double>(count) * 4 / (1 << 20)), model.reported) << model.name;
  }
}

TEST(Models, ArePutTogetherFromTheseNames) {
  const Catalogue catalogue = BuiltCatalogue();
  const auto label = [&](const char* criterion, const char* name) {
    return catalogue.Find(criterion, name)->label;
  };
  EXPECT_EQ(label("multimodal", "concat"), "MC");
  EXPECT_EQ(label("multimodal", "sum"), "MS");
  EXPECT_EQ(label("multimodal", "attention"), "MA");
  EXPECT_EQ(label("temporal", "blstm"), "BLSTM");
  EXPECT_EQ(label("temporal", "netvlad"), "NetVLAD");
  const OptionInfo& clusters = catalogue.Find("temporal", "netvlad")->options[0];
  EXPECT_EQ(clusters.name, "clusters");
  EXPECT_EQ(clusters.tag, "C");
  EXPECT_TRUE(clusters.always_named);
}

}  // namespace netvlad_test
}  // namespace beamgrid::trainer

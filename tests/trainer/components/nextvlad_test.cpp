#include "tests/trainer/components/temporal_reference.h"
#include "tests/trainer/trial.h"
#include "trainer/training/model.h"

namespace beamgrid::trainer {
namespace nextvlad_test {

using reference::AllRows;
using reference::Apart;
using reference::Array;
using reference::Arrays;
using reference::BatchNormalise;
using reference::CountOf;
using reference::ExpectMatches;
using reference::kFrames;
using reference::kLengths;
using reference::LinearRows;
using reference::MakeTemporal;
using reference::Matrix;
using reference::PaperFeatures;
using reference::RowsOf;
using reference::Sigmoid;
using reference::Softmax;
using reference::Statistics;
using reference::Vector;
using reference::Videos;

struct Stream {
  std::size_t width, groups, clusters;
};

/// V of one video, columns normalised, index j * K + k.
Vector Residuals(const Array& centres, const Matrix& frames, const Matrix& attention,
                 const Matrix& scores, const Stream& stream) {
  const std::size_t width = centres.size(0), clusters = stream.clusters;
  Vector v(width * clusters, 0.0);
  for (std::size_t t = 0; t < frames.size(); ++t) {
    for (std::size_t g = 0; g < stream.groups; ++g) {
      const auto first = scores[t].begin() + static_cast<std::ptrdiff_t>(g * clusters);
      const Vector weights = Softmax(Vector(first, first + static_cast<std::ptrdiff_t>(clusters)));
      for (std::size_t j = 0; j < width; ++j) {
        for (std::size_t k = 0; k < clusters; ++k) {
          v[j * clusters + k] +=
              Sigmoid(attention[t][g]) * weights[k] * (frames[t][g * width + j] - centres(j, k));
        }
      }
    }
  }
  for (std::size_t k = 0; k < clusters; ++k) {
    double squares = 0;
    for (std::size_t j = 0; j < width; ++j) squares += v[j * clusters + k] * v[j * clusters + k];
    for (std::size_t j = 0; j < width; ++j) v[j * clusters + k] /= std::sqrt(squares);
  }
  return v;
}

Matrix Descriptors(const Arrays& arrays, const std::string& name, const Videos& videos,
                   const Stream& stream, Statistics statistics) {
  const Matrix expanded = LinearRows(arrays, name + ".expansion", AllRows(videos));
  const Videos frames = Apart(expanded, videos);
  const Videos attention = Apart(LinearRows(arrays, name + ".attention", expanded), videos);
  const Videos scores =
      Apart(BatchNormalise(arrays, name + ".assignment_norm",
                           LinearRows(arrays, name + ".assignment", expanded), statistics),
            videos);
  Matrix descriptors;
  for (std::size_t b = 0; b < videos.size(); ++b) {
    descriptors.push_back(
        Residuals(arrays.at(name + ".centres"), frames[b], attention[b], scores[b], stream));
  }
  return BatchNormalise(arrays, name + ".norm", descriptors, statistics);
}

reference::Forward NextVlad(const std::vector<Stream>& streams, Statistics statistics) {
  return [=](const Arrays& arrays, const Videos& videos) {
    Matrix all(videos.size());
    std::size_t begin = 0;
    for (std::size_t i = 0; i < streams.size(); ++i) {
      Videos parts = videos;
      for (Matrix& video : parts) {
        for (Vector& frame : video) {
          const auto first = frame.begin() + static_cast<std::ptrdiff_t>(begin);
          frame = Vector(first, first + static_cast<std::ptrdiff_t>(streams[i].width));
        }
      }
      const Matrix descriptors =
          Descriptors(arrays, "descriptor" + std::to_string(i), parts, streams[i], statistics);
      for (std::size_t b = 0; b < all.size(); ++b) {
        all[b].insert(all[b].end(), descriptors[b].begin(), descriptors[b].end());
      }
      begin += streams[i].width;
    }
    Matrix hidden =
        BatchNormalise(arrays, "hidden_norm", LinearRows(arrays, "to_hidden", all), statistics);
    Matrix inner =
        BatchNormalise(arrays, "squeeze_norm", LinearRows(arrays, "squeeze", hidden), statistics);
    for (Vector& row : inner) {
      for (double& x : row) x = std::max(x, 0.0);
    }
    const Matrix gates = LinearRows(arrays, "excite", inner);
    for (std::size_t b = 0; b < hidden.size(); ++b) {
      for (std::size_t i = 0; i < hidden[b].size(); ++i) hidden[b][i] *= Sigmoid(gates[b][i]);
    }
    return hidden;
  };
}

// ---- Equations ----------------------------------------------------------------------------------

struct Structure {
  std::string name;
  Options options;
  std::vector<Stream> streams;
};

class NextVladTest : public ::testing::TestWithParam<Structure> {
 protected:
  static std::shared_ptr<Temporal> Make() {
    Options options = {{"clusters", 2}, {"groups", 2},           {"expansion", 2},
                       {"hidden", 4},   {"gating_reduction", 2}, {"dropout", 0.0}};
    for (const auto& [name, value] : GetParam().options) options[name] = value;
    return MakeTemporal("nextvlad", options, {{"rgb", 3}, {"audio", 2}});
  }
  static Sequence Input() { return contract::RandomSequence(kLengths, kFrames, 5); }
};

TEST_P(NextVladTest, FollowsTheEquationsInEvaluation) {
  const auto module = Make();
  module->eval();
  EXPECT_EQ(module->output_width(), 4);
  ExpectMatches(*module, RowsOf(*module), NextVlad(GetParam().streams, Statistics::kRunning),
                Input());
}

TEST_P(NextVladTest, FollowsTheEquationsInTraining) {
  const auto module = Make();
  ExpectMatches(*module, RowsOf(*module), NextVlad(GetParam().streams, Statistics::kOfTheBatch),
                Input());
}

INSTANTIATE_TEST_SUITE_P(
    Structures, NextVladTest,
    ::testing::Values(Structure{"Joint", {}, {{5, 2, 2}}},
                      Structure{"RoundedUp", {{"groups", 3}, {"expansion", 1}}, {{5, 3, 2}}},
                      Structure{"Features",
                                {{"streams", "features"}, {"clusters", 4}, {"expansion", 1}},
                                {{3, 2, 4}, {2, 1, 2}}}),
    [](const auto& info) { return info.param.name; });

TEST(NextVlad, DropsTheDescriptorInTrainingOnly) {
  const auto make = [](double dropout) {
    return MakeTemporal("nextvlad", {{"clusters", 4}, {"hidden", 4}, {"dropout", dropout}}, 6);
  };
  const Sequence input = contract::RandomSequence(kLengths, kFrames, 6);
  const auto dropping = make(0.5);
  EXPECT_FALSE(dropping->forward(input, {}).equal(dropping->forward(input, {})));
  const auto with = make(0.5), without = make(0);
  with->eval();
  without->eval();
  EXPECT_TRUE(with->forward(input, {}).equal(without->forward(input, {})));
}

TEST(NextVlad, RefusesStreamsOfFusedFrames) {
  const BuildContext context{.features = {{"rgb", 4}, {"audio", 2}}, .input_width = 4};
  const Options options =
      reference::WithDefaults("temporal", "nextvlad", {{"streams", "features"}});
  EXPECT_THROW(Makers<Temporal>::All().at("nextvlad")(context, options), SpecError);
}

// ---- Sizes --------------------------------------------------------------------------------------

/// lambda N (N + G + K (G + (H + 1) / G)): expansion, attention, assignment, centres, hidden layer.
std::int64_t Matrices(std::int64_t n, std::int64_t groups, std::int64_t clusters,
                      std::int64_t hidden) {
  const std::int64_t expanded = 2 * n;
  return expanded * (n + groups + clusters * groups) + expanded / groups * clusters * (hidden + 1);
}

/// Biases of expansion and attention, norms of assignments and descriptor.
std::int64_t BiasesAndNorms(std::int64_t n, std::int64_t groups, std::int64_t clusters) {
  const std::int64_t expanded = 2 * n;
  return expanded + groups + 4 * groups * clusters + 4 * (expanded / groups * clusters);
}

/// Norm of the embedding, and the gate: two matrices and a norm.
std::int64_t Gate(std::int64_t hidden, std::int64_t reduction) {
  const std::int64_t inner = hidden / reduction;
  return 4 * hidden + 2 * hidden * inner + 4 * inner;
}

TEST(NextVlad, HasTheSizesOfThePaper) {
  EXPECT_EQ(Matrices(1024, 8, 128, 2048), 71'352'320) << "the paper's 71M";
  EXPECT_EQ(CountOf("nextvlad", {}, {{"rgb", 1024}}),
            71'352'320 + BiasesAndNorms(1024, 8, 128) + Gate(2048, 8));
  EXPECT_EQ(CountOf("nextvlad", {}, PaperFeatures()),
            Matrices(1152, 8, 128, 2048) + BiasesAndNorms(1152, 8, 128) + Gate(2048, 8));
  const Options of_features = {{"streams", "features"}};
  EXPECT_EQ(CountOf("nextvlad", of_features, PaperFeatures()),
            Matrices(1024, 8, 128, 2048) + BiasesAndNorms(1024, 8, 128) +
                Matrices(128, 4, 64, 2048) + BiasesAndNorms(128, 4, 64) + Gate(2048, 8));
}

TEST(NextVlad, GivesTheModelOfThePaper) {
  const ModelSize size = MeasureModel(
      MakeModel({.parts = {{"temporal", {"nextvlad", {{"streams", "features"}}}}}}), PaperData());
  EXPECT_NEAR(static_cast<double>(size.parameters) / 1e6, 89, 0.5) << "8 groups, logistic";
}

}  // namespace nextvlad_test
}  // namespace beamgrid::trainer

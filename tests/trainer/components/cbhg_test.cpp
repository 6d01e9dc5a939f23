#include "tests/trainer/components/temporal_reference.h"

namespace beamgrid::trainer {
namespace cbhg_test {

using reference::AllRows;
using reference::Apart;
using reference::Array;
using reference::Arrays;
using reference::BatchNormalise;
using reference::CountOf;
using reference::ExpectMatches;
using reference::kFrames;
using reference::kLengths;
using reference::Linear;
using reference::LinearRows;
using reference::MakeTemporal;
using reference::Matrix;
using reference::MeanRow;
using reference::PaperFeatures;
using reference::RowsOf;
using reference::Sigmoid;
using reference::Statistics;
using reference::Vector;
using reference::Videos;

constexpr std::int64_t kWidth = 3;

// ---- Reference ----------------------------------------------------------------------------------

Matrix Relu(Matrix rows) {
  for (Vector& row : rows) {
    for (double& x : row) x = std::max(x, 0.0);
  }
  return rows;
}

/// y_t = sum_s W_s x_(t + s - floor((k - 1) / 2)) + b of one video, nothing beyond its ends.
Matrix Convolve(const Arrays& arrays, const std::string& name, const Matrix& frames) {
  const Array& weight = arrays.at(name + ".weight");  // [outputs, inputs, k]
  const Array& bias = arrays.at(name + ".bias");
  const std::size_t outputs = weight.size(0), inputs = weight.size(1), k = weight.size(2);
  Matrix result(frames.size(), Vector(outputs));
  for (std::size_t t = 0; t < frames.size(); ++t) {
    for (std::size_t o = 0; o < outputs; ++o) {
      double& y = result[t][o] = bias(o);
      for (std::size_t s = 0; s < k; ++s) {
        if (t + s < (k - 1) / 2 || t + s - (k - 1) / 2 >= frames.size()) continue;
        const Vector& x = frames[t + s - (k - 1) / 2];
        for (std::size_t i = 0; i < inputs; ++i) {
          y += weight.values[(o * inputs + i) * k + s] * x[i];
        }
      }
    }
  }
  return result;
}

Videos ConvolveAll(const Arrays& arrays, const std::string& name, Videos videos) {
  for (Matrix& video : videos) video = Convolve(arrays, name, video);
  return videos;
}

Videos Normalise(const Arrays& arrays, const std::string& name, const Matrix& rows,
                 const Videos& videos, Statistics statistics) {
  return Apart(BatchNormalise(arrays, name, rows, statistics), videos);
}

/// Convolutions over 1 to `banks` frames side by side.
Videos Bank(const Arrays& arrays, const Videos& videos, int banks, Statistics statistics) {
  Matrix all(AllRows(videos).size());
  for (int k = 1; k <= banks; ++k) {
    const Matrix rows = Relu(AllRows(ConvolveAll(arrays, "bank" + std::to_string(k), videos)));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      all[i].insert(all[i].end(), rows[i].begin(), rows[i].end());
    }
  }
  return Normalise(arrays, "bank_norm", all, videos, statistics);
}

Matrix MaxOfNeighbours(const Matrix& frames) {
  Matrix result = frames;
  for (std::size_t t = 0; t + 1 < frames.size(); ++t) {
    for (std::size_t j = 0; j < frames[t].size(); ++j) {
      result[t][j] = std::max(frames[t][j], frames[t + 1][j]);
    }
  }
  return result;
}

Vector Highway(const Arrays& arrays, const std::string& name, const Vector& x) {
  const Vector transformed = Linear(arrays, name + ".transform", x);
  const Vector gate = Linear(arrays, name + ".gate", x);
  Vector y = x;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double share = Sigmoid(gate[i]);
    y[i] = share * std::max(transformed[i], 0.0) + (1 - share) * x[i];
  }
  return y;
}

/// States of one direction, reset gate after the recurrent product.
Matrix Gru(const Arrays& arrays, const std::string& suffix, const Matrix& inputs) {
  const std::string cell = "stack.layer0.";
  const std::size_t hidden = arrays.at(cell + "weight_hh_l0" + suffix).size(1);
  const auto product = [&](const std::string& part, const Vector& x, std::size_t row) {
    const Array& weight = arrays.at(cell + "weight_" + part + "_l0" + suffix);
    double y = arrays.at(cell + "bias_" + part + "_l0" + suffix)(row);
    for (std::size_t i = 0; i < x.size(); ++i) y += weight(row, i) * x[i];
    return y;
  };
  Vector h(hidden, 0.0);
  Matrix states;
  for (const Vector& x : inputs) {
    Vector next(hidden);
    for (std::size_t i = 0; i < hidden; ++i) {
      const double reset = Sigmoid(product("ih", x, i) + product("hh", h, i));
      const double update = Sigmoid(product("ih", x, hidden + i) + product("hh", h, hidden + i));
      const double candidate =
          std::tanh(product("ih", x, 2 * hidden + i) + reset * product("hh", h, 2 * hidden + i));
      next[i] = (1 - update) * candidate + update * h[i];
    }
    h = next;
    states.push_back(h);
  }
  return states;
}

Matrix BothDirections(const Arrays& arrays, const Matrix& inputs) {
  Matrix states = Gru(arrays, "", inputs);
  Matrix backward = Gru(arrays, "_reverse", {inputs.rbegin(), inputs.rend()});
  for (std::size_t t = 0; t < states.size(); ++t) {
    const Vector& other = backward[states.size() - 1 - t];
    states[t].insert(states[t].end(), other.begin(), other.end());
  }
  return states;
}

struct Structure {
  std::string name;
  int banks, highway;
  std::int64_t prenet, half;
};

Videos States(const Arrays& arrays, const Videos& videos, const Structure& structure,
              Statistics statistics) {
  Matrix rows = AllRows(videos);
  if (structure.prenet > 0) rows = Relu(LinearRows(arrays, "prenet", rows));
  Videos frames = Bank(arrays, Apart(rows, videos), structure.banks, statistics);
  for (Matrix& video : frames) video = MaxOfNeighbours(video);
  frames = Normalise(arrays, "inner_norm", Relu(AllRows(ConvolveAll(arrays, "inner", frames))),
                     videos, statistics);
  const Matrix convolved = AllRows(Normalise(
      arrays, "outer_norm", AllRows(ConvolveAll(arrays, "outer", frames)), videos, statistics));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t j = 0; j < rows[i].size(); ++j) rows[i][j] += convolved[i][j];
  }
  if (arrays.contains("to_half.weight")) rows = LinearRows(arrays, "to_half", rows);
  for (int layer = 0; layer < structure.highway; ++layer) {
    for (Vector& row : rows) row = Highway(arrays, "highway" + std::to_string(layer), row);
  }
  frames = Apart(rows, videos);
  for (Matrix& video : frames) video = BothDirections(arrays, video);
  return frames;
}

reference::Forward Cbhg(const Structure& structure, Statistics statistics) {
  return [=](const Arrays& arrays, const Videos& videos) {
    Matrix means;
    for (const Matrix& states : States(arrays, videos, structure, statistics)) {
      means.push_back(MeanRow(states));
    }
    return means;
  };
}

// ---- Equations ----------------------------------------------------------------------------------

class CbhgTest : public ::testing::TestWithParam<Structure> {
 protected:
  static std::shared_ptr<Temporal> Make() {
    return MakeTemporal("cbhg",
                        {{"banks", GetParam().banks},
                         {"filters", 2},
                         {"projection", 2},
                         {"prenet", GetParam().prenet},
                         {"half", GetParam().half},
                         {"highway", GetParam().highway}},
                        kWidth);
  }
  static Sequence Input() { return contract::RandomSequence(kLengths, kFrames, kWidth); }
};

TEST_P(CbhgTest, FollowsTheEquationsInEvaluation) {
  const auto module = Make();
  module->eval();
  EXPECT_EQ(module->output_width(), 2 * GetParam().half);
  ExpectMatches(*module, RowsOf(*module), Cbhg(GetParam(), Statistics::kRunning), Input());
}

TEST_P(CbhgTest, FollowsTheEquationsInTraining) {
  const auto module = Make();
  ExpectMatches(*module, RowsOf(*module), Cbhg(GetParam(), Statistics::kOfTheBatch), Input());
}

TEST_P(CbhgTest, GivesEachFramesState) {
  const auto module = Make();
  module->eval();
  module->to(torch::kDouble);
  Sequence input = Input();
  input.frames = input.frames.to(torch::kDouble);
  EXPECT_EQ(module->states_width(), 2 * GetParam().half);
  const Sequence states = module->States(input, {});
  EXPECT_EQ(states.frames.masked_fill(input.mask.unsqueeze(-1), 0).abs().max().item<double>(), 0);
  const Matrix actual = AllRows(reference::VideosOf(states));
  const Matrix expected = AllRows(States(reference::ArraysOf(*module), reference::VideosOf(input),
                                         GetParam(), Statistics::kRunning));
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    for (std::size_t j = 0; j < actual[i].size(); ++j) {
      EXPECT_NEAR(actual[i][j], expected[i][j], 1e-10);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Structures, CbhgTest,
                         ::testing::Values(Structure{"Prenet", 4, 2, 4, 2},
                                           Structure{"AsTheyAre", 2, 1, 0, 2},
                                           Structure{"HalfIsTheWidth", 3, 0, 0, 3}),
                         [](const auto& info) { return info.param.name; });

TEST(Cbhg, HighwaysBeginAsPassages) {
  torch::manual_seed(1);
  const auto module = Makers<Temporal>::All().at("cbhg")(
      {.input_width = kWidth}, reference::WithDefaults("temporal", "cbhg", {{"half", 4}}));
  for (const auto& item : module->named_parameters()) {
    if (item.key() == "highway0.gate.bias") {
      EXPECT_TRUE(item.value().eq(-1).all().item<bool>());
    }
  }
}

// ---- Sizes --------------------------------------------------------------------------------------

TEST(Cbhg, HasTheSizesOfTacotronsCells) {
  // LibTorch's GRU has a second bias: 3 values a cell and direction.
  const auto second_bias = [](std::int64_t half) { return 2 * 3 * half; };
  EXPECT_EQ(CountOf("cbhg", {}, PaperFeatures()), 6'010'880 + second_bias(128));
  EXPECT_EQ(CountOf("cbhg", {{"prenet", 0}, {"half", 512}}, PaperFeatures()),
            27'139'840 + second_bias(512));
  EXPECT_EQ(CountOf("cbhg", {{"banks", 8}, {"projection", 256}, {"prenet", 0}, {"half", 512}},
                    PaperFeatures()),
            12'832'128 + second_bias(512));
}

}  // namespace cbhg_test
}  // namespace beamgrid::trainer

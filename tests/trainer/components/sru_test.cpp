// Simple recurrent units against their equations in plain loops.

#include "tests/trainer/components/recurrent_reference.h"

namespace beamgrid::trainer {
namespace sru_test {

using namespace reference;  // the whole test is written in its words

constexpr std::int64_t kWidth = 3;

Sequence Input() { return contract::RandomSequence(kLengths, kFrames, kWidth); }

// f, r = sigmoid(W x + b), c = f c + (1 - f) W x, h = r tanh(c) + (1 - r) x.
LayerFunction SruLayer() {
  return
      [](const Arrays& arrays, const std::string& cell, const std::string&, const Matrix& inputs) {
        const Array& weight = arrays.at(cell + ".weight");
        const Array& bias = arrays.at(cell + ".bias");
        const std::size_t hidden = bias.size(0) / 2;
        const bool same = weight.size(0) == 3 * hidden;
        Vector c(hidden, 0.0);
        Matrix states;
        for (const Vector& x : inputs) {
          Vector h(hidden, 0.0);
          for (std::size_t i = 0; i < hidden; ++i) {
            const auto product = [&](std::size_t part) {
              double sum = 0;
              for (std::size_t j = 0; j < x.size(); ++j) sum += weight(part * hidden + i, j) * x[j];
              return sum;
            };
            const double forget = Sigmoid(product(1) + bias(i));
            const double reset = Sigmoid(product(2) + bias(hidden + i));
            c[i] = forget * c[i] + (1 - forget) * product(0);
            h[i] = reset * std::tanh(c[i]) + (1 - reset) * (same ? x[i] : product(3));
          }
          states.push_back(h);
        }
        return states;
      };
}

TEST(Sru, FollowsTheEquations) {
  for (const std::int64_t hidden : {std::int64_t{2}, kWidth}) {
    for (const char* pool : {"last", "mean", "max"}) {
      const auto module = MakeTemporal("sru", {{"hidden", hidden}, {"pool", pool}}, kWidth);
      EXPECT_EQ(module->output_width(), hidden);
      ExpectMatches(*module, RowsOf(*module), Stack(SruLayer(), 1, pool), Input());
    }
  }
}

TEST(Sru, StacksLayers) {
  const auto module = MakeTemporal("sru", {{"hidden", 2}, {"layers", 2}}, kWidth);
  ExpectMatches(*module, RowsOf(*module), Stack(SruLayer(), 2, "last"), Input());
}

TEST(Sru, HasThePapersSizes) {
  EXPECT_EQ(CountRecurrent("sru", {{"hidden", 1152}}), 3 * 1152 * 1152 + 2 * 1152);
  EXPECT_EQ(CountRecurrent("sru", {{"hidden", 1024}}), 4 * 1024 * 1152 + 2 * 1024);
}

}  // namespace sru_test
}  // namespace beamgrid::trainer

// LSTMs with peepholes against Zhao 2017's equations in plain loops.

#include "tests/trainer/components/recurrent_reference.h"

namespace beamgrid::trainer {
namespace peephole_test {

using namespace reference;  // the whole test is written in its words

constexpr std::int64_t kWidth = 3;

Sequence Input() { return contract::RandomSequence(kLengths, kFrames, kWidth); }

// i, f = sigmoid(W x + U h + p o c + b), g = tanh(W x + U h + b), c' = f c + i g,
// o = sigmoid(W x + U h + p o c' + b), h' = o tanh(c').
LayerFunction PeepholeLayer() {
  return [](const Arrays& arrays, const std::string& cell, const std::string& suffix,
            const Matrix& inputs) {
    const std::size_t hidden = HiddenOf(arrays, cell, suffix);
    const Array& peephole = arrays.at(cell + ".peephole_l0" + suffix);
    Vector h(hidden, 0.0), c(hidden, 0.0);
    Matrix states;
    for (const Vector& x : inputs) {
      const auto gate = [&](std::size_t index) {
        return Sum(Gate(arrays, cell, "ih", suffix, x, index * hidden, hidden),
                   Gate(arrays, cell, "hh", suffix, h, index * hidden, hidden));
      };
      const Vector input = gate(0), forget = gate(1), candidate = gate(2), output = gate(3);
      for (std::size_t i = 0; i < hidden; ++i) {
        const double memory = Sigmoid(forget[i] + peephole(1, i) * c[i]) * c[i] +
                              Sigmoid(input[i] + peephole(0, i) * c[i]) * std::tanh(candidate[i]);
        h[i] = Sigmoid(output[i] + peephole(2, i) * memory) * std::tanh(memory);
        c[i] = memory;
      }
      states.push_back(h);
    }
    return states;
  };
}

TEST(Peepholes, FollowTheEquations) {
  for (const int layers : {1, 2}) {
    const auto module =
        MakeTemporal("lstm", {{"hidden", 2}, {"layers", layers}, {"peepholes", true}}, kWidth);
    ExpectMatches(*module, RowsOf(*module), Stack(PeepholeLayer(), layers, "last"), Input());
  }
}

TEST(Peepholes, AreThereInBothDirections) {
  for (const char* pool : {"final", "mean"}) {
    const auto module = MakeTemporal(
        "blstm", {{"hidden", 2}, {"residual", false}, {"pool", pool}, {"peepholes", true}}, kWidth);
    ExpectMatches(*module, RowsOf(*module), Bidirectional(PeepholeLayer(), 1, pool), Input());
  }
}

TEST(Peepholes, AreThreeValuesACell) {
  const auto more = [](const std::string& name, Options set) {
    const std::int64_t without = CountRecurrent(name, set);
    set["peepholes"] = true;
    return CountRecurrent(name, set) - without;
  };
  EXPECT_EQ(more("lstm", {{"hidden", 1024}}), 3 * 1024);
  EXPECT_EQ(more("blstm", {{"hidden", 1024}, {"layers", 2}, {"residual", false}}), 4 * 3 * 1024);
}

// The other numbers that are drawn, and so every trial without peepholes, stay what they are.
TEST(Peepholes, LeaveTheOtherInitialValuesAlone) {
  const auto initial = [](bool peepholes) {
    torch::manual_seed(1);
    return Makers<Temporal>::All().at("lstm")(
        {.input_width = kWidth},
        WithDefaults("temporal", "lstm", {{"hidden", 4}, {"peepholes", peepholes}}));
  };
  const auto with = initial(true)->named_parameters(), without = initial(false)->named_parameters();
  for (const auto& item : without) EXPECT_TRUE(item.value().equal(with[item.key()])) << item.key();
  EXPECT_EQ(with.size(), without.size() + 1);
}

TEST(Peepholes, AreRefusedBesideLayerNorm) {
  EXPECT_THROW(MakeTemporal("lstm", {{"layer_norm", true}, {"peepholes", true}}, kWidth),
               SpecError);
}

}  // namespace peephole_test
}  // namespace beamgrid::trainer

// The chunked LSTM against its equations in plain loops.

#include "tests/trainer/components/recurrent_reference.h"

namespace beamgrid::trainer {
namespace hierarchical_lstm_test {

using namespace reference;  // the whole test is written in its words

constexpr std::int64_t kWidth = 2;

/// Chunks of 2: lengths that end a chunk, begin one, and are shorter than one.
Sequence Input() { return contract::RandomSequence({5, 1, 4, 2, 3}, 6, kWidth); }

/// States of all steps of `layers` layers "<level>.layer0" ..., and the top layer's last memory.
LstmTrace Level(const Arrays& arrays, const std::string& level, int layers, Matrix inputs) {
  LstmTrace trace;
  for (int layer = 0; layer < layers; ++layer) {
    trace = TraceLstm(arrays, level + ".layer" + std::to_string(layer), "", inputs);
    inputs = trace.states;
  }
  return trace;
}

Forward Chunked(std::size_t chunk, int layers, bool joins_memory) {
  return [=](const Arrays& arrays, const Videos& videos) {
    Matrix embeddings;
    for (const Matrix& video : videos) {
      Matrix parts;
      for (std::size_t begin = 0; begin < video.size(); begin += chunk) {
        const auto first = video.begin() + static_cast<std::ptrdiff_t>(begin);
        const auto end =
            video.begin() + static_cast<std::ptrdiff_t>(std::min(begin + chunk, video.size()));
        const LstmTrace lower = Level(arrays, "lower", layers, Matrix(first, end));
        parts.push_back(joins_memory ? lower.memory : Vector());
        Append(parts.back(), lower.states.back());
      }
      embeddings.push_back(Level(arrays, "upper", layers, parts).states.back());
    }
    return embeddings;
  };
}

TEST(HierarchicalLstm, ReadsChunksAndThenTheirStates) {
  for (const std::int64_t chunk : {1, 2, 3, 15}) {
    SCOPED_TRACE(chunk);
    const auto module =
        MakeTemporal("hierarchical_lstm", {{"hidden", 2}, {"chunk", chunk}}, kWidth);
    EXPECT_EQ(module->output_width(), 2);
    EXPECT_EQ(module->states_width(), 0) << "there is no state for each frame";
    ExpectMatches(*module, RowsOf(*module), Chunked(static_cast<std::size_t>(chunk), 1, false),
                  Input());
  }
}

TEST(HierarchicalLstm, HandsTheMemoryUp) {
  const auto module = MakeTemporal("hierarchical_lstm",
                                   {{"hidden", 2}, {"chunk", 2}, {"chunk_state", "state"}}, kWidth);
  ExpectMatches(*module, RowsOf(*module), Chunked(2, 1, true), Input());
}

TEST(HierarchicalLstm, StacksLayersAtBothLevels) {
  const auto module =
      MakeTemporal("hierarchical_lstm", {{"hidden", 1}, {"chunk", 2}, {"layers", 2}}, kWidth);
  ExpectMatches(*module, RowsOf(*module), Chunked(2, 2, false), Input());
}

TEST(HierarchicalLstm, AddsSkipConnectionsWhereWidthsMatch) {
  EXPECT_TRUE(
      MakeTemporal("hierarchical_lstm", {{"hidden", 3}}, kWidth, true)->adds_skip_connections())
      << "the upper level is as wide as what it reads";
  EXPECT_FALSE(
      MakeTemporal("hierarchical_lstm", {{"hidden", 3}, {"chunk_state", "state"}}, kWidth, true)
          ->adds_skip_connections());
}

TEST(HierarchicalLstm, HasTheSizesOfTheFormulas) {
  constexpr std::int64_t kSecondBiases = 2 * 4 * 1024;
  EXPECT_EQ(CountRecurrent("hierarchical_lstm", {}), 17'309'696 + kSecondBiases);
  EXPECT_EQ(CountRecurrent("hierarchical_lstm", {{"chunk_state", "state"}}),
            21'504'000 + kSecondBiases);
}

}  // namespace hierarchical_lstm_test
}  // namespace beamgrid::trainer

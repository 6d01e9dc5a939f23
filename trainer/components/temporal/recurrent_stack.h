#pragma once
// A stack of recurrent layers over ragged videos, and the temporal component that is such a stack:
// what rnn, lstm, gru, blstm and bigru have in common.
//
// Padding is never seen: the backward direction starts at each video's last valid frame.

#include <memory>
#include <string>
#include <vector>

#include "trainer/components/temporal/recurrent_layer.h"

namespace beamgrid::trainer {

/// StackOutput is what the top layer leaves behind; see LayerOutput.
struct StackOutput {
  torch::Tensor states;         ///< [batch, frames, output width], padding 0
  torch::Tensor memory;         ///< [batch, output width], or undefined
  torch::Tensor candidate_sum;  ///< [batch, hidden], or undefined
};

/// LayerStack runs layers, each over the states of the one below.
class LayerStack : public torch::nn::Module {
 public:
  /// With `context.skip_connections`, a layer as wide as its input adds it to its output:
  /// h^l = h^l + h^(l-1). Zoneout is the context's, whatever `options` says.
  LayerStack(const BuildContext& context, LayerOptions options, std::int64_t layers);

  /// Runs over frames [batch, frames, input width].
  StackOutput forward(const Sequence& input);

  [[nodiscard]] std::int64_t output_width() const { return output_width_; }
  /// False also where skip connections are asked for but no layer is as wide as its input.
  [[nodiscard]] bool adds_skip_connections() const { return adds_skip_connections_; }

 private:
  std::int64_t output_width_;
  bool skip_connections_;
  bool adds_skip_connections_ = false;
  std::vector<std::unique_ptr<RecurrentLayer>> layers_;
};

// ---- The component ------------------------------------------------------------------------------

/// The words for how the states become one embedding; PoolStates explains them.
inline constexpr char kMeanPool[] = "mean";
inline constexpr char kLastPool[] = "last";
inline constexpr char kMaxPool[] = "max";
inline constexpr char kFinalPool[] = "final";  ///< of both directions, each at its own end

/// Pools states [B,T,W] over the valid frames. "last" takes the state of the last valid frame;
/// "final" that of the forward half, and of the backward half the state of the first frame.
[[nodiscard]] torch::Tensor PoolStates(const torch::Tensor& states, const torch::Tensor& mask,
                                       const std::string& pool);

/// StackOptions holds the options of a stack in one direction.
struct StackOptions {
  std::int64_t hidden = 1024;
  std::int64_t layers = 1;
  std::string pool = kLastPool;
};

/// Lists hidden, layers and pool (last, mean or max).
void Describe(Fields& f, StackOptions& o);

/// Lists the option `peepholes` of the LSTMs.
void DescribePeepholes(Fields& f, bool& peepholes);

/// RecurrentTemporal pools the states of a stack's top layer. Its States are those states.
class RecurrentTemporal : public Temporal {
 public:
  RecurrentTemporal(const BuildContext& context, const LayerOptions& options, std::int64_t layers,
                    std::string pool);

  torch::Tensor forward(const Sequence& input, const Targets& targets) override;
  [[nodiscard]] std::int64_t output_width() const override { return stack_->output_width(); }
  Sequence States(const Sequence& input, const Targets& targets) override;
  [[nodiscard]] std::int64_t states_width() const override { return stack_->output_width(); }
  [[nodiscard]] bool adds_skip_connections() const override {
    return stack_->adds_skip_connections();
  }
  [[nodiscard]] bool applies_zoneout() const override { return true; }

 protected:
  [[nodiscard]] LayerStack& stack() { return *stack_; }
  [[nodiscard]] const std::string& pool() const { return pool_; }

 private:
  std::string pool_;
  std::shared_ptr<LayerStack> stack_;
};

}  // namespace beamgrid::trainer

// NetVLAD (Miech et al. 2017, Learnable pooling with Context Gating for video classification, after
// Arandjelovic et al. 2016), with the frame projection that the model sizes of Kim et al. 2018
// (Temporal Attention Mechanism with Conditional Inference for Large-Scale Multi-Label Video
// Classification) imply:
//   x_t = BN(P f_t + p)                                   P: projection, if any
//   a_t = softmax_k(BN(x_t W))                            W: assignment
//   V_k = normalised sum_t a_tk (x_t - c_k)               c: centres
//   y   = H normalised(V) + h                             H: hidden
//   e   = y * sigmoid(BN(G y))                            G: gate, if any

#include "trainer/batch_norm.h"
#include "trainer/component.h"
#include "trainer/components/linear_layers.h"
#include "trainer/valid_rows.h"

namespace beamgrid::trainer {
namespace {

struct NetVladOptions {
  std::int64_t clusters = 64;
  std::int64_t hidden = 512;
  std::int64_t frame_projection = 512;
  bool gating = true;
};

void Describe(Fields& f, NetVladOptions& o) {
  f("clusters", o.clusters, Range{1, 4096}, "codebook size").Tag("C").AlwaysNamed();
  f("hidden", o.hidden, Range{1, 8192}, "width of the embedding").Tag("H");
  f("frame_projection", o.frame_projection, Range{0, 8192},
    "width that frames are projected to first; 0: as they are, which makes the hidden layer huge")
      .Tag("P");
  f("gating", o.gating, "context gate (with batch norm) on the embedding");
}

class NetVlad : public Temporal {
 public:
  NetVlad(const BuildContext& context, const NetVladOptions& options) : hidden_(options.hidden) {
    std::int64_t width = context.input_width;
    if (options.frame_projection > 0) {
      projection_ = register_module("projection", XavierLinear(width, options.frame_projection));
      width = options.frame_projection;
    }
    BuildPooling(width, options.clusters);
    if (!options.gating) return;
    gate_ = register_module("gate", NormalLinearWithoutBias(hidden_, hidden_));
    gate_norm_ = register_module("gate_norm", BatchNorm(hidden_));
  }

  torch::Tensor forward(const Sequence& input, const Targets& /*targets*/) override {
    const ValidRows valid(input.mask);
    torch::Tensor rows = valid.Gather(input.frames);
    if (projection_) rows = projection_(rows);
    rows = input_norm_(rows);
    const torch::Tensor weights = assignment_norm_(Product(rows, assignment_)).softmax(-1);
    const torch::Tensor embedding =
        to_hidden_(Residuals(valid.Scatter(rows), valid.Scatter(weights)));
    return gate_ ? embedding * gate_norm_(gate_(embedding)).sigmoid() : embedding;
  }

  [[nodiscard]] std::int64_t output_width() const override { return hidden_; }

 private:
  void BuildPooling(std::int64_t width, std::int64_t clusters) {
    input_norm_ = register_module("input_norm", BatchNorm(width));
    assignment_ = register_parameter("assignment", torch::empty({width, clusters}));
    assignment_norm_ = register_module("assignment_norm", BatchNorm(clusters));
    centres_ = register_parameter("centres", torch::empty({width, clusters}));
    to_hidden_ = register_module("to_hidden", Linear(width * clusters, hidden_));
    InitialiseNormal(assignment_, width);
    InitialiseNormal(centres_, width);
    // By the clusters and not by the inputs, width * clusters, as the reference code does: the
    // input has length 1 whatever its width.
    InitialiseNormal(to_hidden_->weight, clusters);
    torch::nn::init::zeros_(to_hidden_->bias);
  }

  /// frames [B,T,W], weights [B,T,K], both 0 on padding -> [B, W*K] of length 1.
  [[nodiscard]] torch::Tensor Residuals(const torch::Tensor& frames,
                                        const torch::Tensor& weights) const {
    const torch::Tensor mass = weights.sum(1, /*keepdim=*/true);
    // sum_t a_tk (x_t - c_k) = sum_t a_tk x_t - (sum_t a_tk) c_k: no [B,T,W,K], which would be
    // gigabytes.
    const torch::Tensor residuals = Product(frames.transpose(1, 2), weights) - mass * centres_;
    return L2Normalise(L2Normalise(residuals, 1).flatten(1), 1);
  }

  std::int64_t hidden_;
  Linear projection_{nullptr};
  BatchNorm input_norm_{nullptr};
  torch::Tensor assignment_;  // [width, clusters]
  BatchNorm assignment_norm_{nullptr};
  torch::Tensor centres_;  // [width, clusters]
  Linear to_hidden_{nullptr};
  Linear gate_{nullptr};
  BatchNorm gate_norm_{nullptr};
};

REGISTER_COMPONENT(Temporal, "netvlad", NetVlad, NetVladOptions,
                   {.label = "NetVLAD",
                    .source = "Miech et al. 2017, Learnable pooling with Context Gating for video "
                              "classification; Kim et al. 2018",
                    .help = "Residuals of the frames to learned centres, softly assigned, "
                            "normalised and projected. The defaults are the one structure that "
                            "gives the model sizes of Kim et al. 2018; frame_projection = 0 and "
                            "hidden = 1024 is Miech et al.'s. All valid frames are used, none is "
                            "sampled."});

}  // namespace
}  // namespace beamgrid::trainer

// Center loss, L = cross entropy + lambda * C (Na et al. 2017, eq. 21-22), with a centre c_k per
// class and the embedding e that the classifier received (the mean over the sets where there are
// several):
//   mean: C = mean over all (video, label) pairs of the batch and all dimensions of (e - c_k)^2
//   sum:  C = mean over the batch of 1/N sum over the video's N labels of ||e - c_k||^2
// [reading] "sum" is the paper's text, "mean" its code; they differ by about the embedding's width,
// and lambda = 0.001 belongs to the code's, which is the default.
//
// Centres start at 0 and are not trained by gradient: each occurrence of a label moves its centre,
// c -= 0.05 (c - e). [reading] The paper does not say what several occurrences in one batch do:
// here they act one after the other, in the batch's order. The code subtracts all their differences
// from the old centre at once: the same for the few occurrences that most labels have, but beyond
// 40 of one label it would drive the centre away.

#include <cmath>

#include "trainer/component.h"
#include "trainer/components/loss/element_cross_entropy.h"

namespace beamgrid::trainer {
namespace {

constexpr double kKept = 0.95;  ///< of a centre, at each occurrence of its label

struct CenterOptions {
  double lambda = 0.001;
  std::string form = "mean";
};

void Describe(Fields& f, CenterOptions& o) {
  f("lambda", o.lambda, Range{0, 1e6}, "weight of the distance to the labels' centres")
      .AlwaysNamed();
  f("form", o.form, Choices{{"mean", "sum"}},
    "squared differences: mean over the batch's labels and all dimensions (code), or a video's "
    "mean over its labels of the sum over dimensions (paper)");
}

/// [batch, d] or [batch, sets, d] -> [batch, d]
torch::Tensor OnePerVideo(const torch::Tensor& embedding) {
  return embedding.dim() == 3 ? embedding.mean(1) : embedding;
}

class Center : public Loss {
 public:
  Center(const BuildContext& context, const CenterOptions& options) : options_(options) {
    if (context.input_width == 0) {
      throw SpecError(
          "loss = center: the classifier scores each frame, so that there is no embedding of the "
          "video to have centres for; use another classifier or loss");
    }
    // A buffer and no parameter: the optimiser must not move it, but checkpoints must hold it.
    centres_ = register_buffer("centres", torch::zeros({context.classes, context.input_width}));
  }

  torch::Tensor forward(const torch::Tensor& probabilities, const torch::Tensor& embedding,
                        const Targets& targets) override {
    const torch::Tensor cross_entropy =
        MeanOverVideos(Weighted(ElementCrossEntropy(probabilities, targets), targets));
    return cross_entropy + options_.lambda * Distance(OnePerVideo(embedding), targets);
  }

  void Remember(const torch::Tensor& embedding, const Targets& targets) override {
    const torch::NoGradGuard no_gradient;
    // One after the other, without a loop: behind the last of n occurrences the centre is
    //   0.95^n c + sum over the i-th of 0.05 * 0.95^(n - i) e_i,
    // and `so_far` is i for each pair.
    const torch::Tensor occurs = (PairWeights(targets) > 0).to(centres_.scalar_type());
    const torch::Tensor so_far = occurs.cumsum(0);
    const torch::Tensor count = so_far.slice(0, -1).t();  // [classes, 1]
    const torch::Tensor share = occurs * (1 - kKept) * torch::pow(kKept, count.t() - so_far);
    const torch::Tensor moved = share.t().matmul(OnePerVideo(embedding).to(share.scalar_type()));
    centres_.mul_(torch::pow(kKept, count)).add_(moved);
  }

 private:
  /// [batch, classes]: share of each label that is there, 0 for the others.
  static torch::Tensor PairWeights(const Targets& targets) {
    return Weighted(targets.labels, targets);
  }

  [[nodiscard]] torch::Tensor Distance(const torch::Tensor& embedding,
                                       const Targets& targets) const {
    const torch::Tensor weights = PairWeights(targets);
    // Only the pairs that are there: three of some thousand labels a video, each with a row of
    // width d.
    const torch::Tensor pairs = weights.nonzero();  // [pairs, 2]: video, label
    const torch::Tensor videos = pairs.select(1, 0);
    const torch::Tensor difference = embedding.to(centres_.scalar_type()).index_select(0, videos) -
                                     centres_.index_select(0, pairs.select(1, 1));
    const torch::Tensor squares = difference.square().sum(1);
    const torch::Tensor weight = weights.masked_select(weights != 0);  // in the order of `pairs`
    if (options_.form == "mean") {
      const auto width = static_cast<double>(embedding.size(1));
      return (weight * squares).sum() / (weight.sum() * width).clamp_min(kLeast);
    }
    const torch::Tensor labels = weights.sum(1).index_select(0, videos);
    return (weight * squares / labels).sum() / static_cast<double>(embedding.size(0));
  }

  static constexpr double kLeast = 1e-12;  ///< a batch without any label has the distance 0

  CenterOptions options_;
  torch::Tensor centres_;  ///< [classes, d], buffer
};

REGISTER_COMPONENT(Loss, "center", Center, CenterOptions,
                   {.label = "Center",
                    .source = "Na et al. 2017, Encoding Video and Label Priors for Multi-label "
                              "Video Classification on YouTube-8M dataset, section 2.5.1",
                    .help = "Cross entropy, plus the distance of a video's embedding to the "
                            "centres of its labels. Reading: squared differences averaged over "
                            "labels and dimensions, as in the authors' code."});

}  // namespace
}  // namespace beamgrid::trainer

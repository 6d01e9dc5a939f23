// Many-to-many (Na et al. 2017, Encoding Video and Label Priors for Multi-label Video
// Classification on YouTube-8M dataset, section 2.3.1): the mean of the frames' scores,
//   p = 1/n sum_(t <= n) sigmoid(W h_t + b)
// over the n valid frames. The authors' code averages all 300 steps, which adds sigmoid(b) for each
// step of padding. With temporal = "mean", whose states are the frames, this is the frame-level
// logistic model of the YouTube-8M starter code.
//
// The frames' scores of a batch, [frames, classes], are its largest tensor by far (600 MB at the
// paper's sizes), so they are never held together: forward computes them in chunks of rows and
// keeps none, backward computes them again.

#include <algorithm>
#include <cstdint>
#include <vector>

#include "trainer/component.h"
#include "trainer/components/linear_layers.h"
#include "trainer/valid_rows.h"

namespace beamgrid::trainer {
namespace {

/// With 3862 classes 63 MB of scores at once: enough rows for a product at full speed.
constexpr std::int64_t kRowsAtOnce = 4096;

constexpr char kArithmetic[] = "arithmetic";  ///< of forward, for backward

/// Calls `use(begin, count)` for consecutive chunks that make up `rows` rows.
template <typename Use>
void ForChunks(std::int64_t rows, const Use& use) {
  for (std::int64_t begin = 0; begin < rows; begin += kRowsAtOnce) {
    use(begin, std::min(kRowsAtOnce, rows - begin));
  }
}

/// states [rows, width], weight [classes, width], bias [classes]; shares [videos, rows] is 1/n
/// where the row is a frame of the video, which has n. -> [videos, classes]. The means are fp32 in
/// any arithmetic.
class MeanOfScores : public torch::autograd::Function<MeanOfScores> {
 public:
  using Context = torch::autograd::AutogradContext;
  using Tensors = torch::autograd::variable_list;

  static torch::Tensor forward(Context* context, const torch::Tensor& states,
                               const torch::Tensor& weight, const torch::Tensor& bias,
                               const torch::Tensor& shares) {
    context->save_for_backward({states, weight, bias, shares});
    context->saved_data[kArithmetic] = static_cast<std::int64_t>(CurrentArithmetic());
    torch::Tensor means = torch::zeros({shares.size(0), weight.size(0)}, states.options());
    ForChunks(states.size(0), [&](std::int64_t begin, std::int64_t count) {
      means.addmm_(shares.narrow(1, begin, count),
                   LinearProduct(states.narrow(0, begin, count), weight, bias).sigmoid_());
    });
    return means;
  }

  static Tensors backward(Context* context, const Tensors& outputs) {
    const Tensors saved = context->get_saved_variables();
    const torch::Tensor &states = saved[0], &weight = saved[1], &bias = saved[2],
                        &shares = saved[3];
    const torch::Tensor& into_means = outputs[0];
    const ProductsIn arithmetic(
        static_cast<Arithmetic>(context->saved_data.at(kArithmetic).toInt()));
    torch::Tensor into_states = torch::empty_like(states);
    torch::Tensor into_weight = torch::zeros_like(weight);
    torch::Tensor into_bias = torch::zeros_like(bias);
    ForChunks(states.size(0), [&](std::int64_t begin, std::int64_t count) {
      const torch::Tensor rows = states.narrow(0, begin, count);
      const torch::Tensor scores = LinearProduct(rows, weight, bias).sigmoid_();
      torch::Tensor into_logits = shares.narrow(1, begin, count).t().matmul(into_means);
      into_logits.mul_(scores).mul_(1 - scores);
      into_states.narrow(0, begin, count).copy_(Product(into_logits, weight));
      into_weight = AddProduct(into_weight, into_logits.t(), rows);
      into_bias.add_(into_logits.sum(0));
    });
    // None for the shares, which are constants.
    return {into_states, into_weight, into_bias, torch::Tensor()};
  }
};

struct ManyToManyOptions {};

void Describe(Fields& /*fields*/, ManyToManyOptions& /*options*/) {}

class ManyToMany : public FrameClassifier {
 public:
  ManyToMany(const BuildContext& context, const ManyToManyOptions& /*options*/)
      : linear_(register_module("linear", XavierLinear(context.input_width, context.classes))) {}

  Scores forward(const Sequence& states, const Targets& /*targets*/) override {
    const torch::Tensor rows = ValidRows(states.mask).Gather(states.frames);
    return {.probabilities = MeanOfScores::apply(rows, linear_->weight, linear_->bias,
                                                 Shares(states.mask, rows.options()))};
  }

  std::vector<torch::Tensor> RegularisedWeights() override { return {linear_->weight}; }

 private:
  /// [videos, rows]: the mean over each video's frames as a matrix, so that one product takes all
  /// means.
  static torch::Tensor Shares(const torch::Tensor& mask, const torch::TensorOptions& options) {
    const torch::Tensor videos = torch::arange(mask.size(0), mask.options().dtype(torch::kLong));
    const torch::Tensor video_of_frame = videos.unsqueeze(1).expand_as(mask).masked_select(mask);
    const torch::Tensor frames = mask.sum(1, /*keepdim=*/true).to(options.dtype());
    return (videos.unsqueeze(1) == video_of_frame).to(options.dtype()) / frames;
  }

  Linear linear_;
};

REGISTER_COMPONENT(FrameClassifier, "many_to_many", ManyToMany, ManyToManyOptions,
                   {.label = "M2M",
                    .source = "Na et al. 2017, Encoding Video and Label Priors for Multi-label "
                              "Video Classification on YouTube-8M dataset, section 2.3.1",
                    .help = "One logistic regression per class scores the state of each valid "
                            "frame, and the scores are averaged. With temporal = \"mean\" the "
                            "states are the frames: the starter code's frame-level logistic "
                            "model."});

}  // namespace
}  // namespace beamgrid::trainer

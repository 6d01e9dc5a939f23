// Convolution over time (Na et al. 2017, Encoding Video and Label Priors for Multi-label Video
// Classification on YouTube-8M dataset, section 2.2.2), over all components of the frames at once:
//   o_t = ReLU(sum_k W_k I_(t+k) + b), k = 0 .. 4 (kernel - 1)                              (7)
//   e   = normalised max_t o_t
// The paper does not say that the result has length 1, its authors' code does. Only windows of
// valid frames count (in the code, windows over padding give ReLU(b)). [reading] The paper
// does not say what becomes of a video that is shorter than the kernel: here it is padded with
// zeros to one window.
//
// variant = "multi_kernel" is what other teams ran under the name (Wang et al. 2017, The
// Monkeytyping Solution to the YouTube-8M Video Understanding Challenge; Conde et al. 2019):
// kernels of 1, 2 and 3 frames that end at frame t, zeros before the first, neither bias nor ReLU:
//   e = normalised [max_t W1 I_t; max_t sum_k W2_k I_(t-k); max_t sum_k W3_k I_(t-k)]

#include "trainer/component.h"
#include "trainer/ops.h"

namespace beamgrid::trainer {
namespace {

constexpr std::int64_t kLongestOfSeveral = 3;

struct CnnOptions {
  std::int64_t channels = 1024;
  std::string variant = "na";
  bool normalise = true;
  std::int64_t kernel = 5;
};

void Describe(Fields& f, CnnOptions& o) {
  f("channels", o.channels, Range{1, 8192},
    "filters; multi_kernel: of kernels 1 and 2 each, kernel 3 has twice as many")
      .AlwaysNamed();
  f("variant", o.variant, Choices{{"na", "multi_kernel"}},
    "na: Na et al.'s one kernel with ReLU; multi_kernel: kernels of 1, 2 and 3 frames side "
    "by side, without bias and ReLU");
  f("normalise", o.normalise,
    "divide the maximum over time by its length, as the authors' code does and the paper does not "
    "say");
  f("kernel", o.kernel, Range{1, 300}, "frames that a filter of variant na sees at once").Tag("k");
}

class Cnn : public Temporal {
 public:
  Cnn(const BuildContext& context, const CnnOptions& options)
      : multi_kernel_(options.variant == "multi_kernel"),
        normalise_(options.normalise),
        kernel_(options.kernel) {
    if (multi_kernel_) {
      AddSeveral(context.input_width, options.channels);
    } else {
      Add({context.input_width, options.channels, kernel_});
    }
  }

  torch::Tensor forward(const Sequence& input, const Targets& /*targets*/) override {
    const torch::Tensor frames = ZeroPadding(input.frames, input.mask).transpose(1, 2);
    const torch::Tensor embedding = multi_kernel_ ? MaximaOfSeveral(frames, input.mask)
                                                  : MaximaOfFullWindows(frames, input.mask).relu();
    return normalise_ ? L2Normalise(embedding, 1) : embedding;
  }

  [[nodiscard]] std::int64_t output_width() const override { return output_width_; }

 private:
  void Add(const torch::nn::Conv1dOptions& options) {
    auto& convolution = convolutions_.emplace_back(register_module(
        "convolution" + std::to_string(convolutions_.size()), torch::nn::Conv1d(options)));
    torch::nn::init::xavier_uniform_(convolution->weight);
    if (options.bias()) torch::nn::init::zeros_(convolution->bias);
    output_width_ += options.out_channels();
  }

  void AddSeveral(std::int64_t width, std::int64_t channels) {
    for (std::int64_t kernel = 1; kernel <= kLongestOfSeveral; ++kernel) {
      const std::int64_t filters = kernel == kLongestOfSeveral ? 2 * channels : channels;
      Add(torch::nn::Conv1dOptions(width, filters, kernel).bias(false));
    }
  }

  /// Over windows that lie within the video, before ReLU, which does not change which is greatest.
  /// frames: [batch, width, frames].
  torch::Tensor MaximaOfFullWindows(torch::Tensor frames, const torch::Tensor& mask) {
    const std::int64_t missing = kernel_ - frames.size(2);
    if (missing > 0) frames = torch::constant_pad_nd(frames, {0, missing});
    const auto& convolution = convolutions_[0];
    const torch::Tensor outputs =
        ConvolutionProduct(frames, convolution->weight, convolution->bias, /*padding=*/0)
            .transpose(1, 2);
    const torch::Tensor windows = (mask.sum(1, /*keepdim=*/true) - (kernel_ - 1)).clamp_min(1);
    const torch::Tensor index =
        torch::arange(outputs.size(1), torch::dtype(torch::kLong).device(mask.device()));
    return MaskedMax(outputs, index.unsqueeze(0) < windows);
  }

  /// A window ends at each valid frame; those that the padding adds behind the last frame are cut
  /// off.
  torch::Tensor MaximaOfSeveral(const torch::Tensor& frames, const torch::Tensor& mask) {
    std::vector<torch::Tensor> maxima;
    for (const torch::nn::Conv1d& convolution : convolutions_) {
      const torch::Tensor& weight = convolution->weight;
      const torch::Tensor outputs =
          ConvolutionProduct(frames, weight, convolution->bias, /*padding=*/weight.size(2) - 1)
              .narrow(2, 0, mask.size(1));
      maxima.push_back(MaskedMax(outputs.transpose(1, 2), mask));
    }
    return torch::cat(maxima, 1);
  }

  bool multi_kernel_;
  bool normalise_;
  std::int64_t kernel_;
  std::int64_t output_width_ = 0;
  std::vector<torch::nn::Conv1d> convolutions_;
};

REGISTER_COMPONENT(
    Temporal, "cnn", Cnn, CnnOptions,
    {.label = "CNN",
     .source = "Na et al. 2017, Encoding Video and Label Priors for Multi-label Video "
               "Classification on YouTube-8M dataset, section 2.2.2",
     .help = "Convolution over time, its maximum over the windows that hold no padding. Videos "
             "shorter than the kernel are padded with zeros to one window."});

}  // namespace
}  // namespace beamgrid::trainer

// Position encoding (Na et al. 2017, Encoding Video and Label Priors for Multi-label Video
// Classification on YouTube-8M dataset, section 2.2.3; D is the frames' width):
//   L_ij = (1 - i/T) - (j/D) (1 - 2 i/T)
//   e    = normalised sum_i I_i o L_i                                                     (8, 9)
// The authors' code has T = 300 for every video and counts i and j from 0. The paper's T is the
// video's length. [reading] It does not say where i and j begin: with its T they count from 1. That
// the sum is divided by its length is in the code only. Weights may be negative: late frames where
// T is less than the video's length.
//
// With s = sum_i I_i and l = sum_i (i/T) I_i the sum is (s - l) - (j/D) (s - 2 l): no matrix L.

#include "trainer/component.h"
#include "trainer/ops.h"

namespace beamgrid::trainer {
namespace {

struct PositionEncodingOptions {
  OptionValue length = 300;
  bool normalise = true;
};

void Describe(Fields& f, PositionEncodingOptions& o) {
  f("length", o.length, Range{1, 9999}, Choices{{"video"}},
    "T: a number of frames that holds for all videos, positions from 0, as in the authors' code; "
    "video: the paper's, each video's own length, positions from 1")
      .Tag("T");
  f("normalise", o.normalise,
    "divide the sum by its length, as the authors' code does and the paper does not say");
}

class PositionEncoding : public Temporal {
 public:
  PositionEncoding(const BuildContext& context, const PositionEncodingOptions& options)
      : width_(context.input_width), length_(options.length), normalise_(options.normalise) {}

  torch::Tensor forward(const Sequence& input, const Targets& /*targets*/) override {
    const torch::Tensor valid = input.mask.to(input.frames.dtype());
    const torch::Tensor sums =
        torch::stack({valid, valid * Positions(valid)}, 1).matmul(input.frames);
    const torch::Tensor sum = sums.select(1, 0), late = sums.select(1, 1);
    const torch::Tensor encoded = (sum - late) - Columns(sum) * (sum - 2 * late);
    return normalise_ ? L2Normalise(encoded, 1) : encoded;
  }

  [[nodiscard]] std::int64_t output_width() const override { return width_; }

 private:
  [[nodiscard]] bool of_video() const { return length_.is_string(); }
  /// The number of the first frame and of the first column.
  [[nodiscard]] double first() const { return of_video() ? 1 : 0; }

  /// i/T. valid: [batch, frames], 1 or 0 -> the same or [1, frames].
  [[nodiscard]] torch::Tensor Positions(const torch::Tensor& valid) const {
    const torch::Tensor index = (torch::arange(valid.size(1), valid.options()) + first());
    if (of_video()) return index.unsqueeze(0) / valid.sum(1, /*keepdim=*/true);
    return index.unsqueeze(0) / static_cast<double>(length_.get_int64());
  }

  /// j/D. -> [width]
  [[nodiscard]] torch::Tensor Columns(const torch::Tensor& like) const {
    const torch::Tensor index = torch::arange(width_, like.options().requires_grad(false));
    return (index + first()) / static_cast<double>(width_);
  }

  std::int64_t width_;
  OptionValue length_;
  bool normalise_;
};

REGISTER_COMPONENT(
    Temporal, "position_encoding", PositionEncoding, PositionEncodingOptions,
    {.label = "PE",
     .source = "Na et al. 2017, Encoding Video and Label Priors for Multi-label Video "
               "Classification on YouTube-8M dataset, section 2.2.3",
     .help = "The sum of the frames, weighted by their position: early frames count in the first "
             "columns, late frames in the last. The default is the authors' code, which has one "
             "length for all videos; the paper's is each video's own."});

}  // namespace
}  // namespace beamgrid::trainer

// Compact bilinear pooling (Gao et al. 2016, Compact Bilinear Pooling; Fukui et al. 2016,
// Multimodal Compact Bilinear Pooling; tried by Na et al. 2017, Encoding Video and Label Priors for
// Multi-label Video Classification on YouTube-8M dataset, section 2.1). With fixed random buckets h
// and signs s for the image and for the audio, the count sketch of v is
//   psi(v)_j = sum over i with h(i) = j of s(i) v_i,  j = 0 .. width - 1,
// and the circular convolution of both sketches is the sketch of the outer product of v and a:
//   z_t = irfft(rfft(psi_v(v_t)) o rfft(psi_a(a_t))),  x_t = z_t / ||z_t||,
// normalised as in Na et al.'s code. Nothing is trained. Further features are convolved too: the
// sketch of the outer product of all.

#include <numeric>
#include <random>

#include "trainer/components/multimodal/feature_pair.h"
#include "trainer/ops.h"

namespace beamgrid::trainer {
namespace {

struct CompactBilinearOptions {
  std::int64_t width = 2048;
  std::int64_t sketch_seed = 0;
};

void Describe(Fields& f, CompactBilinearOptions& o) {
  f("width", o.width, Range{2, 65536}, "dimensions of the sketch").Tag("d");
  f("sketch_seed", o.sketch_seed, Range{0, 4294967295.0},
    "of the buckets and signs, which do not depend on the trial's seed: members of an ensemble may "
    "share or vary them");
}

template <typename Value>
torch::Tensor TensorOf(std::vector<Value>& values, torch::Dtype type) {
  // Cloned, because the vector's memory goes away.
  return torch::from_blob(values.data(), {static_cast<std::int64_t>(values.size())}, type).clone();
}

class CompactBilinear : public Multimodal {
 public:
  CompactBilinear(const BuildContext& context, const CompactBilinearOptions& options)
      : parts_(RequireParts(context, "compact_bilinear")), width_(options.width) {
    const auto width = static_cast<std::uint64_t>(width_);
    // The standard fixes this generator's numbers, but not those of its distributions.
    std::mt19937 generator(static_cast<std::mt19937::result_type>(options.sketch_seed));
    std::vector<std::int32_t> buckets;
    std::vector<std::int8_t> signs;
    const std::int64_t values =
        std::accumulate(parts_.widths.begin(), parts_.widths.end(), std::int64_t{0});
    for (std::int64_t i = 0; i < values; ++i) {
      buckets.push_back(static_cast<std::int32_t>(generator() % width));
      signs.push_back(generator() % 2 == 0 ? 1 : -1);
    }
    // Shipped with the model, 5 bytes a value: who loads it elsewhere need not draw the same
    // numbers.
    buckets_ = register_buffer("buckets", TensorOf(buckets, torch::kInt32));
    signs_ = register_buffer("signs", TensorOf(signs, torch::kInt8));
  }

  Sequence forward(const Sequence& input, const Targets& /*targets*/) override {
    torch::Tensor product;
    std::int64_t first = 0;
    for (const torch::Tensor& part : parts_.Of(input.frames)) {
      const torch::Tensor spectrum = torch::fft_rfft(Sketch(part, first));
      product = product.defined() ? product * spectrum : spectrum;
      first += part.size(-1);
    }
    // Nothing here has a bias: padding stays 0, and L2Normalise keeps zeros.
    return {L2Normalise(torch::fft_irfft(product, width_), -1), input.mask, input.lengths};
  }
  [[nodiscard]] std::int64_t output_width() const override { return width_; }

 private:
  /// `first`: number of the feature's first value. A product with a matrix that has one 1 or -1 in
  /// each row: on a GPU, adding to the buckets would round in another order each time.
  [[nodiscard]] torch::Tensor Sketch(const torch::Tensor& feature, std::int64_t first) const {
    const std::int64_t size = feature.size(-1);
    const torch::Tensor buckets = buckets_.narrow(0, first, size).unsqueeze(1);
    const torch::Tensor signs = signs_.narrow(0, first, size).unsqueeze(1);
    const torch::Tensor hits = buckets == torch::arange(width_, buckets_.options());
    return Product(feature, hits.to(feature.dtype()) * signs.to(feature.dtype()));
  }

  FeatureParts parts_;
  std::int64_t width_;
  torch::Tensor buckets_;  ///< [width of all features] int32, buffer
  torch::Tensor signs_;    ///< [width of all features] int8, 1 or -1, buffer
};

REGISTER_COMPONENT(
    Multimodal, "compact_bilinear", CompactBilinear, CompactBilinearOptions,
    {.label = "CBP",
     .source = "Gao et al. 2016, Compact Bilinear Pooling; Fukui et al. 2016, Multimodal Compact "
               "Bilinear Pooling; Na et al. 2017, section 2.1",
     .help = "A sketch of the outer product of the features, L2-normalised; has no "
             "parameters.",
     .least_features = 2});

}  // namespace
}  // namespace beamgrid::trainer

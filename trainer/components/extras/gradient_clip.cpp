// Gradient clipping, g := g * norm / max(||g||, norm), for each tensor by itself as in the
// YouTube-8M starter code, or with the norm over all of them.

#include "trainer/component.h"

namespace beamgrid::trainer {
namespace {

struct GradientClipOptions {
  double norm = 1;
  std::string type = "per_tensor";
};

void Describe(Fields& f, GradientClipOptions& o) {
  f("norm", o.norm, Range{1e-6, 1e6}, "greatest L2 norm of a gradient").AlwaysNamed();
  f("type", o.type, Choices{{"per_tensor", "global"}},
    "each parameter's gradient by itself, or all together");
}

std::vector<torch::Tensor> Gradients(const std::vector<torch::Tensor>& parameters) {
  std::vector<torch::Tensor> gradients;
  for (const torch::Tensor& parameter : parameters) {
    if (parameter.grad().defined()) gradients.push_back(parameter.grad());
  }
  return gradients;
}

class GradientClip : public Extra {
 public:
  GradientClip(const BuildContext& /*context*/, const GradientClipOptions& options)
      : options_(options) {}

  void OnGradients(const std::vector<torch::Tensor>& parameters) override {
    const std::vector<torch::Tensor> gradients = Gradients(parameters);
    if (gradients.empty()) return;
    std::vector<torch::Tensor> norms;
    for (const torch::Tensor& gradient : gradients) norms.push_back(gradient.norm());
    const torch::Tensor all = torch::stack(norms);
    if (options_.type == "global") {
      Scale(gradients, all.norm().expand_as(all));
    } else {
      Scale(gradients, all);
    }
  }

 private:
  void Scale(const std::vector<torch::Tensor>& gradients, const torch::Tensor& norms) const {
    // One transfer for all: on a GPU each would wait for the device. With the norm below the bound
    // the factor is 1 and the gradient is left alone, to the bit.
    const torch::Tensor scales = (options_.norm / norms.clamp_min(options_.norm)).cpu();
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      const double scale = scales[static_cast<std::int64_t>(i)].item<double>();
      if (scale < 1) gradients[i].mul_(scale);
    }
  }

  GradientClipOptions options_;
};

REGISTER_COMPONENT(Extra, "gradient_clip", GradientClip, GradientClipOptions,
                   {.label = "clip",
                    .source = "Kim et al. 2018, section 4.2 (5.0 for BLSTM, 1.0 for NetVLAD); "
                              "Pascanu et al. 2013",
                    .help = "Scales gradients down to a greatest norm. Reading: per tensor, as in "
                            "the YouTube-8M starter code."});

}  // namespace
}  // namespace beamgrid::trainer

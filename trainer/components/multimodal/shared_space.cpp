// Shared space (Zhao 2017, Deep Multimodal Learning: An Effective Method for Video Classification):
// all features of a frame mapped to one space, f(v, a).
//   x_t = W [v_t; a_t] + b
// [reading] The paper does not say what f is. Here it is one fully connected layer without an
// activation; its weights start from N(0, 0.01) as the paper says.

#include "trainer/component.h"
#include "trainer/components/linear_layers.h"

namespace beamgrid::trainer {
namespace {

struct SharedSpaceOptions {
  std::int64_t width = 1024;
};

void Describe(Fields& f, SharedSpaceOptions& o) {
  f("width", o.width, Range{1, 65536}, "dimensions of the shared space").Tag("d");
}

class SharedSpace : public Multimodal {
 public:
  SharedSpace(const BuildContext& context, const SharedSpaceOptions& options)
      : width_(options.width),
        shared_(register_module("shared", FusionLayer(InputWidth(context), width_))) {}

  Sequence forward(const Sequence& input, const Targets& /*targets*/) override {
    // The bias would leak into padding.
    return {ZeroPadding(shared_(input.frames), input.mask), input.mask, input.lengths};
  }
  [[nodiscard]] std::int64_t output_width() const override { return width_; }

 private:
  static std::int64_t InputWidth(const BuildContext& context) {
    std::int64_t width = 0;
    for (const Feature& feature : context.features) width += feature.second;
    return width;
  }

  std::int64_t width_;
  Linear shared_;
};

REGISTER_COMPONENT(Multimodal, "shared_space", SharedSpace, SharedSpaceOptions,
                   {.label = "Shared",
                    .source = "Zhao 2017, Deep Multimodal Learning: An Effective Method for Video "
                              "Classification, shared-space method",
                    .help = "All features of a frame mapped to one space. Reading: one fully "
                            "connected layer, no activation."});

}  // namespace
}  // namespace beamgrid::trainer

// A user's fusion of the features, written in Python and saved as TorchScript:
//   forward(frames [batch, frames, width], mask [batch, frames] bool) -> [batch, frames, d].
// The input frames hold the features side by side, in the order of the recipe. Padding frames of
// the output are set to 0 here. d is found by trying it on two small videos.

#include "trainer/component.h"
#include "trainer/script_module.h"

namespace beamgrid::trainer {
namespace {

struct MultimodalScriptOptions {
  NamedFile file;
};

void Describe(Fields& field, MultimodalScriptOptions& o) {
  field("file", o.file, "TorchScript module: forward(frames, mask) -> frames of any one width")
      .AlwaysNamed();
}

class MultimodalScript : public ScriptComponent<Multimodal> {
 public:
  MultimodalScript(const BuildContext& context, const MultimodalScriptOptions& options)
      : ScriptComponent(options.file, {"frames", "mask"}) {
    width_ = script()
                 .Try(TrialFrames(context.input_width), {2, 3, -1},
                      "[batch, frames, width], here [2, 3, width]")
                 .back();
  }

  Sequence forward(const Sequence& input, const Targets& /*targets*/) override {
    const torch::Tensor frames = script().Run({input.frames, input.mask});
    // The contract's promise, which a user's script need not know of.
    return {frames.masked_fill(input.mask.logical_not().unsqueeze(2), 0), input.mask,
            input.lengths};
  }
  [[nodiscard]] std::int64_t output_width() const override { return width_; }

 private:
  std::int64_t width_ = 0;
};

REGISTER_COMPONENT(Multimodal, "script", MultimodalScript, MultimodalScriptOptions,
                   {.label = "Script_",
                    .source = "a user's TorchScript module",
                    .help = "Runs a TorchScript module on the concatenated features of the frames. "
                            "With reset_parameters each seed has initial values of its own, "
                            "without it all start with those of the file."});

}  // namespace
}  // namespace beamgrid::trainer

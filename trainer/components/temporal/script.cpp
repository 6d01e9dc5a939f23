// A user's temporal aggregation, written in Python and saved as TorchScript:
//   forward(frames [batch, frames, width], mask [batch, frames] bool) -> [batch, d].
// Padding frames are 0; that they change nothing is for the script to see to, and for
// `beamgrid components --test temporal.script --file FILE` to check. d is found by trying it on two
// small videos.

#include "trainer/component.h"
#include "trainer/script_module.h"

namespace beamgrid::trainer {
namespace {

struct TemporalScriptOptions {
  NamedFile file;
};

void Describe(Fields& field, TemporalScriptOptions& o) {
  field("file", o.file, "TorchScript module: forward(frames, mask) -> one vector for each video")
      .AlwaysNamed();
}

class TemporalScript : public ScriptComponent<Temporal> {
 public:
  TemporalScript(const BuildContext& context, const TemporalScriptOptions& options)
      : ScriptComponent(options.file, {"frames", "mask"}) {
    width_ = script()
                 .Try(TrialFrames(context.input_width), {2, -1}, "[batch, width], here [2, width]")
                 .back();
  }

  torch::Tensor forward(const Sequence& input, const Targets& /*targets*/) override {
    return script().Run({input.frames, input.mask});
  }
  [[nodiscard]] std::int64_t output_width() const override { return width_; }

 private:
  std::int64_t width_ = 0;
};

REGISTER_COMPONENT(Temporal, "script", TemporalScript, TemporalScriptOptions,
                   {.label = "Script_",
                    .source = "a user's TorchScript module",
                    .help = "Runs a TorchScript module as the temporal aggregation. With "
                            "reset_parameters each seed has initial values of its own, without it "
                            "all start with those of the file."});

}  // namespace
}  // namespace beamgrid::trainer

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

class TemporalScript : public Temporal {
 public:
  TemporalScript(const BuildContext& context, const TemporalScriptOptions& options)
      : script_(options.file, {"frames", "mask"}, *this) {
    const torch::Tensor output = script_.Try(TrialFrames(context.input_width));
    script_.CheckOutput(output, {2, -1}, "[batch, width], here [2, width]");
    width_ = output.size(1);
  }

  torch::Tensor forward(const Sequence& input, const Targets& /*targets*/) override {
    return script_.Run({input.frames, input.mask});
  }
  [[nodiscard]] std::int64_t output_width() const override { return width_; }

  void train(bool on = true) override {
    Temporal::train(on);
    script_.Train(on);
  }

 private:
  ScriptModule script_;
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

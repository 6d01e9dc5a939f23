// A user's classifier, written in Python and saved as TorchScript:
//   forward(embedding [batch, d]) -> probabilities [batch, classes], each in [0, 1].
// [reading] train.l2 is for a classifier's weight matrices, and a script does not say which of its
// parameters are such: it is not regularised.

#include "trainer/component.h"
#include "trainer/script_module.h"
#include "trainer/without_memory.h"

namespace beamgrid::trainer {
namespace {

struct ClassifierScriptOptions {
  NamedFile file;
};

void Describe(Fields& field, ClassifierScriptOptions& o) {
  field("file", o.file, "TorchScript module: forward(embedding) -> a probability for each class")
      .AlwaysNamed();
}

torch::Tensor TrialEmbedding(std::int64_t width) {
  const WithMemory memory;
  return torch::ones({2, width});
}

class ClassifierScript : public ScriptComponent<Classifier> {
 public:
  ClassifierScript(const BuildContext& context, const ClassifierScriptOptions& options)
      : ScriptComponent(options.file, {"embedding"}) {
    const std::string classes = std::to_string(context.classes);
    std::ignore = script().Try({TrialEmbedding(context.input_width)}, {2, context.classes},
                               "[batch, classes], here [2, " + classes + "]");
  }

  Scores forward(const torch::Tensor& embedding, const Targets& /*targets*/) override {
    return {.probabilities = script().Run({embedding}), .logits = {}, .loss_over = {}};
  }
};

REGISTER_COMPONENT(Classifier, "script", ClassifierScript, ClassifierScriptOptions,
                   {.label = "Script_",
                    .source = "a user's TorchScript module",
                    .help = "Runs a TorchScript module as the classifier. train.l2 leaves it "
                            "alone. With reset_parameters each seed has initial values of its own, "
                            "without it all start with those of the file."});

}  // namespace
}  // namespace beamgrid::trainer

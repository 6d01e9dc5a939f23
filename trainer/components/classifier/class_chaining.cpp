// Labels that are predicted with sight of labels (Kim et al. 2018, slides: "Class Chaining with
// RNN", after Nam et al. 2017). Equations in recurrent_chain.h and combine_chain.h.
//
// [reading] The slides name the model and its GRU only. Here form = "rnn" is a GRU over the labels
// that are there, whose input is the previous label's vector and the video (or whose first state
// comes from the video), START first, the frequent labels first; STOP is one of the outcomes. A
// class is scored with the greatest probability over the steps (the sum is calibrated worse). In
// training a true label is scored at its own step, after the true labels before it; whatever loss
// the trial has is taken over these scores, which teaches STOP through the labels that are not
// there. Labels beyond `steps` are not said. form = "deep_combine" is what the second of 2017's
// challenge made of the idea (Wang et al. 2017, code): a chain of mixtures of experts, each seeing
// a projection of the predictions before it. [reading] What the auxiliary losses weigh beside the
// last one is not written anywhere but in that code: here, too, they have the share 0.025 together,
// and the last prediction the rest.

#include "trainer/component.h"
#include "trainer/components/classifier/combine_chain.h"
#include "trainer/components/classifier/recurrent_chain.h"

namespace beamgrid::trainer {
namespace {

struct ClassChainingOptions {
  std::string form = "rnn";
  std::int64_t steps = 8;
  RecurrentChainOptions rnn;
  CombineChainOptions deep_combine;
};

void Describe(Fields& f, ClassChainingOptions& o) {
  f("form", o.form, Choices{{"rnn", "deep_combine"}},
    "rnn = labels one after the other; deep_combine = a chain of mixtures of experts");
  f("steps", o.steps, Range{1, 100}, "rnn: labels that are said; deep_combine: links of the chain")
      .AlwaysNamed();
  f("hidden", o.rnn.hidden, Range{1, 8192}, "rnn: cells of the GRU").Tag("h");
  f("label_width", o.rnn.label_width, Range{1, 8192}, "rnn: width of a label's vector").Tag("e");
  f("video", o.rnn.video, Choices{{"input", "state"}},
    "rnn: where the embedding goes: into every step's input, or into the first state");
  f("link", o.deep_combine.link, Range{1, 8192}, "deep_combine: width of a prediction's projection")
      .Tag("q");
  f("experts", o.deep_combine.experts, Range{1, 64},
    "deep_combine: experts per class of each mixture")
      .Tag("MoE");
  f("auxiliary", o.deep_combine.auxiliary, Range{0, 1},
    "deep_combine: share of the predictions before the last in the loss");
}

class ClassChaining : public Classifier {
 public:
  ClassChaining(const BuildContext& context, ClassChainingOptions options) {
    if (options.form == "rnn") {
      options.rnn.steps = options.steps;
      recurrent_ = register_module("chain", std::make_shared<RecurrentChain>(context, options.rnn));
    } else {
      options.deep_combine.steps = options.steps;
      combine_ =
          register_module("chain", std::make_shared<CombineChain>(context, options.deep_combine));
    }
  }

  Scores forward(const torch::Tensor& embedding, const Targets& targets) override {
    return recurrent_ ? recurrent_->forward(embedding, targets) : combine_->forward(embedding);
  }

  std::vector<torch::Tensor> RegularisedWeights() override {
    std::vector<torch::Tensor> matrices = parameters();
    // Every matrix, as l2 is for weights and not for biases, which are the vectors.
    std::erase_if(matrices, [](const torch::Tensor& parameter) { return parameter.dim() != 2; });
    return matrices;
  }

 private:
  std::shared_ptr<RecurrentChain> recurrent_;
  std::shared_ptr<CombineChain> combine_;
};

REGISTER_COMPONENT(Classifier, "class_chaining", ClassChaining, ClassChainingOptions,
                   {.label = "CC",
                    .source = "Kim et al. 2018, Temporal Attention Mechanism with Conditional "
                              "Inference, slides; Nam et al. 2017, Maximizing Subset Accuracy with "
                              "Recurrent Neural Networks; deep_combine: Wang et al. 2017, code",
                    .help = "Predicts labels with sight of labels. Reading: a GRU says the labels "
                            "of a video, the frequent first; a class is scored with its greatest "
                            "probability over the steps."});

}  // namespace
}  // namespace beamgrid::trainer

#include "trainer/train_settings.h"

#include <cmath>

namespace beamgrid::trainer {
namespace {

// Not a REGISTER_COMPONENT: nothing is built from these options, they are read as a whole.
[[maybe_unused]] const bool registered = [] {
  AddToCatalogue({.criterion = "train",
                  .name = "train",
                  .source = "Kim et al. 2018, section 4.2; YouTube-8M starter code",
                  .help = "How a model is trained.",
                  .options = ListOptions<TrainSettings>()},
                 __FILE__);
  return true;
}();

}  // namespace

void Describe(Fields& f, TrainSettings& o) {
  f("optimizer", o.optimizer, Choices{{"adam"}}, "Adam with betas 0.9 and 0.999, epsilon 1e-8");
  f("learning_rate", o.learning_rate, Range{1e-12, 1e3}, "step size at the start").Tag("lr");
  f("decay", o.decay, Range{1e-6, 1}, "the learning rate is multiplied with this in steps");
  f("decay_examples", o.decay_examples, Range{1, 1e15}, "examples from one such step to the next");
  f("batch", o.batch, Range{1, 65536}, "videos per training step").Tag("B");
  f("epochs", o.epochs, Range{1, 1e6}, "passes over the training data").Tag("E");
  f("l2", o.l2, Range{0, 1e3},
    "weight s of the penalty s/2 * sum of squares over the classifier's weights, biases excluded");
}

double LearningRate(const TrainSettings& settings, std::int64_t examples) {
  const std::int64_t steps = examples / settings.decay_examples;
  return settings.learning_rate * std::pow(settings.decay, static_cast<double>(steps));
}

}  // namespace beamgrid::trainer

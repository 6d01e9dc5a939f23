#include "trainer/training/train_settings.h"

#include <algorithm>
#include <cmath>

#include "trainer/data/teacher.h"

namespace beamgrid::trainer {
namespace {

/// The settings as the catalogue lists them: those of TrainSettings and the teacher's file, which
/// is no field of it. Only what trains opens that file: a model is measured, predicted with and
/// exported without.
std::vector<OptionInfo> SettingsOfTraining() {
  std::vector<OptionInfo> options = ListOptions<TrainSettings>();
  const auto weight = std::ranges::find(options, "teacher_weight", &OptionInfo::name);
  options.insert(
      weight,
      {.name = kTeacher,
       .type = OptionType::kFile,
       .default_value = "",
       .help = "predictions for the training videos (VideoId,LabelConfidencePairs, as `beamgrid "
               "predict --top-k 100` writes them) that are learnt from beside the truth: "
               "distillation (Hinton et al. 2015). Each training video must have a list; a label "
               "that is not in it counts as 0, other videos' lists are not used"});
  return options;
}

// Not a REGISTER_COMPONENT: nothing is built from these options, they are read as a whole.
[[maybe_unused]] const bool registered = [] {
  AddToCatalogue({.info = {.criterion = "train",
                           .name = "train",
                           .source = "Kim et al. 2018, section 4.2; YouTube-8M starter code",
                           .help = "How a model is trained.",
                           .options = SettingsOfTraining()},
                  .file = __FILE__},
                 BEAMGRID_INTERFACE_SYMBOL);
  return true;
}();

}  // namespace

void Describe(Fields& f, TrainSettings& o) {
  f("optimizer", o.optimizer, Choices{{"adam"}}, "Adam with betas 0.9 and 0.999, epsilon 1e-8");
  f("learning_rate", o.learning_rate, Range{1e-12, 1e3}, "step size at the start").Tag("lr");
  f("decay", o.decay, Range{1e-6, 1}, "the learning rate is multiplied with this in steps");
  f("decay_examples", o.decay_examples, Range{1, 1e15}, "examples from one such step to the next");
  f("late_decay_from", o.late_decay_from, Range{0, 1e15},
    "from so many examples on a step is late_decay_examples long; 0: never. Zhao 2017 goes from "
    "4,000,000 to 40,000 near convergence")
      .Tag("late");
  f("late_decay_examples", o.late_decay_examples, Range{1, 1e15},
    "examples from one step of the learning rate to the next, from late_decay_from on");
  f("batch", o.batch, Range{1, 65536}, "videos per training step").Tag("B");
  f("epochs", o.epochs, Range{1, 1e6}, "passes over the training data").Tag("E");
  f("l2", o.l2, Range{0, 1e3},
    "weight s of the penalty s/2 * sum of squares over the classifier's weights, biases excluded");
  f("l2_clipped", o.l2_clipped,
    "gradient_clip sees the gradient of loss and penalty together, as in the starter code; false: "
    "that of the loss alone, and the penalty's is added behind it, as was done before there was "
    "the choice");
  f("mix", o.mix, Range{0, 100},
    "each example is trained on as q of itself and 1 - q of another one of the batch, frames and "
    "losses alike, q from Beta(mix, mix) and at least 1/2 (Conde et al. 2019, future work: virtual "
    "segments by linear combination; Zhang et al. 2018, mixup); 0: none")
      .Tag("mix");
  f("warmup_examples", o.warmup_examples, Range{0, 1e15},
    "the learning rate rises linearly from 0 over the first so many examples; 0: no warm-up")
      .Tag("warmup");
  f("ema", o.ema, Range{0, 0.999999999},
    "decay, per step, of an exponential moving average of the weights (without bias towards the "
    "first ones), which is evaluated and shipped while the training goes on with the weights "
    "themselves; 0: none. Skalic and Austin 2018: 0.9995")
      .Tag("EMA");
  f("average_checkpoints", o.average_checkpoints, Range{0, 1e6},
    "the mean of the weights after each of the last so many epochs of `epochs`, so far, is "
    "evaluated and shipped; where ema is on too, the mean of that average; 0 or 1: none. With "
    "`patience` a training may end before the first of them")
      .Tag("avg");
  f("patience", o.patience, Range{0, 1e6},
    "training ends when the objective has not improved for so many epochs; 0: never early");
  f("precision", o.precision, Choices{{"fp32", "fp16", "bf16", "int8"}},
    "number type of the shipped weights, with which the model is measured (of the training see "
    "arithmetic): "
    "int8 is a table of 256 evenly spaced values for each tensor of more than 17,000 elements; "
    "the size is 4, 2, 2 or 1 bytes a weight");
  f("arithmetic", o.arithmetic, Choices{{"fp32", "bf16"}},
    "number type of the training's products of matrices: bf16 rounds their operands to bfloat16 "
    "and sums in fp32; weights, all else that is trained with, evaluation and predictions are "
    "fp32. A step is 1.4 to 1.8 times as fast on a CPU with avx512_bf16 (on a GPU, from Ampere on, "
    "nobody has measured it), elsewhere the same but for rounding, and not faster than fp32. It "
    "takes up to a fifth more memory");
  f("teacher_weight", o.teacher_weight, Range{0, 1},
    "share w of the teacher in the loss, (1 - w) * loss against the truth + w * cross entropy "
    "against the teacher's probabilities; of no meaning without a teacher. Skalic and Austin 2018: "
    "0.5")
      .Tag("tw");
  f("from", o.from, Choices{},
    "finished trial whose shipped weights a trial starts from instead of initial values: "
    "STUDY/NAME (each seed from the same seed), STUDY/NAME/SEED or a fingerprint; what only the "
    "new model has keeps its initial values. Conde et al. 2019 train on videos, then on segments");
}

double LearningRate(const TrainSettings& settings, std::int64_t examples) {
  // By examples, not steps, as in the starter code: the schedule is the same for any batch size.
  // From the count alone, not from the rate before: a resumed trial gets the same bits.
  const std::int64_t late = settings.late_decay_from;
  const std::int64_t early_examples = late > 0 ? std::min(examples, late) : examples;
  const std::int64_t steps = early_examples / settings.decay_examples +
                             (examples - early_examples) / settings.late_decay_examples;
  const double rate = settings.learning_rate * std::pow(settings.decay, static_cast<double>(steps));
  if (examples >= settings.warmup_examples) return rate;
  return rate * static_cast<double>(examples) / static_cast<double>(settings.warmup_examples);
}

}  // namespace beamgrid::trainer

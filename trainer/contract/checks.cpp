#include "trainer/contract/checks.h"

#include <unistd.h>

#include <fstream>
#include <sstream>
#include <tuple>

#include "trainer/contract/cases.h"
#include "trainer/without_memory.h"

namespace beamgrid::trainer::contract {
namespace {

Problems DefaultsAreAllowed(const Question& question) {
  Problems problems;
  const auto expect = [&problems](bool fine, const std::string& what) {
    if (!fine) problems.push_back(what);
  };
  expect(!question.component.help.empty(), "the component has no help text");
  for (const OptionInfo& option : question.component.options) {
    expect(!option.help.empty(), "option '" + option.name + "' has no help text");
    if (option.type == OptionType::kFile) continue;
    const std::string error = CheckOption(option, option.default_value).error;
    expect(error.empty(), "option '" + option.name + "': the default " + error);
  }
  return problems;
}

void PaddingChangesNothing(const Examination& of) {
  const torch::Tensor plain = Evaluate(of.subject, of.input, of.targets);
  of.ExpectClose(plain, Evaluate(of.subject, Padded(of.input, 3, 0), of.targets),
                 "with 3 more padding frames");
  // Stronger than the contract, which promises padding of 0: it finds components that do not mask.
  of.ExpectClose(plain, Evaluate(of.subject, Padded(of.input, 0, 7.5), of.targets),
                 "with padding frames that are not 0");
}

void PaddingChangesNothingInTraining(const Examination& of) {
  of.subject.module->train();
  // Seeded anew for each run, so that dropout and sampling draw the same. No further padding frames
  // here: with another shape dropout would draw other numbers for the valid frames too.
  torch::manual_seed(3);
  const torch::Tensor plain = of.subject.run(of.input, of.targets);
  torch::manual_seed(3);
  of.ExpectClose(plain, of.subject.run(Padded(of.input, 0, -2), of.targets),
                 "with padding frames that are not 0");
}

void PaddingRowsAreZero(const Examination& of) {
  if (!of.subject.sequence) return;
  // In both modes: they may take different ways (sampling, running statistics).
  for (const bool training : {true, false}) {
    of.subject.module->train(training);
    const Sequence output = of.subject.sequence(of.input, of.targets);
    // An extra may take frames out (frame_sampling); what it leaves must agree with itself.
    if (of.variant.criterion != "extras") {
      of.Expect(output.mask.equal(of.input.mask), "the mask is another one");
    }
    const torch::Tensor index = torch::arange(output.frames.size(1)).unsqueeze(0);
    of.Expect(output.mask.equal(index < output.lengths.unsqueeze(1)),
              "mask and lengths do not agree");
    of.Expect(output.lengths.min().item<std::int64_t>() >= 1, "a video has no frame left");
    const torch::Tensor padding = output.frames.index({output.mask.logical_not()});
    of.Expect(padding.eq(0).all().item<bool>(), "a padding frame is not 0 in the output");
  }
}

// In evaluation only: batch norm in training mode is the contract's one exception.
void VideosDoNotSeeEachOther(const Examination& of) {
  const torch::Tensor together = Evaluate(of.subject, of.input, of.targets);
  of.Expect(together.size(0) == of.input.frames.size(0), "the output is not one row per video");
  for (std::int64_t b = 0; b < of.input.frames.size(0); ++b) {
    of.ExpectClose(together.slice(0, b, b + 1),
                   Evaluate(of.subject, Alone(of.input, b), Alone(of.targets, b)),
                   "video " + std::to_string(b) + " alone");
  }
}

void DeclaredWidthIsTheWidth(const Examination& of) {
  of.subject.module->eval();
  const torch::Tensor output = of.subject.sequence
                                   ? of.subject.sequence(of.input, of.targets).frames
                                   : Evaluate(of.subject, of.input, of.targets);
  of.Expect(output.size(-1) == of.subject.declared_width,
            "the output is " + std::to_string(output.size(-1)) + " wide, declared are " +
                std::to_string(of.subject.declared_width));
}

bool AllFinite(const torch::Tensor& values) { return values.isfinite().all().item<bool>(); }

void OneVideoOfOneFrame(const Examination& of) {
  const Sequence input = RandomSequence({1}, 1, of.shape.width());
  const Targets targets = RandomTargets(1, of.shape.classes);
  of.Expect(AllFinite(Evaluate(of.subject, input, targets)), "its output is not finite");
  of.subject.module->train();
  const torch::Tensor output = of.subject.run(input, targets);
  of.Expect(AllFinite(output), "its output in training is not finite");
  if (output.requires_grad()) output.sum().backward();
  for (const auto& parameter : of.subject.module->named_parameters()) {
    const torch::Tensor gradient = parameter.value().grad();
    of.Expect(!gradient.defined() || AllFinite(gradient),
              "the gradient of " + parameter.key() + " is not finite");
  }
  // The variance of a single row is 0, or 0/0 where it is estimated with n - 1.
  of.Expect(AllFinite(Evaluate(of.subject, SomeVideos(of.shape), SomeTargets(of.shape))),
            "running statistics are spoilt by it");
}

void GradientsReachEveryParameter(const Examination& of) {
  // A softmax over one cluster is constant: nothing can reach its weights.
  if (of.variant.degenerate) return;
  of.subject.module->train();
  double into_frames = 0;
  // Several batches, whose gradients add up: in a single one a part may get none by chance (a
  // maximum that lies elsewhere, a ReLU that is off, a label that nobody has).
  for (int i = 0; i < 6; ++i) {
    Sequence input = SomeVideos(of.shape);
    input.frames.requires_grad_();
    const torch::Tensor output = of.subject.run(input, SomeTargets(of.shape));
    // Random weights: the plain sum of a softmax or of a normalised vector hardly has a gradient.
    (output * torch::randn_like(output)).sum().backward();
    const torch::Tensor gradient = input.frames.grad();
    if (gradient.defined()) into_frames += gradient.abs().sum().item<double>();
  }
  of.Expect(into_frames > 0, "no gradient reaches the frames");
  for (const auto& parameter : of.subject.module->named_parameters()) {
    if (!parameter.value().requires_grad()) continue;
    const torch::Tensor gradient = parameter.value().grad();
    of.Expect(gradient.defined() && gradient.abs().sum().item<double>() > 0,
              "no gradient reaches " + parameter.key());
    of.Expect(!gradient.defined() || AllFinite(gradient),
              "the gradient of " + parameter.key() + " is not finite");
  }
}

// Compared bit by bit, as are the checks below: the same model does the same arithmetic.
void SavedAndLoadedIsTheSame(const Examination& of) {
  std::stringstream file;
  torch::serialize::OutputArchive saved;
  of.subject.module->save(saved);
  saved.save_to(file);
  // Another seed, so that values that were not loaded show.
  const Subject other = BuildOrRefuse(of.variant, of.shape, /*seed=*/2);
  torch::serialize::InputArchive loaded;
  loaded.load_from(file);
  other.module->load(loaded);
  of.Expect(Evaluate(of.subject, of.input, of.targets).equal(Evaluate(other, of.input, of.targets)),
            "the loaded one gives other values");
}

void Copy(const std::vector<torch::Tensor>& from, const std::vector<torch::Tensor>& to) {
  const torch::NoGradGuard no_gradient;
  for (std::size_t i = 0; i < from.size(); ++i) to.at(i).copy_(from[i]);
}

// Checkpoints and model.pt hold parameters and buffers and nothing else: what a component remembers
// in plain members would be lost.
void StateIsInParametersAndBuffers(const Examination& of) {
  const Subject other = BuildOrRefuse(of.variant, of.shape, /*seed=*/2);
  Copy(of.subject.module->parameters(), other.module->parameters());
  Copy(of.subject.module->buffers(), other.module->buffers());
  of.Expect(Evaluate(of.subject, of.input, of.targets).equal(Evaluate(other, of.input, of.targets)),
            "another one with the same parameters and buffers gives other values");
}

void SeedDecidesEverything(const Examination& of) {
  const auto train = [&] {
    const Subject subject = BuildOrRefuse(of.variant, of.shape, /*seed=*/11);
    subject.module->train();
    return subject.run(of.input, of.targets);
  };
  of.Expect(train().equal(train()), "the same seed gives other values");
}

void EvaluationChangesNothing(const Examination& of) {
  const torch::Tensor first = Evaluate(of.subject, of.input, of.targets);
  // Other videos in between, of which an evaluation must remember nothing.
  std::ignore = Evaluate(of.subject, RandomSequence({2, 4}, 4, of.shape.width()),
                         RandomTargets(2, of.shape.classes));
  of.Expect(first.equal(Evaluate(of.subject, of.input, of.targets)),
            "the second time gives other values");
  // A loss is the one component that has to look at the labels.
  if (of.variant.criterion == "loss") return;
  of.Expect(first.equal(Evaluate(of.subject, of.input, {})), "evaluation looks at the labels");
}

std::vector<torch::Tensor> TensorsOf(const torch::nn::Module& module) {
  std::vector<torch::Tensor> tensors = module.parameters();
  for (const torch::Tensor& buffer : module.buffers()) tensors.push_back(buffer);
  return tensors;
}

std::int64_t SizeOf(const torch::nn::Module& module) {
  std::int64_t bytes = 0;
  for (const torch::Tensor& tensor : TensorsOf(module)) {
    bytes += static_cast<std::int64_t>(tensor.nbytes());
  }
  return bytes;
}

void SizeIsThatOfTheSavedTensors(const Examination& of) {
  std::int64_t storages = 0;
  for (const torch::Tensor& tensor : TensorsOf(*of.subject.module)) {
    // The memory behind the tensor, which is what LibTorch writes to a file.
    storages += static_cast<std::int64_t>(tensor.storage().nbytes());
  }
  of.Expect(SizeOf(*of.subject.module) == storages,
            "a tensor is a view of a larger one, which would be saved whole");
}

std::int64_t ResidentBytes() {
  std::int64_t total = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

/// Bytes of a model that is built for nothing but its shapes.
std::int64_t CountedSize(const Case& variant, const Shape& shape) {
  const WithoutMemory guard;
  return SizeOf(*BuildOrRefuse(variant, shape).module);
}

void CountedSizeIsTheSize(const Examination& of) {
  of.Expect(CountedSize(of.variant, of.shape) == SizeOf(*of.subject.module),
            "planning counts another size");
  // The guard changes where this thread's tensors live; afterwards they must have values again.
  of.Expect((torch::ones({2}) + 1).sum().item<double>() == 4, "planning leaves something behind");
}

/// Counts the component at the papers' widths, where weights that are read or written would show as
/// resident memory.
Problems IsCountedWithoutTouchingMemory(const Question& question) {
  Problems problems = ExamineAll(question, CountedSizeIsTheSize);
  if (NeedsFile(question.component)) return problems;  // its weights come with the file
  // Far less than most components weigh at these widths, far more than what else is allocated.
  constexpr std::int64_t kNoticeable = 16 << 20;
  const ComponentInfo& info = question.component;
  const Case defaults{info.criterion, info.name, "defaults", DefaultOptions(info)};
  const std::int64_t before = ResidentBytes();
  try {
    CountedSize(defaults, {.features = {{"rgb", 1024}, {"audio", 128}}, .classes = 3862});
  } catch (const SpecError&) {
    return problems;  // it refuses such data
  }
  if (ResidentBytes() - before > kNoticeable) {
    problems.emplace_back("the constructor reads or writes weights");
  }
  return problems;
}

Check ForEach(std::string promise, void (*examine)(const Examination&)) {
  return {std::move(promise),
          [examine](const Question& question) { return ExamineAll(question, examine); }};
}

}  // namespace

const std::vector<Check>& Checks() {
  static const std::vector<Check> checks = {
      {"defaults are allowed and explained", DefaultsAreAllowed},
      ForEach("padding changes nothing", PaddingChangesNothing),
      ForEach("padding changes nothing in training", PaddingChangesNothingInTraining),
      ForEach("padding rows of the output are zero", PaddingRowsAreZero),
      ForEach("videos do not see each other", VideosDoNotSeeEachOther),
      ForEach("the declared width is the width", DeclaredWidthIsTheWidth),
      ForEach("one video of one frame trains and evaluates", OneVideoOfOneFrame),
      ForEach("gradients reach the frames and every parameter", GradientsReachEveryParameter),
      ForEach("saved and loaded is the same", SavedAndLoadedIsTheSame),
      ForEach("state is in parameters and buffers", StateIsInParametersAndBuffers),
      ForEach("the seed decides everything", SeedDecidesEverything),
      ForEach("evaluation is repeatable and changes nothing", EvaluationChangesNothing),
      ForEach("the size is that of the saved tensors", SizeIsThatOfTheSavedTensors),
      {"is counted without touching memory", IsCountedWithoutTouchingMemory}};
  return checks;
}

}  // namespace beamgrid::trainer::contract

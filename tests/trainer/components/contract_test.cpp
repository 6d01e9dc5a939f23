// What every component of the catalogue must do, whatever it computes (trainer/component.h). A new
// component is in here without a line being added.

#include "tests/trainer/components/contract.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "trainer/without_memory.h"

namespace beamgrid::trainer::contract {
namespace {

constexpr double kTolerance = 2e-5;
constexpr std::int64_t kFrames = 6;
const std::vector<std::int64_t> kLengths = {6, 1, 3, 2};
const auto kBatch = static_cast<std::int64_t>(kLengths.size());

::testing::AssertionResult Close(const torch::Tensor& one, const torch::Tensor& other,
                                 double tolerance = kTolerance) {
  if (one.sizes() != other.sizes()) {
    return ::testing::AssertionFailure() << one.sizes() << " against " << other.sizes();
  }
  const double difference = (one - other).abs().max().item<double>();
  if (difference <= tolerance) return ::testing::AssertionSuccess();  // false for NaN too
  return ::testing::AssertionFailure() << "differ by " << difference;
}

void TrainForwards(const Subject& subject, const Shape& shape, int times) {
  subject.module->train();
  for (int i = 0; i < times; ++i) {
    subject.run(RandomSequence(kLengths, kFrames, shape.width()),
                RandomTargets(kBatch, shape.classes));
  }
}

torch::Tensor Evaluate(const Subject& subject, const Sequence& input, const Targets& targets) {
  const torch::NoGradGuard no_gradient;
  subject.module->eval();
  return subject.run(input, targets);
}

/// Moves every parameter off its initial value: a bias of 0 cannot leak into padding.
void Perturb(torch::nn::Module& module) {
  const torch::NoGradGuard no_gradient;
  for (torch::Tensor& parameter : module.parameters()) {
    parameter.add_(torch::empty_like(parameter).uniform_(-0.3, 0.3));
  }
}

class Contract : public ::testing::TestWithParam<ComponentInfo> {
 protected:
  void SetUp() override { torch::set_num_threads(1); }

  /// Calls `check` for each variant and shape that the component accepts, with parameters and
  /// running statistics that are no longer the initial ones; at least one shape must be accepted.
  void ForEach(const std::function<void(const Case&, const Shape&, const Subject&)>& check) {
    for (const Case& c : CasesOf(GetParam())) {
      int accepted = 0;
      for (const Shape& shape : Shapes()) {
        SCOPED_TRACE(c.label + ", " + std::to_string(shape.features.size()) + " features");
        const std::optional<Subject> subject = Build(c, shape);
        if (!subject) continue;
        ++accepted;
        Perturb(*subject->module);
        TrainForwards(*subject, shape, 3);
        check(c, shape, *subject);
      }
      EXPECT_GT(accepted, 0) << c.label << ": refuses every shape";
    }
  }
};

TEST_P(Contract, DefaultsAreAllowed) {
  for (const OptionInfo& option : GetParam().options) {
    EXPECT_EQ(CheckOption(option, option.default_value).error, "") << option.name;
    EXPECT_FALSE(option.help.empty()) << option.name;
  }
  EXPECT_FALSE(GetParam().help.empty());
}

TEST_P(Contract, PaddingChangesNothing) {
  ForEach([](const Case&, const Shape& shape, const Subject& subject) {
    const Sequence input = RandomSequence(kLengths, kFrames, shape.width());
    const Targets targets = RandomTargets(kBatch, shape.classes);
    const torch::Tensor plain = Evaluate(subject, input, targets);
    EXPECT_TRUE(Close(plain, Evaluate(subject, Padded(input, 3, 0), targets))) << "more padding";
    EXPECT_TRUE(Close(plain, Evaluate(subject, Padded(input, 0, 7.5), targets))) << "other padding";
  });
}

TEST_P(Contract, PaddingChangesNothingInTraining) {
  ForEach([](const Case&, const Shape& shape, const Subject& subject) {
    const Sequence input = RandomSequence(kLengths, kFrames, shape.width());
    const Targets targets = RandomTargets(kBatch, shape.classes);
    subject.module->train();
    torch::manual_seed(3);
    const torch::Tensor plain = subject.run(input, targets);
    torch::manual_seed(3);
    EXPECT_TRUE(Close(plain, subject.run(Padded(input, 0, -2), targets)));
  });
}

TEST_P(Contract, PaddingRowsOfTheOutputAreZero) {
  ForEach([](const Case&, const Shape& shape, const Subject& subject) {
    if (!subject.sequence) return;
    const Sequence input = RandomSequence(kLengths, kFrames, shape.width());
    for (const bool training : {true, false}) {
      subject.module->train(training);
      const Sequence output = subject.sequence(input, RandomTargets(kBatch, shape.classes));
      EXPECT_TRUE(output.mask.equal(input.mask));
      EXPECT_TRUE(output.lengths.equal(input.lengths));
      EXPECT_EQ(output.frames.size(-1), subject.declared_width);
      EXPECT_EQ(output.frames.size(1), kFrames);
      EXPECT_EQ(output.frames.index({input.mask.logical_not()}).abs().max().item<double>(), 0);
    }
  });
}

TEST_P(Contract, VideosDoNotSeeEachOther) {
  ForEach([](const Case&, const Shape& shape, const Subject& subject) {
    const Sequence input = RandomSequence(kLengths, kFrames, shape.width());
    const Targets targets = RandomTargets(kBatch, shape.classes);
    const torch::Tensor together = Evaluate(subject, input, targets);
    ASSERT_EQ(together.size(0), kBatch);
    for (std::int64_t b = 0; b < kBatch; ++b) {
      EXPECT_TRUE(
          Close(together.slice(0, b, b + 1), Evaluate(subject, Alone(input, b), Alone(targets, b))))
          << "video " << b;
    }
  });
}

TEST_P(Contract, DeclaredWidthIsTheWidth) {
  ForEach([](const Case&, const Shape& shape, const Subject& subject) {
    if (subject.sequence) return;  // PaddingRowsOfTheOutputAreZero looks at those
    const Sequence input = RandomSequence(kLengths, kFrames, shape.width());
    const torch::Tensor output = Evaluate(subject, input, RandomTargets(kBatch, shape.classes));
    EXPECT_EQ(output.size(-1), subject.declared_width);
  });
}

TEST_P(Contract, OneVideoOfOneFrameTrainsAndEvaluates) {
  ForEach([](const Case&, const Shape& shape, const Subject& subject) {
    const Sequence input = RandomSequence({1}, 1, shape.width());
    const Targets targets = RandomTargets(1, shape.classes);
    EXPECT_TRUE(Evaluate(subject, input, targets).isfinite().all().item<bool>());
    subject.module->train();
    const torch::Tensor output = subject.run(input, targets);
    EXPECT_TRUE(output.isfinite().all().item<bool>());
    if (output.requires_grad()) output.sum().backward();
    for (const torch::Tensor& parameter : subject.module->parameters()) {
      if (!parameter.grad().defined()) continue;
      EXPECT_TRUE(parameter.grad().isfinite().all().item<bool>());
    }
    const Sequence next = RandomSequence(kLengths, kFrames, shape.width());
    EXPECT_TRUE(
        Evaluate(subject, next, RandomTargets(kBatch, shape.classes)).isfinite().all().item<bool>())
        << "running statistics are spoilt";
  });
}

TEST_P(Contract, GradientsReachEveryParameterAndTheFrames) {
  ForEach([](const Case& c, const Shape& shape, const Subject& subject) {
    if (c.degenerate) return;
    subject.module->train();
    double into_frames = 0;
    for (int i = 0; i < 6; ++i) {
      Sequence input = RandomSequence(kLengths, kFrames, shape.width());
      input.frames.requires_grad_();
      const torch::Tensor output = subject.run(input, RandomTargets(kBatch, shape.classes));
      (output * torch::randn_like(output)).sum().backward();
      if (input.frames.grad().defined())
        into_frames += input.frames.grad().abs().sum().item<double>();
    }
    EXPECT_GT(into_frames, 0);
    for (const auto& parameter : subject.module->named_parameters()) {
      const torch::Tensor gradient = parameter.value().grad();
      ASSERT_TRUE(gradient.defined()) << parameter.key();
      const double size = gradient.abs().sum().item<double>();
      EXPECT_GT(size, 0) << parameter.key();
      EXPECT_TRUE(std::isfinite(size)) << parameter.key();
    }
  });
}

TEST_P(Contract, SavedAndLoadedIsTheSame) {
  ForEach([](const Case& c, const Shape& shape, const Subject& subject) {
    std::stringstream file;
    torch::serialize::OutputArchive saved;
    subject.module->save(saved);
    saved.save_to(file);
    const std::optional<Subject> other = Build(c, shape, /*seed=*/2);
    torch::serialize::InputArchive loaded;
    loaded.load_from(file);
    other->module->load(loaded);
    const Sequence input = RandomSequence(kLengths, kFrames, shape.width());
    const Targets targets = RandomTargets(kBatch, shape.classes);
    EXPECT_TRUE(Evaluate(subject, input, targets).equal(Evaluate(*other, input, targets)));
  });
}

TEST_P(Contract, StateIsInParametersAndBuffers) {
  ForEach([](const Case& c, const Shape& shape, const Subject& subject) {
    const std::optional<Subject> other = Build(c, shape, /*seed=*/2);
    const torch::NoGradGuard no_gradient;
    const auto copy = [](const auto& from, const auto& to) {
      ASSERT_EQ(from.size(), to.size());
      for (std::size_t i = 0; i < from.size(); ++i) to[i].copy_(from[i]);
    };
    copy(subject.module->parameters(), other->module->parameters());
    copy(subject.module->buffers(), other->module->buffers());
    const Sequence input = RandomSequence(kLengths, kFrames, shape.width());
    const Targets targets = RandomTargets(kBatch, shape.classes);
    EXPECT_TRUE(Evaluate(subject, input, targets).equal(Evaluate(*other, input, targets)));
  });
}

TEST_P(Contract, SeedDecidesEverything) {
  ForEach([](const Case& c, const Shape& shape, const Subject&) {
    const Sequence input = RandomSequence(kLengths, kFrames, shape.width());
    const Targets targets = RandomTargets(kBatch, shape.classes);
    std::vector<torch::Tensor> outputs;
    for (int i = 0; i < 2; ++i) {
      const std::optional<Subject> subject = Build(c, shape, /*seed=*/11);
      subject->module->train();
      outputs.push_back(subject->run(input, targets));
    }
    EXPECT_TRUE(outputs[0].equal(outputs[1]));
  });
}

TEST_P(Contract, EvaluationIsRepeatableAndChangesNothing) {
  ForEach([](const Case& c, const Shape& shape, const Subject& subject) {
    const Sequence input = RandomSequence(kLengths, kFrames, shape.width());
    const Targets targets = RandomTargets(kBatch, shape.classes);
    const torch::Tensor first = Evaluate(subject, input, targets);
    Evaluate(subject, RandomSequence({2, 4}, 4, shape.width()), RandomTargets(2, shape.classes));
    EXPECT_TRUE(first.equal(Evaluate(subject, input, targets)));
    if (c.criterion == "loss") return;
    EXPECT_TRUE(first.equal(Evaluate(subject, input, {}))) << "evaluation looks at the labels";
  });
}

TEST_P(Contract, DoubleGivesTheSame) {
  ForEach([](const Case&, const Shape& shape, const Subject& subject) {
    Sequence input = RandomSequence(kLengths, kFrames, shape.width());
    Targets targets = RandomTargets(kBatch, shape.classes);
    const torch::Tensor in_float = Evaluate(subject, input, targets);
    subject.module->to(torch::kDouble);
    input.frames = input.frames.to(torch::kDouble);
    targets.labels = targets.labels.to(torch::kDouble);
    const torch::Tensor in_double = Evaluate(subject, input, targets);
    EXPECT_EQ(in_double.scalar_type(), torch::kDouble);
    EXPECT_TRUE(Close(in_float.to(torch::kDouble), in_double));
  });
}

std::int64_t SizeOf(const torch::nn::Module& module) {
  std::int64_t bytes = 0;
  for (const auto& tensors : {module.parameters(), module.buffers()}) {
    for (const torch::Tensor& tensor : tensors) {
      bytes += tensor.numel() * static_cast<std::int64_t>(tensor.element_size());
    }
  }
  return bytes;
}

TEST_P(Contract, SizeIsThatOfTheSavedTensors) {
  ForEach([](const Case&, const Shape&, const Subject& subject) {
    std::vector<torch::Tensor> tensors = subject.module->parameters();
    const std::vector<torch::Tensor> buffers = subject.module->buffers();
    tensors.insert(tensors.end(), buffers.begin(), buffers.end());
    std::int64_t storages = 0;
    for (const torch::Tensor& tensor : tensors) {
      storages += static_cast<std::int64_t>(tensor.storage().nbytes());
    }
    // Views of a larger storage would be saved whole.
    EXPECT_EQ(SizeOf(*subject.module), storages);
  });
}

std::int64_t ResidentBytes() {
  std::int64_t total = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

TEST_P(Contract, IsCountedWithoutTouchingMemory) {
  const Case defaults = {GetParam().criterion, GetParam().name, "defaults",
                         DefaultOptions(GetParam())};
  const Case small = CasesOf(GetParam()).front();
  const Shape papers = {.features = {{"rgb", 1024}, {"audio", 128}}, .classes = 3862};
  const std::int64_t real = SizeOf(*Build(small, Shapes().back())->module);

  {
    const WithoutMemory guard;
    EXPECT_EQ(SizeOf(*Build(small, Shapes().back())->module), real);
    const std::int64_t before = ResidentBytes();
    const std::optional<Subject> large = Build(defaults, papers);
    EXPECT_LT(ResidentBytes() - before, 16 << 20)
        << "a constructor reads or writes weights, of " << SizeOf(*large->module) << " bytes";
  }
  EXPECT_EQ((torch::ones({2}) + 1).sum().item<double>(), 4) << "the guard outlives its scope";
}

std::string TestName(const ::testing::TestParamInfo<ComponentInfo>& info) {
  return info.param.criterion + "_" + info.param.name;
}

INSTANTIATE_TEST_SUITE_P(Catalogue, Contract, ::testing::ValuesIn(Components()), TestName);

TEST(Catalogue, HasTheComponentsOfEveryCriterion) {
  std::vector<std::string> criteria;
  for (const ComponentInfo& info : Components()) {
    if (criteria.empty() || criteria.back() != info.criterion) criteria.push_back(info.criterion);
  }
  EXPECT_THAT(criteria, ::testing::ElementsAre("multimodal", "temporal", "classifier", "extras",
                                               "label_processing", "loss"));
}

}  // namespace
}  // namespace beamgrid::trainer::contract

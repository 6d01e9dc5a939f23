// What every component of the catalogue must do, whatever it computes (trainer/component.h). A new
// component is in here without a line being added.

#include "tests/trainer/components/contract.h"

#include <gmock/gmock.h>

#include "tests/trainer/components/script_files.h"
#include "trainer/contract/checks.h"

namespace beamgrid::trainer::contract {
namespace contract_test {

using ::testing::IsEmpty;

class Contract : public ::testing::TestWithParam<std::tuple<ComponentInfo, Check>> {
 protected:
  void SetUp() override { torch::set_num_threads(1); }
  static Question Ask() {
    return {.component = Component(), .given = files_.GivenFor(Component())};
  }
  static const ComponentInfo& Component() { return std::get<0>(GetParam()); }

 private:
  static inline const ScriptFiles files_;
};

TEST_P(Contract, Holds) {
  const Check& check = std::get<1>(GetParam());
#ifdef __SANITIZE_ADDRESS__
  if (check.promise == "is counted without touching memory") {
    GTEST_SKIP() << "AddressSanitizer keeps freed memory back, so resident memory says nothing";
  }
#endif
  EXPECT_THAT(check.run(Ask()), IsEmpty());
}

std::string TestName(const ::testing::TestParamInfo<Contract::ParamType>& info) {
  const auto& [component, check] = info.param;
  std::string name = component.criterion + "_" + component.name + "__" + check.promise;
  std::ranges::replace(name, ' ', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Catalogue, Contract,
                         ::testing::Combine(::testing::ValuesIn(Components()),
                                            ::testing::ValuesIn(Checks())),
                         TestName);

class InDouble : public ::testing::TestWithParam<ComponentInfo> {};

/// Not part of the contract, but what the tests against references stand on.
TEST_P(InDouble, GivesTheSame) {
  const auto examine = [](const Examination& of) {
    Sequence input = SomeVideos(of.shape);
    Targets targets = SomeTargets(of.shape);
    const torch::Tensor in_float = Evaluate(of.subject, input, targets);
    of.subject.module->to(torch::kDouble);
    input.frames = input.frames.to(torch::kDouble);
    targets.labels = targets.labels.to(torch::kDouble);
    const torch::Tensor in_double = Evaluate(of.subject, input, targets);
    of.Expect(in_double.scalar_type() == torch::kDouble, "the output is not double");
    of.ExpectClose(in_float.to(torch::kDouble), in_double, "in double");
  };
  const ScriptFiles files;
  EXPECT_THAT(ExamineAll({GetParam(), files.GivenFor(GetParam())}, examine), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Catalogue, InDouble, ::testing::ValuesIn(Components()),
                         [](const auto& info) {
                           return info.param.criterion + "_" + info.param.name;
                         });

TEST(Catalogue, HasTheComponentsOfEveryCriterion) {
  std::vector<std::string> criteria;
  for (const ComponentInfo& info : Components()) {
    if (criteria.empty() || criteria.back() != info.criterion) criteria.push_back(info.criterion);
  }
  EXPECT_THAT(criteria, ::testing::ElementsAre("multimodal", "temporal", "classifier", "extras",
                                               "label_processing", "loss"));
}

// ---- The checks themselves: each finds the fault that it is for
// -----------------------------------

using Forward = std::function<torch::Tensor(const Sequence&)>;

/// A temporal component with one fault.
class Faulty : public Temporal {
 public:
  Faulty(std::int64_t width, Forward forward, std::int64_t declared)
      : weight_(register_parameter("weight", torch::ones({width}))),
        forward_(std::move(forward)),
        declared_(declared) {}
  torch::Tensor forward(const Sequence& input, const Targets&) override {
    return forward_(input) * weight_;
  }
  [[nodiscard]] std::int64_t output_width() const override { return declared_; }

 private:
  torch::Tensor weight_;
  Forward forward_;
  std::int64_t declared_;
};

/// The promises that do not hold for a component whose output (before a factor per column) this is.
std::vector<std::string> Broken(const Forward& forward, std::int64_t declared_offset = 0) {
  Makers<Temporal>::All()["faulty"] = [=](const BuildContext& context, const Options&) {
    return std::make_shared<Faulty>(context.input_width, forward,
                                    context.input_width + declared_offset);
  };
  std::vector<std::string> broken;
  for (const Check& check : Checks()) {
    const ComponentInfo info{.criterion = "temporal", .name = "faulty", .help = "for a test"};
    if (!check.run({.component = info}).empty()) broken.push_back(check.promise);
  }
  Makers<Temporal>::All().erase("faulty");
  return broken;
}

TEST(Checks, AreContentWithASoundComponent) { EXPECT_THAT(Broken(MeanFrame), IsEmpty()); }

TEST(Checks, FindPaddingThatCounts) {
  EXPECT_THAT(
      Broken([](const Sequence& input) { return input.frames.mean(1); }),
      ::testing::IsSupersetOf({"padding changes nothing", "padding changes nothing in training",
                               "videos do not see each other"}));
}

TEST(Checks, FindVideosThatSeeEachOther) {
  EXPECT_THAT(Broken([](const Sequence& input) {
                const torch::Tensor mean = MeanFrame(input);
                return mean - mean.mean(0, /*keepdim=*/true);
              }),
              ::testing::Contains("videos do not see each other"));
}

TEST(Checks, FindAWrongWidth) {
  EXPECT_THAT(Broken(MeanFrame, 1), ::testing::ElementsAre("the declared width is the width"));
}

TEST(Checks, FindWhatIsNotFiniteForOneFrame) {
  EXPECT_THAT(Broken([](const Sequence& input) {
                const torch::Tensor count = input.mask.sum(1, /*keepdim=*/true);
                return MeanFrame(input) / (count - 1);
              }),
              ::testing::Contains("one video of one frame trains and evaluates"));
}

TEST(Checks, FindParametersWithoutGradient) {
  EXPECT_THAT(Broken([](const Sequence& input) { return MeanFrame(input).detach() * 0; }),
              ::testing::ElementsAre("gradients reach the frames and every parameter"));
}

TEST(Checks, FindStateThatIsNotSaved) {
  const auto calls = std::make_shared<double>(0);
  EXPECT_THAT(Broken([calls](const Sequence& input) { return MeanFrame(input) * ++*calls; }),
              ::testing::IsSupersetOf(
                  {"saved and loaded is the same", "state is in parameters and buffers",
                   "the seed decides everything", "evaluation is repeatable and changes nothing"}));
}

TEST(Checks, SayWhyNothingCanBeBuilt) {
  Makers<Temporal>::All()["picky"] = [](const BuildContext&,
                                        const Options&) -> std::shared_ptr<Temporal> {
    throw SpecError("takes frames of 1152 values");
  };
  const ComponentInfo info{.criterion = "temporal", .name = "picky", .help = "for a test"};
  const Problems problems = Checks().at(1).run({.component = info});
  Makers<Temporal>::All().erase("picky");
  EXPECT_THAT(problems, ::testing::ElementsAre(
                            "small defaults: cannot be built: takes frames of 1152 values"));
}

}  // namespace contract_test
}  // namespace beamgrid::trainer::contract

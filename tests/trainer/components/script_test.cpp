// Components that run a user's TorchScript module. The modules are made here, without Python.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "registry/util/error.h"
#include "registry/util/files.h"
#include "tests/support/error_text.h"
#include "tests/trainer/components/contract.h"
#include "tests/trainer/components/script_files.h"
#include "tests/trainer/trial.h"
#include "trainer/training/model.h"
#include "trainer/training/optimiser.h"
#include "trainer/without_memory.h"

namespace beamgrid::trainer {
namespace script_test {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Weighted sum of the frames, masked: [batch, width] x [width, out].
constexpr char kProjection[] = R"(
def forward(self, frames, mask):
    valid = mask.unsqueeze(2).to(frames.dtype)
    return (frames * valid).sum(1).matmul(self.weight)
)";

class ScriptTest : public ::testing::Test {
 protected:
  NamedFile Save(const torch::jit::Module& module, const std::string& name = "script.pt") const {
    module.save((folder_ / name).string());
    return LookAtFile(name, folder_.path());
  }
  NamedFile Save(const std::string& source, std::int64_t width = 1, std::int64_t out = 1) const {
    return Save(MakeScript(source, width, out));
  }
  static std::shared_ptr<Temporal> Build(const NamedFile& file, std::int64_t width = 4) {
    return Makers<Temporal>::All().at("script")({.input_width = width}, {{"file", ToJson(file)}});
  }
  /// Why no temporal component can be made of this module.
  std::string Refusal(const std::string& source) const {
    return ErrorText<SpecError>([&] { (void)Build(Save(source, 4, 4)); });
  }
  static ModelSpec ModelWith(const std::string& criterion, const NamedFile& file) {
    ModelSpec model = MakeModel({});
    model.parts[criterion] = {"script", {{"file", ToJson(file)}}};
    return model;
  }

  TemporaryFolder folder_;
};

TEST_F(ScriptTest, ForwardAndGradientAreTheScripts) {
  const auto module = Build(Save(kProjection, 4, 3));
  module->to(torch::kDouble);
  ASSERT_EQ(module->output_width(), 3);
  Sequence input = contract::RandomSequence({3, 1}, 3, 4);
  input.frames = input.frames.to(torch::kDouble);
  const torch::Tensor weight = module->named_parameters()["weight"];
  const torch::Tensor output = module->forward(input, {});
  output.sum().backward();
  for (int b = 0; b < 2; ++b) {
    for (int o = 0; o < 3; ++o) {
      double sum = 0;
      for (int t = 0; t < (b == 0 ? 3 : 1); ++t) {
        for (int d = 0; d < 4; ++d) {
          sum += input.frames[b][t][d].item<double>() * weight[d][o].item<double>();
        }
      }
      EXPECT_NEAR(output[b][o].item<double>(), sum, 1e-12);
    }
  }
  for (int d = 0; d < 4; ++d) {
    double sum = 0;
    for (int t = 0; t < 3; ++t) sum += input.frames[0][t][d].item<double>();
    sum += input.frames[1][0][d].item<double>();
    for (int o = 0; o < 3; ++o) EXPECT_NEAR(weight.grad()[d][o].item<double>(), sum, 1e-12);
  }
}

TEST_F(ScriptTest, ParametersKeepTheirNames) {
  torch::jit::Module inner("Inner"), outer("Outer");
  inner.register_parameter("weight", torch::ones({4}), /*is_buffer=*/false);
  inner.register_buffer("mean", torch::zeros({4}));
  outer.register_parameter("scale", torch::ones({1}), /*is_buffer=*/false);
  outer.register_module("inner", inner);
  outer.define(
      "def forward(self, frames, mask):\n"
      "    return frames.sum(1) * self.inner.weight * self.scale + self.inner.mean\n");
  const auto module = Build(Save(outer));
  EXPECT_THAT(module->named_parameters().keys(), ElementsAre("scale", "inner.weight"));
  EXPECT_THAT(module->named_buffers().keys(), ElementsAre("inner.mean"));
}

TEST_F(ScriptTest, ASharedParameterIsRegisteredOnce) {
  torch::jit::Module module("Tied");
  const torch::Tensor shared = torch::ones({4});
  module.register_parameter("one", shared, /*is_buffer=*/false);
  module.register_parameter("two", shared, /*is_buffer=*/false);
  module.define(
      "def forward(self, frames, mask):\n"
      "    return frames.sum(1) * self.one * self.two\n");
  EXPECT_EQ(Build(Save(module))->parameters().size(), 1U);
}

TEST_F(ScriptTest, AFrozenParameterStaysFrozen) {
  torch::jit::Module module = MakeScript(kProjection, 4, 3);
  module.attr("weight").toTensor().set_requires_grad(false);
  EXPECT_FALSE(Build(Save(module))->parameters().at(0).requires_grad());
}

TEST_F(ScriptTest, IsCountedInAModelAlsoWithoutMemory) {
  const NamedFile file = Save(kProjection, 1152, 256);
  const ModelSpec model = ModelWith("temporal", file);
  const std::int64_t parameters = 1152 * 256 + (256 + 1) * 3862;
  const ModelSize planned = MeasureModel(model, PaperData());
  EXPECT_EQ(planned.parameters, parameters);
  EXPECT_EQ(planned.size_bytes, 4 * parameters);
  Model built(model, PaperData());
  EXPECT_EQ(built.ParameterCount(), parameters);
  EXPECT_TRUE(built.named_parameters().contains("temporal.weight"));
}

TEST_F(ScriptTest, EveryCriterionThatTakesOneIsCounted) {
  EXPECT_EQ(
      MeasureModel(ModelWith("multimodal", Save(kScaledFramesScript)), PaperData()).parameters,
      1 + 1153 * 3862);
  EXPECT_EQ(MeasureModel(ModelWith("classifier", Save(kClassifierScript, 1, 3862)), PaperData())
                .parameters,
            3862);
}

TEST_F(ScriptTest, TrainingIsForwardedToTheScript) {
  const auto module = Build(Save(R"(
def forward(self, frames, mask):
    if self.training:
        return frames.sum(1) * self.weight[0, 0]
    return frames.sum(1) * 0
)"));
  const Sequence input = contract::RandomSequence({2}, 2, 4);
  EXPECT_NE(module->forward(input, {}).abs().sum().item<double>(), 0);
  module->eval();
  EXPECT_EQ(module->forward(input, {}).abs().sum().item<double>(), 0);
  module->train();
  EXPECT_NE(module->forward(input, {}).abs().sum().item<double>(), 0);
}

TEST_F(ScriptTest, AScriptWithoutTrainingIsFine) {
  torch::jit::Module module("Plain");
  module.define("def forward(self, frames, mask):\n    return frames.sum(1)\n");
  const auto built = Build(Save(module));
  built->eval();
  EXPECT_EQ(built->output_width(), 4);
}

TEST_F(ScriptTest, TheSeedDecidesWhereTheScriptResets) {
  const auto weight = [](const NamedFile& file, std::uint64_t seed) {
    torch::manual_seed(seed);
    return Build(file)->parameters().at(0).clone();
  };
  const NamedFile fixed = Save(kProjection, 4, 3);
  EXPECT_TRUE(weight(fixed, 1).equal(weight(fixed, 2)));
  const NamedFile reset = Save(std::string(kProjection) + R"(
def reset_parameters(self) -> None:
    self.weight.normal_(0., 1.)
)",
                               4, 3);
  EXPECT_TRUE(weight(reset, 1).equal(weight(reset, 1)));
  EXPECT_FALSE(weight(reset, 1).equal(weight(reset, 2)));
}

TEST_F(ScriptTest, IsTrainedByTheOptimiser) {
  Model model(ModelWith("temporal", Save(kProjection, 24, 5)),
              {.format = "frame", .classes = 3, .features = {{"rgb", 16}, {"audio", 8}}});
  const torch::Tensor before = model.named_parameters()["temporal.weight"].clone();
  torch::optim::SGD sgd(model.parameters(), 0.1);
  const Targets targets{torch::ones({2, 3})};
  const ModelOutput output = model.forward(contract::RandomSequence({3, 1}, 3, 24), targets);
  model.TotalLoss(output, targets).backward();
  sgd.step();
  EXPECT_FALSE(before.equal(model.named_parameters()["temporal.weight"]));
  // The script runs with the trained values, not with copies of the old ones.
  const Sequence input = contract::RandomSequence({3, 1}, 3, 24);
  const torch::Tensor scores = model.forward(input, targets).embedding;
  const torch::Tensor expected =
      input.frames.sum(1).matmul(model.named_parameters()["temporal.weight"]);
  EXPECT_TRUE(scores.allclose(expected, 1e-5, 1e-6));
}

TEST_F(ScriptTest, PaddingOfFusedFramesIsZero) {
  const NamedFile file =
      Save("def forward(self, frames, mask):\n    return frames + self.weight\n", 1, 4);
  const auto module =
      Makers<Multimodal>::All().at("script")({.input_width = 4}, {{"file", ToJson(file)}});
  const Sequence output = module->forward(contract::RandomSequence({3, 1}, 3, 4), {});
  EXPECT_EQ(output.frames[1].slice(0, 1).abs().sum().item<double>(), 0);
  EXPECT_NE(output.frames[1][0].abs().sum().item<double>(), 0);
}

// ---- What can be wrong with a file
// ----------------------------------------------------------------

TEST_F(ScriptTest, AMissingOrChangedFileIsRefused) {
  const NamedFile file = Save(kProjection, 4, 3);
  WriteFileAtomically(file.path, "something else");
  EXPECT_THAT(ErrorText<SpecError>([&] { (void)Build(file); }),
              AllOf(HasSubstr(file.path), HasSubstr("has changed since the trial was planned")));
  std::filesystem::remove(file.path);
  EXPECT_THAT(ErrorText<SpecError>([&] { (void)Build(file); }),
              AllOf(HasSubstr(file.path), HasSubstr("there is no such file")));
}

TEST_F(ScriptTest, AFileThatIsNoTorchScriptIsRefused) {
  WriteFileAtomically(folder_ / "text.pt", "import torch\n");
  torch::save(torch::ones({2}), (folder_ / "tensor.pt").string());
  for (const char* name : {"text.pt", "tensor.pt"}) {
    const NamedFile file = LookAtFile(name, folder_.path());
    const std::string refusal = ErrorText<SpecError>([&] { (void)Build(file); });
    EXPECT_THAT(refusal, HasSubstr(file.path)) << name;
    EXPECT_EQ(refusal.find('\n'), std::string::npos) << refusal;
  }
  EXPECT_THAT(
      ErrorText<SpecError>([&] { (void)Build(LookAtFile("text.pt", folder_.path())); }),
      HasSubstr("is no TorchScript module, which torch.jit.script(module).save(...) writes"));
}

TEST_F(ScriptTest, AnotherSignatureIsRefused) {
  EXPECT_THAT(Refusal("def forward(self, frames):\n    return frames.sum(1)\n"),
              HasSubstr("has forward(frames: Tensor) -> Tensor, must have forward(frames: Tensor, "
                        "mask: Tensor) -> Tensor"));
  EXPECT_THAT(Refusal("def forward(self, frames, mask, n: int):\n    return frames.sum(1)\n"),
              HasSubstr("has forward(frames: Tensor, mask: Tensor, n: int) -> Tensor"));
  EXPECT_THAT(Refusal("def forward(self, frames, mask):\n    return frames.sum(1), mask\n"),
              HasSubstr("-> Tuple[Tensor, Tensor]"));
  EXPECT_THAT(Refusal("def pool(self, frames, mask):\n    return frames.sum(1)\n"),
              HasSubstr("has no forward, must have forward(frames: Tensor, mask: Tensor)"));
}

TEST_F(ScriptTest, ADefaultForMoreArgumentsIsFine) {
  const NamedFile file =
      Save("def forward(self, frames, mask, n: int = 2):\n    return frames.sum(1) * n\n");
  EXPECT_EQ(Build(file)->output_width(), 4);
}

TEST_F(ScriptTest, AnOutputOfAnotherShapeIsRefused) {
  EXPECT_THAT(Refusal("def forward(self, frames, mask):\n    return frames\n"),
              AllOf(HasSubstr("forward gives float of [2, 3, 4]"),
                    HasSubstr("must give float of [batch, width], here [2, width]")));
  EXPECT_THAT(Refusal("def forward(self, frames, mask):\n    return frames.sum(1) > 0\n"),
              HasSubstr("of [2, 4], must give float of"));
  EXPECT_THAT(Refusal("def forward(self, frames, mask):\n    return frames.sum(0)\n"),
              HasSubstr("forward gives float of [3, 4]"));
  const NamedFile classifier = Save(kClassifierScript, 1, 5);
  EXPECT_THAT(ErrorText<SpecError>(
                  [&] { (void)MeasureModel(ModelWith("classifier", classifier), PaperData()); }),
              HasSubstr("must give float of [batch, classes], here [2, 3862]"));
  const NamedFile fusion = Save("def forward(self, frames, mask):\n    return frames.sum(1)\n");
  EXPECT_THAT(ErrorText<SpecError>(
                  [&] { (void)MeasureModel(ModelWith("multimodal", fusion), PaperData()); }),
              HasSubstr("must give float of [batch, frames, width], here [2, 3, width]"));
}

TEST_F(ScriptTest, AForwardThatFailsIsRefusedInOneLine) {
  const std::string refusal = ErrorText<SpecError>([&] { (void)Build(Save(kProjection, 5, 3)); });
  EXPECT_THAT(refusal, AllOf(HasSubstr("script.pt: forward fails: "), HasSubstr("2x4 and 5x3")));
  EXPECT_EQ(refusal.find('\n'), std::string::npos) << refusal;
  EXPECT_THAT(Refusal(std::string(kProjection) +
                      "def reset_parameters(self):\n    self.weight.normal_(0., -1.)\n"),
              HasSubstr("reset_parameters fails: "));
}

TEST_F(ScriptTest, AFailureInTrainingNamesTheFile) {
  const auto module = Build(Save(R"(
def forward(self, frames, mask):
    assert frames.size(0) == 2, "two videos only"
    return frames.sum(1)
)"));
  const std::string message = ErrorText<c10::Error>(
      [&] { (void)module->forward(contract::RandomSequence({1}, 1, 4), {}); });
  EXPECT_THAT(message,
              AllOf(HasSubstr("script.pt: forward fails: "), HasSubstr("two videos only")));
}

TEST(WithMemory, GivesTensorsMemoryWhileModelsAreBuiltWithout) {
  const WithoutMemory guard;
  {
    const WithMemory memory;
    EXPECT_EQ((torch::ones({2}) + 1).sum().item<double>(), 4);
  }
}

}  // namespace script_test
}  // namespace beamgrid::trainer

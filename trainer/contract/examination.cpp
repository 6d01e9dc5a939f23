#include <c10/util/Exception.h>

#include <sstream>

#include "trainer/contract/cases.h"
#include "trainer/contract/checks.h"

namespace beamgrid::trainer::contract {
namespace {

/// Batches of other shapes are summed in another order, which moves the last digits of a float.
constexpr double kTolerance = 2e-5;
constexpr std::int64_t kFrames = 6;
const std::vector<std::int64_t> kLengths = {6, 1, 3, 2};

/// Moves every parameter off its initial value: a bias that is still 0 cannot leak into padding,
/// and a leak would only show after training.
void Perturb(torch::nn::Module& module) {
  const torch::NoGradGuard no_gradient;
  for (torch::Tensor& parameter : module.parameters()) {
    parameter.add_(torch::empty_like(parameter).uniform_(-0.3, 0.3));
  }
}

/// Runs the component in training mode, which moves its running statistics off their initial
/// values.
void TrainForwards(const Subject& subject, const Shape& shape, int times) {
  subject.module->train();
  for (int i = 0; i < times; ++i) subject.run(SomeVideos(shape), SomeTargets(shape));
}

std::string Difference(const torch::Tensor& one, const torch::Tensor& other) {
  std::ostringstream text;
  if (one.sizes() != other.sizes()) {
    text << "shape " << one.sizes() << " against " << other.sizes();
    return text.str();
  }
  const double difference = (one - other).abs().max().item<double>();
  if (difference <= kTolerance) return "";  // false for NaN too
  text << "values differ by " << difference;
  return text.str();
}

/// The text of the exception in flight. LibTorch's own is without its backtrace of many lines.
std::string ThrownText() {
  try {
    throw;
  } catch (const c10::Error& error) {
    return std::string("LibTorch: ") + error.what_without_backtrace();
  } catch (const std::exception& error) {
    return error.what();
  }
}

/// Examines a component; what is thrown meanwhile is a problem of the component.
void Examine(const Case& variant, const Shape& shape, const Subject& subject,
             const std::function<void(const Examination&)>& examine, Problems& problems) {
  try {
    Perturb(*subject.module);
    TrainForwards(subject, shape, 3);
    examine({variant, shape, subject, problems, SomeVideos(shape), SomeTargets(shape)});
  } catch (const std::exception&) {
    problems.push_back(ThrownText());
  }
}

std::string Prefix(const Case& variant, const Shape& shape) {
  std::string text = variant.label + ", ";
  for (const auto& [name, width] : shape.features) text += name + "=" + std::to_string(width) + " ";
  text.back() = ':';
  return text + " ";
}

}  // namespace

void Examination::Expect(bool fine, const std::string& what) const {
  if (!fine) problems.push_back(what);
}

void Examination::ExpectClose(const torch::Tensor& one, const torch::Tensor& other,
                              const std::string& what) const {
  const std::string difference = Difference(one, other);
  Expect(difference.empty(), what + ": " + difference);
}

Problems ExamineAll(const Question& question,
                    const std::function<void(const Examination&)>& examine) {
  Problems all;
  for (const Case& variant : CasesOf(question.component, question.given)) {
    std::string refusal;
    bool accepted = false;
    for (const Shape& shape : question.shapes) {
      Problems problems;
      try {
        const Subject subject = BuildOrRefuse(variant, shape);
        accepted = true;
        Examine(variant, shape, subject, examine, problems);
      } catch (const SpecError& error) {
        // A component may refuse a shape (attention needs two features), but not all of them.
        refusal = error.what();
      } catch (const std::exception&) {
        accepted = true;
        problems.push_back("cannot be built: " + ThrownText());
      }
      for (const std::string& problem : problems) all.push_back(Prefix(variant, shape) + problem);
    }
    if (!accepted) all.push_back(variant.label + ": cannot be built: " + refusal);
  }
  return all;
}

Sequence SomeVideos(const Shape& shape) { return RandomSequence(kLengths, kFrames, shape.width()); }

Targets SomeTargets(const Shape& shape) {
  return RandomTargets(static_cast<std::int64_t>(kLengths.size()), shape.classes);
}

torch::Tensor Evaluate(const Subject& subject, const Sequence& input, const Targets& targets) {
  const torch::NoGradGuard no_gradient;
  subject.module->eval();
  return subject.run(input, targets);
}

}  // namespace beamgrid::trainer::contract

// Compiled once for each instruction set, of which the best one is chosen when the program runs.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "trainer/training/adam.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <cmath>

#include "trainer/training/adam.h"

HWY_BEFORE_NAMESPACE();
namespace beamgrid::trainer {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

/// One vector of elements.
template <class D>
void StepVector(D d, const AdamFactors& factors, const float* gradient, float* value, float* first,
                float* second) {
  const auto rounded = [d](double factor) { return hn::Set(d, static_cast<float>(factor)); };
  const auto g = hn::LoadU(d, gradient);
  const auto m = hn::MulAdd(g, rounded(1 - factors.beta1),
                            hn::Mul(hn::LoadU(d, first), rounded(factors.beta1)));
  const auto v = hn::MulAdd(hn::Mul(rounded(1 - factors.beta2), g), g,
                            hn::Mul(hn::LoadU(d, second), rounded(factors.beta2)));
  const auto root =
      hn::Add(hn::Div(hn::Sqrt(v), rounded(factors.root_of_bias)), rounded(factors.epsilon));
  const auto step = hn::Div(hn::Mul(rounded(-factors.step_size), m), root);
  hn::StoreU(m, d, first);
  hn::StoreU(v, d, second);
  hn::StoreU(hn::Add(hn::LoadU(d, value), step), d, value);
}

void Step(const AdamFactors& factors, std::size_t size, const float* gradient, float* value,
          float* first, float* second) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= size; i += lanes) {
    StepVector(d, factors, gradient + i, value + i, first + i, second + i);
  }
  for (; i < size; ++i) {
    StepVector(one, factors, gradient + i, value + i, first + i, second + i);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace beamgrid::trainer
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace beamgrid::trainer {
namespace {

HWY_EXPORT(Step);

}  // namespace

AdamFactors::AdamFactors(std::int64_t step, double learning_rate)
    : root_of_bias(std::sqrt(1 - std::pow(beta2, static_cast<double>(step)))),
      step_size(learning_rate / (1 - std::pow(beta1, static_cast<double>(step)))) {}

void StepAdam(const AdamFactors& factors, std::size_t size, const float* gradient, float* value,
              float* first, float* second) {
  HWY_DYNAMIC_DISPATCH(Step)(factors, size, gradient, value, first, second);
}

}  // namespace beamgrid::trainer
#endif  // HWY_ONCE

#pragma once
// The contract of trainer/component.h as checks that can be run on any component, of ours or of a
// user: by the tests and by `beamgrid components --test NAME`.

#include <functional>
#include <string>
#include <vector>

#include "registry/catalogue.h"
#include "trainer/contract/subject.h"

namespace beamgrid::trainer::contract {

/// Question names a component and what it is to be built with and for.
struct Question {
  ComponentInfo component;
  Options given;  ///< options that hold in every case: files
  std::vector<Shape> shapes = Shapes();
};

/// What a check found wrong, a line each; empty: nothing.
using Problems = std::vector<std::string>;

/// Check is one promise of the contract, and how to find out whether it is kept.
struct Check {
  std::string promise;  ///< "padding changes nothing"
  std::function<Problems(const Question&)> run;
};

/// All checks, in the order of their importance to a reader.
[[nodiscard]] const std::vector<Check>& Checks();

/// Examination is one built component and the list of what is found wrong with it.
struct Examination {
  const Case& variant;
  const Shape& shape;
  const Subject& subject;
  Problems& problems;
  Sequence input;   ///< SomeVideos
  Targets targets;  ///< SomeTargets

  /// Notes `what` as a problem where `fine` does not hold.
  void Expect(bool fine, const std::string& what) const;
  /// Notes a problem where the two differ in shape or by more than rounding (2e-5).
  void ExpectClose(const torch::Tensor& one, const torch::Tensor& other,
                   const std::string& what) const;
};

/// Calls `examine` for each variant and shape that the component accepts, with parameters and
/// running statistics that are no longer the initial ones. A variant that refuses every shape is a
/// problem, and so is anything that is thrown.
[[nodiscard]] Problems ExamineAll(const Question& question,
                                  const std::function<void(const Examination&)>& examine);

/// Random videos of 6, 1, 3 and 2 frames: ragged, one of a single frame, in no order.
[[nodiscard]] Sequence SomeVideos(const Shape& shape);
/// Random labels for as many videos.
[[nodiscard]] Targets SomeTargets(const Shape& shape);
/// The values of `run` without gradients, in evaluation mode.
[[nodiscard]] torch::Tensor Evaluate(const Subject& subject, const Sequence& input,
                                     const Targets& targets);

}  // namespace beamgrid::trainer::contract

#pragma once
// What the checks look at: any variant of any component behind one function from frames to values
// of each video, so that one check serves all criteria.

#include <torch/torch.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "trainer/component.h"
#include "trainer/contract/batches.h"

namespace beamgrid::trainer::contract {

/// Case is a component with one set of small options.
struct Case {
  std::string criterion;
  std::string name;
  std::string label;  ///< "small defaults", or what differs from them: "pool=last"
  Options options;
  /// An integer is at its smallest value, where a part may lose its effect: a softmax over one
  /// cluster is 1 whatever its weights.
  bool degenerate = false;
};

/// Shape says what data a component is built for.
struct Shape {
  std::vector<Feature> features;
  std::int64_t classes = 4;
  /// The sum of the features' widths.
  [[nodiscard]] std::int64_t width() const;
};

/// The shapes of the suite: one feature of width 5, two of widths 5 and 3, and these and a third
/// one of width 4.
[[nodiscard]] std::vector<Shape> Shapes();

/// Subject is a built component. `run` gives values [batch, ...] of which row b may depend on video
/// b alone.
struct Subject {
  std::shared_ptr<torch::nn::Module> module;
  std::function<torch::Tensor(const Sequence&, const Targets&)> run;
  /// Frame-level outputs, for the checks on padding; null where there are none.
  std::function<Sequence(const Sequence&, const Targets&)> sequence;
  std::int64_t declared_width =
      0;  ///< promised last dimension of `sequence`'s values, else `run`'s
};

/// Builds a component with the generator seeded. Throws SpecError where it refuses this shape.
[[nodiscard]] Subject BuildOrRefuse(const Case& c, const Shape& shape, std::uint64_t seed = 1);
/// The same, but nothing where the component refuses this shape.
[[nodiscard]] std::optional<Subject> Build(const Case& c, const Shape& shape,
                                           std::uint64_t seed = 1);

}  // namespace beamgrid::trainer::contract

#pragma once
// Every variant of every component behind one function from frames to per-video values.

#include <torch/torch.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "trainer/component.h"
#include "trainer/contract/batches.h"

namespace beamgrid::trainer::contract {

/// A component with one set of small options.
struct Case {
  std::string criterion;
  std::string name;
  std::string label;  ///< "pool=last" beside the small defaults; "small defaults"
  Options options;
  /// An integer is at its smallest value, where a part may lose its effect: a softmax over one
  /// cluster is 1 whatever its weights.
  bool degenerate = false;
};

/// The data a component is built for.
struct Shape {
  std::vector<Feature> features;
  std::int64_t classes = 4;
  [[nodiscard]] std::int64_t width() const;
};

/// One feature, and two of different widths.
[[nodiscard]] std::vector<Shape> Shapes();

/// A built component. `run` gives values [batch, ...] of which row b may depend on video b alone.
struct Subject {
  std::shared_ptr<torch::nn::Module> module;
  std::function<torch::Tensor(const Sequence&, const Targets&)> run;
  /// Frame-level outputs, for the checks on padding; null where there are none.
  std::function<Sequence(const Sequence&, const Targets&)> sequence;
  std::int64_t declared_width = 0;  ///< of the last dimension of `run`'s or `sequence`'s values
};

/// SpecError where the component refuses this shape.
[[nodiscard]] Subject BuildOrRefuse(const Case& c, const Shape& shape, std::uint64_t seed = 1);
/// Nothing where it does.
[[nodiscard]] std::optional<Subject> Build(const Case& c, const Shape& shape,
                                           std::uint64_t seed = 1);

}  // namespace beamgrid::trainer::contract

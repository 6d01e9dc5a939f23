#pragma once
// modeling.py: the program that loads an exported model in Python. It is put together from the
// pieces of Python that lie beside the components' C++, and holds only those that the model uses.
//
// The Python of trainer/components/<criterion>/<name>.cpp is <name>.py beside it. Its last class is
// the component; a file without a class belongs to a component that acts in training only. What
// several share lies in files of other names. A piece is a class, a function or a constant at the
// beginning of a line; it comes along where a piece that is used has its name, so names are unique
// over all files.

#include <string>
#include <vector>

#include "registry/model_spec.h"

namespace beamgrid::trainer {

/// Returns the text of modeling.py. `name` is how people call the model. Throws SpecError naming
/// each part that has no Python: one of a plugin, or a script.
[[nodiscard]] std::string ModelingText(const ModelSpec& spec, const DataSpec& data,
                                       const std::string& name);

/// Returns the text of the modeling.py that combines the models of an ensemble.
[[nodiscard]] std::string EnsembleModelingText(const std::string& name);

/// Returns whether there is Python of a component (an empty one where it acts in training only).
[[nodiscard]] bool HasPython(const std::string& criterion, const std::string& component);

/// Returns what is wrong with the files: a line that begins no piece, two pieces of one name.
[[nodiscard]] std::vector<std::string> PythonFileErrors();

}  // namespace beamgrid::trainer

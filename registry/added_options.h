#pragma once
// Options that components got after trials of theirs had been recorded. Each has a value that means
// what was done before there was the option: a trial that has it, or has no such option, is the
// trial that it always was.

#include <boost/json.hpp>
#include <string>
#include <vector>

#include "registry/catalogue.h"

namespace beamgrid {

/// AddedOption is one such option.
struct AddedOption {
  const char* criterion;
  const char* component;
  const char* option;
  OptionValue before;  ///< what was done before, in the option's own type
};

/// Returns all of them. A new option of a component that has been released is a row here.
[[nodiscard]] const std::vector<AddedOption>& AddedOptions();

/// Takes out of the JSON of a model (ToJson) what says nothing beside what was done before, so that
/// its canonical text is the one that it had then.
void LeaveOutAsBefore(boost::json::object& model);

/// Returns false for a setting of training that changes nothing in this model: the weight of no
/// teacher, or whether the gradient of L2 is clipped where there is no L2 or nothing that clips.
[[nodiscard]] bool SaysSomething(const ModelSpec& model, const std::string& setting);

/// Gives a model that was written before there were these options the values that mean what was
/// done then. With a catalogue only those options that it has.
void FillInAsBefore(ModelSpec& model, const Catalogue* catalogue = nullptr);

}  // namespace beamgrid

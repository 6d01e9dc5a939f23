#pragma once
// What a command is to write: looked at before any work, because what is there already must be
// nothing that others need, and named where the system keeps it from being written.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/commands/record.h"
#include "registry/util/system_error.h"

namespace beamgrid {

/// OutputMark is how a file that a command wrote earlier is known.
struct OutputMark {
  std::string beginning;
  std::string near_beginning = {};  ///< within the first 2048 bytes
};

/// Returns the file to write where `--out` names `out`: of a link what it points to. Throws
/// UsageError for no name, a folder, a device or pipe (it would be replaced by a file), a folder
/// that is not there, one of `inputs`, the database and its log, whatever lies among the runs of
/// `store`, which may be null, and a file that is there, is not empty and has none of `marks`: it
/// is nothing that such a command wrote.
[[nodiscard]] std::filesystem::path OutputFile(const std::string& out,
                                               const std::vector<std::string>& inputs,
                                               const DatabaseOption& database, const Store* store,
                                               const std::vector<OutputMark>& marks);

/// What files of predictions begin with. A truth begins otherwise: "VideoId,Labels".
inline const std::vector<OutputMark> kPredictionMarks = {
    {"VideoId,LabelConfidencePairs"}, {"VideoId,Label,Name,Confidence"}, {"Class,Segments"}};

/// Returns the message of an error that kept what `option` names (`named`, a file or a folder) from
/// being written: the name that the user gave, not the temporary one beside it, and what can be
/// done about it here. Nothing for an error of any other place.
[[nodiscard]] std::optional<std::string> OutputFault(const SystemError& error,
                                                     const std::string& option,
                                                     const std::string& named);

}  // namespace beamgrid

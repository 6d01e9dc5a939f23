#pragma once
// The files of a study's content, looked at again and again while it runs.

#include <string>
#include <vector>

#include "orchestrator/study/content_watch.h"
#include "registry/model_spec.h"
#include "registry/named_file.h"
#include "registry/util/file_stamp.h"

namespace beamgrid {

/// WatchedContent compares stamps, and contents where a stamp is another.
class WatchedContent : public ContentWatch {
 public:
  /// Looks at the files of `data`, which has no digest yet: what is changed while the digest is
  /// being made is noticed too. Throws Error where a file cannot be looked at.
  explicit WatchedContent(DataSpec data);

  /// Takes the digest of the data, which Change compares with.
  void SetDigest(const std::string& digest) { data_.digest = digest; }
  /// Watches a file that models name, too.
  void Add(const NamedFile& file);

  [[nodiscard]] std::optional<std::string> Change() override;
  [[nodiscard]] std::string DataStamp() const override;

 private:
  /// Looked is a file of the data with its stamp when it was last known to be as it was.
  struct Looked {
    std::string path;
    FileStamp stamp;
  };
  /// Named is the same of a file that models name.
  struct Named {
    NamedFile file;
    FileStamp stamp;
  };

  [[nodiscard]] std::optional<std::string> DataChange();

  DataSpec data_;
  std::vector<Looked> data_files_;
  std::vector<Named> named_;
};

}  // namespace beamgrid

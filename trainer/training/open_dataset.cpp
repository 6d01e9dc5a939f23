#include "trainer/training/open_dataset.h"

#include "registry/util/system_error.h"
#include "trainer/data/data_error.h"
#include "trainer/training/failures.h"

namespace beamgrid::trainer {

std::unique_ptr<Dataset> OpenDataset(const DataSpec& data, const std::vector<std::string>& files,
                                     LabelPolicy labels) {
  try {
    return std::make_unique<Dataset>(data, files, labels);
  } catch (const DataError&) {
    throw;
  } catch (const Error& error) {
    // A missing or empty file is a mistake in the data. A full disk or too few descriptors is not:
    // taken for bad data, it would fail a trial that can run once the machine is mended.
    if (IsMachineFault(SystemCode(error))) throw;
    throw DataFilesError(error.what());
  }
}

}  // namespace beamgrid::trainer

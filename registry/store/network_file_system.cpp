#include "registry/store/network_file_system.h"

#include <sys/vfs.h>

#include <algorithm>
#include <iterator>

#include "registry/store/place.h"
#include "registry/util/error.h"

namespace beamgrid {
namespace {

struct NamedKind {
  long kind;
  const char* name;
};

// statfs(2), linux/magic.h, and the file systems' own sources where they are not in the kernel.
constexpr NamedKind kNetworkKinds[] = {
    {0x6969, "NFS"},        {0xFF534D42, "CIFS"},   {0xFE534D42, "SMB"},      {0x517B, "SMB"},
    {0x0BD00BD0, "Lustre"}, {0x19830326, "BeeGFS"}, {0x47504653, "GPFS"},     {0x5346414F, "AFS"},
    {0x6B414653, "AFS"},    {0x00C36400, "Ceph"},   {0x01161970, "GFS2"},     {0x7461636F, "OCFS2"},
    {0xAAD7AAEA, "PanFS"},  {0x73757245, "Coda"},   {0x20030528, "OrangeFS"},
};

}  // namespace

long SystemFileSystemKind(const std::filesystem::path& path) {
  struct statfs found{};
  if (::statfs(path.c_str(), &found) != 0) return 0;
  // Some kinds are negative where f_type is a signed word.
  return static_cast<long>(static_cast<unsigned long>(found.f_type) & 0xFFFFFFFFUL);
}

std::optional<std::string> NetworkFileSystemOf(const std::filesystem::path& path,
                                               const FileSystemKind& kind) {
  std::filesystem::path there = RealPath(path);
  std::error_code ignored;
  while (!std::filesystem::exists(there, ignored) && there.has_relative_path()) {
    there = there.parent_path();
  }
  const auto* known = std::ranges::find(kNetworkKinds, kind(there), &NamedKind::kind);
  if (known == std::end(kNetworkKinds)) return std::nullopt;
  return known->name;
}

void RefuseNetworkDatabase(const std::filesystem::path& database, const FileSystemKind& kind) {
  const std::optional<std::string> name = NetworkFileSystemOf(database, kind);
  if (!name) return;
  throw UsageError(database.string() + ": lies on " + *name +
                   ", a network file system, on which SQLite's locks and log are not safe; name a "
                   "file on a disk of this machine with --db, and leave the trials' files on the "
                   "shared file system with --runs");
}

}  // namespace beamgrid

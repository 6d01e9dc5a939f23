#include "orchestrator/machine/machine_share.h"

#include <fcntl.h>
#include <glob.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <iomanip>
#include <random>
#include <set>
#include <sstream>
#include <thread>
#include <utility>

#include "registry/util/system_error.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

constexpr char kNote[] = ".note";
/// All notes have this size and are written in place: one that has its room needs no more of a full
/// disk.
constexpr std::size_t kNoteBytes = 16 << 10;
constexpr char kNoteEnd[] = "end";  ///< a note's last word: it is whole
constexpr std::int64_t kUnitsMax = 1 << 20;
/// The folder is locked for microseconds, so whoever is kept out for so many milliseconds met a
/// stopped process.
constexpr int kMostPauses = 100;
constexpr std::chrono::milliseconds kRefresh{1000};

constexpr char kMustBeOurs[] = "must be a folder of your own that nobody else may write to";

/// What is written there must be ours alone.
bool IsOursAlone(const struct stat& folder) {
  return folder.st_uid == ::geteuid() && (folder.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

bool IsStill(int folder, const std::string& name, const UniqueFd& file) {
  struct stat there{}, ours{};
  return ::fstatat(folder, name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
         ::fstat(file.get(), &ours) == 0 && there.st_dev == ours.st_dev &&
         there.st_ino == ours.st_ino;
}

fs::path LinkTo(const UniqueFd& file) { return "/proc/self/fd/" + std::to_string(file.get()); }

/// Whether a process has a note open that was removed from the folder. It will write it again, but
/// until then nobody can read what it holds.
bool SomebodyLostTheirNote(const UniqueFd& folder) {
  const std::string start = fs::read_symlink(LinkTo(folder)).string() + '/';
  glob_t files{};
  ::glob("/proc/[0-9]*/fd/*", GLOB_NOSORT, nullptr, &files);
  const bool lost = std::any_of(files.gl_pathv, files.gl_pathv + files.gl_pathc, [&](char* file) {
    std::error_code ignored;
    const std::string target = fs::read_symlink(file, ignored).string();
    return target.starts_with(start) && target.ends_with(std::string(kNote) + " (deleted)");
  });
  ::globfree(&files);
  return lost;
}

std::string TextOf(const StudyNote& note) {
  std::ostringstream out;
  out << std::quoted(note.study) << ' ' << note.pid << ' ' << note.since << ' ' << note.priority;
  for (const auto& [device, claim] : note.devices) {
    out << '\n'
        << std::quoted(device) << ' ' << claim.capacity << ' ' << claim.held << ' ' << claim.wanted
        << ' ' << claim.asked_at_ms << ' ' << claim.renewed_at_ms;
  }
  out << '\n' << kNoteEnd << '\n';
  return out.str();
}

std::optional<StudyNote> NoteFrom(const std::string& text) {
  std::istringstream in(text);
  StudyNote note;
  in >> std::quoted(note.study) >> note.pid >> note.since >> note.priority;
  if (note.priority < 1 || note.priority > kUnitsMax) return std::nullopt;
  std::string device;
  while (in >> std::quoted(device) && device != kNoteEnd) {
    DeviceClaim& claim = note.devices[device];
    in >> claim.capacity >> claim.held >> claim.wanted >> claim.asked_at_ms >> claim.renewed_at_ms;
    for (const std::int64_t units : {claim.capacity, claim.held, claim.wanted}) {
      if (units < 0 || units > kUnitsMax) return std::nullopt;
    }
  }
  if (!in) return std::nullopt;
  return note;
}

/// Returns the text of an open note; nothing where it cannot be read.
std::optional<std::string> NoteText(const UniqueFd& file) {
  std::string text(kNoteBytes, '\0');
  const ssize_t size = ::pread(file.get(), text.data(), text.size(), 0);
  if (size < 0) return std::nullopt;
  text.resize(static_cast<std::size_t>(size));
  return text;
}

std::string ClockText(std::time_t time) {
  std::tm parts{};
  ::localtime_r(&time, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M", &parts)};
}

}  // namespace

bool MayTake(const std::string& device, const StudyNote& own, const std::vector<StudyNote>& others,
             std::int64_t now_ms) {
  const DeviceClaim& mine = own.devices.at(device);
  std::int64_t capacity = mine.capacity, taken = mine.held + mine.wanted;
  for (const StudyNote& other : others) {
    const auto found = other.devices.find(device);
    if (found == other.devices.end()) continue;
    const DeviceClaim& theirs = found->second;
    taken += theirs.held;
    // Both parts, held / priority, times both priorities.
    const auto their_place = std::pair(theirs.held * own.priority, theirs.asked_at_ms);
    const auto my_place = std::pair(mine.held * other.priority, mine.asked_at_ms);
    const bool waits = theirs.wanted > 0 && now_ms <= theirs.renewed_at_ms + kWishMs;
    if (!waits || their_place >= my_place) continue;
    taken += theirs.wanted;
    capacity = std::min(capacity, theirs.capacity);
  }
  return taken <= capacity;
}

fs::path DefaultShareFolder() {
  const char* folder = std::getenv("BEAMGRID_SHARE_DIR");
  if (folder != nullptr && *folder != 0) return folder;
  return "/tmp/beamgrid-" + std::to_string(::geteuid());
}

std::string ProblemOfShare(const fs::path& folder) {
  struct stat status{};
  const auto says = [&folder](const std::string& what) { return folder.string() + " " + what; };
  if (::lstat(folder.c_str(), &status) != 0) {
    const fs::path above = (folder.has_filename() ? folder : folder.parent_path()).parent_path();
    if (::access(above.c_str(), W_OK | X_OK) == 0) return "";
    return says(std::string("cannot be made: ") + above.string() + ": " + std::strerror(errno));
  }
  if (!S_ISDIR(status.st_mode)) return says("is no folder");
  if (!IsOursAlone(status)) return says(kMustBeOurs);
  return ::access(folder.c_str(), W_OK | X_OK) == 0 ? "" : says("is not writable");
}

std::vector<StudyNote> LivingNotes(const fs::path& folder) {
  const UniqueFd open(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  // With the folder to ourselves: a note that is just being made is not yet locked, and whoever
  // makes it must find it free.
  if (open.get() < 0 || ::flock(open.get(), LOCK_SH | LOCK_NB) != 0) return {};
  std::vector<StudyNote> notes;
  std::error_code failed;
  for (const fs::directory_entry& entry : fs::directory_iterator(LinkTo(open), failed)) {
    const std::string name = entry.path().filename();
    if (!name.ends_with(kNote)) continue;
    const UniqueFd file(::openat(open.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    const bool lives = file.get() >= 0 && ::flock(file.get(), LOCK_SH | LOCK_NB) != 0;
    if (!lives) continue;
    const std::optional<std::string> text = NoteText(file);
    if (auto note = text ? NoteFrom(*text) : std::nullopt) notes.push_back(*std::move(note));
  }
  std::ranges::sort(notes, {},
                    [](const StudyNote& note) { return std::pair(note.study, note.pid); });
  return notes;
}

MachineShare::MachineShare(fs::path folder, std::string study, std::int64_t priority,
                           ShareMode mode, Clock clock)
    : folder_(std::move(folder)),
      name_(std::to_string(::getpid()) + '-' + std::to_string(std::random_device()()) + kNote),
      own_{std::move(study), ::getpid(), std::time(nullptr), priority, {}},
      mode_(mode),
      clock_(std::move(clock)) {
  if (const std::optional<UniqueFd> locked = Lock()) Write(*locked);
}

MachineShare::~MachineShare() { ::unlink((folder_ / name_).c_str()); }

bool MachineShare::TryTake(const std::string& device, std::int64_t capacity, std::int64_t units) {
  DeviceClaim& own = own_.devices[device];
  own.renewed_at_ms = clock_().count();
  if (own.wanted == 0) own.asked_at_ms = own.renewed_at_ms;
  own.wanted = units;
  own.capacity = std::max(capacity, units);
  const std::optional<UniqueFd> locked = Lock();
  if (locked) Write(*locked);
  others_.reset();
  if (locked) others_ = ReadOthers(*locked);
  const bool room = others_ && MayTake(device, own_, *others_, own.renewed_at_ms);
  if (!room && mode_ == ShareMode::kWaitForSlots) return false;
  own.held += std::exchange(own.wanted, 0);
  if (locked) Write(*locked);
  return true;
}

void MachineShare::GiveBack(const std::string& device, std::int64_t units) {
  own_.devices.at(device).held -= units;
  Tell();
}

void MachineShare::StopWaiting() {
  std::int64_t wanted = 0;
  for (auto& [device, claim] : own_.devices) wanted += std::exchange(claim.wanted, 0);
  if (wanted > 0) Tell();
}

void MachineShare::Refresh() {
  if (clock_() >= told_at_ + kRefresh) Tell();
}

std::string MachineShare::Holders(const std::string& device) const {
  std::set<std::string> holders;  // sorted: the same holders make the same text
  for (const StudyNote& other : others_.value_or(std::vector<StudyNote>())) {
    const auto claim = other.devices.find(device);
    if (claim == other.devices.end() || claim->second.held == 0) continue;
    holders.insert("study '" + other.study + "' (pid " + std::to_string(other.pid) + ", since " +
                   ClockText(other.since) + ")");
  }
  std::string text;
  for (const std::string& holder : holders) text += (text.empty() ? "" : ", ") + holder;
  return text.empty() ? "other studies" : text;
}

/// The folder, to this study alone. Nothing where another keeps it or it was removed just now.
std::optional<UniqueFd> MachineShare::Lock() const {
  if (::mkdir(folder_.c_str(), 0700) != 0 && errno != EEXIST) Fail("cannot make the folder");
  UniqueFd folder(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat status{};
  if (folder.get() < 0 || ::fstat(folder.get(), &status) != 0) Fail("cannot open the folder");
  if (!IsOursAlone(status)) {
    errno = EPERM;
    Fail(kMustBeOurs);
  }
  for (int pauses = 0; ::flock(folder.get(), LOCK_EX | LOCK_NB) != 0; ++pauses) {
    if (errno != EWOULDBLOCK && errno != EINTR) Fail("cannot lock the folder");
    if (pauses == kMostPauses) return std::nullopt;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  if (!IsStill(AT_FDCWD, folder_, folder)) return std::nullopt;
  return folder;
}

// Not synced: after a crash of the machine nobody lives who holds anything.
void MachineShare::Write(const UniqueFd& folder) {
  if (!IsStill(folder.get(), name_, note_)) {
    note_ = UniqueFd(::openat(folder.get(), name_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (note_.get() < 0 || ::flock(note_.get(), LOCK_EX | LOCK_NB) != 0) Fail("cannot make a file");
    others_may_be_absent_ = true;
  }
  std::string text = TextOf(own_);
  text.resize(kNoteBytes, '\n');
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t size = ::pwrite(note_.get(), &text[at], text.size() - at, static_cast<off_t>(at));
    if (size <= 0) Fail("cannot write a file");
    at += static_cast<std::size_t>(size);
  }
}

/// The notes of the living. Nothing where it cannot be known yet what they hold.
std::optional<std::vector<StudyNote>> MachineShare::ReadOthers(const UniqueFd& folder) {
  if (others_may_be_absent_ && SomebodyLostTheirNote(folder)) return std::nullopt;
  others_may_be_absent_ = false;
  std::vector<StudyNote> notes;
  for (const fs::directory_entry& entry : fs::directory_iterator(LinkTo(folder))) {
    const std::string name = entry.path().filename();
    if (!name.ends_with(kNote) || name == name_) continue;
    const UniqueFd file(::openat(folder.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (file.get() < 0 && errno == ENOENT) continue;  // its study has just ended
    if (file.get() < 0) Fail("cannot open a file");
    if (::flock(file.get(), LOCK_SH | LOCK_NB) == 0) {
      ::unlinkat(folder.get(), name.c_str(), 0);
      continue;
    }
    const std::optional<std::string> text = NoteText(file);
    if (!text) Fail("cannot read a file");
    const std::optional<StudyNote> note = NoteFrom(*text);
    if (!note) return std::nullopt;  // damaged; its study lives and writes it again
    notes.push_back(*note);
  }
  return notes;
}

/// Where the others cannot be told now, Refresh and TryTake try again.
void MachineShare::Tell() try {
  told_at_ = clock_();
  if (const std::optional<UniqueFd> locked = Lock()) Write(*locked);
} catch (const Error&) {
}

void MachineShare::Fail(const std::string& what) const {
  throw SystemError(folder_, what + " (BEAMGRID_SHARE_DIR names another folder)", errno);
}

}  // namespace beamgrid

// The one place where what went wrong becomes an exit code.

#include <c10/util/Exception.h>

#include <algorithm>
#include <array>
#include <new>
#include <string_view>

#include "registry/util/system_error.h"
#include "registry/util/text.h"
#include "trainer/component.h"
#include "trainer/data/data_error.h"
#include "trainer/training/failures.h"
#include "trainer/worker/commands.h"

namespace beamgrid::trainer {
namespace {

/// True where a message of LibTorch's means that memory ran out: its CPU allocator and cuBLAS
/// report that as plain errors, without a type of its own.
bool MeansOutOfMemory(const std::string& text) {
  constexpr std::array<std::string_view, 4> kSigns = {
      "can't allocate memory", "not enough memory", "out of memory", "CUBLAS_STATUS_ALLOC_FAILED"};
  return std::ranges::any_of(
      kSigns, [&](std::string_view sign) { return text.find(sign) != std::string::npos; });
}

Ending OutOfMemory(const std::string& what) {
  return {.exit = TrainerExit::kOutOfMemory,
          .failure = FailureKind::kOutOfMemory,
          .message = "out of memory: " + FirstLine(what) +
                     "; try a smaller train.batch or a smaller model",
          .detail = what};
}

/// Of an error of ours, whose words say everything.
Ending Told(TrainerExit exit, FailureKind failure, const std::exception& error) {
  return {.exit = exit, .failure = failure, .message = error.what()};
}

Ending Broken(const std::exception& error) {
  const int code = SystemCode(error);
  if (!IsMachineFault(code)) return {.message = FirstLine(error.what()), .detail = error.what()};
  std::string message = error.what();
  // A message says what to do about it once: SystemError has the fix in its text already.
  const bool says_the_fix = dynamic_cast<const SystemError*>(&error) != nullptr;
  if (!says_the_fix) message += "; " + FixForSystemError(code);
  return {.failure = FailureKind::kEnvironment, .message = FirstLine(message)};
}

}  // namespace

Ending EndingOfCurrentException() {
  // The most derived types first: what is caught first decides.
  try {
    throw;
  } catch (const Interrupted& error) {
    return Told(TrainerExit::kInterrupted, FailureKind::kInterrupted, error);
  } catch (const Diverged& error) {
    return Told(TrainerExit::kDiverged, FailureKind::kDiverged, error);
  } catch (const DataError& error) {
    return Told(TrainerExit::kBadData, FailureKind::kBadData, error);
  } catch (const DataFilesError& error) {
    return Told(TrainerExit::kBadData, FailureKind::kBadData, error);
  } catch (const SpecError& error) {
    return Told(TrainerExit::kBadSpec, FailureKind::kBadSpec, error);
  } catch (const UsageError& error) {
    return Told(TrainerExit::kBadSpec, FailureKind::kBadSpec, error);
  } catch (const std::invalid_argument& error) {
    return Told(TrainerExit::kBadSpec, FailureKind::kBadSpec, error);
  } catch (const c10::Error& error) {
    const std::string first_line = FirstLine(error.what_without_backtrace());
    if (MeansOutOfMemory(error.what_without_backtrace())) return OutOfMemory(first_line);
    return {.message = "LibTorch: " + first_line, .detail = error.what()};
  } catch (const std::bad_alloc& error) {
    return OutOfMemory(error.what());
  } catch (const std::exception& error) {
    return Broken(error);
  }
}

}  // namespace beamgrid::trainer
